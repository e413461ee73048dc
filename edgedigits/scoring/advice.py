"""What would help when a model does badly on digits: found by trying it on a few hundred of them.

A model that reads some digits well and others at random was mostly given the others in another form: dark on light,
lying otherwise, of another scale, labelled from another number on. Each form is undone on a sample, alone and with
others, and the fewest changes that make a clear difference are told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.digits import Digits
from edgedigits.data.findings import FAINT, GREY, reading_flag, relabelling_words
from edgedigits.data.ink import contrast, ranges, stretched
from edgedigits.data.likeness import clearly_better, spread_sample
from edgedigits.data.load import Selection
from edgedigits.data.shape import CLASSES
from edgedigits.data.symmetry import SYMMETRIES, relaid
from edgedigits.scoring.interpreter import Classifier, open_classifier, run_scored
from edgedigits.scoring.metrics import classify
from edgedigits.scoring.pixels import FLAG, other_ranges
from edgedigits.scoring.record import training_record
from edgedigits.scoring.subject import Subject

Predict = Callable[[NDArray[np.uint8]], NDArray[np.intp]]
"""Images uint8 (n, 784) → the class of each, (n,)."""

PER_CLASS = 30
POOR, HOPELESS = 0.8, 0.5
"""Accuracy below which it is worth looking for what helps, and below which it is worth saying that nothing does."""
FAR_BELOW = 0.1
"""The same, against the accuracy on validation that its build recorded."""

# Percentile of the border that is an image's background, and the order that goes with it.
_STRETCHES = (
    (50, "stretch each picture to 0…255 from its background to its ink"),
    (95, "stretch each picture to 0…255 from above the noise of its background to its ink"),
)
_WORTH_SAYING = 0.1
_AS_GOOD = 0.05
_FEWEST_OF_A_CLASS, _FEWEST_CLASSES = 10, 4
_FEWEST_TO_DESPAIR = 50


@dataclass(frozen=True)
class Change:
    """One thing that is done to digits.

    Attributes:
        setting: the field of `DataConfig` that does it on loading; "" where there is none.
        remedy: the same as an order, such as "mirror the pictures left to right".
        flag: a flag of the model's that does it; "" where there is none.
    """

    setting: str
    remedy: str
    flag: str = ""

    def flag_to_give(self, reading: Mapping[str, Any]) -> str:
        """Return the flag that makes the change where digits were read by `reading`; "" where there is none."""
        return reading_flag(self.setting, reading) if self.setting else self.flag


@dataclass(frozen=True)
class Advice:
    """What helps.

    Attributes:
        changes: the fewest that help; none where nothing that was tried does.
        before: accuracy on the sample as it was read, 0…1.
        after: accuracy with the changes, 0…1.
        count: digits of the sample.
    """

    changes: tuple[Change, ...]
    before: float
    after: float
    count: int

    def sentence(self, reading: Mapping[str, Any]) -> str:
        """Return the advice for somebody who reads the digits again.

        Args:
            reading: how they were read, as `DataConfig.reading` has it.
        """
        if not self.changes:
            return (
                "Inverting the digits, turning or mirroring them in any way, stretching their pixels or renumbering "
                f"their labels does not help: each was tried on {self.count:,} of them."
            )
        flags = [flag for change in self.changes if (flag := change.flag_to_give(reading))]
        orders = [change.remedy for change in self.changes if not change.flag_to_give(reading)]
        how = [f"with {' '.join(flags)}"] if flags else []
        how += [f"once you {' and '.join(orders)}"] if orders else []
        return (
            f"Of a sample of {self.count:,} digits, {self.before:.1%} are right as they were read, and "
            f"{self.after:.1%} {', '.join(how)}."
        )

    def sentence_on_test_set(self) -> str:
        """Return the advice for somebody who has just trained on other digits of the same source."""
        if not self.changes:
            return self.sentence({})
        return (
            f"The test digits were not prepared as the training digits were: of a sample of {self.count:,}, "
            f"{self.before:.1%} are right as they are, and {self.after:.1%} once you "
            f"{' and '.join(change.remedy for change in self.changes)} of the test set."
        )


def does_badly(accuracy: float, expected: float | None) -> bool:
    """Tell whether it is worth looking for what would help.

    Args:
        accuracy: on the digits, 0…1.
        expected: on validation, as the build recorded it; None where that is not known.
    """
    return accuracy < POOR or (expected is not None and accuracy < expected - FAR_BELOW)


def advice_on(
    classifier: Classifier, chosen: Selection, subject: Subject, accuracy: float, *, try_ranges: bool = False
) -> str:
    """Return what would help a model that does badly on digits, in a sentence; "" where it does well or nobody knows.

    Args:
        classifier: the model.
        chosen: the digits, as `load_subject_digits` gave them.
        subject: where the model is from.
        accuracy: on those digits, 0…1.
        try_ranges: also try what else pixels could be to the model.

    Raises:
        EdgedigitsError: as `run_litert`, or as `training_record`.
    """
    expected = training_record(subject).validation_accuracy
    if not does_badly(accuracy, expected):
        return ""
    others = _under_other_ranges(classifier) if try_ranges else {}
    advice = advise(predictor(classifier), chosen.digits, others)
    if advice is None or not (advice.changes or accuracy < max(HOPELESS, (expected or 0.0) - FAR_BELOW)):
        return ""
    return advice.sentence(chosen.reading)


def _under_other_ranges(classifier: Classifier) -> dict[Change, Predict]:
    graph, current, view = classifier.graph, classifier.pixels.range, classifier.pixels.view
    return {
        Change("", "", f"{FLAG} {other.low:.5g},{other.high:.5g}"): predictor(open_classifier(graph, other, view))
        for other in other_ranges(graph, classifier.input, current)
    }


def predictor(classifier: Classifier) -> Predict:
    """Return a model as a function of images."""
    return lambda images: classify(run_scored(classifier, images))


def advise(predict: Predict, digits: Digits, others: Mapping[Change, Predict] | None = None) -> Advice | None:
    """Try what could be wrong with digits.

    Args:
        predict: the model; it is called once, with the sample in some dozens of forms.
        digits: that it does badly on.
        others: the model as it is after changes that are not to the digits; each is called once, with the sample.

    Returns:
        What helps, or that nothing does; None where there are too few digits to tell.
    """
    sample = digits.take(spread_sample(digits, PER_CLASS))
    if not len(sample):
        return None
    forms = list(_forms(sample.images))
    given = predict(np.concatenate([images for _, images in forms])).reshape(len(forms), len(sample))
    labels = sample.labels.astype(np.intp)
    tried = [
        (changes + relabelled, named == labels)
        for (changes, _), row in zip(forms, given, strict=True)
        for relabelled, named in _labellings(row, labels)
    ]
    tried += [((change,), other(sample.images) == labels) for change, other in (others or {}).items()]
    base = tried[0][1]
    helpful = [
        (changes, right)
        for changes, right in tried[1:]
        if right.mean() >= base.mean() + _WORTH_SAYING and clearly_better(right, base)
    ]
    if not helpful:
        before = float(base.mean())
        return Advice((), before, before, len(sample)) if len(sample) >= _FEWEST_TO_DESPAIR else None
    best = max(right.mean() for _, right in helpful)
    good = [(changes, right) for changes, right in helpful if right.mean() >= best - _AS_GOOD]
    changes, right = min(good, key=lambda one: (len(one[0]), -one[1].mean()))
    return Advice(changes, float(base.mean()), float(right.mean()), len(sample))


def _forms(images: NDArray[np.uint8]) -> Iterator[tuple[tuple[Change, ...], NDArray[np.uint8]]]:
    """Yield what is done and the images after it, (n, 784); first as they are."""
    for (stretch, scaled), invert, symmetry in product(_scales(images), (False, True), (None, *SYMMETRIES)):
        changed, changes = scaled, stretch
        if invert:
            changed, changes = 255 - changed, (*changes, Change("invert", "invert the pictures"))
        if symmetry is not None:
            changed, changes = (
                relaid(changed, symmetry.apply),
                (*changes, Change(symmetry.setting, symmetry.remedy)),
            )
        yield changes, changed


def _scales(images: NDArray[np.uint8]) -> list[tuple[tuple[Change, ...], NDArray[np.uint8]]]:
    found: list[tuple[tuple[Change, ...], NDArray[np.uint8]]] = [((), images)]
    clear = contrast(ranges(images))
    if 0 < clear < FAINT and not np.median(images.min(axis=1)):
        multiplied = np.clip(np.rint(images * (255 / clear)), 0, 255).astype(np.uint8)
        found.append(((Change("", f"multiply the pixels by {255 / clear:.3g}"),), multiplied))
    for percent, order in _STRETCHES:
        scaled = stretched(images, percent)
        if all(np.abs(scaled.astype(np.int16) - known).max() >= GREY for _, known in found):
            found.append(((Change("", order),), scaled))
    return found


def _labellings(
    given: NDArray[np.intp], labels: NDArray[np.intp]
) -> Iterator[tuple[tuple[Change, ...], NDArray[np.intp]]]:
    """Yield what is done to the labels and what the model's classes are called then; first as they are."""
    yield (), given
    for step, order in ((1, "take 1 off each label"), (-1, "add 1 to each label")):
        words = f"{order} (pictures of 3 are labelled {3 + step})"
        yield (Change("", words),), (given + step) % CLASSES
    if mapping := _one_to_one(given, labels):
        back = {digit: label for label, digit in mapping.items()}
        words = f"renumber the labels ({relabelling_words(mapping)})"
        yield (Change("", words),), np.array([back.get(digit, -1) for digit in given.tolist()])


def _one_to_one(given: NDArray[np.intp], labels: NDArray[np.intp]) -> dict[int, int]:
    """Return the class given most often by label, where no two labels share one and each has enough digits; else {}."""
    present: Sequence[int] = np.unique(labels).tolist()
    if len(present) < _FEWEST_CLASSES or min(np.sum(labels == label) for label in present) < _FEWEST_OF_A_CLASS:
        return {}
    mapping = {label: int(np.bincount(given[labels == label]).argmax()) for label in present}
    same = all(label == digit for label, digit in mapping.items())
    return {} if same or len(set(mapping.values())) < len(mapping) else mapping
