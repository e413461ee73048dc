"""`fit`: a user's own pictures of any size in every form of a source, and never unasked."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgedigits.data.digits import Digits
from edgedigits.data.geometry import MOST_SIDE, fitted
from edgedigits.data.load import read_source
from edgedigits.errors import ConfigError, DataError
from tests.data.digit_files import csv_lines, told, write_text
from tests.data.png_maker import png


@pytest.fixture(scope="module")
def large(few: Digits) -> np.ndarray:
    """Digits on paper of another size, grey, as (60, 40, 40)."""
    return np.pad(few.images.reshape(-1, 28, 28) // 2 + 20, ((0, 0), (10, 2), (3, 9)), constant_values=20)


def _npz(folder: Path, pictures: np.ndarray, labels: np.ndarray) -> Path:
    np.savez(folder / "own.npz", x=pictures.astype(np.float64), y=labels)
    return folder / "own.npz"


def _flat_npz(folder: Path, pictures: np.ndarray, labels: np.ndarray) -> Path:
    return _npz(folder, pictures.reshape(len(pictures), -1), labels)


def _idx(folder: Path, pictures: np.ndarray, labels: np.ndarray) -> Path:
    header = b"\0\0\x08\3" + b"".join(side.to_bytes(4) for side in pictures.shape)
    (folder / "train-images.idx").write_bytes(header + pictures.tobytes())
    (folder / "train-labels.idx").write_bytes(b"\0\0\x08\1" + len(labels).to_bytes(4) + labels.tobytes())
    return folder


def _png(folder: Path, pictures: np.ndarray, labels: np.ndarray) -> Path:
    for index, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        (folder / str(label)).mkdir(exist_ok=True)
        Image.fromarray(picture[: 30 + index % 11]).save(folder / str(label) / f"{index:03}.png")
    return folder


def _csv(folder: Path, pictures: np.ndarray, labels: np.ndarray) -> Path:
    rows = np.column_stack([labels, pictures.reshape(len(pictures), -1)]).tolist()
    return write_text(folder / "own.csv", [",".join(map(str, row)) for row in rows])


def _csv_with_header(folder: Path, pictures: np.ndarray, labels: np.ndarray) -> Path:
    path = _csv(folder, pictures, labels)
    names = ",".join(["digit", *(f"p{index}" for index in range(pictures[0].size))])
    path.write_text(f"{names}\n{path.read_text().replace(',', ', ')}")
    return path


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("write", [_npz, _flat_npz, _idx, _png, _csv, _csv_with_header], ids=lambda one: one.__name__)
def test_pictures_of_another_size_are_fitted_where_that_is_asked(
    write, dark: bool, large: np.ndarray, few: Digits, tmp_path: Path
) -> None:
    source = str(write(tmp_path, 255 - large if dark else large, few.labels))
    contents = read_source(source, fit=True, invert=dark, label_column="first" if write is _csv else "")
    assert contents.note == "" and (contents.everything.labels == few.labels).all()
    if write is not _png:  # whose pictures each end at another row
        assert (contents.everything.images == fitted(large)).all()
    with pytest.raises(DataError, match="28×28|784|pixels"):
        read_source(source)


def test_sides_may_differ(large: np.ndarray, few: Digits, tmp_path: Path) -> None:
    path = _npz(tmp_path, large[:, :, 3:31], few.labels)
    assert (read_source(str(path), fit=True).everything.images == fitted(large)).all()


def test_digits_of_28_by_28_pixels_are_fitted_too(few: Digits, tmp_path: Path) -> None:
    off = Digits(np.roll(few.images.reshape(-1, 28, 28), (-3, 2), (1, 2)).reshape(-1, 784), few.labels)
    path = write_text(tmp_path / "own.csv", csv_lines(off))
    assert read_source(str(path)).everything.digest == off.digest
    found = read_source(str(path), fit=True).everything
    assert (found.images == fitted(off.images.reshape(-1, 28, 28))).all() and found.digest != off.digest


def test_transposing_comes_behind(large: np.ndarray, few: Digits, tmp_path: Path) -> None:
    path = _npz(tmp_path, large.transpose(0, 2, 1), few.labels)
    assert (read_source(str(path), fit=True, transpose=True).everything.images == fitted(large)).all()


@pytest.mark.parametrize("name", ["mnist", "mnist-5k", "auto"])
def test_a_source_by_name_is_not_fitted(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_source(name, fit=True)
    assert str(caught.value) == f"{name} is not to be fitted: its digits lie as MNIST's do. Leave out --fit."


@pytest.mark.parametrize("shape", [(4, 300), (4, 8, 8, 3), (4, 0, 8), (4, MOST_SIDE + 1, 1)])
def test_what_is_no_picture_stays_refused(shape: tuple[int, ...], tmp_path: Path) -> None:
    path = _npz(tmp_path, np.zeros(shape, np.uint8), np.arange(4))
    with pytest.raises(DataError, match=r"has the shape .* expected \(n, 28, 28\) or \(n, 784\)"):
        read_source(str(path), fit=True)


def test_a_png_that_is_too_large_or_empty_is_refused(tmp_path: Path) -> None:
    (tmp_path / "3").mkdir()
    for width, height in ((MOST_SIDE + 1, 1), (0, 5)):
        header = width.to_bytes(4) + height.to_bytes(4)
        whole = png(np.zeros((28, 28), np.uint8))
        content = whole.replace((28).to_bytes(4) * 2, header, 1)
        content = content[:29] + zlib.crc32(content[12:29]).to_bytes(4) + content[33:]
        (tmp_path / "3" / "x.png").write_bytes(content)
        with pytest.raises(DataError) as caught:
            read_source(str(tmp_path), fit=True)
        assert told(caught.value, tmp_path) == (
            f"3/x.png is {width:,}×{height} pixels, expected 1 to 4,096 a side. Cut the digit out."
        )


def test_a_csv_of_another_width_is_checked_line_by_line(large: np.ndarray, few: Digits, tmp_path: Path) -> None:
    path = _csv_with_header(tmp_path, large, few.labels)
    path.write_text(path.read_text() + "5,1\n")
    with pytest.raises(DataError) as caught:
        read_source(str(path), fit=True)
    assert told(caught.value, tmp_path) == "own.csv, line 62: 1 pixel columns, expected 1600. Was the line cut off?"
