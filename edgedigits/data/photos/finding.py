"""Finds the digits of a photo, straightens each as training does, and says in which order they are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.geometry import fit_picture
from edgedigits.data.photos.paper import Ink, ink_of, is_dark, smoothed, threshold
from edgedigits.data.photos.photo import Photo
from edgedigits.data.photos.pieces import Piece, Pieces, find_pieces, joined_where_near, mask_of
from edgedigits.errors import DataError

MOST_DIGITS = 1000
"""Of a photo."""
STEEPEST = 20.0
"""Degrees by which rows may slope."""
_NEIGHBOUR = 3.0  # digits' heights: how far apart two are that tell how rows slope
_MUCH = 2.0  # times the ink of all digits: what may lie elsewhere on a picture of digits
_BROKEN = 0.25  # of the taller one's height: how far apart pieces of a single digit may lie
_FULL_INK = 85  # percent of a digit's ink that is as strong or weaker than what counts as full


@dataclass(frozen=True, slots=True)
class Box:
    """Where in a picture a digit lies, in the picture's own pixels, upright."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A digit of a photo.

    Attributes:
        box: where it lies.
        row: which row it belongs to, from 0, top to bottom.
        image: uint8 (784,), light on dark, as `geometry` fits it.
        at_edge: its ink touches the photo's edge: part of it may be missing.
    """

    box: Box
    row: int
    image: NDArray[np.uint8]
    at_edge: bool


@dataclass(frozen=True, slots=True)
class Findings:
    """What a photo holds.

    Attributes:
        digits: in reading order.
        dark: their ink is dark on light.
        mostly_other: most of the ink is of no digit.
    """

    digits: tuple[Found, ...]
    dark: bool
    mostly_other: bool


def digits_in(photo: Photo, dark: bool | None = None) -> Findings:
    """Find the digits of a photo in reading order.

    Args:
        photo: of one digit, a row or a sheet of them.
        dark: whether ink is dark on light; by default as the photo shows it.

    Raises:
        DataError: there is no ink, or none that could be digits.
    """
    found = _looked_for(photo, dark)
    return Findings(_in_order(photo, found.ink, found.pieces), found.dark, _is_mostly_other(found.pieces))


def digit_of(photo: Photo, *, dark: bool) -> NDArray[np.uint8]:
    """Return the digit of a photo that shows a single one, uint8 (784,), as `digits_in` has it.

    Args:
        photo: of one digit, which may be broken, or so wide that two might touch.
        dark: ink is dark on light.

    Raises:
        DataError: as `digits_in`; or there are several digits.
    """
    found = _looked_for(photo, dark, touching=False)
    first, *others = joined_where_near(found.pieces.digits, _BROKEN)
    if others:
        raise DataError(
            f"{photo.name} shows {1 + len(others):,} pieces of ink that may be digits, expected one.",
            hint="Cut out the digit that its label tells.",
        )
    return _image(found.ink, first, found.pieces.labels)


@dataclass(frozen=True, slots=True)
class _LookedFor:
    """The ink of a photo, its pieces, of which some may be digits, and whether it is dark on light."""

    ink: Ink
    pieces: Pieces
    dark: bool


def _looked_for(photo: Photo, dark: bool | None, *, touching: bool = True) -> _LookedFor:
    likely = is_dark(photo.grey) if dark is None else dark
    spots = 0
    for one in (likely, not likely)[: 2 if dark is None else 1]:
        ink = ink_of(photo.grey, dark=one)
        smooth = smoothed(ink)
        pieces = find_pieces(smooth, threshold(smooth), touching=touching)
        if pieces.digits:
            return _LookedFor(ink, pieces, one)
        spots = max(spots, pieces.others)
    if not spots:
        raise DataError(
            f"No digit is found in {photo.name}: nothing stands out from its paper.",
            hint="Give a picture of digits, dark on light paper or light on dark.",
        )
    raise DataError(
        f"No digit is found in {photo.name}: nothing in {spots:,} piece{'s' * (spots > 1)} of ink looks like one.",
        hint="Cut out the part with the digits: written apart from each other, on plain paper.",
    )


def _is_mostly_other(pieces: Pieces) -> bool:
    own = sum(int(mask_of(one, pieces.labels).sum()) for one in pieces.digits)
    return int(np.count_nonzero(pieces.labels)) > (1 + _MUCH) * own


def _in_order(photo: Photo, ink: Ink, pieces: Pieces) -> tuple[Found, ...]:
    if len(pieces.digits) > MOST_DIGITS:
        raise DataError(
            f"{photo.name} holds {len(pieces.digits):,} pieces like digits; at most {MOST_DIGITS:,} are read.",
            hint="Cut out the part with the digits.",
        )
    return tuple(
        Found(_box(photo, piece), row, _image(ink, piece, pieces.labels), _touches_edge(piece, ink.shape))
        for row, members in enumerate(rows_of(pieces.digits))
        for piece in members
    )


def rows_of(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """Return pieces row by row, top to bottom and left to right, also where all rows slope alike."""
    x = np.array([(one.left + one.right) / 2 for one in pieces])
    y = np.array([(one.top + one.bottom) / 2 for one in pieces])
    height = float(np.median([one.height for one in pieces]))
    level = y - x * _slope(x, y, height)
    order = np.argsort(level, kind="stable")
    starts = np.flatnonzero(np.diff(level[order]) > height / 2) + 1
    return [[pieces[at] for at in sorted(row, key=lambda at: x[at])] for row in np.split(order, starts)]


def _slope(x: NDArray[np.float64], y: NDArray[np.float64], height: float) -> float:
    """Return how rows slope, down by across: the middle of what nearest neighbours to the right tell, 0 of too few."""
    across, down = x - x[:, None], y - y[:, None]
    beside = (across > 0) & (across < _NEIGHBOUR * height)
    beside &= np.abs(down) < across * np.tan(np.radians(STEEPEST)) + height / 4
    nearest = np.where(beside, across, np.inf).argmin(axis=1)
    has_one = np.flatnonzero(beside.any(axis=1))
    if len(has_one) < 2:
        return 0.0
    return float(np.median(down[has_one, nearest[has_one]] / across[has_one, nearest[has_one]]))


def _box(photo: Photo, piece: Piece) -> Box:
    left, top, right, bottom = (round(end * photo.scale) for end in (piece.left, piece.top, piece.right, piece.bottom))
    return Box(left, top, min(right, photo.width) - left, min(bottom, photo.height) - top)


def _touches_edge(piece: Piece, shape: tuple[int, ...]) -> bool:
    return piece.top == 0 or piece.left == 0 or piece.bottom == shape[0] or piece.right == shape[1]


def _image(ink: Ink, piece: Piece, labels: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Return a piece as training has digits: its own ink alone, with the soft edge of its strokes."""
    from scipy.ndimage import binary_dilation

    soft = max(1, piece.height // 24)
    own = np.pad(mask_of(piece, labels), soft)
    spans = ((piece.top, piece.bottom), (piece.left, piece.right))
    rows, columns = (np.arange(start - soft, end + soft) for start, end in spans)
    strength = ink[np.clip(rows, 0, ink.shape[0] - 1)[:, None], np.clip(columns, 0, ink.shape[1] - 1)]
    full = float(np.percentile(strength[own], _FULL_INK))
    kept = np.where(binary_dilation(own, np.ones((3, 3), bool), soft), strength / full, 0)
    return fit_picture(np.rint(np.clip(kept, 0, 1) * 255).astype(np.uint8)).ravel()
