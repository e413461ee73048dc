"""The losses, each on logits (n, 10) with integer labels (n,), each truly differentiated.

s are the logits of one image, y its label, p = softmax(s), K = 10 classes. A batch's value is the mean over images.

===================== =================================================================================================
cross-entropy         −log p_y
weighted-…            −w_y log p_y; w given, "balanced" n/(K·n_c), or "effective-number" ∝ (1 − β)/(1 − β^n_c)
                      (Cui et al., 2019), scaled to a mean of 1 over the classes
mse                   Σ_k (p_k − 1[k = y])², the Brier score (Brier, 1950)
focal                 −α_y (1 − p_y)^γ log p_y (Lin et al., 2017)
hinge                 weston-watkins  Σ_{k≠y} max(0, 1 + s_k − s_y) (Weston and Watkins, 1999), the default
                      one-vs-rest     Σ_k max(0, 1 − t_k·s_k), t_y = 1 and −1 elsewhere (Rifkin and Klautau, 2004)
                      crammer-singer  max(0, 1 + max_{k≠y} s_k − s_y) (Crammer and Singer, 2001)
one-hot               no value at all (0): the error p − onehot(y) is sent back as it is. This is the baseline "no
                      explicit loss" of the report that started this project; it is the gradient of cross-entropy.
===================== =================================================================================================

Labels that are one-hot, fractional or of the wrong shape, and outputs that are probabilities, are errors: Keras itself
would train on them to 9.5 % without a word.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.config import LossConfig
from edgedigits.data.shape import CLASSES
from edgedigits.training.keras_env import keras, tf

PACKAGE = "edgedigits"


class LogitsLoss(keras.losses.Loss):
    """Base: checks how it is used, then asks `per_image` for one value an image."""

    def __init__(self, name: str, **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each image, float32 (n,).

        Args:
            y_true: integer labels (n,) or (n, 1).
            y_pred: float logits (n, 10).

        Raises:
            ValueError: the labels are not integers, are one-hot, or the outputs are probabilities.
        """
        logits = tf.convert_to_tensor(y_pred)
        labels = _integer_labels(y_true, self.name)
        _refuse_probabilities(y_pred, logits, self.name)
        return self.per_image(labels, logits)

    def per_image(self, labels: Any, logits: Any) -> Any:
        """Return the loss of each image for int32 labels (n,) and float32 logits (n, 10)."""
        raise NotImplementedError


def _integer_labels(y_true: Any, name: str) -> Any:
    labels = tf.convert_to_tensor(y_true)
    if labels.shape.rank == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.shape.rank != 1:
        raise ValueError(
            f"loss {name} takes integer labels of shape (n,). Received: labels of shape {tuple(labels.shape)}; "
            "one-hot labels become integers by numpy.argmax(labels, axis=1)."
        )
    if not labels.dtype.is_integer:
        raise ValueError(f"loss {name} takes integer labels. Received: labels of dtype {labels.dtype.name}.")
    return tf.cast(labels, tf.int32)


def _refuse_probabilities(y_pred: Any, logits: Any, name: str) -> None:
    """Raise for the output of a softmax: seen by its values in eager mode, by its op in a graph."""
    if tf.executing_eagerly():
        sums = tf.reduce_sum(logits, axis=-1)
        probabilities = bool(tf.reduce_all(logits >= 0)) and bool(tf.reduce_all(tf.abs(sums - 1) < 1e-3))
    else:
        probabilities = hasattr(y_pred, "_keras_logits") or logits.op.type == "Softmax"
    if probabilities:
        raise ValueError(
            f"loss {name} takes logits. Received: probabilities; remove the softmax, which is added on deployment."
        )


def _log_p_true(labels: Any, logits: Any) -> Any:
    return -tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)


def _true_and_others(labels: Any, logits: Any) -> tuple[Any, Any, Any]:
    """Return the true class's logit (n, 1), the one-hot labels (n, 10) and 1 − one-hot."""
    onehot = tf.one_hot(labels, CLASSES, dtype=logits.dtype)
    return tf.reduce_sum(logits * onehot, axis=-1, keepdims=True), onehot, 1.0 - onehot


@keras.utils.register_keras_serializable(PACKAGE)
class CrossEntropy(LogitsLoss):
    """−log p_y."""

    def __init__(self, name: str = "cross-entropy", **kwargs: Any) -> None:
        super().__init__(name, **kwargs)

    def per_image(self, labels: Any, logits: Any) -> Any:
        return -_log_p_true(labels, logits)


@keras.utils.register_keras_serializable(PACKAGE)
class WeightedCrossEntropy(LogitsLoss):
    """−w_y log p_y.

    Args:
        weights: ten non-negative numbers, one a class.
    """

    def __init__(self, weights: Any, name: str = "weighted-cross-entropy", **kwargs: Any) -> None:
        super().__init__(name, **kwargs)
        self.weights = [float(weight) for weight in weights]
        if len(self.weights) != CLASSES or min(self.weights) < 0:
            raise ValueError(f"weights must be {CLASSES} non-negative numbers. Received: weights={weights}")

    def per_image(self, labels: Any, logits: Any) -> Any:
        weight = tf.gather(tf.constant(self.weights, logits.dtype), labels)
        return -weight * _log_p_true(labels, logits)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "weights": self.weights}


@keras.utils.register_keras_serializable(PACKAGE)
class SoftmaxMeanSquaredError(LogitsLoss):
    """Σ_k (p_k − 1[k = y])²: squared error on the softmax (the Brier score)."""

    def __init__(self, name: str = "mse", **kwargs: Any) -> None:
        super().__init__(name, **kwargs)

    def per_image(self, labels: Any, logits: Any) -> Any:
        onehot = tf.one_hot(labels, CLASSES, dtype=logits.dtype)
        return tf.reduce_sum(tf.square(tf.nn.softmax(logits) - onehot), axis=-1)


