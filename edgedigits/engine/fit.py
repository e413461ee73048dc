"""The numbers of an emitted `fit`: how it does in C what `data/geometry.py` does in NumPy."""

from __future__ import annotations

from typing import Any

from edgedigits.data.geometry import BOX, INK, MOST_SIDE
from edgedigits.data.shape import IMAGE_SIDE, PIXELS
from edgedigits.view import MIDDLE

LEVELS = 256
MOST_STACK_BYTES_FIT = 384
"""What `fit` takes of the stack at most at -O2: measured on cores in tests."""


def fit_facts() -> dict[str, Any]:
    """Return what the template of `fit` lays out: the same for every engine."""
    return {
        "side": IMAGE_SIDE,
        "middle": MIDDLE,
        "box": BOX,
        "ink": INK,
        "most_side": MOST_SIDE,
        "stack": MOST_STACK_BYTES_FIT,
        # The caller's image is the memory for both: the box takes its beginning.
        "level_place": PIXELS - LEVELS,
    }
