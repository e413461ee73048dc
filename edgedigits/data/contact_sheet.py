"""A PNG with a row of examples for every class: the quickest way to see what is wrong with a data set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.digits import Digits
from edgedigits.data.shape import CLASSES, IMAGE_SIDE
from edgedigits.data.writing import replacing

if TYPE_CHECKING:
    from PIL import ImageDraw

PER_CLASS = 20

_SCALE = 2
_TILE = IMAGE_SIDE * _SCALE
_GAP = 4
_MARGIN = 24
_LABELS = 76  # width of the column with class and count
_TITLE = 52
_PAPER, _INK, _FAINT = 250, 30, 120  # greys


def write_contact_sheet(digits: Digits, title: str, path: Path, *, force: bool = False) -> None:
    """Write a contact sheet of twenty examples a class, spread evenly over the data set.

    Args:
        digits: where the examples come from.
        title: the headline.
        path: the PNG to write, whole or not at all.
        force: overwrite it.

    Raises:
        DataError: the file exists or cannot be written.
    """
    from PIL import Image, ImageDraw

    width = 2 * _MARGIN + _LABELS + PER_CLASS * (_TILE + _GAP) - _GAP
    height = 2 * _MARGIN + _TITLE + CLASSES * (_TILE + _GAP) - _GAP
    sheet = Image.new("L", (width, height), _PAPER)
    draw = ImageDraw.Draw(sheet)
    _write(draw, (_MARGIN, _MARGIN), title, size=22, grey=_INK)
    for digit in range(CLASSES):
        top = _MARGIN + _TITLE + digit * (_TILE + _GAP)
        members = np.flatnonzero(digits.labels == digit)
        _write(draw, (_MARGIN, top + 2), str(digit), size=34, grey=_INK)
        _write(draw, (_MARGIN + 28, top + 18), f"{len(members):,}", size=14, grey=_FAINT)
        for place, index in enumerate(_spread(members)):
            tile = Image.fromarray(digits.images[index].reshape(IMAGE_SIDE, IMAGE_SIDE))
            left = _MARGIN + _LABELS + place * (_TILE + _GAP)
            sheet.paste(tile.resize((_TILE, _TILE), Image.Resampling.NEAREST), (left, top))
        if not len(members):
            _write(draw, (_MARGIN + _LABELS, top + 18), "no digit of this class", size=14, grey=_FAINT)
    with replacing(path, force=force) as temporary:
        sheet.save(temporary, format="PNG")


def _spread(members: NDArray[np.int64]) -> NDArray[np.int64]:
    if len(members) <= PER_CLASS:
        return members
    return members[np.arange(PER_CLASS) * len(members) // PER_CLASS]


def _write(draw: ImageDraw.ImageDraw, place: tuple[int, int], text: str, *, size: int, grey: int) -> None:
    from PIL import ImageFont

    draw.text(place, text, fill=grey, font=ImageFont.load_default(size))
