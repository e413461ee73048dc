"""Config fields as argparse flags, and flags with a config file as a BuildConfig."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

from edgedigits.config import READING, SECTIONS, BuildConfig
from edgedigits.config_file import make_config, read_config_file
from edgedigits.options import flag_of, parse_option

_UNSET = argparse.SUPPRESS


def add_config_arguments(parser: argparse.ArgumentParser, sections: tuple[str, ...] = tuple(SECTIONS)) -> None:
    """Add a flag for every field of `sections`, grouped by section; flags not given leave no attribute."""
    for section in sections:
        group = parser.add_argument_group(section, SECTIONS[section].__doc__)
        for option_field in fields(SECTIONS[section]):
            _add_flag(group, section, option_field)


def add_some_arguments(parser: argparse.ArgumentParser, title: str, *options: tuple[str, str]) -> None:
    """Add a group of the flags of some fields, each given as section and name; the same flags as `build` has."""
    group = parser.add_argument_group(title)
    for section, name in options:
        _add_flag(group, section, _field(section, name))


def add_reading_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say how a source of digits is read, the same for every verb that reads one."""
    title = "how the digits are read, as for build (default: as the build did, on its own source)"
    add_some_arguments(parser, title, *(("data", name) for name in READING))


def given_reading(args: argparse.Namespace) -> dict[str, Any]:
    """Return what the flags of `add_reading_arguments` say, as `load_subject_digits` takes it by name.

    Raises:
        ConfigError: a value is wrong.
    """
    return {name: value for name, value in _given(args).get("data", {}).items() if name in READING}


def _add_flag(group: Any, section: str, option_field: Field[Any]) -> None:
    flag, dest = flag_of(option_field), f"{section}.{option_field.name}"
    text = option_field.metadata["help"]
    if option_field.type == "bool":
        group.add_argument(flag, dest=dest, action=argparse.BooleanOptionalAction, default=_UNSET, help=text)
    else:
        shown = _shown_default(option_field.default)
        metavar = option_field.metadata["metavar"] or "N"
        group.add_argument(flag, dest=dest, default=_UNSET, metavar=metavar, help=text + shown)


def _field(section: str, name: str) -> Field[Any]:
    return next(one for one in fields(SECTIONS[section]) if one.name == name)


def _shown_default(default: Any) -> str:
    if default in ("", (), 0.0):
        return ""
    return f" (default: {','.join(map(str, default)) if isinstance(default, tuple) else default})"


def config_from_arguments(args: argparse.Namespace, config_file: str | None) -> BuildConfig:
    """Merge defaults, the config file and the flags; flags win.

    Raises:
        DataError: the config file cannot be read.
        ConfigError: a value is wrong.
    """
    values: dict[str, dict[str, Any]] = read_config_file(Path(config_file)) if config_file else {}
    for section, given in _given(args).items():
        values.setdefault(section, {}).update(given)
    return make_config(values)


def flags_without_effect(args: argparse.Namespace, config: BuildConfig) -> list[str]:
    """Return a sentence for each flag given that does nothing without another, such as --sparsity without --prune."""
    notes = []
    for section, given in _given(args).items():
        for option_field in fields(SECTIONS[section]):
            needs = config.missing_need(section, option_field.name) if option_field.name in given else None
            if needs:
                needed = _field(needs[0], needs[1])
                notes.append(f"{flag_of(option_field)} has no effect {_condition(flag_of(needed), needs[2])}.")
    return notes


def _condition(flag: str, value: Any) -> str:
    if isinstance(value, bool):
        return f"{'without' if value else 'with'} {flag}"
    return f"without {flag} {value}"


def _given(args: argparse.Namespace) -> Mapping[str, Mapping[str, Any]]:
    given: dict[str, dict[str, Any]] = {}
    for dest, raw in vars(args).items():
        section, dot, name = dest.partition(".")
        if dot:
            option_field = _field(section, name)
            given.setdefault(section, {})[name] = parse_option(option_field, raw, flag_of(option_field))
    return given
