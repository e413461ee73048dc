"""Config from and to files: TOML, or the manifest of an earlier build."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from edgedigits.compression_sections import FOURS_SPARSITY, WHOLE_BITS
from edgedigits.config import BuildConfig, Sections
from edgedigits.errors import ConfigError, DataError, nearest, shown
from edgedigits.extensions import refuse_absent
from edgedigits.files.listing import SCHEMA
from edgedigits.files.regular import read_text
from edgedigits.files.toml import read_toml
from edgedigits.frontier import MANIFEST, model_folder
from edgedigits.losses.catalogue import OWN_PARAMETERS
from edgedigits.needs import BUDGETS
from edgedigits.options import Below, Need, parse_option, shown_value
from edgedigits.recipes import Choices, recipe_for

Kind = TypeVar("Kind", bound=Sections)

_PLACES = (("output", "out"), ("output", "tensorboard"), ("teacher", "out"))
"""Options that say where something is written, not what."""
_RARE = (("engine", "core"), ("engine", "list_room"))
"""Options that tables say nothing of where nothing was chosen."""


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
    refuse_absent(manifest.get("extensions"), path)
    return manifest["config"]


def make_config(sections: Choices) -> BuildConfig:
    """Build the config from parsed values; what is not named keeps its default."""
    return make_choices(sections, BuildConfig)


def make_choices(sections: Choices, kind: type[Kind]) -> Kind:
    """Return choices of a kind from parsed values; what is not named is a default, or of a budget's recipe.

    Raises:
        ConfigError: two of them contradict each other.
    """
    known = kind.sections()
    return kind(**{name: known[name](**values) for name, values in over(_what_follows(sections), sections).items()})


def _what_follows(asked: Choices) -> Choices:
    """Return the choices that follow from those asked for: of a budget, of two weights of four, or of a codebook."""
    budget, prune = asked.get("budget", {}), asked.get("prune", {})
    limits = [budget.get(name, 0) for name in BUDGETS]
    if any(limits):
        return recipe_for(*limits)
    follows = {"prune": {"sparsity": FOURS_SPARSITY}} if prune.get("granularity") == "2:4" else {}
    aware = any(asked.get(section, {}).get("enabled") for section in ("joint", "qat"))
    if asked.get("levels", {}).get("weight_bits", WHOLE_BITS) < WHOLE_BITS and not aware:
        follows["qat"] = {"per_tensor": True}
    return follows


def over(first: Choices, second: Choices) -> dict[str, dict[str, Any]]:
    """Return choices with the second ones over the first."""
    return {name: {**first.get(name, {}), **second.get(name, {})} for name in {**first, **second}}


GENTLE = {
    ("training", "learning_rate"): 1 / 6,
    ("training", "epochs"): 0.1,
    ("prune", "epochs"): 0.2,
    ("qat", "epochs"): 0.25,
    ("joint", "epochs"): 0.2,
}
"""Shares of a build's rate and epochs with which another one trains on from it, by section and name."""


def with_start(written: Choices, flags: Choices, kind: type[Sections]) -> dict[str, dict[str, Any]]:
    """Return choices over those of the build that they start from: of these the digits and the remark stay behind.

    Hidden widths are those of its file, which has fewer neurons than it was trained with where some were taken out.
    Trained weights are taught on gently, so that they do not forget: where nobody says otherwise, at a share of that
    build's rate and for a share of its epochs. One that was taught on itself was so already.

    Args:
        written: in a file or a mapping.
        flags: that win over it; they are not in what is returned.
        kind: of choices.

    Raises:
        ConfigError: there is no such build.
        DataError, UnsupportedModelError: its `.tflite` cannot be read.
    """
    start = over(written, flags).get("training", {}).get("start")
    there = read_config_file(model_folder(start) / MANIFEST, kind) if start else {}
    if start and "model" in there:
        there = over(there, {"model": _model_of(model_folder(start))})
    kept = {name: values for name, values in there.items() if name not in ("data", "output")}
    was_taught = bool(kept.get("training", {}).get("start"))
    return over(kept if was_taught else over(kept, _gentle(kept)), written)


def _model_of(folder: Path) -> dict[str, Any]:
    """Return what the `.tflite` of a build says of [model]; nothing where it is not there."""
    # NumPy comes with them: only a build that starts from another one reads a model.
    from edgedigits.build_folder import MODEL
    from edgedigits.model.contract import dense_weights
    from edgedigits.model.reader import read_tflite

    if not (folder / MODEL).is_file():
        return {}
    return {"hidden": [weights.shape[0] for weights in dense_weights(read_tflite(folder / MODEL))[:-1]]}


def _gentle(there: Choices) -> dict[str, dict[str, Any]]:
    """Return the rate and epochs to train on with, of those a build was made with."""
    found: dict[str, dict[str, Any]] = {}
    for (section, name), share in GENTLE.items():
        if value := there.get(section, {}).get(name):
            of_epochs = isinstance(value, int)
            found.setdefault(section, {})[name] = max(1, round(value * share)) if of_epochs else value * share
    return found


def idle(given: Choices, made: Sections) -> Iterator[tuple[str, str, Need]]:
    """Yield section and name of each option given that has no effect, and the choice that it needs."""
    for section, options in given.items():
        for name in options:
            need = made.missing_need(section, name)
            if need:
                yield section, name, need


def refuse_idle_keys(written: Choices, made: Sections, where: str, flags: Choices | None = None) -> None:
    """Refuse a key of a file or a mapping that changes nothing.

    One that a switch of the file, or a flag, has put out of use may stay; so may all of a table that names every
    option, as those of a manifest do.

    Args:
        written: what it says.
        made: what came of it.
        where: its name, for the message.
        flags: that win over it.

    Raises:
        ConfigError: there is such a key.
    """
    for section, name, (other, key, value) in idle(written, made):
        switched_off = isinstance(value, (bool, Below)) and key in written.get(other, {})
        if not (switched_off or key in (flags or {}).get(other, {}) or _is_whole(section, written[section], made)):
            raise ConfigError(
                f"{where}: [{section}] {name} has no effect without {key} = {json.dumps(value)} under [{other}].",
                hint="Leave it out, or write that.",
            )


def _is_whole(section: str, table: Mapping[str, Any], made: Sections) -> bool:
    absent = {name for of, name in _RARE if of == section} | _left_out(section, made)
    return all(one.name in table or one.name in absent for one in fields(made.sections()[section]))


def _left_out(section: str, made: Sections) -> set[str]:
    """Return the options that no manifest names: places, and parameters of losses of the user's that are not chosen."""
    own = OWN_PARAMETERS.items() if section == "loss" else ()
    idle_own = {name for name, loss in own if loss.name != getattr(made, section).name}
    return {name for of, name in _PLACES if of == section} | idle_own


def to_tables(config: Sections) -> dict[str, dict[str, Any]]:
    """Return every choice that shapes the result as JSON- and TOML-serialisable tables.

    `read_config_file` takes them back. Where the result is written is left out: two builds of the same choices are
    the same build.
    """
    tables = dataclasses.asdict(config)
    for section, table in tables.items():
        for name in _left_out(section, config):
            table.pop(name, None)
    if isinstance(config, BuildConfig):
        tables["engine"] = config.engine.table()
    if "prune" in tables:
        tables["prune"]["layer_sparsity"] = dict(tables["prune"]["layer_sparsity"])
    tables["training"]["batch_size"] = tables["training"]["batch_size"] or "full"
    return tables
