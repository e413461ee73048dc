"""Config from and to files: TOML, or the manifest of an earlier build."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from edgedigits.config import BuildConfig, Sections
from edgedigits.errors import ConfigError, DataError, nearest, shown
from edgedigits.files.listing import SCHEMA
from edgedigits.files.regular import read_text
from edgedigits.files.toml import read_toml
from edgedigits.options import parse_option, shown_value
from edgedigits.recipes import recipe_for

Kind = TypeVar("Kind", bound=Sections)

_PLACES = (("output", "out"), ("output", "tensorboard"), ("teacher", "out"))
"""Options that say where something is written, not what."""


def parse_sections(
    tables: Mapping[str, Any], where: str, *, prefix: str = "", kind: type[Sections] = BuildConfig
) -> dict[str, dict[str, Any]]:
    """Check tables of a TOML file or a manifest and return {section: {field: value}}.

    Args:
        tables: by section.
        where: what they are from, for messages.
        prefix: of their names there, such as "base.".
        kind: of choices that they are.

    Raises:
        ConfigError: an unknown table or key (the nearest is named), or a wrong value.
    """
    parsed: dict[str, dict[str, Any]] = {}
    sections = kind.sections()
    for section, table in tables.items():
        if section not in sections:
            name = shown(section)
            raise ConfigError(f"{where}: there is no table [{prefix}{name}].", hint=nearest(section, sections))
        if not isinstance(table, Mapping):
            raise ConfigError(
                f"{where}: {prefix}{section} is {shown_value(table)}, expected a table.",
                hint=f"Write it as [{prefix}{section}].",
            )
        known = {option_field.name: option_field for option_field in fields(sections[section])}
        for key in table:
            if key not in known:
                raise ConfigError(f"{where}: [{prefix}{section}] has no key '{shown(key)}'.", hint=nearest(key, known))
        parsed[section] = {
            key: parse_option(known[key], raw, f"{where}: [{prefix}{section}] {key}") for key, raw in table.items()
        }
    return parsed


def read_config_file(path: Path, kind: type[Sections] = BuildConfig) -> dict[str, dict[str, Any]]:
    """Read a TOML file, or the config of a manifest.json, as {section: {field: value}}.

    Args:
        path: of the file.
        kind: of choices that it holds.

    Raises:
        DataError: the file is missing, unreadable, or neither TOML nor a manifest.
        ConfigError: a table, key or value is wrong.
    """
    try:
        tables = _config_of(json.loads(read_text(path)), path) if path.suffix == ".json" else read_toml(path)
    except FileNotFoundError:
        raise DataError(
            f"{path}: no such file.", hint="--config takes a TOML file or a build's manifest.json."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error}).", hint="--config takes a text file in TOML.") from None
    except (ValueError, RecursionError) as error:
        # Beside its own errors a parser lets those of Python through, for endless numbers and bottomless lists.
        raise DataError(f"{path}: not valid {'JSON' if path.suffix == '.json' else 'TOML'}: {error}.") from None
    except (AttributeError, KeyError):
        tables = None
    if not isinstance(tables, Mapping):
        raise DataError(f"{path}: holds no 'config'.", hint="Give the manifest.json of a build.")
    return parse_sections(tables, str(path), kind=kind)


def _config_of(manifest: Any, path: Path) -> Any:
    schema = manifest.get("schema", SCHEMA)
    if isinstance(schema, int) and schema > SCHEMA:
        raise DataError(f"{path}: it is of a newer edgedigits, whose choices are others.", hint="Update edgedigits.")
    return manifest["config"]


def make_config(sections: Mapping[str, Mapping[str, Any]]) -> BuildConfig:
    """Build the config from parsed values; what is not named keeps its default."""
    return make_choices(sections, BuildConfig)


def make_choices(sections: Mapping[str, Mapping[str, Any]], kind: type[Kind]) -> Kind:
    """Return choices of a kind from parsed values; what is not named is a default, or of a budget's recipe.

    Raises:
        ConfigError: two of them contradict each other.
    """
    known, budget = kind.sections(), sections.get("budget", {})
    if any(budget.get(name) for name in ("constants", "flash")):
        if sections.get("joint", {}).get("enabled") is False:
            raise ConfigError(
                "[budget] and [joint] enabled = false contradict each other: a budget is met by joint training.",
                hint="Leave one of them out.",
            )
        recipe = recipe_for(budget.get("constants", 0), budget.get("flash", 0))
        sections = {name: {**recipe.get(name, {}), **sections.get(name, {})} for name in {**recipe, **sections}}
    return kind(**{name: known[name](**values) for name, values in sections.items()})


def to_tables(config: Sections) -> dict[str, dict[str, Any]]:
    """Return every choice that shapes the result as JSON- and TOML-serialisable tables.

    `read_config_file` takes them back. Where the result is written is left out: two builds of the same choices are
    the same build.
    """
    tables = dataclasses.asdict(config)
    for section, name in _PLACES:
        tables.get(section, {}).pop(name, None)
    if "prune" in tables:
        tables["prune"]["layer_sparsity"] = dict(tables["prune"]["layer_sparsity"])
    tables["training"]["batch_size"] = tables["training"]["batch_size"] or "full"
    return tables
