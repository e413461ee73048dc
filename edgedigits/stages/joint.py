"""Joint compression: pruning, weight levels and 8-bit activations in one training, with one loss and one schedule.

Each begins at its share of the training. Masks shrink along a cubic curve towards a share of zeros, or towards the
bytes that the packed weights may take, which are measured on the way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.criteria.catalogue import CRITERIA
from edgedigits.data.seeing import see
from edgedigits.errors import CheckFailedError, ConfigError
from edgedigits.levels.declaration import WIDEST
from edgedigits.model.activity import MEASURED_IMAGES
from edgedigits.ramps.catalogue import RAMPS
from edgedigits.recipes import room_for
from edgedigits.stages.chain import least_of
from edgedigits.stages.conductor import Conductor, Marks, conducted
from edgedigits.stages.cutting import pruning_goal
from edgedigits.stages.declaration import Stage
from edgedigits.stages.goals import Bytes, PruningGoal
from edgedigits.stages.pruner import Pruner

if TYPE_CHECKING:
    from edgedigits.config import BuildConfig
    from edgedigits.training.line import Line

TRIES_OF_LEAST = 6
"""Times that a network which cannot lose more weights is packed to be faster, before that is told to be too little."""


def check(config: BuildConfig) -> None:
    """Check that a network exists that fits into a budget of constants.

    What a whole engine takes is measured where engines are compiled, before anything is trained too.

    Raises:
        ConfigError: not even the one does that has nothing but what feeds each class.
    """
    budget = config.budget
    if budget.flash or not budget.constants:
        return
    smallest = least_of(config)
    if budget.constants < smallest.nbytes:
        layers, words = len(config.model.hidden) + 1, ""
        if budget.instructions:
            words = f" within {budget.instructions:,} instructions"
        raise ConfigError(
            f"[budget] constants is {budget.constants:,} B: no network of {layers} layers fits in that{words}.",
            hint=f"The smallest that feeds all ten classes takes {smallest.nbytes:,} B; better ones take more.",
        )


def run(line: Line, model: Any) -> tuple[Any, Any]:
    """Compress on from the float model, and in further tries from fresh weights; the best by validation is kept."""
    from edgedigits.training.model import build_mlp

    tries, first = line.config.joint.tries, len(line.done)
    made = [
        _compress(line, build_mlp(line.config) if number else model, _which(number, tries)) for number in range(tries)
    ]
    aware, twin, line.within = made[line.keep_best(first)]
    return aware, twin


def _which(number: int, tries: int) -> str:
    return f", try {number + 1} of {tries}" if tries > 1 else ""


def _compress(line: Line, model: Any, which: str) -> tuple[Any, Any, int]:
    """Return the model to convert, its float twin, and the instructions that its engine is to be packed within."""
    from edgedigits.training.compressed_dense import compressed, decompressed

    config, joint, levels = line.config, line.config.joint, line.config.levels
    wrapped = compressed(model, levels.weight_bits, levels.weight_values, by_output=levels.by_output)
    wrapped.build((None, line.calibration.shape[1]))
    plan = line.plan("joint", f"Compressing jointly{which}", joint.epochs, joint.rate, joint.epochs - 1)
    goal = _goal(line, wrapped)
    criterion, granularity = CRITERIA[config.prune.criterion], config.prune.granularity
    pruner = Pruner(wrapped, criterion, granularity, goal, plan.seed) if goal else None
    marks = Marks(
        config.prune.begin,
        config.prune.end,
        RAMPS[config.prune.schedule].cut,
        joint.levels_begin,
        joint.activations_begin,
        joint.trim,
    )

    def meet() -> None:
        """Cut until the engine keeps the budgets that only itself can be held against."""
        tries = TRIES_OF_LEAST
        while isinstance(goal, Bytes) and pruner and line.excess and tries:
            more = line.excess(_with_its_ranges(wrapped, model, line.calibration), goal.within)
            if more is None:
                return
            goal.lower(more.nbytes)
            goal.within = more.within
            conductor.trim()
            tries -= pruner.is_least
        if not tries:
            raise CheckFailedError(
                "The engine takes more than the budget, and nothing is left to cut: it was less with other weights.",
                hint="Take a larger budget, or fewer hidden neurons.",
            )

    conductor = Conductor(wrapped, line, pruner, joint.epochs, marks, meet)

    def finish(trained: Any) -> Any:
        if levels.by_output:
            # TensorFlow's converter takes no fake quantization by output: it quantizes the plain network to the same.
            return decompressed(trained, model)
        meet()
        return _with_its_ranges(trained, model, line.calibration)

    aware = line.train(plan, wrapped, [conducted(conductor, pruner)], finish, schedule=joint.schedule)
    return aware, decompressed(wrapped, model), goal.within if isinstance(goal, Bytes) else 0


def _goal(line: Line, model: Any) -> PruningGoal | None:
    config, budget = line.config, line.config.budget
    if budget.is_set:
        limit = room_for(budget.constants, budget.flash, budget.instructions)
        seen = see(config.input.view, line.splits.validation.images[:MEASURED_IMAGES])
        return Bytes(
            limit,
            model,
            config.prune.granularity,
            least_of(config),
            budget.instructions,
            free=not budget.constants,
            by_engine=line.excess is not None,
            seen=seen,
        )
    return pruning_goal(config) if config.prune.enabled else None


def _with_its_ranges(trained: Any, like: Any, calibration: NDArray[np.float32]) -> Any:
    """Return the trained network with TF-MOT's fake quantization in the ranges that it learned, for conversion."""
    from edgedigits.stages.quantize import measured_ranges, with_ranges
    from edgedigits.training.compressed_dense import decompressed

    plain = decompressed(trained, like)
    ranges = measured_ranges(plain, calibration)
    for layer in trained.layers:
        limit = WIDEST * layer.codes()[1]
        ranges[layer.name]["kernel"] = (-limit, limit)
        if layer is not trained.layers[-1]:
            ranges[layer.name]["activation"] = (0.0, layer.largest)
    return with_ranges(plain, ranges)


STAGE = Stage(
    "joint",
    order=30,
    label="joint",
    asked=lambda config: config.joint.enabled,
    check=check,
    run=run,
    past=lambda target_sparsity: "compressed jointly",
    brief=lambda tables: "joint" if tables.get("joint", {}).get("enabled") else "",
    slug="joint",
    quantizes=True,
)
