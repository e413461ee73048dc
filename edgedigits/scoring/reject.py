"""When a classifier refuses: where the highest score leads the second by less than a margin.

Lead and margin are whole steps of the int8 output, so that Python and the emitted C decide alike. The margin is chosen
on validation digits for a wished share of wrong ones among those accepted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgedigits.build_folder import LEAST_MARGIN
from edgedigits.scoring.metrics import classify

CONFIDENCE = 0.95
MOST_LEAD_TOLD = 127
"""What the C tells of a lead at most: it hands it out as int8, but decides on the whole of it."""


@dataclass(frozen=True, slots=True)
class Decisions:
    """What a classifier that may refuse did with labelled digits.

    Attributes:
        images: how many there were.
        refused: how many of them it refused.
        wrong: how many of the others it classified wrong.
    """

    images: int
    refused: int
    wrong: int

    @property
    def accepted(self) -> int:
        """How many it did not refuse."""
        return self.images - self.refused

    @property
    def coverage(self) -> float:
        """Share that it did not refuse, 0…1."""
        return self.accepted / self.images

    @property
    def error(self) -> float:
        """Share of wrong ones among those accepted, 0…1; 0 where there is none."""
        return self.wrong / max(1, self.accepted)

    @property
    def words(self) -> str:
        """The same in words."""
        return (
            f"{self.refused:,} of {self.images:,} digits ({self.refused / self.images:.1%}); of the {self.accepted:,} "
            f"accepted {self.wrong:,} wrong ({self.error:.2%})"
        )


@dataclass(frozen=True, slots=True)
class RiskCurve:
    """How many are accepted and how many of those are wrong, by margin; only where the next margin refuses more.

    Attributes:
        images: how many there were.
        margins: rising; at the first, all are accepted whose lead is that or more.
        accepted: images by margin, falling.
        wrong: of those accepted.
    """

    images: int
    margins: tuple[int, ...]
    accepted: tuple[int, ...]
    wrong: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Margin:
    """A margin that was chosen for a wish.

    Attributes:
        steps: the margin, LEAST_MARGIN…MOST_MARGIN.
        bound: share of wrong ones among those accepted that is not exceeded with `CONFIDENCE`.
        is_met: whether the bound keeps the wish; else the margin is the one of the least bound.
    """

    steps: int
    bound: float
    is_met: bool


def leads(outputs: NDArray[np.int8]) -> NDArray[np.int64]:
    """Return how many steps the highest of each row of scores (n, k ≥ 2) is above the second highest, (n,)."""
    highest = np.partition(outputs.astype(np.int64), -2, axis=1)[:, -2:]
    return highest[:, 1] - highest[:, 0]


def is_refused(outputs: NDArray[np.int8], margin: int) -> NDArray[np.bool_]:
    """Tell of each row of scores (n, k) whether it is refused, (n,); with a margin of 0 none is."""
    return leads(outputs) < margin


def decide(outputs: NDArray[np.int8], margin: int) -> NDArray[np.intp]:
    """Return the class of each row of scores (n, k), or k where it is refused."""
    return np.where(is_refused(outputs, margin), outputs.shape[1], classify(outputs))


def decisions(outputs: NDArray[np.int8], labels: NDArray[np.integer], margin: int) -> Decisions:
    """Return what is refused of scores (n, k) with true classes (n,), and how many of the others are wrong."""
    refused = is_refused(outputs, margin)
    return Decisions(len(labels), int(refused.sum()), int(np.sum((classify(outputs) != labels) & ~refused)))


def risk_curve(outputs: NDArray[np.int8], labels: NDArray[np.integer]) -> RiskCurve:
    """Return the curve over all margins at which anything is accepted, for scores (n, k) with true classes (n,)."""
    accepted, wrong = _by_margin(outputs, labels)
    # The margin from 0 on, so that ties are seen as well.
    steps = [m for m in range(len(accepted)) if accepted[m] > (accepted[m + 1] if m + 1 < len(accepted) else 0)]
    return RiskCurve(len(labels), tuple(steps), tuple(accepted[steps].tolist()), tuple(wrong[steps].tolist()))


def choose_margin(outputs: NDArray[np.int8], labels: NDArray[np.integer], wish: float) -> Margin:
    """Return the least margin whose error, with `CONFIDENCE`, is at most `wish`; it refuses no more than it must.

    The error's upper limit is that of Clopper and Pearson, 1934, one-sided. It holds for a margin named beforehand; to
    choose among the margins on the same digits makes the promise a little weaker, which digits of another split show.
    Where no margin keeps the wish, the one of the least limit is returned, of equal ones the least.

    Args:
        outputs: int8 (n, k), n ≥ 1.
        labels: true classes (n,).
        wish: share of wrong ones among those accepted, 0…1.
    """
    accepted, wrong = _by_margin(outputs, labels)
    margins = np.arange(LEAST_MARGIN, max(LEAST_MARGIN + 1, len(accepted)))
    bounds = error_bounds(*(np.append(column, 0)[margins] for column in (accepted, wrong)))
    met = np.flatnonzero(bounds <= wish)
    best = int(met[0]) if len(met) else int(np.argmin(bounds))
    return Margin(int(margins[best]), float(bounds[best]), bool(len(met)))


def error_bounds(accepted: NDArray[np.int64], wrong: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return what the share of wrong ones is at most, with `CONFIDENCE`; 1 where nothing was right.

    Args:
        accepted: how many were accepted, (n,).
        wrong: how many of those were wrong, (n,).
    """
    from scipy.special import betaincinv

    right = accepted - wrong
    return np.where(right > 0, betaincinv(wrong + 1, np.maximum(right, 1), CONFIDENCE), 1.0)


def _by_margin(outputs: NDArray[np.int8], labels: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return how many are accepted, and how many of those are wrong, at the margins from 0 to the largest lead."""
    lead, is_wrong = leads(outputs), classify(outputs) != labels
    with_lead = (np.bincount(lead[some], minlength=int(lead.max()) + 1) for some in (lead >= 0, is_wrong))
    accepted, wrong = (counts[::-1].cumsum()[::-1] for counts in with_lead)
    return accepted, wrong
