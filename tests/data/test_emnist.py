"""EMNIST's digits, which hold columns for rows: its IDX files, its .mat, and what is called so and stands upright."""

from __future__ import annotations

import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from edgedigits.data import emnist
from edgedigits.data.digits import Digits
from edgedigits.data.emnist import EXCHANGED_NOTE, UPRIGHT_NOTE
from edgedigits.data.export import HEADER
from edgedigits.data.load import read_source
from edgedigits.data.symmetry import relaid, transpose
from edgedigits.errors import DataError, EdgedigitsError, ToolMissingError
from tests.data.digit_files import csv_lines, told, write_idx, write_text


def lying(digits: Digits) -> Digits:
    return Digits(relaid(digits.images, transpose), digits.labels)


@pytest.fixture(scope="module")
def sixty_of_each(five_thousand: Digits) -> Digits:
    """Enough to tell from their looks how digits lie."""
    return five_thousand.take(np.concatenate([np.arange(60) + 500 * digit for digit in range(10)]))


def write_mat(path: Path, train: Digits, test: Digits) -> Path:
    def part(digits: Digits) -> dict[str, np.ndarray]:
        return {"images": np.asfortranarray(digits.images), "labels": digits.labels[:, None]}

    savemat(path, {"dataset": {"train": part(train), "test": part(test)}}, do_compression=True)
    return path


@pytest.mark.parametrize("asked", [False, True])
def test_its_files_are_exchanged_once_by_their_names(asked: bool, few: Digits, others: Digits, tmp_path: Path) -> None:
    folder = write_idx(tmp_path / "set", lying(few), "emnist-digits-train", packed=True)
    write_idx(folder, lying(others), "emnist-digits-test", packed=True)
    (folder / "emnist-digits-mapping.txt").write_text("0 48\n")
    contents = read_source(str(folder), transpose=asked)
    assert contents.train is not None and contents.test is not None
    assert (contents.train.digest, contents.test.digest) == (few.digest, others.digest)
    assert contents.note == EXCHANGED_NOTE


@pytest.mark.parametrize("asked", [False, True])
def test_digits_that_are_called_so_and_stand_upright_stay(asked: bool, sixty_of_each: Digits, tmp_path: Path) -> None:
    source = str(write_idx(tmp_path, sixty_of_each, "emnist-digits-train"))
    contents = read_source(source, transpose=asked)
    assert (contents.everything.digest, contents.note) == (sixty_of_each.digest, UPRIGHT_NOTE)
    laid = str(write_idx(tmp_path / "lying", lying(sixty_of_each), "emnist-digits-train"))
    assert read_source(laid).everything.digest == sixty_of_each.digest


def test_of_all_its_sets_the_digits_are_read(few: Digits, others: Digits, tmp_path: Path) -> None:
    folder = write_idx(tmp_path / "gzip", lying(few), "emnist-digits-train")
    for name in ("emnist-letters-train", "emnist-byclass-test", "emnist-mnist-test"):
        write_idx(folder, others, name)
    contents = read_source(str(folder))
    assert (contents.everything.digest, contents.test) == (few.digest, None)
    assert contents.note == (
        f"Left out of gzip: emnist-byclass, emnist-letters, emnist-mnist; its digits are read. {EXCHANGED_NOTE}"
    )


def test_a_csv_of_it_is_exchanged_too(few: Digits, tmp_path: Path) -> None:
    path = write_text(tmp_path / "emnist-digits-train.csv", [HEADER, *csv_lines(lying(few))])
    contents = read_source(str(path))
    assert (contents.everything.digest, contents.note) == (few.digest, EXCHANGED_NOTE)


def test_its_matlab_file(few: Digits, others: Digits, tmp_path: Path) -> None:
    contents = read_source(str(write_mat(tmp_path / "emnist-digits.mat", lying(few), lying(others))))
    assert contents.train is not None and contents.test is not None
    assert (contents.train.digest, contents.test.digest) == (few.digest, others.digest)
    assert (contents.name, contents.note) == ("emnist-digits.mat", EXCHANGED_NOTE)


def test_its_matlab_file_where_scipy_is_missing(few: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_mat(tmp_path / "emnist-digits.mat", few, few)
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(ToolMissingError) as caught:
        read_source(str(path))
    assert str(caught.value) == "SciPy, which reads MATLAB's files, is missing. pip install scipy"


@pytest.mark.parametrize(
    ("dataset", "sentence"),
    [
        (
            {"train": {"images": np.zeros((2, 784), np.uint8)}},
            "e.mat holds no dataset.train.images, dataset.train.labels and the same of a test set, as EMNIST's do. Write "
            "numpy.savez(file, x=images, y=labels).",
        ),
        (
            {part: {"images": np.zeros((2, 784), np.uint8), "labels": np.ones(3)} for part in ("train", "test")},
            "e.mat, dataset.train.labels has the shape (1, 3), expected (n,). Store one label per image.",
        ),
        (
            {part: {"images": np.zeros((2, 784), np.uint8), "labels": np.ones((3, 1))} for part in ("train", "test")},
            "e.mat, dataset.train.images holds 2 images, but e.mat, dataset.train.labels holds 3 labels. Do the two belong "
            "together?",
        ),
        (
            {part: {"images": np.zeros((2, 784)), "labels": np.full((2, 1), 11)} for part in ("train", "test")},
            "e.mat, dataset.train.labels[0]: label 11, expected 0 to 9.",
        ),
    ],
)
def test_a_matlab_file_that_is_wrong(dataset: dict, sentence: str, tmp_path: Path) -> None:
    savemat(tmp_path / "e.mat", {"dataset": dataset})
    with pytest.raises(DataError) as caught:
        read_source(str(tmp_path / "e.mat"))
    assert told(caught.value, tmp_path) == sentence


def test_a_matlab_file_of_other_arrays_is_none_of_it(tmp_path: Path) -> None:
    savemat(tmp_path / "e.mat", {"X": np.zeros((3, 784))})
    with pytest.raises(DataError, match=r"of no known kind\. This is a MATLAB file: read it with scipy"):
        read_source(str(tmp_path / "e.mat"))


def test_a_damaged_matlab_file_is_a_sentence(few: Digits, tmp_path: Path) -> None:
    whole = write_mat(tmp_path / "e.mat", few, few).read_bytes()
    draw = np.random.default_rng(0)
    for cut in [*range(100, 140), *draw.integers(128, len(whole), 60)]:
        content = bytearray(whole[: int(cut)] if cut % 2 else whole)
        content[min(int(cut), len(content) - 1)] ^= 0x55
        (tmp_path / "e.mat").write_bytes(content)
        try:
            found = read_source(str(tmp_path / "e.mat")).everything.digest
        except EdgedigitsError as error:
            assert error.message.endswith(".") and "\n" not in str(error)
        else:
            assert found == read_source(str(write_mat(tmp_path / "w.mat", few, few))).everything.digest


def test_a_matlab_file_that_unpacks_to_more_than_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = zlib.compress(bytes(3_000_000))
    header = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"
    (tmp_path / "e.mat").write_bytes(header + (15).to_bytes(4, "little") + len(packed).to_bytes(4, "little") + packed)
    monkeypatch.setattr(emnist, "MOST_BYTES", 2_000_000)
    with pytest.raises(DataError, match="holds more than"):
        read_source(str(tmp_path / "e.mat"))
