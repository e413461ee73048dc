"""The trials of `study run levers`: a build to a budget, each lever moved by itself, and the same pruned in turn.

A build to a budget takes as many bytes of engine as another, so that accuracy alone differs. What is pruned and
quantized in turn has no budget: it is built at several sparsities about it, and `interpolate` reads its accuracy off.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from edgedigits.config import BuildConfig
from edgedigits.config_file import make_config, to_tables
from edgedigits.criteria.catalogue import CRITERIA
from edgedigits.data.shape import CLASSES
from edgedigits.errors import ConfigError, shown
from edgedigits.levels.catalogue import LEVELS
from edgedigits.losses.catalogue import LOSSES
from edgedigits.options import budget as parse_budget
from edgedigits.ramps.catalogue import RAMPS
from edgedigits.study.kinds import Entry, Plan
from edgedigits.study.plan.axes import find_axis
from edgedigits.study.plan.grid import MOST_TRIALS, plan_grid
from edgedigits.study.trial_kind import plan_builds

NAME = STORED_AS = "levers"
SEEDS, BUDGETS = 5, "2K,8K"
BASE = "base"
IN_TURN = "in turn"

SWEPT_ABOUT = (1.6, 1.0, 0.625)
"""Weights that are left in what is pruned in turn, by as many as about meet the budget."""
_BYTES_A_WEIGHT = 1.35
"""Of 8 bits and its place, about."""
_MOST_LEFT = 0.5
_STAGES = {"prune": 0.7, "qat": 0.3}
"""How the epochs of joint training are divided between the stages that do the same in turn."""


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


_ONE_TRAINING = tuple(name for name, ramp in RAMPS.items() if ramp.rounds == 1 and not ramp.from_scratch)
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
POLYNOMIAL, TICKET, SCRATCH = IN_TURN_SCHEDULES = ("polynomial", "iterative", "scratch")


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
        ConfigError: a budget is none, or there would be too many trials.
        DataError: there is no such teacher.
    """
    asked = [one for limit in _read_budgets(budgets) for one in _asked(limit, teacher, epochs)]
    if seeds > (most := MOST_TRIALS // len(asked)):
        raise ConfigError(f"--seeds {seeds} plans more than {MOST_TRIALS:,} trials.", hint=f"Take {most:,} or fewer.")
    return Plan(NAME, tuple(_entry(one, source, seed) for seed in range(1, seeds + 1) for one in asked))


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
    base = {"training": {"epochs": epochs}, "joint": {"epochs": epochs}} if epochs else {}
    config = make_config({"budget": {"constants": limit}, **base})

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
    for schedule, share in itertools.product(IN_TURN_SCHEDULES, SWEPT_ABOUT):
        yield _in_turn(config, schedule, share)


def _in_turn(config: BuildConfig, schedule: str, share: float) -> _Asked:
    """Return the same network, trained for as many epochs, but pruned and quantized in turn."""
    limit, widths = config.budget.constants, (config.input.view.inputs, *config.model.hidden, CLASSES)
    weights = sum(before * after for before, after in itertools.pairwise(widths))
    about = max(limit / 4, limit - sum(widths[1:])) / _BYTES_A_WEIGHT / weights
    sparsity = round(1.0 - min(about, _MOST_LEFT) * share, 4)
    tables = to_tables(config)
    names = ("criterion", "begin", "end")
    stages = {name: max(1, round(part * config.joint.epochs)) for name, part in _STAGES.items()}
    base = {
        **{section: tables[section] for section in ("input", "model", "training")},
        "prune": {"scope": "global", "epochs": stages["prune"], **{name: tables["prune"][name] for name in names}},
        "qat": {"epochs": stages["qat"]},
        "engine": {"optimize": "size"},
    }
    values = {"sparsity": sparsity, "quantization": "qat", "prune_schedule": schedule}
    return _Asked({"budget": limit, "lever": IN_TURN, "value": schedule, "against": BASE}, values, base)


def _entry(asked: _Asked, source: str, seed: int) -> Entry:
    tables = {"base": {**asked.base, "data": {"source": source}}, "trial": [{**asked.values, "seed": seed}]}
    (entry,) = plan_builds(NAME, plan_grid(tables, NAME)).entries
    label = f"{entry.label}, in turn, about {asked.place['budget']} B" if "sparsity" in asked.values else entry.label
    return replace(entry, kind=STORED_AS, label=label, spec={**entry.spec, "label": label, **asked.place})
