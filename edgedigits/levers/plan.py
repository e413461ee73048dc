"""The trials of `study run levers`: a build to a budget, each lever moved by itself, and the same pruned in turn.

A build to a budget takes as many bytes of engine as another, so that accuracy alone differs. What is compressed in turn
(PQAT, PCQAT; CQAT) has no budget: it is built at several sparsities or widths about it, and `interpolate` reads its
accuracy off.
"""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from edgedigits.config import BuildConfig
from edgedigits.config_file import make_config, to_tables
from edgedigits.criteria.catalogue import CRITERIA
from edgedigits.errors import ConfigError, DataError, shown
from edgedigits.files.paths import user_path
from edgedigits.levels.catalogue import LEVELS
from edgedigits.losses.catalogue import LOSSES
from edgedigits.options import budget as parse_budget
from edgedigits.ramps.catalogue import DEFAULT as SCHEDULE
from edgedigits.ramps.catalogue import RAMPS
from edgedigits.ramps.constant import RAMP as CONSTANT
from edgedigits.study.kinds import Entry, Plan
from edgedigits.study.plan.axes import find_axis
from edgedigits.study.plan.grid import MOST_TRIALS, plan_grid
from edgedigits.study.trial_kind import plan_builds

NAME = STORED_AS = "levers"
SEEDS, BUDGETS = 5, "2K,8K"
BASE = "base"
IN_TURN = "in turn"

SWEPT_ABOUT = (1.3, 0.77)
"""Weights that are left in what is compressed in turn, by as many as about meet the budget: on both sides of it."""
_BYTES_A_WEIGHT, _BYTES_A_CLUSTERED_WEIGHT, _BYTES_A_DENSE_WEIGHT = 1.5, 0.8, 0.5
"""Of its value, in 8 bits or in three, and its place; of three bits where every place has one.

Measured by builds for 2 KB and 8 KB of 3,800 digits, which came within 9% of them.
"""
_MOST_LEFT = 0.5
PQAT, PCQAT, CQAT = "PQAT", "PCQAT", "CQAT"
TICKET, SCRATCH = "iterative", "scratch"
TURNS = {
    **{way: {"prune": 0.7, "qat": 0.3} for way in (PQAT, TICKET, SCRATCH)},
    PCQAT: {"prune": 0.6, "cluster": 0.1, "qat": 0.3},
    CQAT: {"training": 0.6, "cluster": 0.1, "qat": 0.3},
}
"""Ways to compress in turn, and how the epochs of joint training are divided between the stages that do the same."""


@dataclass(frozen=True)
class Lever:
    """A question: an option, and the values that are held against that of the base.

    Attributes:
        axis: name of the option, as a study's axis.
        asks: what it answers, for people.
        values: to try.
    """

    axis: str
    asks: str
    values: tuple[Any, ...]


_ONE_TRAINING = tuple(
    name for name, ramp in RAMPS.items() if ramp.rounds == 1 and not ramp.from_scratch and ramp is not CONSTANT
)
"""Schedules of one training; constant is one-shot in joint training, whose masks are for good."""
IN_ONE = (
    Lever("weight_bits", "Bits of a weight", (2, 3, 4, 8)),
    Lever("weight_values", "Levels", tuple(LEVELS)),
    Lever("criterion", "Criterion", tuple(CRITERIA)),
    Lever("granularity", "Granularity", ("weights", "blocks", "neurons")),
    Lever("prune_schedule", "Schedule within one training", _ONE_TRAINING),
    Lever("loss", "Loss", tuple(LOSSES)),
)
"""Moved one at a time in a build to a budget; the values of the base are left out there."""
DISTILLED = "distill"


