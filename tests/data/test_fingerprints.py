"""Fingerprints of images: the same for the same pixels, and a file that is the same for the same images."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgedigits.data.digits import Digits
from edgedigits.data.fingerprints import FINGERPRINT_BYTES, fingerprints, pack, unpack

NUMBERS = st.lists(st.integers(0, 256**FINGERPRINT_BYTES - 1), max_size=50)


def test_a_fingerprint_is_the_beginning_of_the_sha_256_of_the_pixels(few: Digits) -> None:
    for image, found in zip(few.images, fingerprints(few.images).tolist(), strict=True):
        assert f"{found:012x}" == hashlib.sha256(image.tobytes()).hexdigest()[:12]


def test_a_changed_pixel_or_a_view_in_another_order_is_another_image(few: Digits) -> None:
    images = few.images.copy()
    images[:, 0] ^= 1
    assert np.isin(fingerprints(images), fingerprints(few.images)).sum() == 0
    backwards = few.images[::-1]
    assert (fingerprints(backwards) == fingerprints(few.images)[::-1]).all()
    assert (fingerprints(few.images[:, ::-1]) == fingerprints(np.ascontiguousarray(few.images[:, ::-1]))).all()


@given(NUMBERS)
def test_a_file_holds_each_once_in_ascending_order(numbers: list[int]) -> None:
    content = pack(np.array(numbers, np.uint64))
    assert len(content) == FINGERPRINT_BYTES * len(set(numbers))
    assert unpack(content).tolist() == sorted(set(numbers))
    assert pack(np.array(numbers[::-1] * 2, np.uint64)) == content


def test_a_file_that_ends_in_the_middle_is_refused(few: Digits) -> None:
    content = pack(fingerprints(few.images))
    with pytest.raises(ValueError):
        unpack(content[:-1])
