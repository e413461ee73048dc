"""What of a 28×28 image a model sees: one declaration for training, every runtime and the emitted C. Imports no NumPy.

`data/seeing.py` does it to images, `engine/preprocess.py` writes it in C; the numbers that both need are computed here.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

from edgedigits.data.shape import IMAGE_SIDE

MIDDLE = IMAGE_SIDE // 2
"""The row, and the column, in which centring puts the centre of mass; MNIST's digits have it there."""
SLOPE_BITS = 8
"""Digits after the point of a slope, in binary; as many steps its division takes."""
SLOPE_ONE = 1 << SLOPE_BITS
WINDOWS = tuple(range(4, IMAGE_SIDE + 1, 2))
"""Sides of windows: even ones have the image's own middle."""
LEVEL_BITS = (1, 2, 4, 8)
"""Bits of a pixel whose highest level divides 255, so that levels are whole pixels."""


@dataclass(frozen=True, slots=True)
class View:
    """What a model sees, by steps in this order, each in integers.

    1. `deskew`: every row is shifted sideways, as a digit that leans by the slope of its moments would stand upright.
    2. `centre`: the pixel nearest to the centre of mass is moved to row and column 14.
    3. The central `window` × `window` pixels are cut out.
    4. They are averaged over equal areas, `size` × `size` of them.
    5. Each is rounded to the nearest of 2^`bits` levels.

    Attributes:
        window: side of what is cut out, an even number up to 28.
        size: side of what the model is given, at most `window`.
        deskew: whether digits are stood upright.
        centre: whether digits are moved to the middle.
        bits: of a pixel: 1, 2, 4 or 8.
    """

    window: int = IMAGE_SIDE
    size: int = IMAGE_SIDE
    deskew: bool = False
    centre: bool = False
    bits: int = 8

    @property
    def inputs(self) -> int:
        """How many values the model is given."""
        return self.size * self.size

    @property
    def is_plain(self) -> bool:
        """Whether it is the image as it is."""
        return self == PLAIN

    @property
    def moves(self) -> bool:
        """Whether pixels leave their places, by the image's moments."""
        return self.deskew or self.centre

    @property
    def offset(self) -> int:
        """Rows above the window, and columns left of it."""
        return (IMAGE_SIDE - self.window) // 2

    @property
    def units(self) -> int:
        """Side of a pixel in the largest unit that divides it and the side of an average: 4 for 28 → 16."""
        return self.size // gcd(self.window, self.size)

    @property
    def span(self) -> int:
        """Side of an average in the same unit: 7 for 28 → 16."""
        return self.window // gcd(self.window, self.size)

    @property
    def area(self) -> int:
        """What the weights of an average sum up to."""
        return self.span * self.span

    @property
    def step(self) -> int:
        """Distance of two levels: 255, 85, 17 or 1."""
        return 255 // ((1 << self.bits) - 1)

    @property
    def slug(self) -> str:
        """Its part of a build's name; empty for the image as it is."""
        cut = self.size != IMAGE_SIDE or self.window != IMAGE_SIDE
        words = (
            f"{self.size}of{self.window}" if cut else "",
            "deskew" if self.deskew else "",
            "centre" if self.centre else "",
            f"{self.bits}bit" if self.bits != PLAIN.bits else "",
        )
        return "-".join(word for word in words if word)

    def __str__(self) -> str:
        """Return it in words: "12×12, averaged over the central 24×24"."""
        side, part = f"{self.size}×{self.size}", f"{self.window}×{self.window}"
        where = "all" if self.window == IMAGE_SIDE else "the central"
        if self.size != self.window:
            side += f", averaged over {where} {part}"
        elif self.window != IMAGE_SIDE:
            side += ", the middle of the image"
        words = (
            side,
            "upright by its moments" if self.deskew else "",
            "centred by mass" if self.centre else "",
            f"{self.bits} bit{'s' if self.bits > 1 else ''} a pixel" if self.bits != PLAIN.bits else "",
        )
        return ", ".join(word for word in words if word)

    @property
    def remark(self) -> str:
        """What is to be said beside its figures: which of its steps make the task another one; empty for none."""
        if not self.moves:
            return ""
        done = ["stood upright by their moments"] * self.deskew + ["centred by mass"] * self.centre
        return (
            f"Digits are {' and '.join(done)} before the network sees them: that is another task than with raw digits, "
            "and figures compare with those of others that do the same."
        )


PLAIN = View()
"""The image as it is."""


def exact_division(divisor: int, most: int) -> tuple[int, int, int]:
    """Return (before, factor, shift) by which v // divisor is ((v >> before) · factor) >> shift, in 32 bits.

    It is tried for every v: a small factor is often exact where a general proof would ask for a larger one.

    Args:
        divisor: above 0.
        most: the largest v.

    Raises:
        ArithmeticError: there is none below 2^32. No area and no step of levels is such a divisor: tested.
    """
    before = (divisor & -divisor).bit_length() - 1
    odd, highest = divisor >> before, most >> before
    for shift in range(32):
        factor = -(-(1 << shift) // odd)
        if factor * highest >= 1 << 32:
            break
        # Where the quotient steps up is where it can be wrong: there, and just before.
        steps = range(odd, highest + 1, odd)
        edges = [highest, *steps, *(value - 1 for value in steps)]
        if all(value * factor >> shift == value // odd for value in edges):
            return before, factor, shift
    raise ArithmeticError(f"no division by {divisor} up to {most} in 32 bits")
