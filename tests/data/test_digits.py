"""Digits in memory: what they are made of, and that nobody changes them."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from edgedigits.data.contents import Contents
from edgedigits.data.digits import Digits


@pytest.mark.parametrize(
    ("images", "labels", "sentence"),
    [
        (np.zeros((3, 784), np.int16), np.zeros(3, np.uint8), r"images must be uint8 \(n, 784\), got int16 \(3, 784\)"),
        (np.zeros((3, 783), np.uint8), np.zeros(3, np.uint8), r"images must be uint8 \(n, 784\), got uint8 \(3, 783\)"),
        (np.zeros((3, 28, 28), np.uint8), np.zeros(3, np.uint8), r"images must be .* got uint8 \(3, 28, 28\)"),
        (np.zeros((3, 784), np.uint8), np.zeros(3, int), r"labels must be uint8 \(3,\), got int64 \(3,\)"),
        (np.zeros((3, 784), np.uint8), np.zeros(4, np.uint8), r"labels must be uint8 \(3,\), got uint8 \(4,\)"),
        (np.zeros((3, 784), np.uint8), np.zeros((3, 1), np.uint8), r"labels must be .* got uint8 \(3, 1\)"),
    ],
)
def test_what_are_no_digits(images: np.ndarray, labels: np.ndarray, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Digits(images, labels)


def test_digits_are_not_changed(few: Digits) -> None:
    digits = Digits(few.images.copy(), few.labels.copy())
    for array in (digits.images, digits.labels):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_the_digest_is_of_pixels_and_labels(few: Digits) -> None:
    assert few.digest == hashlib.sha256(few.images.tobytes() + few.labels.tobytes()).hexdigest()
    assert Digits(few.images, few.labels[::-1].copy()).digest != few.digest


def test_contents_are_the_training_set_then_the_test_set(few: Digits, others: Digits) -> None:
    everything = Contents(few, others, "x").everything
    assert (everything.images == np.concatenate([few.images, others.images])).all()
    assert (everything.labels == np.concatenate([few.labels, others.labels])).all()
    assert Contents(few, None, "x").everything is few
    assert Contents(None, others, "x").everything is others
    with pytest.raises(ValueError, match="a source without any digits"):
        Contents(None, None, "x")


def test_what_is_done_to_pixels_is_done_to_both_sets_and_undone_by_itself(few: Digits, others: Digits) -> None:
    contents = Contents(few, others, "x", "a note")
    for change in (Contents.inverted, Contents.transposed):
        changed = change(contents)
        assert changed.train is not None and changed.test is not None
        assert (changed.name, changed.note) == ("x", "a note")
        assert (changed.train.images != few.images).any() and (changed.test.images != others.images).any()
        assert (changed.train.labels == few.labels).all()
        assert change(changed).everything.digest == contents.everything.digest
    assert (contents.inverted().everything.images == 255 - contents.everything.images).all()
