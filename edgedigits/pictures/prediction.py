"""What is said of a picture: each digit with its scores, and each row as the number that it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.photos.finding import Box
from edgedigits.pictures.check_digits import find_check_digit, passes_check
from edgedigits.pictures.neighbours import Neighbour

if TYPE_CHECKING:
    from PIL.Image import Image

REFUSED = "?"
"""Stands in a row for a digit that the engine refuses."""


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What the engine says of one digit.

    Attributes:
        box: where it lies in the picture.
        row: of the picture, from 0.
        digit: the class of the best score.
        probability: of that class, by the build's temperature, 0…1.
        lead: steps of the int8 output by which it leads the second.
        refused: the lead is below the margin of the engine, which says no class.
        second: the class of the second-best score.
        scores: int8 (10,), as the engine has them.
        probabilities: float64 (10,).
        seen: uint8 (side, side), what the network saw: after straightening, and the steps of its build.
        influence: float64 (side, side), steps of the lead that each of those brings; None for other than dense layers.
        at_edge: its ink touches the picture's edge.
        nearest: training digits, where they were asked for.
    """

    box: Box
    row: int
    digit: int
    probability: float
    lead: int
    refused: bool
    second: int
    scores: NDArray[np.int8] = field(repr=False)
    probabilities: NDArray[np.float64] = field(repr=False)
    seen: NDArray[np.uint8] = field(repr=False)
    influence: NDArray[np.float64] | None = field(repr=False)
    at_edge: bool
    nearest: tuple[Neighbour, ...] = ()

    @property
    def sign(self) -> str:
        """The digit, or what stands for one that is refused."""
        return REFUSED if self.refused else str(self.digit)

    def to_json(self) -> dict[str, Any]:
        """Return the same as JSON values."""
        box = self.box
        return {
            "digit": self.digit,
            "state": "refused" if self.refused else "accepted",
            "probability": round(self.probability, 6),
            "lead": self.lead,
            "second": self.second,
            "scores": self.scores.tolist(),
            "probabilities": [round(one, 6) for one in self.probabilities.tolist()],
            "row": self.row,
            "box": {"left": box.left, "top": box.top, "width": box.width, "height": box.height},
            "at_edge": self.at_edge,
            "seen": self.seen.tolist(),
            "influence": None if self.influence is None else np.round(self.influence, 3).tolist(),
            "nearest": [
                {"index": one.index, "label": one.label, "distance": round(one.distance, 2)} for one in self.nearest
            ],
        }


@dataclass(frozen=True, slots=True, eq=False)
class PictureReading:
    """What the engine of a build reads in a picture.

    Attributes:
        picture: its name.
        width, height: its pixels, upright.
        grey: uint8, the picture as digits were looked for in it, smaller where it is large.
        dark: ink is dark on light.
        digits: in reading order.
        notes: what is to be known of it, a sentence each.
        check_digit: by which each row was checked; "" for none.
        margin: the least lead that the engine accepts; 0 where it refuses nothing.
        how: how probabilities were obtained.
    """

    picture: str
    width: int
    height: int
    grey: NDArray[np.uint8] = field(repr=False)
    dark: bool
    digits: tuple[Prediction, ...]
    notes: tuple[str, ...]
    check_digit: str
    margin: int
    how: str

    @property
    def rows(self) -> tuple[str, ...]:
        """The number that each row is, "?" for what is refused."""
        signs: dict[int, str] = {}
        for one in self.digits:
            signs[one.row] = signs.get(one.row, "") + one.sign
        return tuple(signs[row] for row in sorted(signs))

    @property
    def text(self) -> str:
        """All rows, a line each."""
        return "\n".join(self.rows)

    @property
    def passes(self) -> tuple[bool, ...]:
        """Whether each row ends with its check digit; empty where none was asked for."""
        if not self.check_digit:
            return ()
        kind = find_check_digit(self.check_digit)
        return tuple(passes_check(kind, row) for row in self.rows)

    @property
    def failures(self) -> tuple[str, ...]:
        """A sentence for each check that fails."""
        if all(one.refused for one in self.digits):
            return (f"{self.picture}: the engine refuses all that was found; this shows no digits that it knows.",)
        wrong = [row for row, good in zip(self.rows, self.passes, strict=False) if not good]
        return tuple(f"{self.picture}: {row} does not pass {self.check_digit}." for row in wrong)

    def to_json(self) -> dict[str, Any]:
        """Return the same as JSON values."""
        return {
            "picture": self.picture,
            "width": self.width,
            "height": self.height,
            "ink": "dark" if self.dark else "light",
            "rows": list(self.rows),
            "check_digit": self.check_digit or None,
            "passes": list(self.passes),
            "margin": self.margin,
            "digits": [one.to_json() for one in self.digits],
            "probabilities_how": self.how,
            "notes": list(self.notes),
        }

    def plot(self) -> Image:
        """Return the sheet of this picture as one image, which a notebook shows."""
        from edgedigits.pictures.drawn_sheet import draw_sheet

        return draw_sheet([self])

    def _repr_html_(self) -> str:
        from edgedigits.pictures.sheet import reading_to_html

        return reading_to_html(self)
