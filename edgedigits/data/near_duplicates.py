"""Pictures that are nearly others: stored as JPEG, lit otherwise, noisy, a little blurred or turned.

Brightness aside, two pictures are as far apart as their pixels divided by their length: 0 where one is a multiple of
the other, 1.41 where no ink of one lies on ink of the other. Of MNIST's 10,000 test digits the nearest training digit
is 0.13 to 0.7 away, 0.47 at the median, and never half as far as the one after it (least 0.55). So a near-duplicate is
told by both: it is near, and nobody else is, neither among those known nor among those it came with.

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
    own, theirs = _Pictures(images), _Pictures(known)
    found = np.zeros(len(images), np.bool_)
    for start in range(0, len(images), _AT_ONCE):
        bounds = theirs.bounds(own.means[start : start + _AT_ONCE])
        for place in start + np.flatnonzero(bounds.min(axis=1, initial=np.inf) <= NEAR**2):
            unit = images[place] / own.lengths[place]
            nearest = theirs.nearest_alone(unit, bounds[place - start])
            found[place] = nearest <= SAME**2 or (
                nearest < np.inf and not own.has_rival(unit, own.bounds(own.means[place][None])[0], nearest)
            )
    return found


class _Pictures:
    """Images, and what bounds distances to them from below."""

    def __init__(self, images: NDArray[np.uint8]) -> None:
        squares = np.einsum("ij,ij->i", images, images, dtype=np.float32)
        blocks = images.reshape(-1, _BLOCKS, _BLOCK, _BLOCKS, _BLOCK).sum(axis=(2, 4), dtype=np.float32)
        self.images = images
        # Of one without ink 1, which leaves it far from all.
        self.lengths = np.sqrt(np.maximum(squares, 1.0))
        # Means over blocks of 4×4 of images of length 1, times 4.
        self.means = blocks.reshape(len(images), _BLOCKS**2) / _BLOCK / self.lengths[:, None]
        own = np.square(self.means).sum(axis=1, keepdims=True)
        self._columns = np.hstack([-2 * self.means, own, np.ones_like(own)]).T

    def bounds(self, means: _Floats) -> _Floats:
        """Return lower bounds of the squared distances of other pictures, by their means (n, 49), to these, (n, m)."""
        own = np.square(means).sum(axis=1, keepdims=True)
        return np.hstack([means, np.ones_like(own), own]) @ self._columns - _SLACK

    def nearest_alone(self, unit: _Floats, bounds: _Floats) -> float:
        """Return the squared distance of a picture of length 1 to the one that is near alone; infinity for none."""
        candidates = np.flatnonzero(bounds <= NEAR**2)
        candidates = candidates[np.argsort(bounds[candidates])]
        nearest, _ = self._nearest_two(unit, candidates[:_FIRST])
        # One that is nearer, but not by as much, would have the nearest of these as its rival.
        nearer = np.count_nonzero(bounds[candidates] <= max(SAME**2, nearest / RIVAL**2))
        nearest, after = self._nearest_two(unit, candidates[: max(_FIRST, nearer)])
        if nearest > NEAR**2 or (nearest > SAME**2 and after < RIVAL**2 * nearest):
            return np.inf
        if nearest > SAME**2:
            _, after = self._nearest_two(unit, np.flatnonzero(bounds <= RIVAL**2 * nearest))
        return nearest if nearest <= SAME**2 or after >= RIVAL**2 * nearest else np.inf

    def has_rival(self, unit: _Floats, bounds: _Floats, nearest: float) -> bool:
        """Tell whether one of these, but for copies of a picture, is too near to it for that distance to tell."""
        squared = self._squared(unit, np.flatnonzero(bounds <= RIVAL**2 * nearest))
        return bool(((squared > SAME**2) & (squared < RIVAL**2 * nearest)).any())

    def _nearest_two(self, unit: _Floats, chosen: NDArray[np.intp]) -> list[float]:
        return np.sort(np.append(self._squared(unit, chosen), [np.inf, np.inf]))[:2].tolist()

    def _squared(self, unit: _Floats, chosen: NDArray[np.intp]) -> _Floats:
        cosines = (self.images[chosen].astype(np.float32) @ unit) / self.lengths[chosen]
        return 2 - 2 * cosines
