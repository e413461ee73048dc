"""How sure a model is, set right by one number: its logits are divided by a temperature before the softmax.

Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4.2. No class changes by it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgedigits.model.ir import Tensor
from edgedigits.scoring.metrics import calibration_error, classify

MOST = 100.0
"""The highest temperature that is looked for, and the inverse of the lowest."""
_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Calibration:
    """How far a model's confidence is from what it gets right, as it is and with the temperature.

    Attributes:
        images: how many there were.
        loss_before, loss_after: mean cross-entropy in nats.
        error_before, error_after: expected calibration error, 0…1, over 15 bins.
    """

    images: int
    loss_before: float
    loss_after: float
    error_before: float
    error_after: float


@dataclass(frozen=True, slots=True)
class Temperature:
    """A temperature, and what it does.

    Attributes:
        value: what logits are divided by; behind a softmax, the logarithms of its probabilities.
        steps: the same in steps of the int8 logits: p = softmax(stored logits / steps); None behind a softmax.
        validation: on the digits that it was fitted on.
        test: on digits that took no part in that.
    """

    value: float
    steps: float | None
    validation: Calibration
    test: Calibration


def logits_of(outputs: NDArray[np.int8], output: Tensor, *, are_probabilities: bool) -> NDArray[np.float64]:
    """Return stored outputs (n, 10) as logits, float64 (n, 10).

    Args:
        outputs: int8.
        output: the tensor that they are of.
        are_probabilities: whether they went through a softmax; a stored 0 then counts as half a step.
    """
    steps = outputs.astype(np.float64) - output.zero_point
    scale = float(output.scale)
    return np.log(np.maximum(steps, 0.5) * scale) if are_probabilities else steps * scale


def fit_temperature(logits: NDArray[np.float64], labels: NDArray[np.integer]) -> float:
    """Return the temperature at which the mean cross-entropy is least, to four decimals.

    The cross-entropy of logits · b is convex in b = 1/temperature, and its slope is the mean of the expected logit less
    that of the true class: where that is 0 is found between 1/MOST and MOST. Where it is 0 nowhere, as where every
    image is classified right, the end is returned that the slope points to.

    Args:
        logits: (n, 10), n ≥ 1.
        labels: true classes (n,).
    """
    from scipy.optimize import brentq
    from scipy.special import softmax

    true = logits[np.arange(len(labels)), labels].mean()

    def slope(inverse: float) -> float:
        return float((softmax(logits * inverse, axis=1) * logits).sum(axis=1).mean() - true)

    if slope(MOST) <= 0:
        return 1 / MOST
    if slope(1 / MOST) >= 0:
        return MOST
    return round(1 / brentq(slope, 1 / MOST, MOST), _DIGITS)


def calibration(logits: NDArray[np.float64], labels: NDArray[np.integer], temperature: float) -> Calibration:
    """Return loss and calibration error of logits (n, 10), as they are and divided by `temperature`."""
    (loss_before, error_before), (loss_after, error_after) = (
        _loss_and_error(logits / divisor, labels) for divisor in (1.0, temperature)
    )
    return Calibration(len(labels), loss_before, loss_after, error_before, error_after)


def _loss_and_error(logits: NDArray[np.float64], labels: NDArray[np.integer]) -> tuple[float, float]:
    from scipy.special import log_softmax

    logarithms = log_softmax(logits, axis=1)
    loss = -float(logarithms[np.arange(len(labels)), labels].mean())
    return loss, calibration_error(np.exp(logarithms.max(axis=1)), classify(logits) == labels)
