"""Lets pruning, levels and 8-bit activations begin and end when it is their turn in a training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.stages.pruner import Pruner

if TYPE_CHECKING:
    from edgedigits.training.line import Line

SAMPLE = 2048
"""Images on which activity and errors are measured at each update of the masks."""
WIDEST_OVERSHOOT = 1.3
"""Weights may lie so much beyond the outermost level: further out they could not come back."""
NEVER = 2.0


@dataclass(frozen=True)
class Marks:
    """When what begins or ends, as shares of a training.

    Attributes:
        prune_begin, prune_end: of pruning.
        cut: progress between these, 0…1 → share of the cut that is done, 0…1.
        levels_begin: weights become levels.
        activations_begin: activations become 8 bits.
        trim: what a goal has no room for goes.
    """

    prune_begin: float
    prune_end: float
    cut: Callable[[float], float]
    levels_begin: float = NEVER
    activations_begin: float = NEVER
    trim: float = NEVER


class Conductor:
    """Switches pruning, levels and 8-bit activations on when it is their turn.

    Args:
        model: of `CompressedDense` layers.
        line: of the build: its choices, digits and loss.
        pruner: of the masks; None to leave them whole.
        epochs: of the training.
        marks: when it is whose turn.
        meet: cuts what an engine takes beyond its budgets; called while there still are epochs to heal that.
    """

    def __init__(
        self,
        model: Any,
        line: Line,
        pruner: Pruner | None,
        epochs: int,
        marks: Marks,
        meet: Callable[[], None] = lambda: None,
    ) -> None:
        from edgedigits.training.moments import Moments

        self._layers, self._pruner, self._epochs = model.layers, pruner, epochs
        self._progress = 0.0
        self._when, self._moments, self._meet = marks, Moments(model, line, SAMPLE), meet
        self._model = model
        self._fitting: tuple[list[NDArray[np.float32]], dict[str, Any]] | None = None

    def after(self, epoch: int, figures: dict[str, Any]) -> None:
        """Do what is due after epoch `epoch`, counted from 0.

        Args:
            epoch: that ended.
            figures: of it; where the training ends with the network of an earlier epoch, those of that one are written
                over them.
        """
        done = (epoch + 1) / self._epochs
        if done >= self._when.levels_begin:
            for layer in self._layers:
                layer.start_levels()
                _hold_near_levels(layer)
        if done >= self._when.activations_begin:
            for layer in self._layers:
                layer.has_range.assign(1.0)
        if self._pruner is not None:
            self._prune(self._pruner, epoch, done)
            if self._when.trim < NEVER:
                self._fit(self._pruner, epoch, done, figures)
            if self._passes(self._when.trim, done) or self._passes(self._when.prune_end, done):
                self._meet()

    def trim(self) -> None:
        """Take what a goal that became smaller has no room for."""
        if self._pruner is not None:
            self._pruner.trim(self._moments(self._epochs))

    def _prune(self, pruner: Pruner, epoch: int, done: float) -> None:
        when, last = self._when, epoch + 1 == self._epochs
        if self._progress < 1.0 and (done >= when.prune_begin or last):
            # However short the training, it ends with all of the cut done.
            over = last or done >= when.prune_end
            self._progress = 1.0 if over else (done - when.prune_begin) / (when.prune_end - when.prune_begin)
            pruner.shrink(self._moments(epoch), when.cut(self._progress))

    def _fit(self, pruner: Pruner, epoch: int, done: float, figures: dict[str, Any]) -> None:
        """Trim what was cut as far as a goal has no room for it, while the rate is still high enough to heal that.

        Weights go on to move between levels, and may then take more bytes. At the end nothing can be healed: instead of
        a trimmed network it is the last one that fitted.
        """
        last = epoch + 1 == self._epochs
        if done < self._when.prune_end and not last:
            return
        moments = self._moments(epoch)
        if done < self._when.trim or self._passes(self._when.trim, done):
            pruner.trim(moments)
        elif pruner.fits(moments):
            self._fitting = self._model.get_weights(), dict(figures)
        elif last and self._fitting is not None:
            weights, of_then = self._fitting
            self._model.set_weights(weights)
            figures.update(of_then)
        elif last:
            pruner.trim(moments)

    def _passes(self, mark: float, done: float) -> bool:
        """Return whether the epoch that ends at `done` is the first to end at or behind a mark."""
        return done - 1 / self._epochs < mark <= done


def conducted(conductor: Conductor | None, pruner: Pruner | None) -> Any:
    """Return the callback that lets a conductor, if there is one, work behind every epoch, and records "sparsity"."""
    from edgedigits.training.keras_env import when_epoch_ends

    def work(epoch: int, logs: dict[str, Any]) -> None:
        if conductor is not None:
            conductor.after(epoch, logs)
        if pruner is not None:
            logs["sparsity"] = pruner.sparsity

    return when_epoch_ends(work)


def _hold_near_levels(layer: Any) -> None:
    codes, scale = layer.codes()
    limit = WIDEST_OVERSHOOT * float(np.abs(codes).max() or 1) * scale
    layer.layer.kernel.assign(np.clip(layer.layer.kernel.numpy(), -limit, limit))
