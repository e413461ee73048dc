"""Lines of forms and ruled paper, which run through digits: taken out of ink that is too long or too large for a digit.

A line is straight ink across much of such a piece; one that goes down counts only between two that go across, for a 1
is such a line too. Lines may lean by a degree or two: their runs within a single row of pixels are then shorter than
they are, but longer than a digit is wide.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_OF_A_ROW = 0.9
"""Of the height of a piece that is wider than high: how long its lines are at least."""
_OF_A_FRAME = 0.4
"""The same of others: of the width, or of the height for lines that go down."""


def without_lines(mask: NDArray[np.bool_], *, flat: bool) -> NDArray[np.bool_]:
    """Return a mask (height, width) of one piece of ink without the lines in it.

    Args:
        mask: the piece in its box.
        flat: it is far wider than high: a row on a line, or in a comb of boxes.
    """
    from scipy.ndimage import binary_dilation

    height, width = mask.shape
    lines = _runs(mask, round(_OF_A_ROW * height if flat else _OF_A_FRAME * width), axis=1)
    rim = max(1, height // 4)
    if lines[:rim].any() and lines[-rim:].any():
        lines |= _runs(mask, round((_OF_A_ROW if flat else _OF_A_FRAME) * height), axis=0)
    return mask & ~binary_dilation(lines, np.ones((3, 3), bool))


def _runs(mask: NDArray[np.bool_], length: int, *, axis: int) -> NDArray[np.bool_]:
    """Return the ink of a mask that lies in straight runs of so many pixels along an axis."""
    from scipy.ndimage import maximum_filter1d, minimum_filter1d

    odd = length | 1
    shrunk = minimum_filter1d(mask.view(np.uint8), odd, axis=axis, mode="constant")
    return maximum_filter1d(shrunk, odd, axis=axis, mode="constant").astype(bool)
