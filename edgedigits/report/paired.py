"""Builds on the same images: McNemar's test that they err equally often, and the images that flip between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.shape import IMAGE_SIDE
from edgedigits.progress import Progress

if TYPE_CHECKING:
    from edgedigits.data.digits import Digits

HOW_PAIRED = (
    "measured: McNemar's exact test on images that none of the builds tested was trained on, "
    "by LiteRT's reference kernels"
)


@dataclass(frozen=True)
class PairedTest:
    """A build against the first one, image by image.

    Attributes:
        folder: the build.
        count: images that both ran on; by their records neither was trained on one of them.
        gained, lost: images that only it, and only the first, classifies right.
        p_value: of McNemar's exact test that the two err equally often.
    """

    folder: str
    count: int
    gained: int
    lost: int
    p_value: float


@dataclass(frozen=True)
class Flip:
    """An image that either a build or the first one classifies right, and the other does not.

    Attributes:
        folder: the build.
        index: of the image among those that both ran on, from 0.
        label: what it is.
        first, now: what the first build and this one take it for.
        pixels: uint8 (28, 28).
    """

    folder: str
    index: int
    label: int
    first: int
    now: int
    pixels: NDArray[np.uint8] = field(compare=False, repr=False)

    @property
    def gained(self) -> bool:
        """Whether this build is the one that is right."""
        return self.now == self.label


def paired_tests(
    folders: Sequence[Path], source: str, reading: dict[str, Any], progress: Progress
) -> tuple[tuple[PairedTest, ...], tuple[Flip, ...], list[str]]:
    """Return the tests, on digits that none of the builds was trained on, what flips, and remarks about these digits.

    A build whose training images are not known is not tested: any of the digits may be one of them.

    Args:
        folders: of the builds; the others are held against the first.
        source: of the digits, as for `load_subject_digits`; by default the first build's own test split.
        reading: how it is read, the same.
        progress: gets bars for downloads, and what is unusual about the digits.

    Raises:
        DataError: the digits cannot be found.
    """
    from edgedigits.model.reader import read_tflite
    from edgedigits.scoring.advice import predictor
    from edgedigits.scoring.interpreter import open_classifier
    from edgedigits.scoring.record import training_record
    from edgedigits.scoring.subject import find_subject
    from edgedigits.scoring.subject_digits import load_for_all

    subjects = {folder: find_subject(folder) for folder in folders}
    unknown = [folder for folder in folders if training_record(subjects[folder]).seen is None]
    remarks = [_untested(folder, is_first=folder == folders[0]) for folder in unknown]
    tested = [folder for folder in folders if folder not in unknown]
    if len(tested) < 2 or folders[0] in unknown:
        return (), (), remarks
    chosen = load_for_all([subjects[folder] for folder in tested], source, progress=progress, **reading)
    digits, remarks = chosen.digits, [*remarks, *chosen.notes]
    if not len(digits):
        return (), (), remarks
    answers = {}
    for folder in tested:
        subject = subjects[folder]
        model = open_classifier(read_tflite(subject.model), subject.pixels(), subject.view())
        answers[folder] = predictor(model)(digits.images)
    first = answers.pop(folders[0])
    right = first == digits.labels
    tests = tuple(mcnemar(str(one), answer == digits.labels, right) for one, answer in answers.items())
    flips = (flip for one, answer in answers.items() for flip in _flips(str(one), answer, first, digits))
    return tests, tuple(flips), remarks


def _flips(folder: str, answers: NDArray[np.intp], first: NDArray[np.intp], digits: Digits) -> Iterator[Flip]:
    for index in np.flatnonzero((answers == digits.labels) != (first == digits.labels)):
        pixels = digits.images[index].reshape(IMAGE_SIDE, IMAGE_SIDE)
        yield Flip(folder, int(index), int(digits.labels[index]), int(first[index]), int(answers[index]), pixels)


def _untested(folder: Path, *, is_first: bool) -> str:
    what = "nothing is tested against it" if is_first else "it is not tested"
    return f"Which images {folder} was trained on is not known, so {what}: build it again."


def mcnemar(folder: str, right: Any, right_first: Any) -> PairedTest:
    """Return McNemar's exact test (McNemar, 1947) of two models on the same images.

    Args:
        folder: of the build.
        right: bool (n,), which images it classifies right.
        right_first: the same of the build it is held against.
    """
    from scipy.stats import binomtest

    gained, lost = int(np.sum(right & ~right_first)), int(np.sum(~right & right_first))
    p_value = float(binomtest(gained, gained + lost, 0.5).pvalue) if gained + lost else 1.0
    return PairedTest(folder, len(right), gained, lost, p_value)
