"""The arithmetic of the report, one network at a time and written to be read: `published` is held against it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.shape import CLASSES
from edgedigits.reproduction.published import Floats, Weights, forward, initial_weights, to_steps, without_smallest


def pruned(weights: Weights) -> Weights:
    """Return the network with each matrix's smallest tenth set to 0."""
    return Weights(without_smallest(weights.w1), weights.b1, without_smallest(weights.w2), weights.b2)


def backward(
    weights: Weights,
    pixels: Floats,
    onehot: Floats,
    passed: tuple[Floats, Floats, Floats],
    *,
    quantized: bool,
    file_rows: int = 0,
) -> Weights:
    """Return the gradients of the report, with its db summed over everything.

    Args:
        weights: the network.
        pixels: float64 (784, n).
        onehot: float64 (10, n).
        passed: what `forward` returned.
        quantized: quantize every gradient, twice.
        file_rows: what sums are divided by when quantized: images of the whole file; 0 for those of `pixels`.
    """
    sums, hidden, probabilities = passed
    count = file_rows if quantized and file_rows else pixels.shape[1]
    error2 = probabilities - onehot
    error1 = (weights.w2.T @ error2) * (sums > 0)
    totals: list[Floats] = [
        error1 @ pixels.T,
        np.asarray(np.sum(error1)),
        error2 @ hidden.T,
        np.asarray(np.sum(error2)),
    ]
    w1, b1, w2, b2 = (total / count for total in totals)
    if quantized:
        w1, b1, w2, b2 = (to_steps(to_steps(gradient)) for gradient in (w1, b1, w2, b2))
    return Weights(w1, b1, w2, b2)


def updated(weights: Weights, gradients: Weights, rate: float) -> Weights:
    """Return the network after one step of gradient descent."""
    return Weights(
        weights.w1 - rate * gradients.w1,
        weights.b1 - rate * gradients.b1,
        weights.w2 - rate * gradients.w2,
        weights.b2 - rate * gradients.b2,
    )


def classes_of(weights: Weights, pixels: Floats, *, quantized: bool) -> NDArray[np.intp]:
    """Return the class of each column of `pixels` (784, n), int (n,)."""
    return forward(weights, pixels, quantized=quantized)[2].argmax(axis=0)


Watcher = Callable[[int, Weights, float], None]
"""Called with the iterations done, the network, and the training accuracy that the last forward pass had."""


def train(
    family: str,
    pixels: Floats,
    labels: NDArray[np.uint8],
    *,
    rate: float,
    iterations: int,
    seed: int,
    file_rows: int = 0,
    watch: Watcher | None = None,
) -> Weights:
    """Train as the report did: full-batch gradient descent.

    Args:
        family: "classical", "quantized" or "pruned"; classical and pruned are the same arithmetic.
        pixels: float64 (784, n) in [0, 1], a column an image.
        labels: uint8 (n,).
        rate: learning rate, constant.
        iterations: steps.
        seed: of the first weights.
        file_rows: images of the whole file; see `backward`.
        watch: called after every step.
    """
    quantized = family == "quantized"
    onehot = np.eye(CLASSES)[:, labels]
    weights = initial_weights(seed)
    for iteration in range(1, iterations + 1):
        passed = forward(weights, pixels, quantized=quantized)
        gradients = backward(weights, pixels, onehot, passed, quantized=quantized, file_rows=file_rows)
        weights = updated(weights if quantized else pruned(weights), gradients, rate)
        if watch is not None:
            watch(iteration, weights, float(np.mean(passed[2].argmax(axis=0) == labels)))
    return weights
