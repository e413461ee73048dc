"""A study's file → its trials: every combination, a list, or a random sample.

    [base.training]                        # what all trials share, as in a build's file
    epochs = 5

    [axes]
    loss = ["cross-entropy", "focal"]
    gamma = { values = [1, 2], when = { loss = "focal" } }
    "training.patience" = 2                # a long name is quoted
    seed = [1, 2, 3]

An axis with `when` is left out where another axis has none of the values named. A random sample also takes ranges:

    [study]
    sampling = "random"
    trials = 40                            # different from each other
    seed = 1                               # of the sample

    [axes]
    lr = { low = 1e-4, high = 1e-1, log = true }

And a list names its trials one by one:

    [[trial]]
    loss = "mse"

    [[trial]]
    loss = "focal"
    gamma = 1
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgedigits.config import BuildConfig
from edgedigits.config_file import make_config, parse_sections, to_tables
from edgedigits.errors import ConfigError, DataError, nearest
from edgedigits.files.toml import read_toml
from edgedigits.study.kinds import planned_kinds
from edgedigits.study.plan.axes import FLOAT32, INT8, UNSWEEPABLE, Axis, Choices, find_axis, merge, settle_scales
from edgedigits.study.plan.swept import Swept, check_keys, check_table, read_axes, refuse_conflicts, refuse_unquoted
from edgedigits.study.plan.without_effect import Remedy, refuse_without_effect, remedy_in_axes, remedy_in_trial

SAMPLINGS = ("grid", "list", "random")
MOST_TRIALS = 100_000
_MOST_IDLE = 100_000
"""Draws in a row that bring nothing new, after which a random sample gives up."""
_TABLES = ("study", "base", "axes", "trial")
_STUDY_KEYS = ("sampling", "trials", "seed")


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
        for section in UNSWEEPABLE:
            del tables[section]
        return {"config": tables, "scored": self.scored}


def read_grid(path: Path) -> tuple[PlannedTrial, ...]:
    """Read a study's TOML file.

    Raises:
        DataError: the file is missing or not TOML.
        ConfigError: a table, axis or value is unknown or wrong, contradicts another or has no effect, or there is no
            trial at all.
    """
    try:
        tables = read_toml(path)
    except FileNotFoundError:
        raise DataError(
            f"{path}: no such file.", hint=f"Give a study's TOML file, or {', '.join(planned_kinds())}."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error}).", hint="Give a study's TOML file.") from None
    except (ValueError, RecursionError) as error:
        # tomllib lets Python's own error through for an endless number.
        raise DataError(f"{path}: not valid TOML: {error}.", hint="Mend it there.") from None
    return plan_grid(tables, str(path))


def plan_grid(tables: Mapping[str, Any], where: str) -> tuple[PlannedTrial, ...]:
    """Return the trials of a study, without repetitions, in the order of the file.

    Args:
        tables: as in the TOML file.
        where: its name, for messages.

    Raises:
        ConfigError: as `read_grid`.
    """
    check_keys(tables, _TABLES, where, "table")
    study = tables.get("study", {})
    sampling = _read_sampling(study, tables, where)
    base = _read_base(tables.get("base", {}), where)
    if sampling == "list":
        found = _from_list(tables.get("trial", []), base, where)
    else:
        swept = read_axes(tables.get("axes", {}), where)
        axes = {one.axis.name: one.axis for one in swept}

        def planned(point: Mapping[str, Any]) -> PlannedTrial:
            return _trial(point, axes, base, f"{where}: [axes]", lambda need: remedy_in_axes(need, swept))

        if sampling == "grid":
            found = [planned(point) for point in _combinations(swept, where)]
        else:
            found = _sample(swept, study, planned, where)
    if not found:
        raise ConfigError(f"{where} plans no trial.", hint="Give at least one axis in [axes], or a [[trial]].")
    return _without_repetitions(found)


def _read_sampling(study: Any, tables: Mapping[str, Any], where: str) -> str:
    """Return how trials are chosen, and check that nothing is written which that does not read."""
    place = f"{where}: [study]"
    check_keys(study, _STUDY_KEYS, place, "key")
    if "trial" in tables and "axes" in tables:
        raise ConfigError(f"{where} has both [axes] and [[trial]].", hint="Keep one: axes to combine, or a list.")
    sampling = str(study.get("sampling", "list" if "trial" in tables else "grid"))
    if sampling not in SAMPLINGS:
        raise ConfigError(f"{place} sampling is {study['sampling']!r}.", hint=nearest(sampling, SAMPLINGS))
    unread, read = ("axes", "[[trial]]") if sampling == "list" else ("trial", "[axes]")
    if unread in tables:
        raise ConfigError(
            f'{place} sampling is "{sampling}", which takes {read}.',
            hint=f"Leave sampling out, or write {read}.",
        )
    for key in ("trials", "seed"):
        if key in study and sampling != "random":
            wanted = "write seed = [1, 2, 3] under [axes]" if key == "seed" else 'set sampling = "random"'
            raise ConfigError(
                f'{place} {key} is of a random sample, and sampling is "{sampling}".',
                hint=f"Leave it out, or {wanted}.",
            )
    return sampling


def _read_base(table: Any, where: str) -> Choices:
    place = f"{where}: [base]"
    check_table(table, place)
    for section, reason in UNSWEEPABLE.items():
        if section in table:
            raise ConfigError(f"{where}: [base.{section}] {reason}.", hint="Leave it out of a study.")
    return parse_sections(table, where, prefix="base.")


def _combinations(swept: list[Swept], where: str) -> Iterator[dict[str, Any]]:
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


def _met(point: dict[str, Any], swept: list[Swept]) -> dict[str, Any]:
    """Return the point without the axes whose condition does not hold."""
    kept: dict[str, Any] = {}
    for one in swept:
        if one.wanted(kept):
            kept[one.axis.name] = point[one.axis.name]
    return kept


def _sample(
    swept: list[Swept], study: Mapping[str, Any], planned: Callable[[Mapping[str, Any]], PlannedTrial], where: str
) -> list[PlannedTrial]:
    """Draw as many different trials as are asked for."""
    count, seed = _count_and_seed(study, f"{where}: [study]")
    import numpy as np

    random = np.random.Generator(np.random.PCG64(seed))
    found: dict[str, PlannedTrial] = {}
    drawn: set[str] = set()
    idle = 0
    while swept and len(found) < count:
        point = _met({one.axis.name: one.draw(random) for one in swept}, swept)
        before = len(found)
        if (words := repr(point)) not in drawn:
            drawn.add(words)
            trial = planned(point)
            found.setdefault(_key(trial), trial)
        idle = idle + 1 if len(found) == before else 0
        # Where another is left, even one a tenth as likely as those found, this happens once in e²⁰ times.
        if idle > min(100 + 200 * len(found), _MOST_IDLE):
            ranges = any(one.span for one in swept)
            raise ConfigError(
                f"{where}: [study] trials is {count:,}, and the axes make only {len(found):,} different ones.",
                hint="Ask for no more" + ("." if ranges else ', or set sampling = "grid".'),
            )
    return list(found.values())


def _count_and_seed(study: Mapping[str, Any], place: str) -> tuple[int, int]:
    count, seed = study.get("trials", 0), study.get("seed", 0)
    if not _is_integer(count) or not 1 <= count <= MOST_TRIALS:
        raise ConfigError(
            f"{place} trials is {count!r}, expected an integer from 1 to {MOST_TRIALS:,}.",
            hint="A random study needs to know how many trials.",
        )
    if not _is_integer(seed) or seed < 0:
        raise ConfigError(
            f"{place} seed is {seed!r}, expected an integer of at least 0.", hint="The same seed draws the same trials."
        )
    return count, seed


def _is_integer(raw: Any) -> bool:
    return isinstance(raw, int) and not isinstance(raw, bool)


def _from_list(rows: Any, base: Choices, where: str) -> list[PlannedTrial]:
    found = []
    for number, row in enumerate(rows if isinstance(rows, list) else [rows], start=1):
        place = f"{where}: [[trial]] {number}"
        check_table(row, place)
        for name, raw in row.items():
            refuse_unquoted(name, raw, place)
        axes = {name: find_axis(name, place) for name in row}
        refuse_conflicts(axes.values(), place)
        found.append(_trial(row, axes, base, place, remedy_in_trial))
    return found


def _trial(
    point: Mapping[str, Any], axes: Mapping[str, Axis], base: Choices, where: str, remedy: Remedy
) -> PlannedTrial:
    choices, scored = base, INT8
    for name, value in point.items():
        chosen, kind = axes[name].apply(value, f"{where} {name}")
        choices = merge(choices, chosen)
        scored = FLOAT32 if kind == FLOAT32 else scored
    choices = settle_scales(choices, point, where)
    try:
        config = make_config(choices)
        if config.budget.flash:
            # Only here: it leads to NumPy, which `--help` does without.
            from edgedigits.devices.cores import find_core

            find_core(config.budget.core)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error.message}", hint=error.hint) from None
    refuse_without_effect(config, [axes[name] for name in point], where, remedy)
    return PlannedTrial(dict(point), config, scored)


def _key(trial: PlannedTrial) -> str:
    return json.dumps(trial.identity, sort_keys=True)


def _without_repetitions(trials: list[PlannedTrial]) -> tuple[PlannedTrial, ...]:
    return tuple({_key(one): one for one in reversed(trials)}.values())[::-1]
