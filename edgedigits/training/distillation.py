"""Distillation (Hinton, Vinyals and Dean, 2015, arXiv:1503.02531): a student learns from labels and from a teacher.

The loss of an image is a·T²·KL(teacher ‖ student, both softened by T) + (1 − a)·loss. What the teacher says of the very
pixels that a step shows is computed where epochs are made and comes with the labels: a row of eleven numbers an image,
its label and ten logits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgedigits.data.shape import CLASSES
from edgedigits.training.keras_env import keras, tf
from edgedigits.training.losses import LogitsLoss
from edgedigits.training.teacher import Teacher

_PACKED = 1 + CLASSES


@dataclass(frozen=True)
class Distillation:
    """What a student learns from beside its labels.

    Attributes:
        teacher: what it learns from.
        temperature: T, above 0.
        weight: a, the teacher's share, above 0 up to 1.
    """

    teacher: Teacher
    temperature: float
    weight: float

    def targets(self, labels: Any, pixels: Any) -> Any:
        """Return labels and what the teacher says, float32 (n, 11).

        Args:
            labels: int32 (n,).
            pixels: uint8 (n, 784), whole images, whatever the student sees of them.
        """
        return tf.concat([tf.cast(labels, tf.float32)[:, None], self.teacher.logits(pixels)], axis=1)

    def loss(self, hard: LogitsLoss) -> DistilledLoss:
        """Return the loss on such targets, of which `hard` is the share of the labels."""
        return DistilledLoss(hard, self.temperature, self.weight)


def labels_of(y_true: Any) -> Any:
    """Return the labels, int32 (n,), of targets that are labels alone, (n,) or (n, 1), or those of `Distillation`."""
    targets = tf.convert_to_tensor(y_true)
    packed = targets.shape.rank == 2 and targets.shape[1] == _PACKED
    return tf.cast(targets[:, 0] if packed else tf.reshape(targets, (-1,)), tf.int32)


@keras.utils.register_keras_serializable("edgedigits")
class DistilledLoss(keras.losses.Loss):
    """The mean over a batch of a·T²·KL(teacher ‖ student) + (1 − a)·hard.

    Args:
        hard: the loss on labels.
        temperature: T. T² keeps the slope of the first term the same size whatever T is.
        weight: a.
    """

    def __init__(self, hard: LogitsLoss, temperature: float, weight: float, **kwargs: Any) -> None:
        super().__init__(name=kwargs.pop("name", "distilled"), **kwargs)
        self.hard, self.temperature, self.weight = hard, temperature, weight

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each image, float32 (n,), of targets (n, 11) and the student's logits (n, 10)."""
        teacher = tf.nn.log_softmax(y_true[:, 1:] / self.temperature)
        student = tf.nn.log_softmax(y_pred / self.temperature)
        soft = tf.reduce_sum(tf.exp(teacher) * (teacher - student), axis=-1)
        hard = self.hard.call(labels_of(y_true), y_pred)
        return self.weight * self.temperature**2 * soft + (1.0 - self.weight) * hard

    def get_config(self) -> dict[str, Any]:
        """Return what makes this loss again."""
        hard = keras.losses.serialize(self.hard)
        return {**super().get_config(), "hard": hard, "temperature": self.temperature, "weight": self.weight}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> DistilledLoss:
        """Make the loss of a configuration."""
        return cls(keras.losses.deserialize(config.pop("hard")), **config)
