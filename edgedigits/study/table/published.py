"""The arithmetic of the report whose table this study repeats, in NumPy, so that its figures can be had again.

It is kept as it was, mistakes included, because they explain the table:

- quantize(v) = fix(clip(255·v, −255, 255))/255 is applied to gradients as well. A gradient below 1/255 becomes 0, any
  other loses its remainder, always towards 0. It is applied twice, which changes nothing.
- db is one number: the error summed over classes and images. The softmax and the one-hot label both sum to 1, so that
  the output layer's db is 0 but for rounding, and its biases never learn.
- The error is softmax − one-hot whatever loss is named: the losses were printed, not differentiated. Rows of a family
  differ by their random first weights only.
- "Pruning" zeroes the tenth of the weights that is smallest before each update, which then fills it again; "classical"
  does the same.
- When quantized, only the product with w2 sees the quantized hidden activation: dW2 takes it as it was before. And the
  gradients are divided by all rows of the file, the dev set's 1,000 included, though summed over the others only.

It is written to be read, one network at a time; `published_side` runs many side by side and is held against it. Nothing
else of the toolkit uses this file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.shape import CLASSES, PIXELS

HIDDEN = 10
STEPS = 255.0
PRUNED_PERCENTILE = 10
FAMILIES = ("classical", "quantized", "pruned")

Floats = NDArray[np.float64]


@dataclass
class Weights:
    """The network: float64 w1 (10, 784), b1 (10, 1), w2 (10, 10), b2 (10, 1)."""

    w1: Floats
    b1: Floats
    w2: Floats
    b2: Floats

    def pruned(self) -> Weights:
        """Return the network with each matrix's smallest tenth set to 0."""
        return Weights(_without_smallest(self.w1), self.b1, _without_smallest(self.w2), self.b2)


@dataclass(frozen=True)
class Gradients:
    """w1 (10, 784) and w2 (10, 10); b1 and b2 are single numbers, as in the report."""

    w1: Floats
    b1: float
    w2: Floats
    b2: float


def initial_weights(seed: int) -> Weights:
    """Return weights and biases uniform in [−0.5, 0.5)."""
    draw = np.random.Generator(np.random.PCG64(seed)).random
    shapes = ((HIDDEN, PIXELS), (HIDDEN, 1), (CLASSES, HIDDEN), (CLASSES, 1))
    return Weights(*(draw(shape) - 0.5 for shape in shapes))


def to_steps(values: Floats) -> Floats:
    """Return fix(clip(255·v, −255, 255))/255: rounding towards 0 to a step of 1/255, clipped to ±1."""
    return np.asarray(np.fix(np.clip(STEPS * values, -STEPS, STEPS)) / STEPS, np.float64)


def forward(weights: Weights, pixels: Floats, *, quantized: bool) -> tuple[Floats, Floats, Floats]:
    """Return the hidden sums, the hidden activations before quantization and the softmax, each float64 (10, n).

    Args:
        weights: the network.
        pixels: float64 (784, n) in [0, 1].
        quantized: quantize both matrices, and the hidden activation in the product with w2 alone; biases and the
            softmax are not.
    """
    w1, w2 = (to_steps(weights.w1), to_steps(weights.w2)) if quantized else (weights.w1, weights.w2)
    sums = w1 @ pixels + weights.b1
    hidden = np.maximum(sums, 0.0)
    outputs = w2 @ (to_steps(hidden) if quantized else hidden) + weights.b2
    outputs = np.exp(outputs - outputs.max(axis=0))
    return sums, hidden, outputs / outputs.sum(axis=0)


def backward(
    weights: Weights,
    pixels: Floats,
    onehot: Floats,
    passed: tuple[Floats, Floats, Floats],
    *,
    quantized: bool,
    file_rows: int = 0,
) -> Gradients:
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
    return Gradients(w1, float(b1), w2, float(b2))


def updated(weights: Weights, gradients: Gradients, rate: float) -> Weights:
    """Return the network after one step of gradient descent."""
    return Weights(
        weights.w1 - rate * gradients.w1,
        weights.b1 - rate * gradients.b1,
        weights.w2 - rate * gradients.w2,
        weights.b2 - rate * gradients.b2,
    )


def _without_smallest(matrix: Floats) -> Floats:
    """Keep what is strictly above the percentile."""
    sizes = np.abs(matrix)
    return np.where(sizes > np.percentile(sizes, PRUNED_PERCENTILE), matrix, 0.0)


def classes_of(weights: Weights, pixels: Floats, *, quantized: bool) -> NDArray[np.intp]:
    """Return the class of each column of `pixels` (784, n), int (n,)."""
    return forward(weights, pixels, quantized=quantized)[2].argmax(axis=0)


Watcher = Callable[[int, Weights, float], None]
"""Called with the iterations done, the network, and the training accuracy that the last forward pass had."""


def train_alone(
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
        weights = updated(weights if quantized else weights.pruned(), gradients, rate)
        if watch is not None:
            watch(iteration, weights, float(np.mean(passed[2].argmax(axis=0) == labels)))
    return weights
