"""Digits and choices → trained and compressed Keras models: float, then pruned, then quantization-aware."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.compress.pruning import add_pruning, pruning_callbacks, strip_pruning
from edgedigits.compress.quantization import add_fake_quantization, strip_fake_quantization
from edgedigits.config import BuildConfig
from edgedigits.data.digits import Splits
from edgedigits.data.preprocess import to_float
from edgedigits.errors import CheckFailedError
from edgedigits.progress import Progress
from edgedigits.training.epochs import steps_per_epoch
from edgedigits.training.fit import History, StagePlan, train
from edgedigits.training.keras_env import THREADS, THREADS_ARE_FIXED, set_seed
from edgedigits.training.losses import LogitsLoss, make_loss
from edgedigits.training.model import build_mlp

CALIBRATION_IMAGES = 1000
"""Training images that set activation ranges; more change the ranges of an MLP on digits by less than a step."""


@dataclass(frozen=True)
class TrainedStage:
    """A model as one stage left it.

    Attributes:
        plan: what was done.
        history: figures by epoch.
        model: Keras model float32 (n, 784) → logits (n, 10).
    """

    plan: StagePlan
    history: History
    model: Any


@dataclass(frozen=True)
class Trained:
    """What training and compression made.

    Attributes:
        stages: float first, the model to convert last.
        twin: plain float Keras model with the weights of the last stage.
        calibration: float32 (n, 784), the training images that ranges are measured on.
    """

    stages: tuple[TrainedStage, ...]
    twin: Any
    calibration: NDArray[np.float32]

    @property
    def final(self) -> Any:
        """The Keras model to convert."""
        return self.stages[-1].model


class _Line:
    """Runs the stages on the same data, loss and choices."""

    def __init__(self, config: BuildConfig, splits: Splits, progress: Progress) -> None:
        self.config, self.splits, self.progress = config, splits, progress
        self.loss: LogitsLoss = make_loss(config.loss, splits.train.labels)
        self.done: list[TrainedStage] = []

    def stage(self, plan: StagePlan, model: Any, callbacks: list[Any], finish: Any = None) -> Any:
        """Train `model` as planned, let `finish` unwrap it, and keep it as the latest stage."""
        training, folder = self.config.training, self.config.output.tensorboard
        history = train(
            model,
            self.splits,
            training,
            plan,
            self.loss,
            self.progress,
            extra_callbacks=callbacks,
            tensorboard=Path(folder) if folder else None,
        )
        _check_converged(plan, history)
        finished = finish(model) if finish else model
        self.done.append(TrainedStage(plan, history, finished))
        return finished

    def plan(self, name: str, title: str, epochs: int, rate: float, settled: int = 0) -> StagePlan:
        # Every stage draws its own order and distortions.
        seed = self.config.training.seed + 1_000_003 * len(self.done)
        return StagePlan(name, title, epochs, self.config.peak_learning_rate * rate, seed % 2**31, settled)


def _check_converged(plan: StagePlan, history: History) -> None:
    for epoch, loss in enumerate(history["loss"], start=1):
        if not np.isfinite(loss):
            raise CheckFailedError(
                f"{plan.title} diverged: the loss became {loss} in epoch {epoch} of {plan.epochs}.",
                hint=f"Lower the learning rate, which peaked at {plan.peak:g}: --learning-rate {plan.peak / 10:g}.",
            )


def train_and_compress(config: BuildConfig, splits: Splits, progress: Progress) -> Trained:
    """Run the stages that `config` asks for.

    Pruning is stripped before quantization-aware training, which then uses TF-MOT's prune-preserving scheme: plain
    quantization-aware training would fill the zeros again. Every stage minimises the chosen loss.

    Args:
        config: every choice.
        splits: train and validation are used; test is not touched.
        progress: gets a bar for each stage.

    Raises:
        CheckFailedError: the training diverged.
    """
    if not THREADS_ARE_FIXED:
        progress.say(
            f"TensorFlow was used in this process before: it does not keep to {THREADS} threads, so that the same "
            "choices may give other bytes elsewhere."
        )
    set_seed(config.training.seed)
    calibration = to_float(splits.train.images[:CALIBRATION_IMAGES])
    line = _Line(config, splits, progress)
    model = line.stage(line.plan("float", "Training in float32", config.training.epochs, 1.0), build_mlp(config), [])
    if config.target_sparsity:
        model = _prune(line, model)
    twin = model
    if config.qat.enabled:
        aware = add_fake_quantization(model, calibration, preserve_zeros=bool(config.target_sparsity))
        plan = line.plan("qat", "Quantization-aware training", config.qat.epochs, config.qat.rate)
        twin = strip_fake_quantization(line.stage(plan, aware, []), model)
    return Trained(tuple(line.done), twin, calibration)


def _prune(line: _Line, model: Any) -> Any:
    prune, target = line.config.prune, line.config.target_sparsity
    steps = steps_per_epoch(len(line.splits.train), line.config.training) * prune.epochs
    wrapped = add_pruning(model, prune, target, steps)
    settled = int(np.ceil(prune.end * prune.epochs))
    shares = sorted({f"{100 * share:g}%" for share in target.values()})
    plan = line.plan("prune", f"Pruning to {', '.join(shares)}", prune.epochs, prune.rate, settled)
    return line.stage(plan, wrapped, pruning_callbacks(), finish=strip_pruning)
