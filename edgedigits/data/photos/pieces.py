"""Which ink belongs together: touching pieces, pieces one above the other, and pieces that are two digits or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.photos.lines import without_lines
from edgedigits.data.photos.paper import Ink, usual_stroke

SMALLEST = 8
"""Pixels of height; less does not tell digits apart."""
BESIDE_OTHERS = 0.45
"""Of the height of most: what is lower is a dot, a comma or dirt."""
FLATTEST, SLIMMEST, THICKEST = 2.0, 1 / 14, 0.6
"""Width by height, and width of a stroke by the longer side, of what may be a digit."""
MOST_PIECES = 2000
"""That are looked at; the largest."""
_A_SIDE = 0.9  # of a photo's side: what takes up that much is a shadow
_FADED = 0.16  # of its own strength: what the paper around a digit has at most
_TWO_DIGITS, _LONGEST = 1.4, 12.0  # width by height of a piece that may be several that touch
_GAP = 0.3  # of a stroke's width, to either side: what is closer belongs together
_OF_A_FRAME = 0.15  # of its height: what stands around a piece of that height is a frame
# Of the height of most: what is lower may be a part, what is smaller is a speck, what is nearer belongs together.
_PART, _SPECK, _CLOSE = 0.75, 0.12, 0.06
_NEAR = 0.25  # of the height of most: how far pieces of a digit may lie one above the other
_TALLEST = 1.35  # the same: height of what they are together


@dataclass(frozen=True, slots=True)
class Piece:
    """Ink that belongs together.

    Attributes:
        top, bottom, left, right: its box, ends excluded.
        labels: of the components that it is of.
    """

    top: int
    bottom: int
    left: int
    right: int
    labels: frozenset[int]

    @property
    def height(self) -> int:
        """Rows of its box."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Columns of its box."""
        return self.right - self.left

    @property
    def window(self) -> tuple[slice, slice]:
        """Its box, to cut it out."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def joined(self, other: Piece) -> Piece:
        """Return both as one."""
        top, left = min(self.top, other.top), min(self.left, other.left)
        bottom, right = max(self.bottom, other.bottom), max(self.right, other.right)
        return Piece(top, bottom, left, right, self.labels | other.labels)


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """The pieces of a photo.

    Attributes:
        labels: int32 (height, width): of the component that each pixel is of, 0 for paper.
        digits: those that may be digits.
        others: how many are none, lines and frames with them; specks of noise are not counted.
    """

    labels: NDArray[np.int32]
    digits: tuple[Piece, ...]
    others: int


def find_pieces(ink: Ink, level: float, *, touching: bool = True) -> Pieces:
    """Find the pieces that may be digits.

    Args:
        ink: of a photo (height, width).
        level: from which on it is ink.
        touching: a wide piece may be several digits that touch.
    """
    inked = ink >= level
    labels = _labelled(inked)
    pieces, frames = _without_frames(_largest(labels))
    ruled = [*frames, *(one for one in pieces if one.width > FLATTEST * one.height)]
    for one in ruled:
        mask = mask_of(one, labels)
        inked[one.window] &= ~mask | without_lines(mask, flat=one.width > FLATTEST * one.height)
    if ruled:
        labels = _labelled(inked)
        pieces, frames = _without_frames(_largest(labels))
    if not pieces:
        return Pieces(labels, (), len(ruled) + len(frames))
    usual = _usual_height(pieces)
    whole = _whole(pieces, usual)
    if touching:
        whole = [part for one in whole for part in _parted(one, labels, usual)]
    digits = tuple(one for one in whole if _may_be_digit(one, labels, usual) and _stands_out(one, labels, ink))
    return Pieces(labels, digits, len(ruled) + len(frames) + len(whole) - len(digits))


def _labelled(inked: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return the components of a mask, numbered from 1; gaps far shorter than strokes are wide part none."""
    from scipy.ndimage import binary_dilation, label

    reach = round(_GAP * usual_stroke(inked))
    wider = binary_dilation(inked, np.ones((3, 3), bool), reach) if reach else inked
    labels, _ = label(wider, np.ones((3, 3), bool))
    return np.where(inked, labels, 0)


