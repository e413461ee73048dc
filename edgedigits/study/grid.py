"""A study's file → its trials: every combination, a list, or a random sample.

    [study]
    sampling = "grid"                      # or "list", "random"
    trials = 40                            # random: how many
    seed = 1                               # random: of the sample

    [base.training]                        # what all trials share, as in a build's file
    epochs = 5

    [axes]
    loss = ["cross-entropy", "focal"]
    gamma = { values = [1, 2], when = { loss = "focal" } }
    lr = { low = 1e-4, high = 1e-1, log = true }      # random only
    seed = [1, 2, 3]

    [[trial]]                              # list: the axes' values, one table a trial
    loss = "mse"

An axis with `when` is left out where another axis has none of the values named.
"""

from __future__ import annotations

import itertools
import json
import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgedigits.config import BuildConfig
from edgedigits.config_file import make_config, parse_sections, to_tables
from edgedigits.errors import ConfigError, DataError, nearest
from edgedigits.study.axes import FLOAT32, INT8, Axis, Choices, find_axis, merge, settle_scales

SAMPLINGS = ("grid", "list", "random")
MOST_TRIALS = 100_000
_TABLES = ("study", "base", "axes", "trial")
_STUDY_KEYS = ("sampling", "trials", "seed")
_AXIS_KEYS = ("values", "when", "low", "high", "log", "integer")


@dataclass(frozen=True)
class PlannedTrial:
    """One build to make.

    Attributes:
        values: the axes' values as written, by the axes' names.
        config: every choice.
        scored: "int8": the deployed file; "float32": its float twin, for quantization = "none".
    """

    values: dict[str, Any]
    config: BuildConfig
    scored: str

    @property
    def identity(self) -> dict[str, Any]:
        """What shapes the result, as JSON values."""
        tables = to_tables(self.config)
        del tables["output"]
        return {"config": tables, "scored": self.scored}


@dataclass(frozen=True)
class _Swept:
    axis: Axis
    values: tuple[Any, ...]
    span: tuple[float, float] | None
    log: bool
    integer: bool
    when: dict[str, tuple[Any, ...]]

    def wanted(self, others: Mapping[str, Any]) -> bool:
        return all(others.get(name) in allowed for name, allowed in self.when.items())

    def draw(self, random: np.random.Generator) -> Any:
        if self.span is None:
            return self.values[int(random.integers(len(self.values)))]
        low, high = self.span
        value = math.exp(random.uniform(math.log(low), math.log(high))) if self.log else random.uniform(low, high)
        return round(value) if self.integer else float(f"{value:.4g}")


