"""Whether digits look like what they are labelled, and if not, how they would have to lie or be labelled.

Each picture is cut to its ink, brought to a small square, white on black, and called by the class of MNIST whose mean
picture is nearest. That is right for three MNIST digits of four, for half of printed or seven-segment ones, and far
less often for pictures that lie otherwise: enough to tell of a data set how it lies, never of a single digit.

The mean pictures ship with the package: those of the classes of mnist-5k, cut out, 10 × 14 × 14 bytes.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.digits import Digits
from edgedigits.data.ink import INK_SHARE, box_edges, contrast, dark_borders, near_constant, ranges
from edgedigits.data.shape import CLASSES, IMAGE_SIDE
from edgedigits.data.symmetry import SYMMETRIES, Symmetry

MEANS = "class_means.npy"
GRID = 14

_PER_CLASS = 50
_FEWEST_CLASSES, _FEWEST_OF_A_CLASS = 4, 10
_MARGIN = 0.1  # of agreement: no set of upright digits that was tried comes closer to another way to lie than 0.13
_ALIKE, _UNLIKE = 0.4, 0.2
_CLEAR_RELABELLING = 0.55
_SIGMAS = 4.0
_FEWEST_TO_DOUBT = 100


@dataclass(frozen=True)
class Likeness:
    """How far digits look like the digits of MNIST that their labels say.

    Attributes:
        agreement: share that is nearest to the mean of its own class, mean over the classes, 0…1.
        symmetry: what would set the pictures right; None where they lie right or nothing is certain.
        relabelling: class shown, by label, where every label names another digit than its pictures show; else {}.
        mended: the agreement after that; the same as `agreement` where there is nothing to mend.
        doubtful: nothing makes the pictures look like their labels.
    """

    agreement: float
    symmetry: Symmetry | None
    relabelling: dict[int, int]
    mended: float
    doubtful: bool


def likeness(digits: Digits) -> Likeness | None:
    """Hold a sample of digits, the same share of each class, against the mean digits of MNIST.

    Returns:
        What was found, or None where there is too little to go by: few classes, few different pictures.
    """
    spans = ranges(digits.images)
    shown = digits.take(np.flatnonzero(~near_constant(spans, contrast(spans))))
    chosen = shown.take(spread_sample(shown, _PER_CLASS))
    labels = chosen.labels.astype(np.intp)
    if len(np.unique(labels)) < _FEWEST_CLASSES:
        return None
    upright, *turned = _shown(cut_out(chosen.images))
    agreement = _balanced(upright == labels, labels)
    symmetry, best = _best_symmetry(turned, labels, upright)
    if symmetry is not None:
        return Likeness(agreement, symmetry, {}, best, doubtful=False)
    relabelling, renamed = _relabelling(upright, labels)
    if relabelling:
        return Likeness(agreement, None, relabelling, renamed, doubtful=False)
    doubtful = max(agreement, best) < _UNLIKE and len(labels) >= _FEWEST_TO_DOUBT
    return Likeness(agreement, None, {}, agreement, doubtful)


def cut_out(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Cut each image to a square around its ink and resize it to 14×14, white on black.

    Whatever symmetry is done to an image is done to its cut-out, and nothing else.

    Args:
        images: uint8 (n, 784), none of one grey.

    Returns:
        float32 (n, 14, 14), 0 for paper and 1 for the strongest ink.
    """
    low, high = images.min(axis=1, keepdims=True), images.max(axis=1, keepdims=True)
    ink = np.where(dark_borders(images)[:, None], images - low, high - images) / (high - low).astype(np.float32)
    top, bottom, left, right = box_edges(ink >= INK_SHARE)
    side = np.maximum(bottom - top, right - left)[:, None]
    steps = side * ((np.arange(GRID) - (GRID - 1) / 2) / GRID)
    rows, columns = ((first + end - 1)[:, None] / 2 + steps for first, end in ((top, bottom), (left, right)))
    square = ink.reshape(-1, IMAGE_SIDE, IMAGE_SIDE).astype(np.float32)
    return _weights(rows) @ square @ _weights(columns).transpose(0, 2, 1)