def _largest(labels: NDArray[np.int32]) -> list[Piece]:
    """Return the components that are no specks, each a piece, the largest first."""
    from scipy.ndimage import find_objects

    pieces = [
        Piece(rows.start, rows.stop, columns.start, columns.stop, frozenset((number,)))
        for number, window in enumerate(find_objects(labels), start=1)
        if window is not None
        for rows, columns in [window]
    ]
    pieces = [one for one in pieces if max(one.height, one.width) >= SMALLEST // 2]
    return sorted(pieces, key=lambda one: -one.height * one.width)[:MOST_PIECES]


def _without_frames(pieces: list[Piece]) -> tuple[list[Piece], list[Piece]]:
    """Return the pieces that stand around no other ones of some size, and those that do."""
    ends = _box_ends(pieces)
    heights = ends[:, 1] - ends[:, 0]
    kept: list[Piece] = []
    frames: list[Piece] = []
    for one in pieces:
        rows = (ends[:, 0] > one.top) & (ends[:, 1] < one.bottom)
        inside = rows & (ends[:, 2] > one.left) & (ends[:, 3] < one.right) & (heights >= SMALLEST)
        is_frame = inside.sum() >= 3 or (heights[inside] > _OF_A_FRAME * one.height).any()
        (frames if is_frame else kept).append(one)
    return kept, frames


def _box_ends(pieces: Sequence[Piece]) -> NDArray[np.int64]:
    """Return top, bottom, left and right of pieces, (n, 4)."""
    return np.array([(one.top, one.bottom, one.left, one.right) for one in pieces], np.int64).reshape(-1, 4)


def _usual_height(pieces: Sequence[Piece]) -> float:
    """Return the height that most of the ink has."""
    heights = np.array([one.height for one in pieces])
    areas = np.array([one.height * min(one.width, 2 * one.height) for one in pieces], float)
    order = np.argsort(heights)
    return float(heights[order][np.searchsorted(areas[order].cumsum(), areas.sum() / 2)])


def _whole(pieces: Sequence[Piece], usual: float) -> list[Piece]:
    """Return the pieces, small ones joined with the nearest that they lie above, below or close beside."""
    wholes = [one for one in pieces if one.height >= _PART * usual]
    ends = np.zeros((len(pieces), 4), np.int64)
    ends[: len(wholes)] = _box_ends(wholes)
    for small in [one for one in pieces if one.height < _PART * usual]:
        near = _near(small, ends[: len(wholes)], _NEAR * usual)
        fitting = [(_apart(small, wholes[at]), at) for at in near if _belongs(small, wholes[at], usual)]
        if fitting:
            at = min(fitting)[1]
            wholes[at] = wholes[at].joined(small)
        else:
            at = len(wholes)
            wholes.append(small)
        ends[at] = _box_ends([wholes[at]])
    return wholes


def _near(piece: Piece, ends: NDArray[np.int64], reach: float) -> list[int]:
    """Return which boxes of `_box_ends` are no farther from a piece than `reach`."""
    down = np.maximum(ends[:, 0], piece.top) - np.minimum(ends[:, 1], piece.bottom)
    across = np.maximum(ends[:, 2], piece.left) - np.minimum(ends[:, 3], piece.right)
    near: list[int] = np.flatnonzero((down <= reach) & (across <= reach)).tolist()
    return near


def _belongs(small: Piece, one: Piece, usual: float) -> bool:
    """Tell whether a small piece is a part of another one."""
    both = one.joined(small)
    if max(small.height, small.width) < _SPECK * usual or both.height > _TALLEST * usual:
        return False
    if both.width > _TWO_DIGITS * max(both.height, usual):
        return False
    across, down = _gaps(small, one)
    overlaps = -across >= 0.3 * min(small.width, one.width)
    return (overlaps and down <= _NEAR * usual) or (across <= _CLOSE * usual and down <= _CLOSE * usual)


def joined_where_near(pieces: Sequence[Piece], reach: float) -> list[Piece]:
    """Return pieces, joined where they lie no farther apart than `reach` times the height of the taller one."""
    wholes: list[Piece] = []
    for piece in pieces:
        one = piece
        for other in [other for other in wholes if _apart(one, other) <= reach * max(one.height, other.height)]:
            wholes.remove(other)
            one = one.joined(other)
        wholes.append(one)
    return wholes


def _apart(one: Piece, other: Piece) -> int:
    across, down = _gaps(one, other)
    return max(across, 0) + max(down, 0)


def _gaps(one: Piece, other: Piece) -> tuple[int, int]:
    """Return how far two boxes are apart sideways and up or down; below 0 where they overlap."""
    across = max(one.left, other.left) - min(one.right, other.right)
    return across, max(one.top, other.top) - min(one.bottom, other.bottom)


def _parted(piece: Piece, labels: NDArray[np.int32], usual: float) -> list[Piece]:
    """Return a piece, or the digits that touch in it: cut where there is a single stroke, or less."""
    shape = piece.width / piece.height
    if not _TWO_DIGITS <= shape <= _LONGEST or piece.height < _PART * usual:
        return [piece]
    mask = mask_of(piece, labels)
    columns = mask.sum(axis=0)
    margin = max(1, round(0.35 * piece.height))
    middle = columns[margin:-margin]
    if not len(middle) or middle.min() > 1.5 * usual_stroke(mask):
        return [piece]
    # Of equal columns the one nearest to where a digit of usual width would end.
    places = np.flatnonzero(middle <= middle.min() + 1)
    at = margin + int(places[np.argmin(np.abs(places + margin - piece.width / max(2, round(shape / 0.8))))])
    halves = (_shrunk(piece, mask, slice(0, at)), _shrunk(piece, mask, slice(at, piece.width)))
    if min(one.height for one in halves) < _PART * piece.height:
        return [piece]
    return [part for half in halves for part in _parted(half, labels, usual)]


def _shrunk(piece: Piece, mask: NDArray[np.bool_], columns: slice) -> Piece:
    rows = np.flatnonzero(mask[:, columns].any(axis=1))
    left, right = piece.left + columns.start, piece.left + columns.stop
    return Piece(piece.top + int(rows[0]), piece.top + int(rows[-1]) + 1, left, right, piece.labels)


def mask_of(piece: Piece, labels: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Return where in its box a piece has ink."""
    return np.isin(labels[piece.window], list(piece.labels))


def _widest_stroke(mask: NDArray[np.bool_]) -> float:
    """Return the width of the widest stroke in a mask."""
    from scipy.ndimage import distance_transform_edt

    return 2 * float(distance_transform_edt(np.pad(mask, 1)).max()) - 1


def _may_be_digit(piece: Piece, labels: NDArray[np.int32], usual: float) -> bool:
    """Tell whether a piece has the size and the shape of a digit, by what no digit is."""
    if piece.height < max(SMALLEST, BESIDE_OTHERS * usual) or piece.height > usual / BESIDE_OTHERS:
        return False
    if not SLIMMEST <= piece.width / piece.height <= FLATTEST:
        return False
    if piece.height > _A_SIDE * labels.shape[0] or piece.width > _A_SIDE * labels.shape[1]:
        sides = (labels[0], labels[-1], labels[:, 0], labels[:, -1])
        if any(np.isin(side, list(piece.labels)).mean() > _A_SIDE for side in sides):
            return False
    return _widest_stroke(mask_of(piece, labels)) <= THICKEST * max(piece.height, piece.width)


def _stands_out(piece: Piece, labels: NDArray[np.int32], ink: Ink) -> bool:
    """Tell whether a piece ends where it ends, with paper around: light that fades slowly does not."""
    from scipy.ndimage import binary_dilation

    stroke = usual_stroke(mask_of(piece, labels))
    soft, reach = max(2, round(stroke / 3)), max(4, round(stroke))
    rows = slice(max(0, piece.top - reach), piece.bottom + reach)
    columns = slice(max(0, piece.left - reach), piece.right + reach)
    inside, strength = labels[rows, columns], ink[rows, columns]
    own = np.isin(inside, list(piece.labels))
    square = np.ones((3, 3), bool)
    around = binary_dilation(own, square, reach) & ~binary_dilation(own, square, soft) & (inside == 0)
    return not around.any() or float(strength[around].mean()) <= _FADED * float(strength[own].mean())