def read_grid(path: Path) -> tuple[PlannedTrial, ...]:
    """Read a study's TOML file.

    Raises:
        DataError: the file is missing or not TOML.
        ConfigError: a table, axis or value is unknown or wrong, or there is no trial at all.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{path}: no such file.", hint="Give a study's TOML file, or report-table.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error}).", hint="Give a study's TOML file.") from None
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{path}: not valid TOML: {error}.") from None
    return plan_grid(tables, str(path))


def plan_grid(tables: Mapping[str, Any], where: str) -> tuple[PlannedTrial, ...]:
    """Return the trials of a study, without repetitions, in the order of the file.

    Args:
        tables: as in the TOML file.
        where: its name, for messages.

    Raises:
        ConfigError: as `read_grid`.
    """
    _check_keys(tables, _TABLES, where, "table")
    study = tables.get("study", {})
    _check_keys(study, _STUDY_KEYS, f"{where}: [study]", "key")
    sampling = study.get("sampling", "list" if "trial" in tables else "grid")
    if sampling not in SAMPLINGS:
        raise ConfigError(f"{where}: [study] sampling is {sampling!r}.", hint=nearest(str(sampling), SAMPLINGS))
    base = parse_sections(tables.get("base", {}), f"{where}: [base]")
    if sampling == "list":
        found = _from_list(tables.get("trial", []), base, where)
    else:
        swept = _ordered([_read_axis(name, raw, where) for name, raw in tables.get("axes", {}).items()], where)
        points = _combinations(swept, where) if sampling == "grid" else _sample(swept, study, where)
        axes = {one.axis.name: one.axis for one in swept}
        found = [_trial(point, axes, base, f"{where}: [axes]") for point in points]
    if not found:
        raise ConfigError(f"{where} plans no trial.", hint="Give at least one axis in [axes], or a [[trial]].")
    return _without_repetitions(found)


def _check_keys(table: Any, known: tuple[str, ...], where: str, kind: str) -> None:
    if not isinstance(table, Mapping):
        raise ConfigError(f"{where} is {table!r}, expected a table.")
    for key in table:
        if key not in known:
            raise ConfigError(f"{where}: there is no {kind} '{key}'.", hint=nearest(key, known))


def _read_axis(name: str, raw: Any, where: str) -> _Swept:
    place = f"{where}: [axes]"
    axis = find_axis(name, place)
    if not isinstance(raw, Mapping):
        raw = {"values": raw}
    _check_keys(raw, _AXIS_KEYS, f"{place} {name}", "key")
    when = {key: tuple(_listed(value)) for key, value in raw.get("when", {}).items()}
    if "values" in raw:
        values = tuple(_listed(raw["values"]))
        if not values:
            raise ConfigError(f"{place} {name} has no values.", hint="Give at least one, or leave the axis out.")
        for value in values:
            axis.apply(value, f"{place} {name}")
        return _Swept(axis, values, None, False, False, when)
    try:
        low, high = float(raw["low"]), float(raw["high"])
    except (KeyError, TypeError, ValueError):
        raise ConfigError(
            f"{place} {name} has neither values nor low and high.", hint="Give one or the other."
        ) from None
    log = bool(raw.get("log", False))
    if not low < high or (log and low <= 0):
        raise ConfigError(f"{place} {name} goes from {low:g} to {high:g}.", hint="Choose 0 < low < high.")
    integer = bool(raw.get("integer", isinstance(raw["low"], int) and isinstance(raw["high"], int)))
    return _Swept(axis, (), (low, high), log, integer, when)


def _listed(raw: Any) -> list[Any]:
    return list(raw) if isinstance(raw, list) else [raw]


def _ordered(swept: list[_Swept], where: str) -> list[_Swept]:
    """Put axes behind those that their conditions name."""
    names = [one.axis.name for one in swept]
    for one in swept:
        for name in one.when:
            if name not in names:
                raise ConfigError(
                    f"{where}: [axes] {one.axis.name} depends on '{name}', which is no axis here.",
                    hint=nearest(name, names),
                )
    ordered: list[_Swept] = []
    while len(ordered) < len(swept):
        known = {one.axis.name for one in ordered}
        ready = [one for one in swept if one not in ordered and set(one.when) <= known]
        if not ready:
            raise ConfigError(f"{where}: the conditions of [axes] depend on one another in a circle.")
        ordered.append(ready[0])
    return ordered


def _combinations(swept: list[_Swept], where: str) -> Iterator[dict[str, Any]]:
    for one in swept:
        if one.span is not None:
            raise ConfigError(
                f"{where}: [axes] {one.axis.name} is a range, which a grid cannot take.",
                hint='List its values, or set sampling = "random".',
            )
    if not swept:
        return
    if math.prod(len(one.values) for one in swept) > MOST_TRIALS:
        raise ConfigError(f"{where} plans more than {MOST_TRIALS:,} trials.", hint="Take fewer values, or sample.")
    for values in itertools.product(*(one.values for one in swept)):
        yield _met({one.axis.name: value for one, value in zip(swept, values, strict=True)}, swept)


def _met(point: dict[str, Any], swept: list[_Swept]) -> dict[str, Any]:
    """Return the point without the axes whose condition does not hold."""
    kept: dict[str, Any] = {}
    for one in swept:
        if one.wanted(kept):
            kept[one.axis.name] = point[one.axis.name]
    return kept


def _sample(swept: list[_Swept], study: Mapping[str, Any], where: str) -> Iterator[dict[str, Any]]:
    count = study.get("trials", 0)
    if not isinstance(count, int) or not 1 <= count <= MOST_TRIALS:
        raise ConfigError(
            f"{where}: [study] trials is {count!r}, expected an integer from 1 to {MOST_TRIALS:,}.",
            hint="A random study needs to know how many trials.",
        )
    random = np.random.Generator(np.random.PCG64(int(study.get("seed", 0))))
    if swept:
        for _ in range(count):
            yield _met({one.axis.name: one.draw(random) for one in swept}, swept)


def _from_list(rows: Any, base: Choices, where: str) -> list[PlannedTrial]:
    found = []
    for number, row in enumerate(rows if isinstance(rows, list) else [rows], start=1):
        place = f"{where}: [[trial]] {number}"
        axes = {name: find_axis(name, place) for name in row}
        found.append(_trial(row, axes, base, place))
    return found


def _trial(point: Mapping[str, Any], axes: Mapping[str, Axis], base: Choices, where: str) -> PlannedTrial:
    choices, scored = base, INT8
    for name, value in point.items():
        chosen, kind = axes[name].apply(value, f"{where} {name}")
        choices = merge(choices, chosen)
        scored = FLOAT32 if kind == FLOAT32 else scored
    return PlannedTrial(dict(point), make_config(settle_scales(choices, point, where)), scored)


def _without_repetitions(trials: list[PlannedTrial]) -> tuple[PlannedTrial, ...]:
    return tuple({json.dumps(one.identity, sort_keys=True): one for one in reversed(trials)}.values())[::-1]
