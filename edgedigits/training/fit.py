"""One stage of training: the same loop for the float, the pruning and the quantization-aware stage.

A whole epoch is one XLA program, where there is enough to do: the network is small, so that the time of a step is not
in its products but in starting its hundred operations one by one. Keras's `fit` is kept around it, with its callbacks
and history, and Keras's `train_step` inside it. TF-MOT's wrappers count their steps in the graph; that masks follow the
curve of a plain `fit` is tested.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgedigits.config import TrainingConfig
from edgedigits.data.digits import Splits
from edgedigits.data.shape import CLASSES
from edgedigits.errors import DataError
from edgedigits.progress import Progress, StageProgress
from edgedigits.training.distillation import Distillation, labels_of
from edgedigits.training.epochs import as_input, as_tensors, labels_alone, training_epochs
from edgedigits.training.keras_env import as_written, keras, tf, unwarned
from edgedigits.training.losses import LogitsLoss
from edgedigits.training.schedules import PLATEAU_FACTOR, PLATEAU_PATIENCE, make_optimizer
from edgedigits.view import PLAIN, View

_PART = 1000
"""Images of the validation that are shown at a time to a network whose steps are not compiled."""


@dataclass(frozen=True)
class StagePlan:
    """What distinguishes one stage from another.

    Attributes:
        name: key in the report: "float", "prune" or "qat".
        title: what the progress bar says.
        epochs: how long.
        peak: peak learning rate.
        seed: of order and distortions.
        settled: first epoch (from 0) whose weights may be restored as the best: before it pruning is still going on.
    """

    name: str
    title: str
    epochs: int
    peak: float
    seed: int
    settled: int = 0


History = dict[str, list[float]]
"""Figures by epoch: accuracy, loss, precision, recall, the same with val_ in front, learning_rate, perhaps sparsity."""

WORTH_COMPILING = 400
"""Steps of a stage. Compiling an epoch takes some two seconds, as long as a thousand steps that TensorFlow starts by
themselves; fewer than these are over before."""

_ONE_STEP = {"steps_per_epoch": 1, "validation_steps": 1}
"""What `fit` takes for a step is an epoch, and a whole split."""


@keras.utils.register_keras_serializable("edgedigits")
class ClassificationCounts(keras.metrics.Metric):
    """Accuracy, macro precision and macro recall from one confusion matrix.

    A class that is never predicted has precision 0, one that never occurs recall 0. Ties go to the lowest class.
    """

    def __init__(self, name: str = "counts", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.confusion = self.add_weight("confusion", shape=(CLASSES, CLASSES), initializer="zeros")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        true = labels_of(y_true)
        predicted = tf.argmax(y_pred, axis=-1, output_type=tf.int32)
        # One-hot products instead of a bincount: XLA compiles it, and sums of ones are exact in float32.
        self.confusion.assign_add(
            tf.matmul(tf.one_hot(true, CLASSES), tf.one_hot(predicted, CLASSES), transpose_a=True)
        )

    def reset_state(self) -> None:
        self.confusion.assign(tf.zeros((CLASSES, CLASSES)))

    def result(self) -> dict[str, Any]:
        hits = tf.linalg.diag_part(self.confusion)
        by_true, by_predicted = tf.reduce_sum(self.confusion, axis=1), tf.reduce_sum(self.confusion, axis=0)
        return {
            "accuracy": tf.math.divide_no_nan(tf.reduce_sum(hits), tf.reduce_sum(by_true)),
            "precision": tf.reduce_mean(tf.math.divide_no_nan(hits, by_predicted)),
            "recall": tf.reduce_mean(tf.math.divide_no_nan(hits, by_true)),
        }


class _Reporter(keras.callbacks.Callback):
    def __init__(self, stage: StageProgress) -> None:
        super().__init__()
        self._stage = stage

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        rate = self.model.optimizer.learning_rate
        logs = logs if logs is not None else {}
        logs["learning_rate"] = float(rate)
        accuracy = float(logs["val_accuracy"])
        self._stage.advance(note=f"validation {100 * accuracy:.2f}%", accuracy=accuracy)


class _RestoreBest(keras.callbacks.EarlyStopping):
    """Early stopping that restores the best weights also where the stage runs to its end."""

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        if self.best_weights is not None:
            self.model.set_weights(self.best_weights)


def _callbacks(config: TrainingConfig, plan: StagePlan, stage: StageProgress, tensorboard: Path | None) -> list[Any]:
    callbacks: list[Any] = [_Reporter(stage)]
    watch = {"monitor": "val_accuracy", "mode": "max"}
    if config.schedule == "plateau":
        callbacks.append(
            keras.callbacks.ReduceLROnPlateau(factor=PLATEAU_FACTOR, patience=PLATEAU_PATIENCE, min_lr=1e-6, **watch)
        )
    if config.patience:
        callbacks.append(
            _RestoreBest(patience=config.patience, restore_best_weights=True, start_from_epoch=plan.settled, **watch)
        )
    if tensorboard is not None:
        callbacks.append(keras.callbacks.TensorBoard(str(tensorboard / plan.name), write_graph=False))
    return callbacks


def _epoch_by_steps(model: Any, steps: int) -> Any:
    """Return what `fit` calls for its one "step" an epoch: the real steps, each a call between which signals come."""

    @tf.function(autograph=False)
    def step(images: Any, labels: Any) -> dict[str, Any]:
        return dict(model.train_step((as_input(images), labels)))

    def run(iterator: Any) -> dict[str, Any]:
        images, labels = next(iterator)
        return [step(images[number], labels[number]) for number in range(steps)][-1]

    return run


def _validation_by_steps(model: Any) -> Any:
    """Return what `fit` calls to validate: the images in parts whose convolutions have room in memory."""

    @tf.function(autograph=False)
    def step(images: Any, labels: Any) -> dict[str, Any]:
        return dict(model.test_step((images, labels)))

    def run(iterator: Any) -> dict[str, Any]:
        images, labels = next(iterator)
        parts = range(0, len(labels), _PART)
        return [step(images[start : start + _PART], labels[start : start + _PART]) for start in parts][-1]

    return run


def _epoch_at_once(model: Any, steps: int) -> Any:
    """Return what `fit` calls for its one "step" an epoch: all real steps, compiled as one loop."""

    @tf.function(jit_compile=True, autograph=False)
    def run(images: Any, labels: Any) -> dict[str, Any]:
        def step(number: Any) -> Any:
            model.train_step((as_input(images[number]), labels[number]))
            return number + 1

        tf.while_loop(lambda number: number < steps, step, [0])
        return dict(model.get_metrics_result())

    return lambda iterator: run(*next(iterator))


def _validation_at_once(model: Any) -> Any:
    """Return what `fit` calls to validate: all images in one compiled batch."""

    @tf.function(jit_compile=True, autograph=False)
    def run(images: Any, labels: Any) -> dict[str, Any]:
        return dict(model.test_step((images, labels)))

    return lambda iterator: run(*next(iterator))


def _set_programs(model: Any, steps: int, *, at_once: bool) -> None:
    """Have `fit`, which asks for its functions again and again, use programs that are made and compiled once."""
    by_epoch, by_split = (_epoch_at_once, _validation_at_once) if at_once else (_epoch_by_steps, _validation_by_steps)
    epoch, validate = by_epoch(model, steps), by_split(model)
    model.make_train_function = lambda force=False: epoch
    model.make_test_function = lambda force=False: validate


@contextmanager
def _told_of_event_files(folder: Path | None) -> Iterator[None]:
    """Say in a sentence that TensorBoard's files could not be written; TensorFlow's own words are of its kernels."""
    try:
        yield
    except tf.errors.OpError as error:
        if folder is None or "events file" not in error.message:
            raise
        reason = re.search(r"; ([^;\n]+)\n", error.message)
        raise DataError(
            f"{folder} cannot be written: {reason[1] if reason else 'its event files end too early'}.",
            hint="Make room there, or leave --tensorboard out.",
        ) from error


# Each stage has programs of its own, which the third short one in a process would be told not to make.
@unwarned("triggered tf.function retracing")
@as_written
def train(
    model: Any,
    splits: Splits,
    config: TrainingConfig,
    plan: StagePlan,
    loss: LogitsLoss,
    progress: Progress,
    *,
    view: View = PLAIN,
    distillation: Distillation | None = None,
    at_once: bool = True,
    extra_callbacks: Sequence[Any] = (),
    tensorboard: Path | None = None,
) -> History:
    """Train `model` in place for one stage.

    Args:
        model: Keras model, float32 (n, inputs) → logits (n, 10); wrapped by TF-MOT or not.
        splits: trains on `train`, watches `validation`, never touches `test`.
        config: optimizer, batch size, schedule, early stopping, augmentation.
        plan: what is particular to this stage.
        loss: what is minimised.
        progress: where the bar goes.
        view: what the model sees of an image.
        distillation: what is learned from beside the labels, of which `loss` then is a share.
        at_once: whether an epoch may be one XLA program, which it is where that is worth compiling; else steps are
            TensorFlow's own, whose convolutions are faster.
        extra_callbacks: of TF-MOT, run before ours at the end of an epoch.
        tensorboard: folder for event files, one sub-folder a stage.

    Returns:
        Figures by epoch.

    Raises:
        DataError: the event files cannot be written.
    """
    targets = distillation.targets if distillation else labels_alone
    stream = training_epochs(splits.train, config, plan.seed, view, targets)
    optimizer = make_optimizer(config, plan.peak, stream.steps * plan.epochs)
    optimizer.build(model.trainable_variables)  # The first step would make these, and be traced twice.
    model.compile(optimizer, loss=distillation.loss(loss) if distillation else loss, metrics=[ClassificationCounts()])
    _set_programs(model, stream.steps, at_once=at_once and stream.steps * plan.epochs >= WORTH_COMPILING)
    images, labels = as_tensors(splits.validation, view)
    watched = tf.data.Dataset.from_tensors((images, targets(labels, splits.validation.images))).repeat()
    with progress.stage(plan.title, plan.epochs) as stage, _told_of_event_files(tensorboard):
        callbacks = [*extra_callbacks, *_callbacks(config, plan, stage, tensorboard)]
        fitted = model.fit(
            stream.dataset, epochs=plan.epochs, validation_data=watched, callbacks=callbacks, verbose=0, **_ONE_STEP
        )
    return {key: [float(value) for value in values] for key, values in fitted.history.items() if key != "lr"}
