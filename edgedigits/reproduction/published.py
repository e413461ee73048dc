"""The arithmetic of the report whose table this study repeats, in NumPy, so that its figures can be had again.

It is kept as it was, mistakes included, because they explain the table:

- to_steps(v) = fix(clip(255·v, −255, 255))/255 is applied to gradients as well. A gradient below 1/255 becomes 0, any
  other loses its remainder, always towards 0. It is applied twice, which changes nothing.
- db is one number: the error summed over classes and images. The softmax and the one-hot label both sum to 1, so that
  the output layer's db is 0 but for rounding, and its biases never learn.
- The error is softmax − one-hot whatever loss is named: the losses were printed, not differentiated. Rows of a family
  differ by their random first weights only.
- "Pruning" zeroes the tenth of the weights that is smallest before each update, which then fills it again; "classical"
  does the same.
- When quantized, only the product with w2 sees the quantized hidden activation: dW2 takes it as it was before. And the
  gradients are divided by all rows of the file, the dev set's 1,000 included, though summed over the others only.

Many networks train side by side, and the images are read once. The first layers lie over each other in one product,
forward and backward. The images come in blocks of like bounding boxes, since a pixel that is inked in no image of a
block adds nothing to its sums and can be left out: about half of them. A network ends with the weights that a training
alone gives it (`tests/reproduction/alone.py`), but for the rounding of float64 sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.digits import Digits
from edgedigits.data.shape import CLASSES, IMAGE_SIDE, PIXELS

HIDDEN = 10
STEPS = 255.0
PRUNED_PERCENTILE = 10
BLOCK = 250
"""Images that are worked on at a time."""

Floats = NDArray[np.float64]


class Weights(NamedTuple):
    """A network, k of them, or their gradients: w1 (…, 10, 784), b1 (…, 10, 1), w2 (…, 10, 10), b2 (…, 10, 1).

    The gradients of the biases are single numbers, (…, 1, 1), as in the report.
    """

    w1: Floats
    b1: Floats
    w2: Floats
    b2: Floats


class Trainee(NamedTuple):
    """What makes a network's training its own, at one learning rate.

    Attributes:
        plain: trained without quantization; the report's "classical" and "pruned" alike.
        first_weights: a seed.
    """

    plain: bool
    first_weights: int


class _Block(NamedTuple):
    """Images that are worked on together: the pixels inked in any of them, int (m,); these alone, float64 (m, n) in
    [0, 1], a column an image; their labels, uint8 (n,)."""

    inked: NDArray[np.intp]
    pixels: Floats
    labels: NDArray[np.uint8]


def initial_weights(seed: int) -> Weights:
    """Return weights and biases uniform in [−0.5, 0.5)."""
    draw = np.random.Generator(np.random.PCG64(seed)).random
    shapes = ((HIDDEN, PIXELS), (HIDDEN, 1), (CLASSES, HIDDEN), (CLASSES, 1))
    return Weights(*(draw(shape) - 0.5 for shape in shapes))


def to_steps(values: Floats) -> Floats:
    """Return fix(clip(255·v, −255, 255))/255: rounding towards 0 to a step of 1/255, clipped to ±1."""
    return np.asarray(np.fix(np.clip(STEPS * values, -STEPS, STEPS)) / STEPS, np.float64)


def without_smallest(matrices: Floats) -> Floats:
    """Return matrices (…, m, n) in which only what is strictly above the percentile of its matrix is not 0."""
    sizes = np.abs(matrices)
    return np.where(sizes > np.percentile(sizes, PRUNED_PERCENTILE, axis=(-2, -1), keepdims=True), matrices, 0.0)


def columns(digits: Digits) -> Floats:
    """Return float64 (784, n) in [0, 1], a column an image, as the report has them."""
    return np.ascontiguousarray(digits.images.T / 255.0)


def forward(weights: Weights, pixels: Floats, *, quantized: bool) -> tuple[Floats, Floats, Floats]:
    """Return the hidden sums, the hidden activations before quantization and the softmax of a network, each (10, n).

    Args:
        weights: the network.
        pixels: float64 (784, n) in [0, 1].
        quantized: quantize both matrices, and the hidden activation in the product with w2 alone; biases and the
            softmax are not.
    """
    w1, w2 = (to_steps(weights.w1), to_steps(weights.w2)) if quantized else (weights.w1, weights.w2)
    sums = w1 @ pixels + weights.b1
    hidden = np.maximum(sums, 0.0)
    return sums, hidden, _softmax(w2 @ (to_steps(hidden) if quantized else hidden) + weights.b2)


def _softmax(outputs: Floats) -> Floats:
    powers = np.exp(outputs - outputs.max(axis=-2, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-2, keepdims=True))


class SideBySide:
    """Networks on their way, at one learning rate.

    Args:
        networks: which; no two alike.
        train: what is trained on, all of it in every step.
        rate: learning rate.
        file_rows: images of the whole file, by which the gradients of quantized networks are divided; 0 for those of
            `train`.

    Attributes:
        networks: in the order of everything that is returned, the quantized ones first.
        accuracy: of each on the training images in the last step's forward pass, float64 (k,), 0…1.
    """

    def __init__(self, networks: Sequence[Trainee], train: Digits, *, rate: float, file_rows: int = 0) -> None:
        self.networks = sorted(networks)
        self.accuracy: Floats = np.zeros(len(networks))
        self._rate, self._count, self._file_rows = rate, len(train), file_rows or len(train)
        self._blocks = _blocks(train)
        first = [initial_weights(network.first_weights) for network in self.networks]
        self._all = Weights(*map(np.stack, zip(*first, strict=True)))

    @property
    def _quantized(self) -> int:
        """How many of the networks are quantized; they come first."""
        return sum(not network.plain for network in self.networks)

    def weights(self, network: Trainee) -> Weights:
        """Return a network as it is now."""
        at = self.networks.index(network)
        return Weights(*(part[at].copy() for part in self._all))

    def keep(self, networks: Sequence[Trainee]) -> None:
        """Go on with some of the networks only."""
        chosen = [at for at, network in enumerate(self.networks) if network in networks]
        if len(chosen) < len(self.networks):
            self.networks = [self.networks[at] for at in chosen]
            self.accuracy = self.accuracy[chosen]
            self._all = Weights(*(part[chosen] for part in self._all))

    def step(self) -> None:
        """Take one step of full-batch gradient descent with every network."""
        gradients, cut = self._gradients(), self._quantized
        starts = self._all
        if cut < len(self.networks):
            w1, w2 = (np.concatenate([part[:cut], without_smallest(part[cut:])]) for part in (starts.w1, starts.w2))
            starts = Weights(w1, starts.b1, w2, starts.b2)
        self._all = Weights(*(start - self._rate * part for start, part in zip(starts, gradients, strict=True)))

    def _gradients(self) -> Weights:
        """Return the gradients as the report has them: divided, and quantized where a network is."""
        cut, networks = self._quantized, len(self.networks)
        shapes = ((HIDDEN, PIXELS), (1, 1), (CLASSES, HIDDEN), (1, 1))
        sums = Weights(*(np.zeros((networks, *shape)) for shape in shapes))
        used = _quantized_first(self._all.w1, cut), _quantized_first(self._all.w2, cut)
        right = [self._add_block(sums, used, block) for block in self._blocks]
        self.accuracy = np.sum(right, axis=0) / self._count
        counts = np.where(np.arange(networks) < cut, self._file_rows, self._count)[:, None, None]
        # Twice, as the report does it; which changes nothing.
        return Weights(*(_quantized_first(_quantized_first(part / counts, cut), cut) for part in sums))

    def _add_block(self, sums: Weights, used: tuple[Floats, Floats], block: _Block) -> Floats:
        """Add the gradients of a block to `sums`; return how many of its images each network knows, (k,).

        Args:
            sums: of what will be the gradients.
            used: w1 (k, 10, 784) and w2 (k, 10, 10) as the products see them.
            block: the images.
        """
        w1, w2 = used
        rows, images = len(self.networks) * HIDDEN, len(block.labels)
        products = w1[:, :, block.inked].reshape(rows, -1) @ block.pixels
        before = products.reshape(-1, HIDDEN, images) + self._all.b1
        hidden = np.maximum(before, 0.0)
        error2 = _softmax(w2 @ _quantized_first(hidden, self._quantized) + self._all.b2)
        right = np.sum(error2.argmax(axis=1) == block.labels, axis=1, dtype=np.float64)
        error2[:, block.labels, np.arange(images)] -= 1.0
        error1 = (self._all.w2.transpose(0, 2, 1) @ error2) * (before > 0)
        sums.w1[:, :, block.inked] += (error1.reshape(rows, -1) @ block.pixels.T).reshape(-1, HIDDEN, len(block.inked))
        sums.w2[:] += error2 @ hidden.transpose(0, 2, 1)
        sums.b1[:] += error1.sum(axis=(1, 2), keepdims=True)
        sums.b2[:] += error2.sum(axis=(1, 2), keepdims=True)
        return np.asarray(right)


def _blocks(digits: Digits) -> list[_Block]:
    """Divide digits into blocks of like bounding boxes of their ink."""
    order, found = np.lexsort(_edges(digits.images)), []
    for start in range(0, len(digits), BLOCK):
        some = digits.take(order[start : start + BLOCK])
        inked = np.flatnonzero(some.images.any(axis=0))
        found.append(_Block(inked, np.ascontiguousarray(some.images[:, inked].T / 255.0), some.labels))
    return found


def _edges(images: NDArray[np.uint8]) -> list[NDArray[np.intp]]:
    """Return the first and last inked column and row of each image (n, 784), each int (n,)."""
    squares = images.reshape(-1, IMAGE_SIDE, IMAGE_SIDE)
    edges = []
    for inked in (squares.max(axis=1) > 0, squares.max(axis=2) > 0):
        edges += [inked.argmax(axis=1), IMAGE_SIDE - 1 - inked[:, ::-1].argmax(axis=1)]
    return edges


def _quantized_first(values: Floats, count: int) -> Floats:
    """Return values (k, …) with those of the first `count` networks quantized."""
    return np.concatenate([to_steps(values[:count]), values[count:]])
