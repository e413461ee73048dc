"""Trains a teacher and writes its folder: the model, what it learned, and how well it does."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgedigits.build_folder import TEACHER, TEACHER_MODEL, LearnedFrom, Manifest, write_manifest
from edgedigits.config import BuildConfig
from edgedigits.config_file import to_tables
from edgedigits.data.digits import Digits, Splits
from edgedigits.errors import CheckFailedError
from edgedigits.files.scratch import scratch
from edgedigits.progress import Progress
from edgedigits.recipes import OWN_TEACHER
from edgedigits.teachers.choices import CNN, ENSEMBLE, LessonsConfig, TeacherConfig
from edgedigits.teachers.networks import bare, build_network, ensemble
from edgedigits.teachers.record import write_record
from edgedigits.training.fit import StagePlan, train
from edgedigits.training.keras_env import set_seed
from edgedigits.training.losses import LogitsLoss
from edgedigits.training.teacher import Teacher, load_teacher, save_model

OWN_EPOCHS = 20
"""Of a teacher that a build trains itself, on distorted digits: longer than what `teacher` does unasked."""


@dataclass(frozen=True)
class Score:
    """How often a network is right, 0…1."""

    validation: float
    test: float


@dataclass(frozen=True)
class TeacherFacts:
    """A finished teacher.

    Attributes:
        kind: "cnn" or "ensemble".
        parameters: weights and biases of all its networks.
        outputs_are: "logits" or "probabilities".
        score: of the teacher.
        members: of each network of an ensemble by itself; () of a CNN.
        digits: images by split.
    """

    kind: str
    parameters: int
    outputs_are: str
    score: Score
    members: tuple[Score, ...]
    digits: dict[str, int]

    @property
    def mean(self) -> Score:
        """How often the networks of an ensemble are right, each by itself."""
        validation, test = (
            float(np.mean([getattr(one, part) for one in self.members])) for part in ("validation", "test")
        )
        return Score(validation, test)

    @property
    def rows(self) -> tuple[tuple[str, Score], ...]:
        """Every score with its name: of the teacher, and of its networks."""
        members = [(f"member {number}", one) for number, one in enumerate(self.members, 1)]
        return ((self.kind, self.score), *members, *([("their mean", self.mean)] if members else []))

    def to_json(self) -> dict[str, Any]:
        """Return the facts as JSON values."""
        return dataclasses.asdict(self)


def make_teacher(config: TeacherConfig, splits: Splits, folder: Path, progress: Progress) -> TeacherFacts:
    """Train a teacher and write it into `folder`, which exists and is empty.

    Args:
        config: every choice.
        splits: trains on `train`, watches `validation`, scores on `test` in the end.
        folder: where to.
        progress: gets a bar for each network.

    Raises:
        CheckFailedError: a training diverged.
    """
    networks = [_train(config, splits, number, progress) for number in range(config.teacher.count)]
    is_ensemble = config.teacher.kind == ENSEMBLE
    model = ensemble(networks) if is_ensemble else bare(networks[0], config.teacher.kind)
    save_model(model, folder / TEACHER_MODEL)
    # What is scored is what was written, as a student's build reads it.
    teacher = load_teacher(folder / TEACHER_MODEL, splits.train.images)
    members = [dataclasses.replace(teacher, model=one, outputs_are="logits") for one in networks * is_ensemble]
    facts = TeacherFacts(
        config.teacher.kind,
        int(model.count_params()),
        teacher.outputs_are,
        _score(teacher, splits),
        tuple(_score(one, splits) for one in members),
        {part: len(getattr(splits, part)) for part in ("train", "validation", "test")},
    )
    write_record(splits, folder)
    data = LearnedFrom(splits.source, splits.note, splits.digest)
    write_manifest(folder, Manifest(kind=TEACHER, config=_resolved(config, splits), data=data, scores=facts.to_json()))
    return facts


def own_teacher(config: BuildConfig, splits: Splits, progress: Progress) -> Teacher:
    """Train the teacher of one build, a CNN, on the digits that it trains on itself.

    Args:
        config: of the build, which gives the seed.
        splits: trains on `train`, watches `validation`.
        progress: gets a bar.

    Raises:
        CheckFailedError: the training diverged.
    """
    lessons = LessonsConfig(epochs=OWN_EPOCHS, augment="medium", seed=config.training.seed)
    network = _train(TeacherConfig(training=lessons), splits, 0, progress)
    with scratch("teacher") as folder:
        save_model(bare(network, CNN), folder / TEACHER_MODEL)
        return load_teacher(folder / TEACHER_MODEL, splits.train.images, OWN_TEACHER)


def _train(config: TeacherConfig, splits: Splits, number: int, progress: Progress) -> Any:
    """Return network `number`, trained from weights and in an order of its own."""
    seed = (config.training.seed + number) % 2**31
    set_seed(seed)
    network = build_network(config.teacher)
    count = config.teacher.count
    title = f"Training network {number + 1} of {count}" if count > 1 else "Training the teacher"
    plan = StagePlan("teacher", title, config.epochs, config.peak_learning_rate, seed)
    loss = LogitsLoss("cross-entropy", smoothing=config.training.label_smoothing)
    history = train(network, splits, config.training, plan, loss, progress, at_once=config.teacher.network != CNN)
    if not np.isfinite(history["loss"]).all():
        raise CheckFailedError(
            f"{title} diverged: its loss is not finite.",
            hint=f"Lower the learning rate, which peaked at {plan.peak:g}: --learning-rate {plan.peak / 10:g}.",
        )
    return network


def _score(teacher: Any, splits: Splits) -> Score:
    def accuracy(digits: Digits) -> float:
        return float(teacher.accuracy(digits.images, digits.labels))

    return Score(accuracy(splits.validation), accuracy(splits.test))


def _resolved(config: TeacherConfig, splits: Splits) -> dict[str, dict[str, Any]]:
    """Return the choices as the manifest has them: what depends on the place or on each other is filled in."""
    tables = to_tables(config)
    if config.data.source == "auto":
        tables["data"]["source"] = splits.source
    tables["training"] |= {"learning_rate": config.peak_learning_rate, "epochs": config.epochs}
    return tables
