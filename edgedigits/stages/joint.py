"""Joint compression: pruning, weight levels and 8-bit activations in one training, with one loss and one schedule.

Each begins at its share of the training. Masks shrink along a cubic curve towards a share of zeros, or towards the
bytes that the packed weights may take, which are measured on the way.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.shape import CLASSES
from edgedigits.errors import ConfigError
from edgedigits.levels.declaration import WIDEST
from edgedigits.model.packing import packed_bytes
from edgedigits.stages.declaration import Stage
from edgedigits.stages.pruner import Pruner

if TYPE_CHECKING:
    from edgedigits.config import BuildConfig
    from edgedigits.training.line import Line

SAMPLE = 2048
"""Images on which activity and errors are measured at each update of the masks."""
WIDEST_OVERSHOOT = 1.3
"""Weights may lie so much beyond the outermost level: further out they could not come back."""


class Conductor:
    """Switches pruning, levels and 8-bit activations on when it is their turn.

    Args:
        model: of `CompressedDense` layers.
        line: of the build: its choices, digits and loss.
        pruner: of the masks; None to leave them whole.
        epochs: of the training.
    """

    def __init__(self, model: Any, line: Line, pruner: Pruner | None, epochs: int) -> None:
        from edgedigits.training.moments import Moments

        self._layers, self._pruner, self._epochs = model.layers, pruner, epochs
        self._when, self._moments = line.config.joint, Moments(model, line, SAMPLE)

    def after(self, epoch: int) -> None:
        """Do what is due after epoch `epoch`, counted from 0."""
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

    def _prune(self, pruner: Pruner, epoch: int, done: float) -> None:
        when = self._when
        if self._passes(when.trim, done) or epoch + 1 == self._epochs:
            pruner.see(self._moments(epoch))
            pruner.trim()
        elif when.prune_begin <= done and (done <= when.prune_end or self._passes(when.prune_end, done)):
            pruner.see(self._moments(epoch))
            pruner.shrink(min(1.0, (done - when.prune_begin) / (when.prune_end - when.prune_begin)))

    def _passes(self, mark: float, done: float) -> bool:
        """Return whether the epoch that ends at `done` is the first to end at or behind a mark."""
        return done - 1 / self._epochs < mark <= done


def _callback(conductor: Conductor, pruner: Pruner | None) -> Any:
    from edgedigits.training.keras_env import keras

    class Conducted(keras.callbacks.Callback):
        """Lets the conductor work behind every epoch, and records the share of zeros as "sparsity"."""

        def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
            conductor.after(epoch)
            if logs is not None and pruner is not None:
                logs["sparsity"] = pruner.sparsity

    return Conducted()


def _hold_near_levels(layer: Any) -> None:
    codes, scale = layer.codes()
    limit = WIDEST_OVERSHOOT * float(np.abs(codes).max() or 1) * scale
    layer.layer.kernel.assign(np.clip(layer.layer.kernel.numpy(), -limit, limit))


def check(config: BuildConfig) -> None:
    """Check that a network exists that fits into the budget.

    Raises:
        ConfigError: not even the one with a weight for each class does.
    """
    widths = [config.input.view.inputs, *config.model.hidden, CLASSES]
    barest = [np.eye(after, before, dtype=np.int8) for before, after in pairwise(widths)]
    barest = [np.where(np.arange(len(one))[:, None] < CLASSES, one, 0).astype(np.int8) for one in barest]
    least = packed_bytes(barest, [np.zeros(len(one), np.int32) for one in barest])
    if 0 < config.budget.constants < least:
        raise ConfigError(
            f"[budget] constants is {config.budget.constants:,} B: no network of {len(barest)} layers fits in that.",
            hint=f"The smallest that tells ten classes apart takes {least:,} B; better ones take more.",
        )


def run(line: Line, model: Any) -> tuple[Any, Any]:
    """Compress on from the float model, and in further tries from fresh weights; the best by validation is kept."""
    from edgedigits.training.model import build_mlp

    tries, first = line.config.joint.tries, len(line.done)
    made = [
        _compress(line, build_mlp(line.config) if number else model, _which(number, tries)) for number in range(tries)
    ]
    return made[line.keep_best(first)]


def _which(number: int, tries: int) -> str:
    return f", try {number + 1} of {tries}" if tries > 1 else ""


def _compress(line: Line, model: Any, which: str) -> tuple[Any, Any]:
    from edgedigits.training.compressed_dense import compressed, decompressed

    joint, levels, prune = line.config.joint, line.config.levels, line.config.prune
    wrapped = compressed(model, levels.weight_bits, levels.weight_values)
    wrapped.build((None, line.calibration.shape[1]))
    budget = line.config.budget.constants
    plan = line.plan("joint", f"Compressing jointly{which}", joint.epochs, joint.rate, joint.epochs - 1)
    pruner = Pruner(wrapped, line.config, budget, plan.seed) if budget or prune.enabled else None
    conducted = _callback(Conductor(wrapped, line, pruner, joint.epochs), pruner)
    aware = line.train(
        plan,
        wrapped,
        [conducted],
        lambda trained: _with_its_ranges(trained, model, line.calibration),
        schedule=joint.schedule,
    )
    return aware, decompressed(wrapped, model)


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