def plan_levers(
    *,
    source: str = "auto",
    seeds: int = SEEDS,
    budgets: str = BUDGETS,
    teacher: str = "",
    epochs: int = 0,
) -> Plan:
    """Return the plan.

    Args:
        source: the digits.
        seeds: how many, from 1.
        budgets: bytes of weights, biases and the layers' constants, separated by a comma.
        teacher: to distil from, by path, with "{seed}" for the seed; "" asks nothing about distillation.
        epochs: of every stage, for a quick look; 0 for those of the budget's recipe.

    Raises:
        ConfigError: a budget is none, no network fits in it, or there would be too many trials.
        DataError: there is no such teacher.
    """
    _require_teachers(teacher, source, seeds)
    asked = [one for limit in _read_budgets(budgets) for one in _asked(limit, teacher, epochs)]
    if seeds > (most := MOST_TRIALS // len(asked)):
        raise ConfigError(f"--seeds {seeds} plans more than {MOST_TRIALS:,} trials.", hint=f"Take {most:,} or fewer.")
    entries = tuple(_entry(one, source, seed) for seed in range(1, seeds + 1) for one in asked)
    return Plan(NAME, entries, tuple(_notes(teacher, source, seeds)))


def _require_teachers(teacher: str, source: str, seeds: int) -> None:
    """Refuse teachers that are not there, by the command that trains the first of them."""
    for seed in range(1, seeds + 1) if teacher else ():
        place = teacher.replace("{seed}", str(seed))
        if not user_path(place).exists():
            raise DataError(f"{place} does not exist.", hint=f"Train it: {_training(source, str(seed), place)}")


def _training(source: str, seed: str, place: str) -> str:
    return f"edgedigits teacher --data {shlex.quote(source)} --seed {seed} --out {shlex.quote(place)}"


def _notes(teacher: str, source: str, seeds: int) -> Iterator[str]:
    """Yield what is to be known of teachers: distillation needs one of each seed, which divides the digits."""
    how = f"{_training(source, '1', 'teacher-1')}, then --teacher teacher-1"
    if seeds > 1:
        how = f"{_training(source, 'N', 'teacher-N')} for N from 1 to {seeds}, then --teacher 'teacher-{{seed}}'"
    if not teacher:
        yield f"Distillation is left out, for want of a teacher: {how}."
    elif seeds > 1 and "{seed}" not in teacher and user_path(teacher).is_dir():
        yield f"{teacher} is one teacher for {seeds} seeds; trials fail whose held-out digits it has learned: {how}."


def _read_budgets(text: str) -> tuple[int, ...]:
    try:
        limits = tuple(dict.fromkeys(parse_budget(word.strip()) for word in text.split(",")))
    except ValueError as error:
        raise ConfigError(f"--budgets is '{shown(text)}', expected {error}.", hint=f"Write {BUDGETS}.") from None
    if 0 in limits:
        raise ConfigError("--budgets names 0 bytes, in which nothing fits.", hint=f"Write {BUDGETS}.")
    return limits


@dataclass(frozen=True)
class _Asked:
    """A build of each seed.

    Attributes:
        place: what it is to the study: budget, lever, value, and the value of the base that it is held against.
        values: of axes.
        base: choices that are no axes, as tables.
    """

    place: dict[str, Any]
    values: dict[str, Any]
    base: dict[str, Any] = field(default_factory=dict)


def _asked(limit: int, teacher: str, epochs: int) -> Iterator[_Asked]:
    # A teacher is one of the levers, and none of the base.
    base: dict[str, dict[str, Any]] = {"distill": {"teacher": ""}}
    if epochs:
        base |= {"training": {"epochs": epochs}, "joint": {"epochs": epochs}}
    config = make_config({"budget": {"constants": limit}, **base})
    if limit < (least := _least(config)):
        raise ConfigError(
            f"--budgets names {limit:,} B, in which not every trial of the plan fits: one needs {least:,} B at least.",
            hint=f"Write {BUDGETS}.",
        )

    def one(lever: str, value: Any, against: Any, **values: Any) -> _Asked:
        place = {"budget": limit, "lever": lever, "value": str(value), "against": str(against)}
        return _Asked(place, {"budget_constants": limit, **values}, base)

    yield one(BASE, BASE, BASE)
    for lever in IN_ONE:
        ((section, name),) = find_axis(lever.axis, NAME).sets
        usual = getattr(getattr(config, section), name)
        for value in lever.values:
            if value != usual:
                yield one(lever.axis, value, usual, **{lever.axis: value})
    if teacher:
        yield one(DISTILLED, "a teacher", "none", **{DISTILLED: teacher})
    for way, share in itertools.product(TURNS, SWEPT_ABOUT):
        yield _in_turn(config, way, share)


def _in_turn(config: BuildConfig, way: str, share: float) -> _Asked:
    """Return the same network, trained for as many epochs, but compressed in turn; a narrower one if not pruned."""
    tables, epochs = to_tables(config), dict(TURNS[way])
    begun = config.training.epochs + round(epochs.pop("training", 0) * config.joint.epochs)
    stages = {name: {"epochs": max(1, round(part * config.joint.epochs))} for name, part in epochs.items()}
    base: dict[str, Any] = {
        **{section: tables[section] for section in ("input", "model")},
        "training": {**tables["training"], "epochs": begun},
        **stages,
        "engine": {"optimize": "size"},
    }
    values: dict[str, Any] = {"quantization": "qat"}
    if "cluster" in stages:
        values["weight_bits"] = config.levels.weight_bits
    if "prune" in stages:
        base["prune"] |= {"scope": "global", **{name: tables["prune"][name] for name in ("criterion", "begin", "end")}}
        schedule = way if way in RAMPS else SCHEDULE
        values |= {"sparsity": _sparsity(config, share, clustered="cluster" in stages), "prune_schedule": schedule}
    else:
        values["hidden"] = _narrower(config, share)
    return _Asked({"budget": config.budget.constants, "lever": IN_TURN, "value": way, "against": BASE}, values, base)


def _least(config: BuildConfig) -> int:
    """Return the bytes that no trial of the plan can do without."""
    from edgedigits.stages.chain import least_of

    levers = {lever.axis: lever.values for lever in IN_ONE}
    one_by_one = [replace(config, prune=replace(config.prune, granularity=one)) for one in levers["granularity"]]
    one_by_one += [replace(config, levels=replace(config.levels, weight_bits=bits)) for bits in levers["weight_bits"]]
    return max(least_of(one).nbytes for one in one_by_one)


def _weights(widths: Sequence[int]) -> int:
    return sum(before * after for before, after in itertools.pairwise(widths))


def _sparsity(config: BuildConfig, share: float, *, clustered: bool) -> float:
    """Return the share of zeros with which a network takes about `share` of its budget."""
    from edgedigits.stages.chain import layer_widths

    limit, widths = config.budget.constants, layer_widths(config)
    each = _BYTES_A_CLUSTERED_WEIGHT if clustered else _BYTES_A_WEIGHT
    about = max(limit / 4, limit - sum(widths[1:])) / each / _weights(widths)
    return round(1.0 - min(about, _MOST_LEFT) * share, 4)


def _narrower(config: BuildConfig, share: float) -> list[int]:
    """Return the hidden widths, in the proportions of the budget's, whose whole network takes about `share` of it."""
    from edgedigits.stages.chain import layer_widths

    limit = config.budget.constants * share
    inputs, *hidden, classes = layer_widths(config)
    found = [1] * len(hidden)
    for first in range(1, hidden[0] + 1):
        wider = [max(1, round(first * one / hidden[0])) for one in hidden]
        if _weights((inputs, *wider, classes)) * _BYTES_A_DENSE_WEIGHT + sum(wider) + classes > limit:
            break
        found = wider
    return found


def _entry(asked: _Asked, source: str, seed: int) -> Entry:
    tables = {"base": {**asked.base, "data": {"source": source}}, "trial": [{**asked.values, "seed": seed}]}
    (entry,) = plan_builds(NAME, plan_grid(tables, NAME)).entries
    is_swept = asked.place["lever"] == IN_TURN
    label = f"{entry.label}, in turn, about {asked.place['budget']} B" if is_swept else entry.label
    return replace(entry, kind=STORED_AS, label=label, spec={**entry.spec, "label": label, **asked.place})
