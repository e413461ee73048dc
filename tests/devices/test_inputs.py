"""Where a build's own digits are not at hand, strokes and noise prove parity; what was asked for is never replaced."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgedigits.devices.inputs import CODES, DIGITS, Inputs, find_inputs
from edgedigits.devices.stand_ins import STAND_INS, stand_in_images
from edgedigits.errors import AbsentDataError, ConfigError, DataError
from edgedigits.model.reader import read_tflite
from edgedigits.scoring.subject import Subject, find_subject
from edgedigits.sections import READING
from tests.tflite_builder import random_mlp

REFERENCE = Path(__file__).parents[2] / "deploy" / "reference"
NOTHING_SAID = dict.fromkeys(READING)


@pytest.fixture
def no_mnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("EDGEDIGITS_DATA", str(tmp_path / "nowhere"))


def find(subject: Subject, **choices: Any) -> Inputs:
    return find_inputs(subject, read_tflite(subject.model), **{"reading": NOTHING_SAID, **choices})


def test_strokes_and_noise_stand_in_for_digits_that_are_not_at_hand(no_mnist: None) -> None:
    inputs = find(find_subject(REFERENCE), count=50)

    assert (inputs.kind, inputs.origin) == (STAND_INS, "50 images of strokes and noise, seed 0")
    assert inputs.images.shape == (50, 784) and inputs.has_pixels and inputs.labels is None and inputs.chosen is None
    assert "nowhere" in inputs.notes[0] and "parity needs no labels, accuracy does" in inputs.notes[0]
    assert len(find(find_subject(REFERENCE)).images) == 200


@pytest.mark.parametrize(
    "choices",
    [{"data": "mnist"}, {"data": "/no/such/file.csv"}, {"split": "all"}, {"reading": {**NOTHING_SAID, "invert": True}}],
)
def test_what_was_asked_for_is_never_replaced(no_mnist: None, choices: dict[str, Any]) -> None:
    with pytest.raises(AbsentDataError):
        find(find_subject(REFERENCE), **choices)


def test_a_damaged_source_is_an_error_and_no_absent_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what is not there is replaced."""
    monkeypatch.setattr("edgedigits.devices.inputs.load_subject_digits", _damaged)

    with pytest.raises(DataError, match="line 7 has no label"):
        find(find_subject(REFERENCE))


def _damaged(*_: Any, **__: Any) -> None:
    raise DataError("digits.csv, line 7 has no label.")


def test_digits_that_are_there_are_taken_with_their_labels(tmp_path: Path) -> None:
    (tmp_path / "model.tflite").write_bytes(random_mlp(2, sizes=(784, 10)))

    inputs = find(find_subject(tmp_path), data="mnist-5k", count=30)

    assert inputs.kind == DIGITS and inputs.chosen is not None and inputs.labels is not None
    assert len(inputs.images) == len(inputs.labels) == 30
    assert np.array_equal(inputs.labels, inputs.chosen.digits.labels[:30])


def test_a_model_that_takes_no_digits_gets_random_inputs(tmp_path: Path) -> None:
    (tmp_path / "model.tflite").write_bytes(random_mlp(2, sizes=(20, 3)))

    inputs = find(find_subject(tmp_path), count=7)

    assert (inputs.kind, inputs.images.shape, inputs.has_pixels) == (CODES, (7, 20), False)
    assert inputs.origin == "7 random inputs, seed 0" and inputs.labels is None


@pytest.mark.parametrize(
    ("choice", "flag"),
    [
        ({"reading": {"invert": True}}, "--invert"),
        ({"reading": {"invert": False}}, "--no-invert"),
        ({"reading": {"transpose": True, "invert": None}}, "--transpose"),
        ({"reading": {"label_column": "foo"}}, "--label-column"),
        ({"split": "all"}, "--split"),
        ({"input_range": (0.0, 1.0)}, "--input-range"),
    ],
)
def test_what_is_said_of_digits_is_refused_where_there_are_none(
    choice: dict[str, Any], flag: str, tmp_path: Path
) -> None:
    (tmp_path / "model.tflite").write_bytes(random_mlp(2, sizes=(1, 8, 1)))
    sentence = f"{flag} has no effect on .*model.tflite, which takes no 28×28 digits. Leave it out."
    with pytest.raises(ConfigError, match=sentence):
        find(find_subject(tmp_path), **choice)


def test_stand_ins_repeat_and_are_strokes_sparse_noise_and_dense_noise_in_turn() -> None:
    images = stand_in_images(90)

    assert np.array_equal(images, stand_in_images(90))
    ink = (images > 0).mean(axis=1)
    assert ink[::3].min() > 0.03 and ink[::3].max() < 0.6, "a pen leaves most of the paper blank"
    assert ink[1::3].min() > 0.1 and ink[1::3].max() < 0.3
    assert ink[2::3].min() > 0.95
    assert len({image.tobytes() for image in images}) == 90 and set(images.flat) == set(range(256))