def _weights(places: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the weight of each pixel of a line at places between them: (n, 14) → (n, 14, 28), linear, 0 outside."""
    distance = np.abs(places[:, :, None] - np.arange(IMAGE_SIDE))
    return np.maximum(0, 1 - distance).astype(np.float32)


@cache
def _shipped_means() -> NDArray[np.uint8]:
    with importlib.resources.files("edgedigits.data").joinpath(MEANS).open("rb") as stored:
        means: NDArray[np.uint8] = np.load(stored)
    return means


def spread_sample(digits: Digits, per_class: int) -> NDArray[np.intp]:
    """Pick up to so many different pictures of each class, evenly through the set; indices, class by class."""
    picked: list[np.intp] = []
    for digit in range(CLASSES):
        members = np.flatnonzero(digits.labels == digit)
        spread = members[np.linspace(0, len(members) - 1, min(per_class, len(members))).astype(np.intp)]
        picked += {digits.images[place].tobytes(): place for place in spread}.values()
    return np.array(picked, np.intp)


def _shown(squares: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return the class whose mean has the smallest angle to each square, as it is and under each symmetry, (8, n)."""
    means = _shipped_means().reshape(CLASSES, -1).astype(np.float32)
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    # The means are laid the other way instead of the squares: ten pictures instead of hundreds, the same product.
    laid = [means] + [_undone(one, means) for one in SYMMETRIES]
    scores = squares.reshape(len(squares), -1) @ np.concatenate(laid).T
    shown: NDArray[np.intp] = scores.reshape(len(squares), len(laid), CLASSES).argmax(axis=2).T
    return shown


def _undone(symmetry: Symmetry, means: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return pictures (10, 196) such that their product with a square is that of `means` with the square set right."""
    order = symmetry.apply(np.arange(GRID * GRID).reshape(1, GRID, GRID)).ravel()
    undone = np.empty_like(means)
    undone[:, order] = means
    return undone


def _balanced(right: NDArray[np.bool_], labels: NDArray[np.intp]) -> float:
    """Return the mean over the classes that occur of the share that is right."""
    return float(np.mean([right[labels == digit].mean() for digit in np.unique(labels)]))


def _best_symmetry(
    turned: Sequence[NDArray[np.intp]], labels: NDArray[np.intp], upright: NDArray[np.intp]
) -> tuple[Symmetry | None, float]:
    """Return the symmetry that sets the pictures right, if one does clearly; and the best agreement of any."""
    right = [shown == labels for shown in turned]
    agreements = [_balanced(one, labels) for one in right]
    second, best = np.argsort(agreements, kind="stable")[-2:]
    certain = agreements[best] >= _ALIKE and all(
        agreements[best] >= _balanced(rival, labels) + _MARGIN and clearly_better(right[best], rival)
        for rival in (upright == labels, right[second])
    )
    return SYMMETRIES[best] if certain else None, agreements[best]


def _relabelling(shown: NDArray[np.intp], labels: NDArray[np.intp]) -> tuple[dict[int, int], float]:
    """Return the class shown by each label where every label names another one, and the agreement under it."""
    present = np.unique(labels)
    if min(np.sum(labels == digit) for digit in present) < _FEWEST_OF_A_CLASS:
        return {}, 0.0
    mapping = {int(digit): int(np.bincount(shown[labels == digit]).argmax()) for digit in present}
    renamed = np.array([mapping[digit] for digit in labels.tolist()])
    agreement = _balanced(shown == renamed, labels)
    # All of them, one to one: in print, a 2 can be nearest to a handwritten 7 and a 4 to a 6.
    all_move = all(digit != other for digit, other in mapping.items()) and len(set(mapping.values())) == len(mapping)
    certain = all_move and agreement >= _CLEAR_RELABELLING and clearly_better(shown == renamed, shown == labels)
    return (mapping, agreement) if certain else ({}, agreement)


def clearly_better(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> bool:
    """Tell whether far more pictures are right in `one` alone than in `other` alone: a sign test at four sigmas."""
    gained, lost = int(np.sum(one & ~other)), int(np.sum(~one & other))
    return gained - lost >= _SIGMAS * max(1.0, (gained + lost) ** 0.5)
