"""Test digits for a page: those first that the engine misreads, the surest of them before the others."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.digits import Digits
from edgedigits.data.shape import CLASSES
from edgedigits.scoring.metrics import classify
from edgedigits.scoring.reject import is_refused, leads

MOST_MISREAD = 30
RIGHT_OF_A_CLASS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """Digits to try an engine on.

    Attributes:
        told: which they are, or why there are none; a sentence.
        labels: (n,).
        packed: their pixels uint8 (n, 784), as zlib packs them.
    """

    told: str
    labels: tuple[int, ...] = ()
    packed: bytes = b""


def make_strip(digits: Digits, origin: str, scores: NDArray[np.int8], reject: int) -> Strip:
    """Choose digits.

    Args:
        digits: n of them, with labels.
        origin: what they are called, such as "test set of mnist".
        scores: int8 (n, 10), the engine's.
        reject: the least lead that it accepts.
    """
    accepted, right = ~is_refused(scores, reject), classify(scores) == digits.labels
    misread = np.flatnonzero(accepted & ~right)
    worst = misread[np.argsort(-leads(scores)[misread], kind="stable")][:MOST_MISREAD]
    read = [np.flatnonzero(accepted & right & (digits.labels == one))[:RIGHT_OF_A_CLASS] for one in range(CLASSES)]
    rows = np.concatenate([worst, *read])
    told = (
        f"{len(worst):,} of the {len(misread):,} digits that the engine misreads of the {len(digits):,} "
        f"of the {origin}, the surest first; then {len(rows) - len(worst):,} that it reads."
    )
    return Strip(told, tuple(digits.labels[rows].tolist()), zlib.compress(digits.images[rows].tobytes(), 9))
