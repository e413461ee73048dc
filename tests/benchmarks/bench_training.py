"""Time one epoch of float, pruning and quantization-aware training against a plain `model.fit` of the same model.

The plain side is what the guides of Keras and TF-MOT write: NumPy arrays, `fit(X, y)`, their callbacks, nothing else.
Both sides train the same 784-32-16-10 on the same images with the same batch size, alternately in one process; the
first epoch of each, which compiles, is left out.

    python tests/benchmarks/bench_training.py [--images N] [--epochs N]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from edgedigits.config import BuildConfig, PruningConfig, TrainingConfig
from edgedigits.data.digits import Splits
from edgedigits.data.load import load_splits
from edgedigits.data.preprocess import to_float
from edgedigits.progress import SILENT
from edgedigits.stages.prune import add_pruning, pruning_callbacks
from edgedigits.stages.quantize import add_fake_quantization
from edgedigits.training.fit import StagePlan, train
from edgedigits.training.keras_env import keras, set_seed, tfmot
from edgedigits.training.losses import LogitsLoss
from edgedigits.training.model import build_mlp

TRAINING = TrainingConfig(augment="none")
TARGET = {"hidden_1": 0.8, "hidden_2": 0.8}


class _Clock(keras.callbacks.Callback):
    def on_train_begin(self, logs: Any = None) -> None:
        self.marks = [time.perf_counter()]

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.marks.append(time.perf_counter())

    @property
    def seconds(self) -> float:
        """Median of the epochs behind the first."""
        return statistics.median(np.diff(self.marks)[1:])


def _wrapped(kind: str, splits: Splits, epochs: int) -> Any:
    set_seed(1)
    model = build_mlp(BuildConfig())
    if kind == "prune":
        return add_pruning(model, PruningConfig(), TARGET, len(splits.train) // TRAINING.batch_size * epochs)
    if kind == "qat":
        return add_fake_quantization(model, to_float(splits.train.images[:500]))
    return model


def ours(kind: str, splits: Splits, epochs: int) -> float:
    """Return seconds an epoch of this project's loop, validation and metrics included."""
    clock = _Clock()
    callbacks = [*(pruning_callbacks() if kind == "prune" else []), clock]
    plan = StagePlan(kind, kind, epochs, 3e-3, 1)
    train(
        _wrapped(kind, splits, epochs),
        splits,
        TRAINING,
        plan,
        LogitsLoss("cross-entropy"),
        SILENT,
        extra_callbacks=callbacks,
    )
    return clock.seconds


def plain(kind: str, splits: Splits, epochs: int) -> float:
    """Return seconds an epoch of `fit(X, y)` as TF-MOT's guide writes it, with validation and accuracy."""
    clock = _Clock()
    model = _wrapped(kind, splits, epochs)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    model.fit(
        to_float(splits.train.images),
        splits.train.labels,
        batch_size=TRAINING.batch_size,
        epochs=epochs,
        validation_data=(to_float(splits.validation.images), splits.validation.labels),
        callbacks=[*([tfmot.sparsity.keras.UpdatePruningStep()] if kind == "prune" else []), clock],
        verbose=0,
    )
    return clock.seconds


def measure(splits: Splits, epochs: int) -> dict[str, tuple[float, float]]:
    """Return (ours, plain) in seconds an epoch by kind of training."""
    sides: tuple[Callable[..., float], ...] = (ours, plain)
    return {kind: tuple(side(kind, splits, epochs) for side in sides) for kind in ("float", "prune", "qat")}  # type: ignore[misc]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="auto")
    parser.add_argument("--epochs", type=int, default=6)
    args = parser.parse_args()
    splits = load_splits(args.data, validation_fraction=0.1, test_fraction=0.15, seed=1)
    print(
        f"{len(splits.train):,} images of {splits.source}, 784-32-16-10, batch {TRAINING.batch_size}; seconds an epoch"
    )
    for kind, (mine, theirs) in measure(splits, args.epochs).items():
        print(f"{kind:6} ours {mine:.3f}  fit(X, y) {theirs:.3f}  ratio {mine / theirs:.2f}")


if __name__ == "__main__":
    main()
