"""The contact sheet shows the right digits in the right places, and never overwrites."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgedigits.data.contact_sheet import write_contact_sheet
from edgedigits.data.digits import Digits
from edgedigits.errors import DataError

PAPER = 250


def test_the_contact_sheet_shows_twenty_digits_a_class(five_thousand: Digits, tmp_path: Path) -> None:
    path = tmp_path / "sheet.png"
    write_contact_sheet(five_thousand, "mnist-5k: 5,000 digits", path)
    with Image.open(path) as image:
        sheet = np.asarray(image).copy()
    assert sheet.shape == (24 + 52 + 10 * 60 - 4 + 24, 24 + 76 + 20 * 60 - 4 + 24)
    for digit in range(10):
        for place in range(20):
            picture = five_thousand.images[500 * digit + 25 * place].reshape(28, 28)
            tile = sheet[76 + 60 * digit :, 100 + 60 * place :][:56, :56]
            np.testing.assert_array_equal(tile, picture.repeat(2, axis=0).repeat(2, axis=1))
            tile[:] = PAPER
    # Beside the pictures there is paper, but for the headline and a column with class and count.
    assert (sheet[76:, 100:] == PAPER).all() and (sheet[:24] == PAPER).all() and (sheet[:, :24] == PAPER).all()
    for digit in range(10):
        row = sheet[76 + 60 * digit :][:56, 24:100]
        assert row[:, :28].min() == 30 and 120 <= row[:, 28:].min() < 150, "the class in ink, the count faint"
    assert sheet[24:76, 24:].min() == 30


def test_the_contact_sheet_is_the_same_each_time_and_never_overwrites(few: Digits, tmp_path: Path) -> None:
    path = tmp_path / "sheet.png"
    write_contact_sheet(few, "few", path)
    before = path.read_bytes()
    with pytest.raises(DataError, match=r"sheet\.png exists already\. Choose another name"):
        write_contact_sheet(few, "few", path)
    write_contact_sheet(few, "few", path, force=True)
    assert path.read_bytes() == before


def test_a_class_without_digits_leaves_its_row_empty(few: Digits, tmp_path: Path) -> None:
    ones = few.take(np.flatnonzero(few.labels == 1)[:30])
    write_contact_sheet(ones, "few", tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as image:
        sheet = np.asarray(image)
    words, row_of_ones = sheet[76:132, 100:], sheet[136:192, 100:]
    assert 120 <= words.min() < 150 and (words == PAPER).mean() > 0.9, "it says so, faintly"
    assert (row_of_ones[:, : 20 * 60].reshape(56, -1) == 0).any()
