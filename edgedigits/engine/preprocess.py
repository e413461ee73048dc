"""The numbers of an emitted `preprocess`: how it does in C what `data/seeing.py` does in NumPy, without a division."""

from __future__ import annotations

from typing import Any

from edgedigits.data.shape import IMAGE_SIDE
from edgedigits.view import MIDDLE, SLOPE_BITS, View, exact_division

MOST_PIXEL = 255


def preprocess_facts(view: View) -> dict[str, Any]:
    """Return what the template of `preprocess` lays out for a view."""
    return {
        "side": IMAGE_SIDE,
        "middle": MIDDLE,
        "slope_bits": SLOPE_BITS,
        "source_row": _place("y + ", "digit->row", view),
        "first_column": _place("", "digit->column", view),
        "averages": view.size != view.window,
        "weighted": view.units > 1 and view.size != view.window,
        "area_sums": _sums(view),
        "average": _nearest("light", MOST_PIXEL * view.area, view.area),
        "level": _level(view),
    }


def _sums(view: View) -> list[str]:
    """Return in C the weighted sum of columns for each average until the weights repeat."""
    sums = []
    for start in range(0, view.units * view.span, view.span):
        terms = []
        for column in range(start // view.units, -(-(start + view.span) // view.units)):
            weight = min(start + view.span, view.units * (column + 1)) - max(start, view.units * column)
            terms.append(f"{weight}u * column[{column}]" if weight > 1 else f"column[{column}]")
        sums.append(" + ".join(terms))
    return sums


def _place(before: str, moved_by: str, view: View) -> str:
    """Return in C where a row, or the first column, of the window comes from."""
    terms = before + (f"{moved_by} - {MIDDLE - view.offset}" if view.centre else str(view.offset))
    return "y" if terms == "y + 0" else terms


def _level(view: View) -> str:
    """Return a pixel's level in C: the nearest multiple of the step."""
    if view.step == MOST_PIXEL:
        return f"pixel < {MOST_PIXEL // 2 + 1}u ? 0u : {MOST_PIXEL}u"
    return f"({_nearest('pixel', MOST_PIXEL, view.step)}) * {view.step}u"


def _nearest(name: str, most: int, divisor: int) -> str:
    """Return in C what an unsigned number of at most `most` is divided by, halves upwards."""
    half = divisor // 2
    before, factor, shift = exact_division(divisor, most + half)
    text = f"({name} + {half}u)" if half else name
    if before:
        text = f"{text} >> {before}" if factor == 1 else f"({text} >> {before})"
    return text if factor == 1 else f"{text} * {factor}u >> {shift}"
