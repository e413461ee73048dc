"""What the stages of one build share: digits, loss and choices, the model as each stage left it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.config import BuildConfig
from edgedigits.data.digits import Digits, Splits
from edgedigits.data.preprocess import to_float
from edgedigits.data.seeing import see
from edgedigits.errors import CheckFailedError
from edgedigits.progress import Progress
from edgedigits.training.distillation import Distillation
from edgedigits.training.epochs import steps_per_epoch
from edgedigits.training.excess import Excess
from edgedigits.training.fit import History, StagePlan, train
from edgedigits.training.held_out import accuracies_on_copies
from edgedigits.training.losses import LogitsLoss, make_loss
from edgedigits.training.objective import Objective

CALIBRATION_IMAGES = 1000
"""Training images that set activation ranges; more change the ranges of an MLP on digits by less than a step."""


@dataclass(frozen=True)
class TrainedStage:
    """A model as one stage left it.

    Attributes:
        plan: what was done.
        history: figures by epoch.
        model: Keras model float32 (n, inputs) → logits (n, 10).
    """

    plan: StagePlan
    history: History
    model: Any


class Line:
    """Runs the stages on the same data, loss and choices.

    Attributes:
        config: every choice.
        splits: train and validation are used; test is not touched.
        calibration: float32 (n, inputs), the training images that ranges are measured on.
        done: the stages so far.
        excess: by how much the whole engine of a Keras model to convert is beyond its budget; None where that is not
            measured.
        within: instructions that the engine is to be packed within, by estimate; 0 for any number.
        early: weights and biases of the float model after its first epoch, where a schedule of pruning wants them.
    """

    def __init__(
        self,
        config: BuildConfig,
        splits: Splits,
        progress: Progress,
        distillation: Distillation | None = None,
        excess: Callable[[Any, int], Excess | None] | None = None,
    ) -> None:
        self.config, self.splits, self.progress, self.excess = config, splits, progress, excess
        self.within = 0
        self._distillation = distillation
        shown = see(config.input.view, splits.train.images[:CALIBRATION_IMAGES])
        self.calibration: NDArray[np.float32] = to_float(shown)
        self.done: list[TrainedStage] = []
        self.loss: LogitsLoss = make_loss(config.loss, splits.train.labels, config.training.label_smoothing)
        self.early: list[NDArray[np.float32]] = []

    def plan(self, name: str, title: str, epochs: int, rate: float, settled: int = 0) -> StagePlan:
        """Return the plan of the next stage; `rate` is a share of the float stage's learning rate."""
        # Every stage draws its own order and distortions.
        seed = self.config.training.seed + 1_000_003 * len(self.done)
        return StagePlan(name, title, epochs, self.config.peak_learning_rate * rate, seed % 2**31, settled)

    def steps(self, epochs: int) -> int:
        """Return how many steps so many epochs take."""
        return steps_per_epoch(len(self.splits.train), self.config.training) * epochs

    def train(
        self,
        plan: StagePlan,
        model: Any,
        callbacks: Sequence[Any] = (),
        finish: Callable[[Any], Any] = lambda model: model,
        *,
        schedule: str = "",
    ) -> Any:
        """Train `model` as planned, let `finish` unwrap it, keep it as the latest stage and return it.

        Args:
            plan: what is particular to this stage.
            model: Keras model float32 (n, inputs) → logits (n, 10), wrapped or not.
            callbacks: of the stage, called before the others.
            finish: trained model → what is kept.
            schedule: of the learning rate; by default the one that was chosen for all stages.

        Raises:
            CheckFailedError: the training diverged.
        """
        training, folder = self.config.training, self.config.output.tensorboard
        training = replace(training, schedule=schedule or training.schedule)
        history = train(
            model,
            self.splits,
            training,
            plan,
            self.loss,
            self.progress,
            view=self.config.input.view,
            distillation=self._distillation,
            extra_callbacks=callbacks,
            tensorboard=Path(folder) if folder else None,
        )
        _check_converged(plan, history)
        finished = finish(model)
        self.done.append(TrainedStage(plan, history, finished))
        return finished

    def objective(self, digits: Digits) -> Objective:
        """Return what the stages minimise, of digits as they are: the loss, or its share beside what a teacher says."""
        labels, distillation = digits.labels.astype(np.int32), self._distillation
        if distillation is None:
            return Objective(self.loss, labels)
        return Objective(distillation.loss(self.loss), distillation.targets(labels, digits.images).numpy())

    def join(self, first: int, title: str) -> TrainedStage:
        """Make one stage of those from `first` on, which are trainings of one thing, and return it."""
        parts = self.done[first:]
        history = {key: [value for part in parts for value in part.history[key]] for key in parts[-1].history}
        plan = replace(parts[-1].plan, title=title, epochs=sum(part.plan.epochs for part in parts))
        self.done[first:] = [TrainedStage(plan, history, parts[-1].model)]
        return self.done[-1]

    def keep_best(self, first: int) -> int:
        """Of the stages from `first` on, tries of one thing, keep the best by validation and return its place.

        It is told by distorted copies of the digits as well, of the finished models; where these are equal, it is the
        earlier try.
        """
        tries = self.done[first:]
        if len(tries) == 1:
            return 0
        right = accuracies_on_copies([one.model for one in tries], self.splits.validation, self.config.input.view)
        best = right.index(max(right))
        self.done[first:] = [tries[best]]
        return best


def _check_converged(plan: StagePlan, history: History) -> None:
    for epoch, loss in enumerate(history["loss"], start=1):
        if not np.isfinite(loss):
            raise CheckFailedError(
                f"{plan.title} diverged: the loss became {loss} in epoch {epoch} of {plan.epochs}.",
                hint=f"Lower the learning rate, which peaked at {plan.peak:g}: --learning-rate {plan.peak / 10:g}.",
            )
