"""Pruning that TF-MOT has not: other criteria, groups, schedules, or one ranking over all layers.

The layers are wrapped as TF-MOT wraps them, and stripped to a plain Keras model behind it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edgedigits.compression_sections import WHOLE_BITS
from edgedigits.criteria.catalogue import CRITERIA
from edgedigits.levels.catalogue import DEFAULT as NO_LEVELS
from edgedigits.ramps.catalogue import RAMPS
from edgedigits.stages.conductor import SAMPLE, Conductor, Marks, conducted
from edgedigits.stages.goals import ByLayer, Overall, PruningGoal
from edgedigits.stages.pruner import Pruner

if TYPE_CHECKING:
    from edgedigits.config import BuildConfig
    from edgedigits.training.line import Line


def pruning_goal(config: BuildConfig) -> PruningGoal:
    """Return where [prune] is to end: in each layer by itself, or over all of them."""
    prune = config.prune
    if prune.scope == "global":
        return Overall(prune.sparsity, prune.initial_sparsity)
    targets = config.target_sparsity
    return ByLayer([targets.get(name, 0.0) for name in config.layer_names], prune.initial_sparsity)


def cut(line: Line, model: Any, title: str) -> Any:
    """Prune a plain Keras MLP by the choices in [prune], and return what is left as another.

    Args:
        line: of the build; gets one stage more, whatever number of trainings it takes.
        model: trained.
        title: of the stage.
    """
    from edgedigits.training.compressed_dense import compressed, set_plain_weights
    from edgedigits.training.model import build_mlp
    from edgedigits.training.moments import Moments

    prune, ramp, first = line.config.prune, RAMPS[line.config.prune.schedule], len(line.done)
    wrapped = compressed(model, WHOLE_BITS, NO_LEVELS)
    wrapped.build((None, line.calibration.shape[1]))
    criterion, goal = CRITERIA[prune.criterion], pruning_goal(line.config)
    pruner = Pruner(wrapped, criterion, prune.granularity, goal, line.config.training.seed)
    epochs = max(1, prune.epochs // (ramp.rounds + ramp.from_scratch))
    if ramp.rounds == 1:
        _train(line, wrapped, model, pruner, title, epochs, Marks(prune.begin, prune.end, ramp.cut))
    else:
        moments = Moments(wrapped, line, SAMPLE)
        for number in range(1, ramp.rounds + 1):
            pruner.shrink(moments(number), _done_after(number / ramp.rounds, prune.sparsity))
            if ramp.rewinds:
                set_plain_weights(wrapped, line.early)
            _train(line, wrapped, model, pruner, f"{title}, round {number} of {ramp.rounds}", epochs, None)
    if ramp.from_scratch:
        set_plain_weights(wrapped, build_mlp(line.config).get_weights())
        _train(line, wrapped, model, pruner, f"{title}, from fresh weights", epochs, None)
    return line.join(first, title).model


def _done_after(share: float, sparsity: float) -> float:
    """Return the share of the cut that is done when each round so far took the same share of what was left."""
    return (1.0 - (1.0 - sparsity) ** share) / sparsity


def _train(line: Line, wrapped: Any, like: Any, pruner: Pruner, title: str, epochs: int, marks: Marks | None) -> None:
    """Train on; with `marks`, pruning goes on meanwhile."""
    from edgedigits.training.compressed_dense import stripped

    prune = line.config.prune
    plan = line.plan("prune", title, epochs, prune.rate, int(np.ceil(marks.prune_end * epochs)) if marks else 0)
    conductor = Conductor(wrapped, line, pruner, epochs, marks) if marks else None
    line.train(plan, wrapped, [conducted(conductor, pruner)], lambda trained: stripped(trained, like))
