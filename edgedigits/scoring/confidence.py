"""How far a deployed model can be trusted: its temperature, and when it should rather refuse.

Everything is said of the int8 outputs that the engine gives. What is chosen is chosen on the validation split; the test
split gives figures of it and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from edgedigits.build_folder import Certainty
from edgedigits.data.digits import Digits
from edgedigits.model.fixed_point import Rounding
from edgedigits.model.lowering import lower
from edgedigits.model.numpy_engine import run
from edgedigits.scoring.interpreter import Classifier
from edgedigits.scoring.non_digits import Refusals, non_digits
from edgedigits.scoring.oracle import engine_inputs
from edgedigits.scoring.reject import (
    CONFIDENCE,
    Decisions,
    RiskCurve,
    choose_margin,
    decisions,
    is_refused,
    risk_curve,
)
from edgedigits.scoring.temperature import Temperature, calibration, fit_temperature, logits_of

HOW = "measured: the exact NumPy engine; temperature and margin were chosen on the validation split"
Engine = Callable[[NDArray[np.uint8]], NDArray[np.int8]]
"""From images, uint8 (n, 784), to scores, int8 (n, 10)."""


@dataclass(frozen=True, slots=True)
class Reject:
    """When the engine refuses, and what comes of it.

    Attributes:
        wish: wished share of wrong ones among the accepted, 0…1.
        margin: the least lead that is accepted, in steps of the int8 output.
        bound: the share that is not exceeded with 95% confidence, by the validation split.
        is_met: whether that keeps the wish.
        validation, test: what is refused of the two splits, and how many of the others are wrong.
        non_digits: what is refused of pictures that are no digits.
    """

    wish: float
    margin: int
    bound: float
    is_met: bool
    validation: Decisions
    test: Decisions
    non_digits: tuple[Refusals, ...]

    @property
    def sentence(self) -> str:
        """What to know where the wish is not met, else ""."""
        if self.is_met:
            return ""
        return (
            f"No margin keeps the wish of {self.wish:.2%} wrong among those accepted, by {self.validation.images:,} "
            f"validation digits and with {CONFIDENCE:.0%} confidence. The engine refuses below a lead of "
            f"{self.margin}, where at most {self.bound:.2%} are; more digits to validate on would help, "
            "or a better network."
        )


@dataclass(frozen=True, slots=True)
class Confidence:
    """How far a model can be trusted.

    Attributes:
        temperature: that sets its probabilities right.
        curve: what each margin refuses of the test split.
        reject: when the engine refuses; None where it never does.
    """

    temperature: Temperature
    curve: RiskCurve
    reject: Reject | None

    @property
    def reject_margin(self) -> int:
        """The least lead that the engine accepts; 0 where it refuses nothing."""
        return self.reject.margin if self.reject else 0

    def to_json(self) -> dict[str, Any]:
        """Return the same as JSON values."""
        return {**asdict(self), "how": HOW}

    @property
    def certainty(self) -> Certainty:
        """What a program must know that uses the model: temperature and margin."""
        margin, wish = (self.reject.margin, self.reject.wish) if self.reject else (UNSET, UNSET)
        return Certainty(self.temperature.value, self.temperature.steps, margin, wish)


def measure_confidence(
    classifier: Classifier, rounding: str, validation: Digits, test: Digits, wish: float = 0.0
) -> Confidence:
    """Fit the temperature, choose the margin, and see what both give on digits that took no part in it.

    Args:
        classifier: a full-integer model of digits.
        rounding: "litert" or "tflm", of the engine.
        validation: what to choose on.
        test: what to tell the figures on.
        wish: share of wrong ones among those accepted, 0…1; 0 for an engine that refuses nothing.
    """
    network = lower(classifier.graph, Rounding(rounding))

    def engine(images: NDArray[np.uint8]) -> NDArray[np.int8]:
        return run(network, engine_inputs(classifier, images))

    scores, test_scores = engine(validation.images), engine(test.images)
    scale, probabilities = float(classifier.output.scale), network.gives_probabilities
    logits = logits_of(scores, classifier.output, are_probabilities=probabilities)
    test_logits = logits_of(test_scores, classifier.output, are_probabilities=probabilities)
    value = fit_temperature(logits, validation.labels)
    temperature = Temperature(
        value=value,
        steps=None if probabilities else round(value / scale, 2),
        validation=calibration(logits, validation.labels, value),
        test=calibration(test_logits, test.labels, value),
    )
    curve = risk_curve(test_scores, test.labels)
    if not wish:
        return Confidence(temperature, curve, None)
    margin = choose_margin(scores, validation.labels, wish)
    reject = Reject(
        wish=wish,
        margin=margin.steps,
        bound=margin.bound,
        is_met=margin.is_met,
        validation=decisions(scores, validation.labels, margin.steps),
        test=decisions(test_scores, test.labels, margin.steps),
        non_digits=refusals(engine, non_digits(validation.images), margin.steps),
    )
    return Confidence(temperature, curve, reject)


def refusals(engine: Engine, pictures: Mapping[str, NDArray[np.uint8]], margin: int) -> tuple[Refusals, ...]:
    """Return what an engine with a margin refuses of pictures, uint8 (n, 784) by kind."""
    return tuple(
        Refusals(kind, len(images), int(np.sum(is_refused(engine(images), margin))))
        for kind, images in pictures.items()
    )