@keras.utils.register_keras_serializable(PACKAGE)
class Focal(LogitsLoss):
    """−α_y (1 − p_y)^γ log p_y.

    Args:
        gamma: focusing exponent γ ≥ 0; 0 gives cross-entropy.
        alpha: () for none, one number for all classes, or ten.
    """

    def __init__(self, gamma: float = 2.0, alpha: Any = (), name: str = "focal", **kwargs: Any) -> None:
        super().__init__(name, **kwargs)
        self.gamma = float(gamma)
        self.alpha = [float(a) for a in np.atleast_1d(alpha)]
        if self.gamma < 0 or len(self.alpha) not in (0, 1, CLASSES):
            raise ValueError(
                f"gamma must be ≥ 0, alpha empty, one or ten numbers. Received: gamma={gamma}, alpha={alpha}"
            )

    def per_image(self, labels: Any, logits: Any) -> Any:
        log_p = _log_p_true(labels, logits)
        # 1 − p from the log keeps its digits where p is nearly 1, and the floor keeps the gradient of the power finite.
        miss = tf.maximum(-tf.math.expm1(log_p), 1e-7)
        loss = -tf.pow(miss, self.gamma) * log_p
        if not self.alpha:
            return loss
        alphas = self.alpha * CLASSES if len(self.alpha) == 1 else self.alpha
        return tf.gather(tf.constant(alphas, logits.dtype), labels) * loss

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "gamma": self.gamma, "alpha": self.alpha}


@keras.utils.register_keras_serializable(PACKAGE)
class WestonWatkinsHinge(LogitsLoss):
    """Σ_{k≠y} max(0, 1 + s_k − s_y)."""

    def __init__(self, name: str = "hinge", **kwargs: Any) -> None:
        super().__init__(name, **kwargs)

    def per_image(self, labels: Any, logits: Any) -> Any:
        true, _, others = _true_and_others(labels, logits)
        return tf.reduce_sum(others * tf.nn.relu(1.0 + logits - true), axis=-1)


@keras.utils.register_keras_serializable(PACKAGE)
class OneVsRestHinge(LogitsLoss):
    """Σ_k max(0, 1 − t_k·s_k), t_k = 1 for the true class and −1 for the others."""

    def __init__(self, name: str = "hinge", **kwargs: Any) -> None:
        super().__init__(name, **kwargs)

    def per_image(self, labels: Any, logits: Any) -> Any:
        _, onehot, others = _true_and_others(labels, logits)
        return tf.reduce_sum(tf.nn.relu(1.0 - (onehot - others) * logits), axis=-1)


@keras.utils.register_keras_serializable(PACKAGE)
class CrammerSingerHinge(LogitsLoss):
    """max(0, 1 + max_{k≠y} s_k − s_y)."""

    def __init__(self, name: str = "hinge", **kwargs: Any) -> None:
        super().__init__(name, **kwargs)

    def per_image(self, labels: Any, logits: Any) -> Any:
        true, onehot, _ = _true_and_others(labels, logits)
        rival = tf.reduce_max(tf.where(onehot > 0, logits.dtype.min, logits), axis=-1)
        return tf.nn.relu(1.0 + rival - true[:, 0])


@keras.utils.register_keras_serializable(PACKAGE)
class OneHotError(LogitsLoss):
    """No value; the error softmax(s) − onehot(y) is the gradient."""

    def __init__(self, name: str = "one-hot", **kwargs: Any) -> None:
        super().__init__(name, **kwargs)

    def per_image(self, labels: Any, logits: Any) -> Any:
        onehot = tf.one_hot(labels, CLASSES, dtype=logits.dtype)

        @tf.custom_gradient
        def error_only(s: Any) -> Any:
            return tf.zeros_like(s[:, 0]), lambda upstream: upstream[:, None] * (tf.nn.softmax(s) - onehot)

        return error_only(logits)


_HINGES = {
    "weston-watkins": WestonWatkinsHinge,
    "one-vs-rest": OneVsRestHinge,
    "crammer-singer": CrammerSingerHinge,
}


def class_weights(config: LossConfig, labels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the weight of each class, float64 (10,), for weighted cross-entropy.

    Args:
        config: weights given, "balanced" or "effective-number".
        labels: training labels (n,), counted for the two rules. A class that never occurs weighs 0.
    """
    if not isinstance(config.class_weights, str):
        return np.array(config.class_weights, dtype=np.float64)
    counts = np.bincount(labels, minlength=CLASSES).astype(np.float64)
    present = counts > 0
    weights = np.zeros(CLASSES)
    if config.class_weights == "balanced":
        weights[present] = counts.sum() / (CLASSES * counts[present])
        return weights
    weights[present] = (1.0 - config.beta) / (1.0 - config.beta ** counts[present])
    return np.asarray(weights * present.sum() / weights.sum())


def make_loss(config: LossConfig, labels: NDArray[np.uint8]) -> LogitsLoss:
    """Return the loss that the config names; `labels` (n,) are the training labels, counted for class weights."""
    if config.name == "weighted-cross-entropy":
        return WeightedCrossEntropy(class_weights(config, labels))
    if config.name == "focal":
        return Focal(config.gamma, config.alpha)
    if config.name == "hinge":
        return _HINGES[config.hinge]()
    return {"cross-entropy": CrossEntropy, "mse": SoftmaxMeanSquaredError, "one-hot": OneHotError}[config.name]()
