"""Config fields as argparse flags, and flags with a config file as a BuildConfig."""

from __future__ import annotations

import argparse
from dataclasses import Field, fields
from typing import Any, NoReturn

from edgedigits import config
from edgedigits.config import BuildConfig
from edgedigits.config_file import Kind, idle, make_choices, over, read_config_file, refuse_idle_keys, with_start
from edgedigits.discovery import extension_of
from edgedigits.errors import ConfigError
from edgedigits.files.paths import user_path
from edgedigits.losses.catalogue import OWN_PARAMETERS
from edgedigits.options import flag_of, parse_option
from edgedigits.recipes import Choices
from edgedigits.sections import READING

_UNSET = argparse.SUPPRESS


def add_config_arguments(parser: argparse.ArgumentParser, kind: type[config.Sections] = BuildConfig) -> None:
    """Add a flag for every field of a kind of choices, grouped by section; flags not given leave no attribute."""
    for section, of_section in kind.sections().items():
        group = parser.add_argument_group(section, of_section.__doc__)
        for option_field in fields(of_section):
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
    return {name: value for name, value in _given(args, BuildConfig).get("data", {}).items() if name in READING}


def given_choices(args: argparse.Namespace) -> Choices:
    """Return what the flags of a build's options say, by section and field.

    Raises:
        ConfigError: a value is wrong.
    """
    return _given(args, BuildConfig)


def _add_flag(group: Any, section: str, option_field: Field[Any]) -> None:
    flag, dest = flag_of(option_field), f"{section}.{option_field.name}"
    told = {"dest": dest, "default": _UNSET, "help": option_field.metadata["help"]}
    if option_field.type == "bool":
        told |= {"action": argparse.BooleanOptionalAction}
    else:
        told["help"] += _shown_default(option_field.default)
        action = "append" if option_field.metadata["repeated"] else "store"
        told |= {"action": action, "metavar": option_field.metadata["metavar"] or "N"}
    try:
        group.add_argument(flag, **told)
    except argparse.ArgumentError as error:
        _refuse_own_flag(option_field.name, flag, error)


def _refuse_own_flag(name: str, flag: str, error: argparse.ArgumentError) -> NoReturn:
    """Tell that a parameter of a loss of the user's would be a flag that there is already."""
    file = extension_of(OWN_PARAMETERS.get(name))
    if file is None:
        raise error
    raise ConfigError(
        f"{file.path}: a parameter cannot be called '{name}': there is another {flag}.", hint="Give it another name."
    ) from None


def _field(section: str, name: str, kind: type[config.Sections] = BuildConfig) -> Field[Any]:
    return next(option_field for option_field in fields(kind.sections()[section]) if option_field.name == name)


def _shown_default(default: Any) -> str:
    if default in ("", (), 0.0):
        return ""
    return f" (default: {','.join(map(str, default)) if isinstance(default, tuple) else default})"


def config_from_arguments(args: argparse.Namespace, config_file: str | None) -> BuildConfig:
    """Return a build's choices, as `choices_from_arguments`."""
    return choices_from_arguments(args, config_file, BuildConfig)


def choices_from_arguments(args: argparse.Namespace, config_file: str | None, kind: type[Kind]) -> Kind:
    """Merge defaults, the config file and the flags; flags win.

    Args:
        args: of a parser with the flags of this kind.
        config_file: TOML or a manifest.json.
        kind: of choices.

    Raises:
        DataError: the config file cannot be read, or the digits of a manifest are not here.
        ConfigError: a value is wrong, or an option changes nothing.
    """
    path = user_path(config_file) if config_file else None
    written = read_config_file(path, kind) if path else {}
    flags = _given(args, kind)
    written = with_start(written, flags, kind)
    manifest = path if path and path.suffix == ".json" else None
    other_digits = "source" in flags.get("data", {})
    if manifest and other_digits:
        written.get("output", {}).pop("note", None)  # It is of the digits that it came with.
    sections = over(written, flags)
    _refuse_nothing(flags, written)
    made = make_choices(sections, kind)
    _refuse_idle_flags(flags, made)
    # A manifest names every choice, those that change nothing as well.
    if path and not manifest:
        refuse_idle_keys(written, made, str(path), flags)
    if manifest and not other_digits:
        from edgedigits.data.load import require_here

        require_here(sections.get("data", {}).get("source", ""), manifest)
    return made


def _refuse_nothing(flags: Choices, written: Choices) -> None:
    """Refuse a budget of nothing, but where it puts that of a file out of use."""
    for name, limit in flags.get("budget", {}).items():
        if limit == 0 and not written.get("budget", {}).get(name):
            flag = flag_of(_field("budget", name))
            raise ConfigError(f"{flag} is 0, in which nothing fits.", hint="Leave it out for no budget, or take more.")


def _refuse_idle_flags(flags: Choices, made: config.Sections) -> None:
    """Refuse a flag that does nothing without another, such as --sparsity without --prune."""
    for section, name, (other, key, value) in idle(flags, made):
        flag, needed = (flag_of(_field(*one, type(made))) for one in ((section, name), (other, key)))
        if not value:
            raise ConfigError(f"{flag} has no effect with {needed}.", hint="Leave one of them out.")
        needed += "" if value is True else f" {value}"
        raise ConfigError(f"{flag} has no effect without {needed}.", hint=f"Leave it out, or add {needed}.")


def _given(args: argparse.Namespace, kind: type[config.Sections]) -> Choices:
    given: dict[str, dict[str, Any]] = {}
    for dest, raw in vars(args).items():
        section, dot, name = dest.partition(".")
        if dot:
            option_field = _field(section, name, kind)
            given.setdefault(section, {})[name] = parse_option(option_field, raw, flag_of(option_field))
    return given
