"""`edgedigits predict`: the digits in a photo or a scan, read by the engine of a build, with reasons."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgedigits.cli.flags import positive_count, refuse_idle
from edgedigits.cli.outcome import Outcome
from edgedigits.errors import ConfigError, shown
from edgedigits.files.paths import user_path
from edgedigits.frontier import build_path

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from edgedigits.pictures.prediction import PictureReading
    from edgedigits.progress import Progress

HELP = "read the digits in photos and scans: one, a row or a sheet of them, with reasons"
EXAMPLES = (
    "edgedigits predict deploy/focal-qat-prune meter.jpg form.png --sheet sheet.html --nearest 3",
    "edgedigits predict deploy/focal-qat-prune card.jpg --check-digit luhn --expect 79927398713",
)
MOST_NEAREST = 20
_MOST_ROWS, _MOST_SHOWN = 20, 24  # of a picture on a terminal, and such pictures
_INKS = {"auto": None, "dark": True, "light": False}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument(
        "path",
        metavar="PATH",
        type=build_path,
        help="a build's folder, a model that `models` lists, or any int8 .tflite of digits",
    )
    parser.add_argument(
        "pictures", metavar="PICTURE", nargs="+", type=user_path, help="PNG, JPEG, or another that Pillow reads"
    )
    parser.add_argument(
        "--ink", choices=tuple(_INKS), default="auto", help="dark on light, light on dark, or as each picture shows it"
    )
    parser.add_argument(
        "--check-digit",
        default="",
        metavar="KIND",
        help="hold each row against its last digit: luhn, verhoeff, damm, ean8, ean13, mod97",
    )
    parser.add_argument("--expect", type=_digits, metavar="DIGITS", help="what the picture is to read, such as 0123")
    parser.add_argument(
        "--nearest",
        type=positive_count,
        default=0,
        metavar="N",
        help="tell the N training digits that each is most like",
    )
    parser.add_argument(
        "--sheet",
        type=user_path,
        metavar="FILE",
        help="write all pictures and reasons as a page (.html) or a drawing (.png)",
    )
    parser.add_argument("--force", action="store_true", help="replace FILE")


def run(args: argparse.Namespace, progress: Progress) -> Outcome:
    """Read the pictures, and hold them against what is expected."""
    refuse_idle("--force", args.force, "--sheet", args.sheet)
    if args.expect and len(args.pictures) > 1:
        raise ConfigError("--expect says what one picture reads.", hint="Give one picture at a time.")
    if args.nearest > MOST_NEAREST:
        raise ConfigError(
            f"--nearest {args.nearest} is more than the {MOST_NEAREST} that are told.", hint="Take fewer."
        )
    if args.sheet and args.sheet.suffix.lower() not in (".html", ".htm", ".png"):
        raise ConfigError(
            f"--sheet {args.sheet} is not the name of a page or a drawing.", hint="Let it end with .html or .png."
        )
    from edgedigits.data.writing import refuse_existing
    from edgedigits.pictures.predict import Wishes, predict_pictures

    if args.sheet:
        refuse_existing(args.sheet, force=args.force)
    wishes = Wishes(args.nearest, args.check_digit, _INKS[args.ink])
    readings = predict_pictures(args.path, args.pictures, wishes, progress)
    if args.sheet:
        from edgedigits.pictures.sheet import write_sheet

        write_sheet(args.path.resolve().name, readings, args.sheet, force=args.force)
    failures = [failure for one in readings for failure in one.failures] + _unexpected(readings[0], args.expect)
    payload = {"pictures": [one.to_json() for one in readings], "sheet": str(args.sheet) if args.sheet else None}
    return Outcome(payload, lambda console: _show(console, readings, args.sheet), tuple(failures))


def _digits(text: str) -> str:
    if not re.fullmatch(r"[0-9]{1,1000}", text):
        raise argparse.ArgumentTypeError(f"'{shown(text)}' is not a row of digits; write it like 0123")
    return text


def _unexpected(reading: PictureReading, expected: str | None) -> list[str]:
    """Return what is not as expected, a sentence or none."""
    read = "".join(reading.rows)
    if not expected or read == expected:
        return []
    if len(read) != len(expected):
        return [f"{reading.picture}: {len(expected)} digits were expected, {len(read)} were found: {read}."]
    right = sum(one == other for one, other in zip(read, expected, strict=True))
    return [f"{reading.picture}: {right} of {len(read)} digits are as expected: {read}, not {expected}."]


def _show(console: Console, readings: Sequence[PictureReading], sheet: Path | None) -> None:
    from rich.markup import escape

    for reading in readings:
        size = f"{reading.width:,}×{reading.height:,} pixels, {'dark' if reading.dark else 'light'} ink"
        console.print(f"[bold]{escape(reading.picture)}[/]: {size}", soft_wrap=True)
        for at, row in enumerate(reading.rows):
            passed = f"  {reading.check_digit} {'passes' if reading.passes[at] else 'fails'}" if reading.passes else ""
            console.print(f"reads  [bold]{row}[/]{passed}", soft_wrap=True)
        if console.is_terminal:
            _show_pictures(console, reading)
        console.print(_table(reading))
        for note in reading.notes:
            console.print(f"note: {note}", markup=False, soft_wrap=True)
    if not readings[0].margin:
        console.print(
            "note: this build refuses nothing (see build --reject-error): whatever is found is called a digit"
        )
    if sheet:
        console.print(f"written  {sheet}", markup=False, soft_wrap=True)


def _show_pictures(console: Console, reading: PictureReading) -> None:
    """Show what the network saw, as many side by side as there is room for."""
    from rich.columns import Columns
    from rich.panel import Panel

    tiles = [
        Panel.fit(_half_blocks(one.seen), title=f"{at} → {one.sign}")
        for at, one in enumerate(reading.digits[:_MOST_SHOWN], start=1)
    ]
    console.print(Columns(tiles))


def _half_blocks(seen: NDArray[np.uint8]) -> Text:
    """Return a picture of greys, two pixels a character; larger ones at half their side."""
    from rich.text import Text

    pixels = seen.astype(int)
    if len(pixels) > _MOST_ROWS:
        halves = len(pixels) // 2
        pixels = pixels.reshape(halves, 2, halves, 2).sum(axis=(1, 3)) // 4
    text = Text()
    for upper, lower in zip(pixels[::2], pixels[1::2], strict=False):
        for one, other in zip(upper.tolist(), lower.tolist(), strict=True):
            text.append("▀", f"rgb({one},{one},{one}) on rgb({other},{other},{other})")
        text.append("\n")
    text.right_crop(1)
    return text


def _table(reading: PictureReading) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    near = any(one.nearest for one in reading.digits)
    titles = ("digit", "sure", "lead", "then", "scores 0 to 9", "left, top", "size", *(["nearest"] if near else []))
    for title in titles:
        table.add_column(title, justify="left" if title in ("digit", "nearest") else "right", no_wrap=True)
    for at, one in enumerate(reading.digits, start=1):
        box = one.box
        cells = [
            f"{at}: {one.sign}{f' ({one.digit})' if one.refused else ''}",
            f"{one.probability:.1%}",
            str(one.lead),
            f"{one.second} {one.probabilities[one.second]:.1%}",
            " ".join(f"{score:4}" for score in one.scores.tolist()),
            f"{box.left:,}, {box.top:,}",
            f"{box.width:,}×{box.height:,}",
            " ".join(f"{other.label}" for other in one.nearest),
        ]
        table.add_row(*cells[: len(titles)])
    return table
