"""CSV files are written whole or not at all, and the same each time."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest

from edgedigits.data.digits import Digits
from edgedigits.data.export import HEADER, write_csv
from edgedigits.data.load import load_splits, read_source
from edgedigits.data.writing import replacing
from edgedigits.errors import ConfigError, DataError
from edgedigits.progress import SilentProgress
from tests.data.digit_files import csv_lines, told, write_idx


def test_the_file_is_kaggle_s(few: Digits, tmp_path: Path) -> None:
    write_csv(few, tmp_path / "train.csv")
    lines = (tmp_path / "train.csv").read_text().splitlines()
    assert lines[0].startswith("label,pixel0,pixel1,") and lines[0].endswith(",pixel783")
    assert lines == [HEADER, *csv_lines(few)]


def test_a_packed_file_is_the_same_each_time_and_under_each_name(few: Digits, tmp_path: Path) -> None:
    write_csv(few, tmp_path / "a.csv.gz")
    write_csv(few, tmp_path / "b.csv.gz")
    packed = (tmp_path / "a.csv.gz").read_bytes()
    assert packed == (tmp_path / "b.csv.gz").read_bytes()
    assert packed[3:8] == bytes(5)  # no name, no time
    write_csv(few, tmp_path / "a.csv")
    assert gzip.decompress(packed) == (tmp_path / "a.csv").read_bytes()


def test_a_split_of_any_source_comes_back(few: Digits, others: Digits, tmp_path: Path) -> None:
    source = write_idx(write_idx(tmp_path / "set", few), others, "t10k")
    splits = load_splits(str(source), validation_fraction=0.2, test_fraction=0.2, seed=1)
    for name in ("train", "validation", "test"):
        write_csv(getattr(splits, name), tmp_path / f"{name}.csv")
        assert read_source(str(tmp_path / f"{name}.csv")).everything.digest == getattr(splits, name).digest


def test_an_existing_file_is_kept_unless_forced(few: Digits, tmp_path: Path) -> None:
    path = tmp_path / "train.csv"
    path.write_text("precious")
    with pytest.raises(DataError) as caught:
        write_csv(few, path)
    expected = "train.csv exists already. Choose another name, or overwrite it with --force."
    assert told(caught.value, tmp_path) == expected
    assert path.read_text() == "precious"
    write_csv(few, path, force=True)
    assert path.read_text().startswith(HEADER)


@pytest.mark.parametrize(
    ("name", "error", "sentence"),
    [
        ("train.txt", ConfigError, "train.txt is not the name of a CSV. End it with .csv or .csv.gz."),
        (
            "none/train.csv",
            DataError,
            "none/train.csv cannot be written: there is no folder none. Make the folder first.",
        ),
        ("folder.csv", DataError, "folder.csv is a folder, expected the name of a file to write."),
    ],
)
def test_names_that_cannot_be_written(
    name: str, error: type[DataError], sentence: str, few: Digits, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(error) as caught:
        write_csv(few, Path(name), force=True)
    assert str(caught.value) == sentence


def test_an_interruption_leaves_the_old_file_and_nothing_else(few: Digits, tmp_path: Path) -> None:
    class Interrupting(SilentProgress):
        def stage(self, title: str, total: int | None = None):
            raise KeyboardInterrupt

    path = tmp_path / "train.csv"
    path.write_text("precious")
    with pytest.raises(KeyboardInterrupt):
        write_csv(few, path, force=True, progress=Interrupting())
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("train.csv", "precious")]


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught, replacing(tmp_path / "x.csv", force=False):
        raise OSError(28, "No space left on device")
    assert told(caught.value, tmp_path) == "x.csv cannot be written: No space left on device."
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_kaggle_s_size_from_the_full_mnist(mnist_folder: Path, tmp_path: Path) -> None:
    train = read_source(str(mnist_folder)).train
    assert train is not None
    rows = train.take(np.arange(42_000))
    write_csv(rows, tmp_path / "train.csv")
    assert hashlib.sha256(read_source(str(tmp_path / "train.csv")).everything.images).digest() == (
        hashlib.sha256(rows.images).digest()
    )
