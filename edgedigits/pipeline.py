"""Digits and choices → trained and compressed Keras models: one stage behind the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.config import BuildConfig
from edgedigits.data.digits import Splits
from edgedigits.progress import Progress
from edgedigits.recipes import OWN_TEACHER
from edgedigits.stages.catalogue import STAGES
from edgedigits.teachers.make import own_teacher
from edgedigits.teachers.record import find_model
from edgedigits.training.distillation import Distillation
from edgedigits.training.excess import Excess
from edgedigits.training.keras_env import THREADS, THREADS_ARE_FIXED, as_written, set_seed
from edgedigits.training.line import Line, TrainedStage
from edgedigits.training.teacher import Teacher, load_teacher


@dataclass(frozen=True)
class Trained:
    """What training and compression made.

    Attributes:
        stages: float first, the model to convert last.
        twin: plain float Keras model with the weights of the last stage.
        calibration: float32 (n, inputs), the training images that ranges are measured on.
        teacher: what was learned from beside the labels; None for nothing.
        within: instructions that the engine is to be packed within, by estimate; 0 for any number.
    """

    stages: tuple[TrainedStage, ...]
    twin: Any
    calibration: NDArray[np.float32]
    teacher: Teacher | None = None
    within: int = 0

    @property
    def final(self) -> Any:
        """The Keras model to convert."""
        return self.stages[-1].model


@as_written
def train_and_compress(
    config: BuildConfig,
    splits: Splits,
    progress: Progress,
    excess: Callable[[Any, int], Excess | None] | None = None,
) -> Trained:
    """Run the stages that `config` asks for; every one minimises the chosen loss.

    Args:
        config: every choice.
        splits: train and validation are used; test is not touched.
        progress: gets a bar for each stage.
        excess: (Keras model to convert, instructions that it is packed within) → by how much its engine is beyond its
            budget; None where it is within.

    Raises:
        CheckFailedError: the training diverged.
        ConfigError: a stage cannot meet the choices.
        DataError, UnsupportedModelError: there is no teacher to distil from, or it is none of digits.
    """
    if not THREADS_ARE_FIXED:
        progress.say(
            f"TensorFlow was used in this process before: it does not keep to {THREADS} threads, so that the same "
            "choices may give other bytes elsewhere."
        )
    asked = [stage for stage in STAGES.values() if stage.asked(config)]
    for stage in asked:
        stage.check(config)
    distillation = _distillation(config, splits, progress)
    # Behind the teacher, so that a student begins with the weights that it has without one.
    set_seed(config.training.seed)
    line = Line(config, splits, progress, distillation, excess)
    model = twin = None
    for stage in asked:
        model, twin = stage.run(line, model)
    teacher = distillation.teacher if distillation else None
    return Trained(tuple(line.done), twin, line.calibration, teacher, line.within)


def _distillation(config: BuildConfig, splits: Splits, progress: Progress) -> Distillation | None:
    if not config.teacher:
        return None
    if config.teacher == OWN_TEACHER:
        teacher = own_teacher(config, splits, progress)
    else:
        teacher = load_teacher(find_model(config.teacher), splits.train.images, config.teacher)
    return Distillation(teacher, config.distill.temperature, config.distill.weight)
