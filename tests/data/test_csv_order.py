"""Columns that say which pixel they are are read as that pixel, wherever they stand; or the file is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from edgedigits.data import csv_file
from edgedigits.data.csv_file import read_csv, read_noted_csv
from edgedigits.data.digits import Digits
from edgedigits.data.load import read_source
from edgedigits.errors import DataError
from edgedigits.progress import Progress
from tests.data.digit_files import told, write_text
from tests.data.test_csv_label import PIXEL_NAMES, PIXELS

NAMES = {
    # Of its 28 letters for rows two are none.
    **{kind: names for kind, names in PIXEL_NAMES.items() if kind != "letters"},
    "floats": [f"{index}.0" for index in range(784)],
    "of 784": [f"Pixel {index:03} of 784" for index in range(784)],
    "in brackets": [f"image[{row}][{column}]" for row in range(28) for column in range(28)],
    "by a comma": [f'"{row},{column}"' for row in range(28) for column in range(28)],
    "x and y": [f"x{column}y{row}" for row in range(28) for column in range(28)],
    "column, row": [f"px_col{column}_row{row}" for row in range(1, 29) for column in range(1, 29)],
    "letters": [
        f"{'ABCDEFGHIJKLMNOPQRSTUVWXYZ'[row % 26] * (1 + row // 26)}{c}" for row in range(28) for c in range(28)
    ],
}
SMALL = np.random.default_rng(3).integers(0, 256, (2, 784)).astype(np.uint8)
TWO = Digits(SMALL, np.array([4, 7], np.uint8))


def _write(path: Path, names: list[str], columns: list[int], at: int = 0, spelling: str = "{}") -> Path:
    """Write pixels `columns`, called `names` of all of them, with the label in column `at`."""
    lines = []
    for label, cells in [("label", names), *zip(TWO.labels, TWO.images.tolist(), strict=True)]:
        row = [cells[column] for column in columns]
        row = row if label == "label" else list(map(spelling.format, row))
        lines.append(",".join(map(str, [*row[:at], label, *row[at:]])))
    return write_text(path, lines)


@settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)
@given(
    kind=st.sampled_from(sorted(NAMES)),
    columns=st.one_of(st.permutations(range(784)), st.integers(1, 783).map(lambda by: [*range(by, 784), *range(by)])),
    at=st.sampled_from([0, 300, 784]),
    spelling=st.sampled_from(["{}", " {}"]),
)
@example(kind="kaggle", columns=[*range(783, -1, -1)], at=0, spelling="{}")
@example(kind="pandas", columns=sorted(range(784), key=str), at=784, spelling="{}")
@example(kind="kaggle", columns=[1, 0, *range(2, 784)], at=0, spelling="{}")
def test_shuffled_columns_are_read_as_ordered_ones(kind: str, columns, at: int, spelling: str, tmp_path: Path) -> None:
    """By both readers: only the exact one takes blanks."""
    digits, note = read_noted_csv(_write(tmp_path / "f.csv", NAMES[kind], columns, at, spelling))
    assert digits.images.tolist() == TWO.images.tolist() and digits.labels.tolist() == TWO.labels.tolist()
    assert bool(note) == (columns != list(range(784)))


def test_both_readers_are_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "read_exactly", lambda *_: pytest.fail("the slow reader was used"))
    columns = list(range(783, -1, -1))
    assert read_csv(_write(tmp_path / "f.csv", PIXELS, columns)).digest == TWO.digest
    with pytest.raises(pytest.fail.Exception):
        read_csv(_write(tmp_path / "f.csv", PIXELS, columns, 0, " {}"))


@pytest.mark.parametrize("kind", NAMES)
def test_columns_in_order_are_read_without_a_word(kind: str, tmp_path: Path) -> None:
    digits, note = read_noted_csv(_write(tmp_path / "f.csv", NAMES[kind], list(range(784))))
    assert (digits.digest, note) == (TWO.digest, "")


def test_that_pixels_were_put_in_order_is_said(tmp_path: Path) -> None:
    path = _write(tmp_path / "f.csv", PIXELS, sorted(range(784), key=str))
    sentence = "The pixels of f.csv were put in order by the numbers in their names: 'pixel10' (4) stands before 'pixel9' (775)."
    said: list[str] = []

    class Said(Progress):
        def say(self, line: str) -> None:
            said.append(line)

    assert read_source(str(path), progress=Said()).note == sentence
    assert said == [f"data: {sentence}"]


def _named(**others: str) -> list[str]:
    """The names of the pixels, some of them others: `p7="pixel8"`."""
    names = list(PIXELS)
    for place, name in others.items():
        names[int(place[1:])] = name
    return names


EACH_ONCE = "Name each pixel once, by its place in the picture."
NOT_SORTABLE = "are not in order, and not all columns are named so that they could be sorted."
NAME_IT = "Name the label's column with --label-column. Or name the pixels by their places in the picture."


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (_named(p1="pixel0"), f"the columns 'pixel0' (2), 'pixel0' (3) claim to be the same pixel. {EACH_ONCE}"),
        (_named(p1="pixel00"), f"the columns 'pixel0' (2), 'pixel00' (3) claim to be the same pixel. {EACH_ONCE}"),
        (_named(p783="pixel5"), f"the columns 'pixel5' (7), 'pixel5' (785) claim to be the same pixel. {EACH_ONCE}"),
        (["pixel0"] * 784, f"the columns 'pixel0' (2), 'pixel0' (3) claim to be the same pixel. {EACH_ONCE}"),
        (
            _named(p400="pixel784"),
            f"no column is pixel 400, between 'pixel399' (401) and 'pixel401' (403). {EACH_ONCE}",
        ),
        (
            [f"pixel{2 * index}" for index in range(784)],
            f"no column is pixel 1, between 'pixel0' (2) and 'pixel2' (3). {EACH_ONCE}",
        ),
        (_named(p7="pixl8", p8="pixel7"), f"the columns 'pixel6' (8), 'pixel7' (10) {NOT_SORTABLE} {NAME_IT}"),
        (
            ["pixl0", *sorted(PIXELS)[1:]],
            f"the columns 'pixel1' (3), 'pixel10' (4) {NOT_SORTABLE} {NAME_IT}",
        ),
        (
            [*[f"top{index}" for index in range(391, -1, -1)], *[f"low{index}" for index in range(392)]],
            f"the columns 'top391' (2), 'top390' (3) {NOT_SORTABLE} {NAME_IT}",
        ),
    ],
)
def test_pixels_that_cannot_be_placed_are_refused(names: list[str], sentence: str, tmp_path: Path) -> None:
    path = _write(tmp_path / "f.csv", names, list(range(784)))
    assert _refusal(path) == f"f.csv, line 1: {sentence}"


def _refusal(path: Path, column: str = "") -> str:
    with pytest.raises(DataError) as caught:
        read_csv(path, column)
    return told(caught.value, path.parent)


def test_two_halves_of_a_picture_that_stand_in_order_are_read(tmp_path: Path) -> None:
    names = [*[f"upper{index}" for index in range(392)], *[f"lower{index}" for index in range(392)]]
    assert read_csv(_write(tmp_path / "f.csv", names, list(range(784)))).digest == TWO.digest


def test_a_label_that_is_named_like_the_pixels_among_them(tmp_path: Path) -> None:
    """It is never read as a pixel, and needs the user's word."""
    path = _write(tmp_path / "f.csv", PIXELS, list(range(784)), 400)
    path.write_text(path.read_text().replace("label", "pixel784"))
    assert _refusal(path) == f"f.csv, line 1: the columns 'pixel399' (400), 'pixel784' (401) {NOT_SORTABLE} {NAME_IT}"
    assert read_csv(path, "pixel784").digest == TWO.digest
    path = _write(
        tmp_path / "f.csv", [*PIXELS[:400], *[f"pixel{index}" for index in range(401, 785)]], list(range(784))
    )
    path.write_text(path.read_text().replace("label", "pixel400"))
    assert read_csv(path, "pixel400").digest == TWO.digest
