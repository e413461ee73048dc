"""Pictures that are nearly others: stored as JPEG, lit otherwise, noisy, a little blurred or turned.

Brightness aside, two pictures are as far apart as their pixels divided by their length: 0 where one is a multiple of
the other, 1.41 where no ink of one lies on ink of the other. Of MNIST's 10,000 test digits the nearest training digit
is 0.13 to 0.7 away, 0.47 at the median, and never half as far as the one after it (least 0.55). So a near-duplicate is
told by both: it is near, and there is nobody else.

Means over blocks bound a distance from below (Cauchy-Schwarz in each block), so that most pairs are never compared.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.shape import IMAGE_SIDE

NEAR, SAME = 0.25, 0.05
"""Distances up to which a picture is a near-duplicate where it has no rival, and whatever rivals it has."""
RIVAL = 2.0
"""How many times as far the next one has to be."""

_BLOCK = 4
_BLOCKS = IMAGE_SIDE // _BLOCK
_AT_ONCE, _FIRST = 250, 16
_SLACK = 1e-5  # of bounds, which are rounded as distances are

_Floats = NDArray[np.float32]


def near_duplicates(images: NDArray[np.uint8], known: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which images are nearly one of those that are known.

    Args:
        images: uint8 (n, 784).
        known: uint8 (m, 784), none of them equal to one of the images.
    """
    found = np.zeros(len(images), np.bool_)
    lengths, means = _lengths(known), _block_means(known)
    squares = np.square(means).sum(axis=1, keepdims=True)
    theirs = np.hstack([-2 * means, squares, np.ones_like(squares)]).T
    for start in range(0, len(images), _AT_ONCE):
        some = images[start : start + _AT_ONCE]
        units, means = some / _lengths(some)[:, None], _block_means(some)
        squares = np.square(means).sum(axis=1, keepdims=True)
        bounds = np.hstack([means, np.ones_like(squares), squares]) @ theirs - _SLACK
        for place in np.flatnonzero(bounds.min(axis=1, initial=np.inf) <= NEAR**2):
            found[start + place] = _has_twin(units[place], bounds[place], known, lengths)
    return found


def _has_twin(unit: _Floats, bounds: _Floats, known: NDArray[np.uint8], lengths: _Floats) -> bool:
    """Return whether a picture of length 1 has one: from lower bounds of its squared distances to those known."""

    def nearest_two(chosen: NDArray[np.intp]) -> list[float]:
        cosines = (known[chosen].astype(np.float32) @ unit) / lengths[chosen]
        return np.sort(np.append(2 - 2 * cosines, [np.inf, np.inf]))[:2].tolist()

    candidates = np.flatnonzero(bounds <= NEAR**2)
    candidates = candidates[np.argsort(bounds[candidates])]
    nearest, _ = nearest_two(candidates[:_FIRST])
    # One that is nearer, but not by as much, would have the nearest of these as its rival.
    nearer = np.count_nonzero(bounds[candidates] <= max(SAME**2, nearest / RIVAL**2))
    nearest, after = nearest_two(candidates[: max(_FIRST, nearer)])
    if nearest > NEAR**2 or (nearest > SAME**2 and after < RIVAL**2 * nearest):
        return False
    return nearest <= SAME**2 or nearest_two(np.flatnonzero(bounds <= RIVAL**2 * nearest))[1] >= RIVAL**2 * nearest


def _lengths(images: NDArray[np.uint8]) -> _Floats:
    """Return the Euclidean length of each image, float32 (n,); of one without ink 1, which leaves it far from all."""
    squares = np.einsum("ij,ij->i", images, images, dtype=np.float32)
    return np.sqrt(np.maximum(squares, 1.0))


def _block_means(images: NDArray[np.uint8]) -> _Floats:
    """Return the means over blocks of 4×4 of images of length 1, times 4, float32 (n, 49)."""
    blocks = images.reshape(-1, _BLOCKS, _BLOCK, _BLOCKS, _BLOCK).sum(axis=(2, 4), dtype=np.float32)
    return blocks.reshape(len(images), _BLOCKS**2) / _BLOCK / _lengths(images)[:, None]
