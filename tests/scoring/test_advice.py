"""What would help a model that does badly: found for each thing that can be wrong with digits, and with two of them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgedigits.data.digits import Digits, Splits
from edgedigits.data.load import Selection
from edgedigits.data.symmetry import SYMMETRIES, relaid, transpose
from edgedigits.model.reader import read_tflite
from edgedigits.scoring.advice import Advice, Predict, advice_on, advise, does_badly, predictor
from edgedigits.scoring.interpreter import open_classifier
from edgedigits.scoring.judged import evaluate_path
from edgedigits.scoring.subject import find_subject
from tests.scoring.recorded_build import REFERENCE, write_build
from tests.tflite_builder import build_mlp

PLAIN = {"label_column": "", "invert": False, "transpose": False}


@pytest.fixture(scope="module")
def nearest(splits_5k: Splits) -> Predict:
    """A model of ten mean pictures, right for four digits of five, of pixels as they are."""
    train = splits_5k.train
    means = np.stack([train.images[train.labels == digit].mean(axis=0) for digit in range(10)])

    def predict(images: NDArray[np.uint8]) -> NDArray[np.intp]:
        return (images.astype(np.float64) @ means.T - (means**2).sum(axis=1) / 2).argmax(axis=1)

    return predict


def _labelled(digits: Digits, names: list[int]) -> Digits:
    return Digits(digits.images, np.array(names, np.uint8)[digits.labels])


def _images(change: Any) -> Any:
    return lambda digits: Digits(np.ascontiguousarray(change(digits.images), np.uint8), digits.labels)


FROM_BACKGROUND = "once you stretch each picture to 0…255 from its background to its ink."
WRONGS: dict[str, tuple[Any, str]] = {
    "dark on light": (_images(lambda images: 255 - images), "with --invert."),
    "transposed": (_images(lambda images: relaid(images, transpose)), "with --transpose."),
    "both": (_images(lambda images: 255 - relaid(images, transpose)), "with --invert --transpose."),
    "bits": (_images(lambda images: images > 127), "once you multiply the pixels by 255."),
    "16 greys": (_images(lambda images: images // 16), "once you multiply the pixels by 17."),
    "percent": (_images(lambda images: images / 2.55), "once you multiply the pixels by 2.55."),
    "dark bits": (_images(lambda images: images <= 127), "with --invert, once you multiply the pixels by 255."),
    "faint": (_images(lambda images: 100 + images // 4), FROM_BACKGROUND),
    "grey paper": (_images(lambda images: np.minimum(images, 155) + 100), FROM_BACKGROUND),
    "grey paper below dark ink": (
        _images(lambda images: 155 - np.minimum(images, 155)),
        FROM_BACKGROUND.replace("once", "with --invert, once"),
    ),
    "one too high": (
        lambda digits: _labelled(digits, [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]),
        "once you take 1 off each label (pictures of 3 are labelled 4).",
    ),
    "one too low": (
        lambda digits: _labelled(digits, [9, 0, 1, 2, 3, 4, 5, 6, 7, 8]),
        "once you add 1 to each label (pictures of 3 are labelled 2).",
    ),
    "renumbered": (
        lambda digits: _labelled(digits, [3, 1, 4, 0, 5, 9, 2, 6, 8, 7]),
        "once you renumber the labels (pictures of 0 are labelled 3, of 2 labelled 4, of 3 labelled 0, …).",
    ),
    "mirrored and shifted": (
        lambda digits: _labelled(Digits(relaid(digits.images, SYMMETRIES[1].apply), digits.labels), [*range(1, 10), 0]),
        "once you mirror the pictures left to right and take 1 off each label (pictures of 3 are labelled 4).",
    ),
    **{
        symmetry.looks: (_images(lambda images, one=symmetry: relaid(images, one.apply)), "")
        for symmetry in SYMMETRIES[1:]
    },
}


@pytest.mark.parametrize("wrong", WRONGS)
def test_what_is_wrong_is_found_by_undoing_it(wrong: str, nearest: Predict, splits_5k: Splits) -> None:
    change, words = WRONGS[wrong]
    told = advise(nearest, change(splits_5k.test))
    assert told is not None and told.count == 300
    sentence = told.sentence(PLAIN)
    assert sentence.startswith(f"Of a sample of 300 digits, {told.before:.1%} are right as they were read, and ")
    assert sentence.endswith(words)
    upright = float(np.mean(nearest(splits_5k.test.images) == splits_5k.test.labels))
    assert told.after == pytest.approx(upright, abs=0.06) and told.before < told.after - 0.1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda images: images * 0.6 + 60, FROM_BACKGROUND),
        (
            lambda images: np.minimum(255.0, images + np.random.default_rng(0).integers(0, 61, images.shape)),
            "once you stretch each picture to 0…255 from above the noise of its background to its ink.",
        ),
    ],
    ids=["pale", "noise"],
)
def test_the_reference_is_told_of_its_background(change: Any, words: str, splits_5k: Splits) -> None:
    told = advise(predictor(open_classifier(read_tflite(REFERENCE))), _images(change)(splits_5k.test))
    assert told is not None and told.sentence(PLAIN).endswith(words) and told.before < 0.7 and told.after > 0.9


@pytest.mark.parametrize("symmetry", SYMMETRIES, ids=lambda one: one.remedy)
def test_the_remedy_named_is_the_one_that_sets_the_pictures_right(
    symmetry: Any, nearest: Predict, splits_5k: Splits
) -> None:
    test = splits_5k.test
    lying = relaid(test.images, symmetry.apply)
    told = advise(nearest, Digits(lying, test.labels))
    assert told is not None and len(told.changes) == 1
    remedy = next(one for one in SYMMETRIES if one.remedy == told.changes[0].remedy)
    assert (relaid(lying, remedy.apply) == test.images).all()


def test_flags_that_were_given_are_taken_back() -> None:
    told = Advice((), 0.1, 0.1, 300)
    assert told.sentence(PLAIN).startswith("Inverting the digits, turning or mirroring them in any way,")
    from edgedigits.scoring.advice import Change

    told = Advice(
        (Change("invert", "invert the pictures"), Change("transpose", "exchange rows and columns")), 0.1, 0.9, 300
    )
    assert told.sentence({"invert": True, "transpose": False}).endswith("and 90.0% with --no-invert --transpose.")
    assert told.sentence_on_test_set() == (
        "The test digits were not prepared as the training digits were: of a sample of 300, 10.0% are right as they are, "
        "and 90.0% once you invert the pictures and exchange rows and columns of the test set."
    )


def test_nothing_is_advised_that_does_not_help_clearly(nearest: Predict, splits_5k: Splits) -> None:
    test = splits_5k.test
    draw = np.random.default_rng(0)
    for hopeless in (test, Digits(test.images, draw.permutation(test.labels))):
        told = advise(nearest, hopeless)
        assert told is not None and told.changes == ()
    constant = advise(lambda images: np.zeros(len(images), np.intp), test)
    assert constant is not None and constant.changes == ()
    guessing = advise(lambda images: draw.integers(0, 10, len(images)), test)
    assert guessing is not None and guessing.changes == ()


def test_a_handful_proves_nothing(nearest: Predict, splits_5k: Splits) -> None:
    test = splits_5k.test
    few = Digits(255 - test.images[:12], test.labels[:12])
    assert advise(nearest, few) is None
    assert advise(nearest, few.take(np.arange(12).repeat(100))) is None
    assert advise(nearest, test.take(np.arange(0))) is None
    enough = advise(nearest, Digits(255 - test.images[:60], test.labels[:60]))
    assert enough is not None and [change.setting for change in enough.changes] == ["invert"]


def test_blank_and_one_sided_digits_are_survived(nearest: Predict, splits_5k: Splits) -> None:
    test = splits_5k.test
    assert advise(nearest, Digits(np.zeros_like(test.images), test.labels)) is None
    threes = test.take(np.flatnonzero(test.labels == 3))
    told = advise(nearest, Digits(255 - threes.images, threes.labels))
    assert told is None or [change.setting for change in told.changes] in ([], ["invert"])


@pytest.mark.parametrize(
    ("accuracy", "expected", "badly"),
    [
        (0.1, None, True),
        (0.79, None, True),
        (0.81, None, False),
        (0.8, 0.97, True),
        (0.9, 0.97, False),
        (0.6, 0.6, True),
    ],
)
def test_when_it_is_worth_asking(accuracy: float, expected: float | None, badly: bool) -> None:
    assert does_badly(accuracy, expected) == badly


def test_the_sample_runs_through_the_model_once(nearest: Predict, splits_5k: Splits) -> None:
    sizes = []

    def counted(images: NDArray[np.uint8]) -> NDArray[np.intp]:
        sizes.append(len(images))
        return nearest(images)

    advise(counted, Digits(splits_5k.test.images // 16, splits_5k.test.labels))
    assert sizes == [300 * 16 * 2]


def _linear(splits: Splits, low: float, high: float) -> bytes:
    """A float32 .tflite of ten mean pictures, for pixels from `low` to `high`."""
    train = splits.train
    pixels = train.images.astype(np.float64) / 255 * (high - low) + low
    means = np.stack([pixels[train.labels == digit].mean(axis=0) for digit in range(10)])
    biases = -(means**2).sum(axis=1) / 2
    return build_mlp([means.astype(np.float32)], [biases.astype(np.float32)], float_model=True)


@pytest.mark.parametrize(
    ("made_for", "told", "words"),
    [
        ((0, 255), None, "with --input-range 0,255."),
        pytest.param((-1, 1), (0, 255), "with --input-range -1,1.", marks=pytest.mark.slow),
        pytest.param((0, 1), (-1, 1), "with --input-range 0,1.", marks=pytest.mark.slow),
    ],
)
def test_a_model_that_expects_other_pixels_gets_the_flag_for_it(
    made_for: tuple[float, float], told: tuple[float, float] | None, words: str, splits_5k: Splits, tmp_path: Path
) -> None:
    path = tmp_path / "linear.tflite"
    path.write_bytes(_linear(splits_5k, *made_for))
    np.savez(tmp_path / "x.npz", x=splits_5k.test.images, y=splits_5k.test.labels)
    asked = {"split": "all", "latency": False}
    evaluation, _ = evaluate_path(path, str(tmp_path / "x.npz"), input_range=told, **asked)
    assert evaluation.scores.accuracy < 0.7 and evaluation.notes[0].endswith(words)
    evaluation, _ = evaluate_path(path, str(tmp_path / "x.npz"), input_range=made_for, **asked)
    assert evaluation.scores.accuracy > 0.75 and "are right as they were read" not in evaluation.notes[0]


def test_a_build_s_own_figure_decides_what_is_far_below(splits_5k: Splits, tmp_path: Path) -> None:
    test = splits_5k.test
    images = test.images.copy()
    # A third of the digits were written on a photocopy: 70% is fine for a stranger and bad for a build of 97%.
    images[::3] = 255 - images[::3]
    chosen = Selection(Digits(images, test.labels), "x", "test", "x", reading=PLAIN)
    classifier = open_classifier(read_tflite(REFERENCE))
    stranger = find_subject(Path(shutil.copy(REFERENCE, tmp_path / "x.tflite")))
    assert advice_on(classifier, chosen, stranger, 0.7) == ""
    np.savez(tmp_path / "x.npz", x=test.images, y=test.labels)
    write_build(tmp_path / "build", tmp_path / "x.npz")
    assert advice_on(classifier, chosen, find_subject(tmp_path / "build"), 0.7).startswith("Inverting the digits,")
    write_build(tmp_path / "poor", tmp_path / "x.npz", validation_accuracy=0.72)
    assert advice_on(classifier, chosen, find_subject(tmp_path / "poor"), 0.7) == ""
