"""The sheet of what was read as one PNG: each picture with its boxes, and each digit with what spoke for the answer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from edgedigits.pictures.colours import influence_colours
from edgedigits.pictures.prediction import PictureReading, Prediction

_WIDTH, _MARGIN, _GAP = 900, 24, 12
_TILE, _CAPTION, _LINE = 84, 22, 30
_COLUMNS = (_WIDTH - 2 * _MARGIN + _GAP) // (2 * _TILE + _GAP + _GAP)
_PAPER, _INK, _BOX = (250, 250, 250), (28, 32, 36), (0, 114, 178)


def draw_sheet(readings: Sequence[PictureReading]) -> Image.Image:
    """Return the sheet of pictures, one below the other."""
    parts = [_part(one) for one in readings]
    sheet = Image.new("RGB", (_WIDTH, sum(one.height for one in parts)), _PAPER)
    top = 0
    for one in parts:
        sheet.paste(one, (0, top))
        top += one.height
    return sheet


def _part(reading: PictureReading) -> Image.Image:
    photo = _photo(reading)
    lines = [reading.picture, *(f"reads {row}" for row in reading.rows), *reading.failures, *reading.notes]
    tiles = -(-len(reading.digits) // _COLUMNS)
    below = _MARGIN + _LINE * len(lines) + photo.height + _GAP
    part = Image.new("RGB", (_WIDTH, below + tiles * (_TILE + _CAPTION + _GAP) + _MARGIN), _PAPER)
    draw = ImageDraw.Draw(part)
    for at, line in enumerate(lines):
        _write(draw, (_MARGIN, _MARGIN + at * _LINE), line, 20 if at == 0 else 16)
    part.paste(photo, (_MARGIN, below - photo.height - _GAP))
    for at, one in enumerate(reading.digits):
        row, column = divmod(at, _COLUMNS)
        place = (_MARGIN + column * (2 * _TILE + 2 * _GAP), below + row * (_TILE + _CAPTION + _GAP))
        _tile(part, draw, place, one)
    return part


def _photo(reading: PictureReading) -> Image.Image:
    """Return the picture at the width of the sheet, or as it is where it is smaller, a box around each digit."""
    smaller = min(1.0, (_WIDTH - 2 * _MARGIN) / reading.grey.shape[1])
    size = (max(1, round(reading.grey.shape[1] * smaller)), max(1, round(reading.grey.shape[0] * smaller)))
    photo = Image.fromarray(reading.grey).resize(size, Image.Resampling.BOX).convert("RGB")
    draw, scale = ImageDraw.Draw(photo), size[0] / reading.width
    for one in reading.digits:
        left, top = one.box.left * scale, one.box.top * scale
        draw.rectangle((left, top, left + one.box.width * scale, top + one.box.height * scale), outline=_BOX, width=2)
        _write(draw, (round(left) + 3, max(0, round(top) - 18)), one.sign, 16, _BOX)
    return photo


def _tile(part: Image.Image, draw: ImageDraw.ImageDraw, place: tuple[int, int], one: Prediction) -> None:
    pictures: list[NDArray[np.uint8]] = [one.seen]
    pictures += [] if one.influence is None else [influence_colours(one.influence)]
    for at, picture in enumerate(pictures):
        tile = Image.fromarray(picture).convert("RGB").resize((_TILE, _TILE), Image.Resampling.NEAREST)
        part.paste(tile, (place[0] + at * (_TILE + _GAP // 2), place[1]))
    caption = f"{one.sign}  {one.probability:.1%}, leads {one.second} by {one.lead}"
    _write(draw, (place[0], place[1] + _TILE + 3), caption, 13)


def _write(
    draw: ImageDraw.ImageDraw, place: tuple[int, int], text: str, size: int, colour: tuple[int, int, int] = _INK
) -> None:
    draw.text(place, text, fill=colour, font=ImageFont.load_default(size))
