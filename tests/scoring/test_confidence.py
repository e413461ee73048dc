"""What a build says of a model's confidence, from scores of a hand-made file; and what it refuses that is no digit."""

from __future__ import annotations

import gzip
import struct
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from edgedigits.data.digits import Digits
from edgedigits.data.shape import IMAGE_SIDE
from edgedigits.errors import DataError
from edgedigits.files.typed import to_values
from edgedigits.model.reader import read_tflite
from edgedigits.scoring.confidence import Confidence, measure_confidence, refusals
from edgedigits.scoring.interpreter import Classifier, open_classifier
from edgedigits.scoring.non_digits import non_digits, read_non_digits
from edgedigits.scoring.oracle import oracle_outputs
from edgedigits.scoring.reject import choose_margin, decisions, is_refused, leads, risk_curve
from tests.tflite_builder import random_mlp

LETTERS = "ABCDEFGHJKMNPQRTUVWXYZ"


@cache
def classifier(softmax: bool = False) -> Classifier:
    return open_classifier(read_tflite(random_mlp(3, (784, 12, 10), softmax=softmax)))


@cache
def digits(seed: int, softmax: bool = False, count: int = 300) -> Digits:
    """Pictures, and as their classes what the model says of nine in ten: it is wrong where it is right to doubt."""
    random = np.random.default_rng(seed)
    images = (random.integers(0, 256, (count, 784)) * (random.random((count, 784)) < 0.2)).astype(np.uint8)
    scores = oracle_outputs(classifier(softmax), images, "litert")
    labels = scores.argmax(axis=1)
    doubtful = np.argsort(leads(scores))[: count // 10]
    labels[doubtful] = (labels[doubtful] + 1) % 10
    return Digits(images, labels.astype(np.uint8))


def measured(wish: float, softmax: bool = False, rounding: str = "litert") -> Confidence:
    return measure_confidence(classifier(softmax), rounding, digits(0, softmax), digits(1, softmax), wish)


@pytest.mark.parametrize("softmax", [False, True])
@pytest.mark.parametrize("rounding", ["litert", "tflm"])
def test_figures_are_those_of_the_interpreter_whose_arithmetic_the_engine_has(softmax: bool, rounding: str) -> None:
    found = measured(0.02, softmax, rounding)

    validation, test = digits(0, softmax), digits(1, softmax)
    chosen_on, told_on = (oracle_outputs(classifier(softmax), one.images, rounding) for one in (validation, test))
    margin = choose_margin(chosen_on, validation.labels, 0.02)
    assert found.reject is not None and margin.is_met
    assert (found.reject.margin, found.reject.bound, found.reject_margin) == (margin.steps, margin.bound, margin.steps)
    assert found.reject.validation == decisions(chosen_on, validation.labels, margin.steps)
    assert found.reject.test == decisions(told_on, test.labels, margin.steps)
    assert found.curve == risk_curve(told_on, test.labels)
    assert found.reject.sentence == ""
    assert (found.temperature.steps is None) == softmax


def test_the_test_split_chooses_nothing() -> None:
    first = measured(0.02)
    other = replace(digits(1), labels=(digits(1).labels + 3) % 10)
    again = measure_confidence(classifier(), "litert", digits(0), other, 0.02)

    assert first.reject is not None and again.reject is not None
    assert (first.temperature.value, first.reject.margin) == (again.temperature.value, again.reject.margin)
    assert first.reject.test.wrong < again.reject.test.wrong == again.reject.test.accepted


def test_without_a_wish_nothing_is_refused_and_the_curve_is_there() -> None:
    found = measured(0)
    assert (found.reject, found.reject_margin) == (None, 0)
    assert found.curve.images == 300
    assert found.temperature.steps == pytest.approx(found.temperature.value / float(classifier().output.scale), 1e-3)
    assert to_values(found.certainty) == {
        "temperature": found.temperature.value,
        "temperature_steps": found.temperature.steps,
    }


def test_a_wish_that_cannot_be_kept_is_told_with_what_can() -> None:
    found = measured(0.0001)
    assert found.reject is not None and not found.reject.is_met
    assert found.reject.bound == pytest.approx(1 - 0.05 ** (1 / found.reject.validation.accepted))
    assert found.reject.sentence.startswith(
        "No margin keeps the wish of 0.01% wrong among those accepted, by 300 validation digits and with 95% confidence. "
        f"The engine refuses below a lead of {found.reject.margin}, where at most {found.reject.bound:.2%} are; more digits"
    )
    assert found.certainty.reject_margin == found.reject.margin


def test_non_digits_are_the_same_every_time_and_counted_by_kind() -> None:
    pictures = non_digits(digits(0).images)
    assert all(images.dtype == np.uint8 and images.shape[1:] == (784,) for images in pictures.values())
    for kind, images in non_digits(digits(0).images).items():
        np.testing.assert_array_equal(images, pictures[kind])
    shuffled = pictures["digits, their pixels shuffled"]
    np.testing.assert_array_equal(np.sort(shuffled, axis=1), np.sort(digits(0).images, axis=1))
    assert (shuffled != digits(0).images).any(axis=1).all()

    found = measured(0.02).reject
    assert found is not None
    assert [one.kind for one in found.non_digits] == list(pictures)
    for one, images in zip(found.non_digits, pictures.values(), strict=True):
        refused = is_refused(oracle_outputs(classifier(), images, "litert"), found.margin)
        assert (one.images, one.refused) == (len(images), refused.sum())


def letters() -> NDArray[np.uint8]:
    """Pictures of letters in a font, uint8 (n, 28, 28), none like its transpose."""
    pictures = []
    for letter in LETTERS:
        picture = Image.new("L", (IMAGE_SIDE, IMAGE_SIDE))
        ImageDraw.Draw(picture).text((7, 2), letter, fill=255, font_size=21)
        pictures.append(np.asarray(picture))
    return np.array(pictures)


def idx(images: NDArray[Any]) -> bytes:
    return struct.pack(">IIII", 0x803, *images.shape) + images.astype(np.uint8).tobytes()


def test_pictures_of_letters_are_read_packed_or_not_and_either_way_round(tmp_path: Path) -> None:
    (tmp_path / "letters").write_bytes(idx(letters()))
    (tmp_path / "letters.gz").write_bytes(gzip.compress(idx(letters().transpose(0, 2, 1))))

    for name, transposed in (("letters", False), ("letters.gz", True)):
        found = read_non_digits(tmp_path / name, transposed=transposed)
        np.testing.assert_array_equal(found.reshape(-1, IMAGE_SIDE, IMAGE_SIDE), letters())

    (one,) = refusals(lambda images: oracle_outputs(classifier(), images, "litert"), {"letters": found}, 10)
    assert one.images == len(LETTERS) and 0 < one.refused <= one.images
    assert one.words == f"{one.refused} of 22 ({one.refused / 22:.1%}) of letters"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"label,pixel0\n", "is no IDX file of images"),
        (struct.pack(">II", 0x801, 5) + bytes(5), "does not hold images"),
        (idx(letters())[:-1], "is truncated"),
        (struct.pack(">IIII", 0x803, 2, 8, 8) + bytes(128), r"has the shape \(2, 8, 8\), expected"),
        (struct.pack(">IIII", 0x803, 0, 28, 28), "holds no images"),
        (b"", "is empty"),
    ],
    ids=["text", "labels", "truncated", "small", "none", "empty"],
)
def test_what_holds_no_pictures_is_told(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "things").write_bytes(content)
    with pytest.raises(DataError, match=f"things.* {words}"):
        read_non_digits(tmp_path / "things", transposed=False)
