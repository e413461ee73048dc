"""Many networks of `published`, trained side by side: the same arithmetic, and the images are read once.

The first layers lie over each other in one product, forward and backward. The images come in blocks of like bounding
boxes, since a pixel that is inked in no image of a block adds nothing to its sums and can be left out: about half of
them. A network ends with the weights that `published.train_alone` gives it, but for the rounding of float64 sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.digits import Digits
from edgedigits.data.shape import CLASSES, IMAGE_SIDE, PIXELS
from edgedigits.study.table.published import HIDDEN, PRUNED_PERCENTILE, Floats, Weights, initial_weights, to_steps

BLOCK = 250
"""Images that are worked on at a time."""


@dataclass(frozen=True, eq=False)
class _Block:
    """Images that are worked on together.

    Attributes:
        inked: the pixels that are inked in any of them, int (m,).
        pixels: these alone, float64 (m, n) in [0, 1], a column an image.
        labels: uint8 (n,).
    """

    inked: NDArray[np.intp]
    pixels: Floats
    labels: NDArray[np.uint8]


@dataclass(frozen=True, order=True)
class Trainee:
    """What makes a network's training its own, at one learning rate.

    Attributes:
        plain: trained without quantization; the report's "classical" and "pruned" alike.
        first_weights: a seed.
    """

    plain: bool
    first_weights: int


@dataclass
class _Stack:
    """float64 w1 (k, 10, 784), b1 (k, 10, 1), w2 (k, 10, 10), b2 (k, 10, 1): k networks, or their gradients.

    The biases' gradients are (k, 1, 1), as the report has them.
    """

    w1: Floats
    b1: Floats
    w2: Floats
    b2: Floats

    def parts(self) -> tuple[Floats, Floats, Floats, Floats]:
        return self.w1, self.b1, self.w2, self.b2


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
        self._all = _Stack(*(np.stack([getattr(one, name) for one in first]) for name in ("w1", "b1", "w2", "b2")))

    @property
    def _quantized(self) -> int:
        """How many of the networks are quantized; they come first."""
        return sum(not network.plain for network in self.networks)

    def weights(self, network: Trainee) -> Weights:
        """Return a network as it is now."""
        at = self.networks.index(network)
        return Weights(*(part[at].copy() for part in self._all.parts()))

    def keep(self, networks: Sequence[Trainee]) -> None:
        """Go on with some of the networks only."""
        chosen = [at for at, network in enumerate(self.networks) if network in networks]
        if len(chosen) == len(self.networks):
            return
        self.networks = [self.networks[at] for at in chosen]
        self.accuracy = self.accuracy[chosen]
        self._all = _Stack(*(part[chosen] for part in self._all.parts()))

    def step(self) -> None:
        """Take one step of full-batch gradient descent with every network."""
        gradients = self._gradients()
        cut = self._quantized
        starts = [_without_smallest(part, cut) for part in (self._all.w1, self._all.w2)]
        pairs = zip((starts[0], self._all.b1, starts[1], self._all.b2), gradients.parts(), strict=True)
        self._all = _Stack(*(start - self._rate * gradient for start, gradient in pairs))

    def _gradients(self) -> _Stack:
        """Return the gradients as the report has them: divided, and quantized where a network is."""
        cut, networks = self._quantized, len(self.networks)
        sums = _Stack(
            *(np.zeros((networks, *shape)) for shape in ((HIDDEN, PIXELS), (1, 1), (CLASSES, HIDDEN), (1, 1)))
        )
        used = _quantized_first(self._all.w1, cut), _quantized_first(self._all.w2, cut)
        right = [self._add_block(sums, used, block) for block in self._blocks]
        self.accuracy = np.sum(right, axis=0) / self._count
        counts = np.where(np.arange(networks) < cut, self._file_rows, self._count)[:, None, None]
        # Twice, as the report does it; which changes nothing.
        return _Stack(*(_quantized_first(_quantized_first(part / counts, cut), cut) for part in sums.parts()))

    def _add_block(self, sums: _Stack, used: tuple[Floats, Floats], block: _Block) -> Floats:
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
        error2 = w2 @ _quantized_first(hidden, self._quantized) + self._all.b2
        error2 = np.exp(error2 - error2.max(axis=1, keepdims=True))
        error2 /= error2.sum(axis=1, keepdims=True)
        right = np.sum(error2.argmax(axis=1) == block.labels, axis=1, dtype=np.float64)
        error2[:, block.labels, np.arange(images)] -= 1.0
        error1 = (self._all.w2.transpose(0, 2, 1) @ error2) * (before > 0)
        sums.w1[:, :, block.inked] += (error1.reshape(rows, -1) @ block.pixels.T).reshape(-1, HIDDEN, len(block.inked))
        sums.w2 += error2 @ hidden.transpose(0, 2, 1)
        sums.b1 += error1.sum(axis=(1, 2), keepdims=True)
        sums.b2 += error2.sum(axis=(1, 2), keepdims=True)
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


def _without_smallest(matrices: Floats, start: int) -> Floats:
    """Return matrices (k, m, n) where those from `start` on have kept what is strictly above their percentile."""
    plain = matrices[start:]
    if not len(plain):
        return matrices
    sizes = np.abs(plain)
    limits = np.percentile(sizes, PRUNED_PERCENTILE, axis=(1, 2), keepdims=True)
    return np.concatenate([matrices[:start], np.where(sizes > limits, plain, 0.0)])
