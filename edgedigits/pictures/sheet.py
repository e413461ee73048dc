"""A page of what was read in pictures: where each digit lies, what the network saw of it, what spoke for the answer."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.shape import IMAGE_SIDE
from edgedigits.data.writing import replacing
from edgedigits.files.writing import write_text
from edgedigits.pictures.colours import influence_colours
from edgedigits.pictures.drawn_sheet import draw_sheet
from edgedigits.pictures.prediction import PictureReading, Prediction
from edgedigits.report.page_tables import Table
from edgedigits.report.rendering import page_templates, png_source
from edgedigits.report.words import percent

_TEMPLATES = Path(__file__).parent / "templates"
_LONGER_SIDE = 640
_GREYS = 16  # that a picture on the page has, so that its noise costs no bytes


def write_sheet(name: str, readings: Sequence[PictureReading], path: Path, *, force: bool = False) -> None:
    """Write a sheet of all pictures, whole or not at all.

    Args:
        name: of the build.
        readings: of the pictures.
        path: of the sheet; one that ends with .png becomes a drawing, any other a page.
        force: replace a file.

    Raises:
        DataError: it exists or cannot be written.
    """
    with replacing(path, force=force) as temporary:
        if path.suffix.lower() == ".png":
            draw_sheet(readings).save(temporary, format="PNG", optimize=True)
        else:
            write_text(temporary, render_sheet(name, readings))


def render_sheet(name: str, readings: Sequence[PictureReading]) -> str:
    """Return the page: it needs no other file, no network and no JavaScript."""
    pictures = [_picture(at, one) for at, one in enumerate(readings)]
    template = page_templates(_TEMPLATES).get_template("sheet.html.j2")
    return template.render(name=name, pictures=pictures, how=readings[0].how, margin=readings[0].margin)


def reading_to_html(reading: PictureReading) -> str:
    """Return what was read in a picture as HTML with inline styles only, for a notebook."""
    image = 'style="width:56px;image-rendering:pixelated;background:#000"'
    cells = "".join(
        f'<td style="text-align:center"><img src="{png_source(one.seen)}" alt="" {image}><br><b>{one.sign}</b> '
        f"{percent(one.probability, 1)}<br><small>then {one.second}, lead {one.lead}</small></td>"
        for one in reading.digits
    )
    notes = "".join(f"<p>{escape(note)}</p>" for note in reading.notes)
    lines = "<br>".join(reading.rows)
    return f"<p><b>{escape(reading.picture)}</b></p><p>{lines}</p><table><tr>{cells}</tr></table>{notes}"


def _picture(at: int, reading: PictureReading) -> dict[str, Any]:
    count, rows = len(reading.digits), len(reading.rows)
    return {
        "id": f"picture-{at + 1}",
        "name": reading.picture,
        "words": f"{count} digit{'s' * (count > 1)} in {rows} row{'s' * (rows > 1)}, "
        f"{'dark' if reading.dark else 'light'} ink; {reading.width:,}×{reading.height:,} pixels",
        "failures": reading.failures,
        "notes": reading.notes,
        "width": reading.width,
        "height": reading.height,
        "source": png_source(_small(reading.grey)),
        "rows": _rows_table(reading),
        "digits": [_digit(number, one) for number, one in enumerate(reading.digits, start=1)],
    }


def _rows_table(reading: PictureReading) -> Table:
    head = ["row", "reads", *([reading.check_digit] if reading.check_digit else [])]
    passes = ["passes" if one else "fails" for one in reading.passes] or [""] * len(reading.rows)
    rows = [
        (str(at), row, passed)[: len(head)]
        for at, (row, passed) in enumerate(zip(reading.rows, passes, strict=True), 1)
    ]
    return Table("What each row reads", tuple(head), tuple(rows), frozenset({0, 1, 2}))


def _digit(number: int, one: Prediction) -> dict[str, Any]:
    lowest, highest = int(one.scores.min()), int(one.scores.max())
    span = max(highest - lowest, 1)
    bars = [(digit, int(score), f"{100 * (int(score) - lowest) / span:.1f}%") for digit, score in enumerate(one.scores)]
    return {
        "number": number,
        "box": one.box,
        "sign": one.sign,
        "digit": one.digit,
        "refused": one.refused,
        "probability": percent(one.probability, 1),
        "lead": one.lead,
        "second": one.second,
        "seen": png_source(one.seen),
        "influence": None if one.influence is None else png_source(influence_colours(one.influence)),
        "bars": bars,
        "nearest": [
            (png_source(near.image.reshape(IMAGE_SIDE, IMAGE_SIDE)), near.label, f"{near.distance:.0f}")
            for near in one.nearest
        ],
    }


def _small(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture as the page shows it: small, in few greys."""
    from PIL import Image

    image = Image.fromarray(grey)
    image.thumbnail((_LONGER_SIDE, _LONGER_SIDE))
    step = 255 // (_GREYS - 1)
    return ((np.asarray(image).astype(np.uint16) + step // 2) // step * step).astype(np.uint8)
