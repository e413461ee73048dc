"""Time one epoch of float, pruning and quantization-aware training against a plain `model.fit` of the same model.

The plain side is what the guides of Keras and TF-MOT write: NumPy arrays, `fit(X, y)`, their callbacks, nothing else.
Both sides train the same 784-32-16-10 on the same images with the same batch size, alternately in one process; the
first epoch of each, which compiles, is left out.

    python tests/benchmarks/bench_training.py [--data SOURCE] [--epochs N]

With `--augment` it times what augmentation costs an epoch of float training instead: each level beside none, alternately
in one process, once each epoch is distorted anew and once behind the first epochs that `--augment-copies` keeps.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from edgedigits.config import BuildConfig, ModelConfig, PruningConfig, TrainingConfig
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
COPIES = 4
AUGMENTED = (("none", 0), ("light", 0), ("medium", 0), ("strong", 0), ("medium", COPIES))
"""Levels of augmentation, and how many distorted epochs are kept to be shown again."""
NETWORKS = ((32, 16), (300, 100))
ROUNDS = 3


class _Clock(keras.callbacks.Callback):
    def on_train_begin(self, logs: Any = None) -> None:
        self.marks = [_now()]

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.marks.append(_now())

    def seconds(self, first: int = 1) -> tuple[float, float]:
        """Return the medians of the epochs behind the first ones, by the clock and of processor time."""
        wall, busy = np.median(np.diff(self.marks, axis=0)[first:], axis=0)
        return float(wall), float(busy)


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


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
    model = _wrapped(kind, splits, epochs)
    callbacks = [*(pruning_callbacks(model) if kind == "prune" else []), clock]
    plan = StagePlan(kind, kind, epochs, 3e-3, 1)
    train(
        model,
        splits,
        TRAINING,
        plan,
        LogitsLoss("cross-entropy"),
        SILENT,
        extra_callbacks=callbacks,
    )
    return clock.seconds()[0]


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
    return clock.seconds()[0]


def measure(splits: Splits, epochs: int) -> dict[str, tuple[float, float]]:
    """Return (ours, plain) in seconds an epoch by kind of training."""
    sides: tuple[Callable[..., float], ...] = (ours, plain)
    return {kind: tuple(side(kind, splits, epochs) for side in sides) for kind in ("float", "prune", "qat")}  # type: ignore[misc]


def augmented(splits: Splits, hidden: tuple[int, ...], level: str, copies: int, epochs: int) -> tuple[float, float]:
    """Return seconds an epoch of float training, by the clock and of processor time, behind epochs that are kept."""
    set_seed(1)
    clock, model = _Clock(), build_mlp(BuildConfig(model=ModelConfig(hidden=hidden)))
    training = dataclasses.replace(TRAINING, augment=level, augment_copies=copies)
    plan = StagePlan("float", "float", epochs + copies, 3e-3, 1)
    train(model, splits, training, plan, LogitsLoss("cross-entropy"), SILENT, extra_callbacks=[clock])
    return clock.seconds(1 + copies)


def measure_augmentation(
    splits: Splits, epochs: int, networks: Sequence[tuple[int, ...]] = NETWORKS, rounds: int = ROUNDS
) -> dict[tuple[int, ...], dict[tuple[str, int], tuple[float, float]]]:
    """Return what `augmented` does, by hidden widths and by augmentation: medians of rounds that alternate."""
    found = {}
    for hidden in networks:
        turns = [{one: augmented(splits, hidden, *one, epochs) for one in AUGMENTED} for _ in range(rounds)]
        found[hidden] = {one: tuple(np.median([turn[one] for turn in turns], axis=0)) for one in AUGMENTED}
    return found


def show_augmentation(splits: Splits, epochs: int) -> None:
    """Print a line for each network and level."""
    for hidden, seconds in measure_augmentation(splits, epochs).items():
        sizes = "-".join(map(str, (784, *hidden, 10)))
        for (level, copies), (wall, busy) in seconds.items():
            kept = f", {copies} copies kept" if copies else ""
            wall_without, busy_without = seconds[AUGMENTED[0]]
            ratios = f"ratio {wall / wall_without:.2f}, of processor time {busy:.3f} {busy / busy_without:.2f}"
            print(f"{sizes} {level + kept:22} {wall:.3f}  {ratios}", flush=True)
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="auto")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--augment", action="store_true", help="time levels of augmentation instead")
    args = parser.parse_args()
    splits = load_splits(args.data, validation_fraction=0.1, test_fraction=0.15, seed=1)
    print(f"{len(splits.train):,} images of {splits.source}, batch {TRAINING.batch_size}; seconds an epoch")
    if args.augment:
        show_augmentation(splits, args.epochs)
        return
    for kind, (mine, theirs) in measure(splits, args.epochs).items():
        print(f"{kind:6} ours {mine:.3f}  fit(X, y) {theirs:.3f}  ratio {mine / theirs:.2f}")


if __name__ == "__main__":
    main()
