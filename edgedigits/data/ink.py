"""Where the ink of pictures is and how strong, each judged within its own range: no paper is quite white."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.shape import IMAGE_SIDE, PIXELS

CENTRE = (IMAGE_SIDE - 1) / 2
NEAR_CONSTANT_RANGE = 32
"""An image whose brightest and darkest pixel are closer than this shows no digit, where others reach 255."""

INK_SHARE = 0.25
"""What is this far above the paper is ink, as a share of the image's own range."""

_FRAME = 0.1
"""An image was framed if most of it is farther than this from its border, as a share of its range."""

_CHUNK = 4096  # images at a time, so that floats of all of MNIST never exist at once
_BORDER = np.flatnonzero(np.pad(np.zeros((IMAGE_SIDE - 2, IMAGE_SIDE - 2), bool), 1, constant_values=True))


def ranges(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the brightest less the darkest pixel of each image of (n, 784), uint8 (n,)."""
    spans: NDArray[np.uint8] = images.max(axis=1, initial=0) - images.min(axis=1, initial=255)
    return spans


def contrast(spans: NDArray[np.uint8]) -> int:
    """Return the range of a clear image, 0…255, out of those of all: one in twenty is as clear or clearer."""
    return int(np.percentile(spans, 95, method="higher")) if len(spans) else 0


def near_constant(spans: NDArray[np.uint8], clear: int) -> NDArray[np.bool_]:
    """Tell which images show no digit.

    Args:
        spans: of `ranges`.
        clear: their `contrast`; pixels that were scaled to 0…16 make no image blank.
    """
    return spans < max(1, NEAR_CONSTANT_RANGE * clear / 255)


def dark_borders(images: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Tell of images (n, 784) which are white on black.

    The median of the border, which a digit can touch but not fill, is held against the middle of the image's own
    range. So neither grey paper nor faint ink misleads.
    """
    dark: NDArray[np.bool_] = _border_levels(images) < _middles(images)
    return dark


def backgrounds(images: NDArray[np.uint8], ceiling: int = 255) -> NDArray[np.float64]:
    """Return how far the paper of each image that shows anything is from black, as it is set right; float64 (k,).

    Args:
        images: uint8 (n, 784).
        ceiling: what is white, and black once an image that is black on white is inverted.
    """
    spans = ranges(images)
    shown = images[~near_constant(spans, contrast(spans))]
    dark = dark_borders(shown)
    paper = _papers(shown, dark, 50)
    return np.where(dark, paper, np.maximum(0, ceiling - paper))


def stretched(images: NDArray[np.uint8], percent: float = 50) -> NDArray[np.uint8]:
    """Return images (n, 784) each stretched to 0…255 from its background to its strongest ink, of its own polarity.

    Args:
        images: uint8 (n, 784).
        percent: of the border that is background; above 50, noise on it is cut off as well.
    """
    dark = dark_borders(images)
    paper = _papers(images, dark, percent)
    low = np.where(dark, paper, images.min(axis=1, initial=255))
    high = np.where(dark, images.max(axis=1, initial=0), paper)
    widened = (images - low[:, None]) * (255 / np.maximum(high - low, 1))[:, None]
    return np.clip(np.rint(widened), 0, 255).astype(np.uint8)


def _border_levels(images: NDArray[np.uint8], percent: float = 50) -> NDArray[np.float64]:
    """Return a percentile of the border of each image, float64 (n,)."""
    levels = [np.percentile(chunk[:, _BORDER], percent, axis=1) for chunk in _chunks(images)]
    return np.concatenate(levels) if levels else np.zeros(0)


def _middles(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    middles: NDArray[np.float64] = (images.min(axis=1, initial=255) + images.max(axis=1, initial=0).astype(float)) / 2
    return middles


def _papers(images: NDArray[np.uint8], dark: NDArray[np.bool_], percent: float) -> NDArray[np.float64]:
    """Return the paper of each image: its border, or what most of it is where it was framed; float64 (n,)."""
    border = np.where(dark, _border_levels(images, percent), _border_levels(images, 100 - percent))
    most, middle = np.median(images, axis=1), _middles(images)
    inside = np.where(dark, (border < most) & (most < middle), (border > most) & (most > middle))
    framed = inside & (np.abs(most - border) > _FRAME * ranges(images))
    return np.where(framed, most, border)


def dark_border_share(images: NDArray[np.uint8]) -> float:
    """Return the share of images (n, 784) that are white on black, of those that show anything; 1 where none does."""
    spans = ranges(images)
    shows = ~near_constant(spans, contrast(spans))
    return float(dark_borders(images[shows]).mean()) if shows.any() else 1.0


def geometry(images: NDArray[np.uint8], *, invert: bool) -> tuple[tuple[float, float], float, float]:
    """Return the mean centre of mass (column, row), its mean distance from the middle, and the median box; in pixels.

    Args:
        images: uint8 (n, 784).
        invert: the ink is dark.
    """
    rows, columns = np.divmod(np.arange(PIXELS), IMAGE_SIDE)
    places = np.stack([columns, rows], axis=1).astype(np.float32)
    centres, boxes = [np.zeros((0, 2))], [np.zeros(0)]
    for chunk in _chunks(images):
        chunk = chunk[ranges(chunk) > 0]
        light = 255 - chunk if invert else chunk
        ink = (light - light.min(axis=1, keepdims=True)).astype(np.float32)
        centres.append((ink @ places) / ink.sum(axis=1, keepdims=True))
        top, bottom, left, right = box_edges(ink >= INK_SHARE * ink.max(axis=1, keepdims=True, initial=0))
        boxes.append(np.maximum(bottom - top, right - left))
    centre, box = np.concatenate(centres), np.concatenate(boxes)
    if not len(centre):
        return (CENTRE, CENTRE), 0.0, 0.0
    column, row = centre.mean(axis=0, dtype=np.float64).tolist()
    distance = np.hypot(*(centre - CENTRE).T).mean(dtype=np.float64)
    return (column, row), float(distance), float(np.median(box))


def box_edges(inked: NDArray[np.bool_]) -> tuple[NDArray[np.int64], ...]:
    """Return first row, end row, first column and end column of the ink of each image; the same of one without any.

    Args:
        inked: bool (n, 784).
    """
    square: NDArray[np.bool_] = inked.reshape(-1, IMAGE_SIDE, IMAGE_SIDE)
    edges = []
    for axis in (2, 1):
        lines = np.any(square, axis=axis)
        first, end = lines.argmax(axis=1), IMAGE_SIDE - lines[:, ::-1].argmax(axis=1)
        edges += [first, np.where(lines.any(axis=1), end, first)]
    return tuple(edges)


def _chunks(images: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    for start in range(0, len(images), _CHUNK):
        yield images[start : start + _CHUNK]
