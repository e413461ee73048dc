"""USPS and optdigits: the files as they are published, made of scikit-learn's 8×8 digits, and what is wrong with them."""

from __future__ import annotations

import bz2
import gzip
import lzma
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from edgedigits.data.geometry import fitted
from edgedigits.data.load import read_source
from edgedigits.errors import DataError
from tests.data.digit_files import told

AGAIN = "Download or copy it again."


@cache
def eights(start: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """20 pictures of 8×8 counts from 0 to 16, and their labels."""
    found = load_digits()
    return found.images[start : start + 20].astype(int), found.target[start : start + 20].astype(int)


def optdigits(start: int = 0) -> bytes:
    """As UCI has them: 64 whole numbers and the label."""
    rows = zip(*eights(start), strict=True)
    return "".join(",".join(map(str, [*image.ravel(), label])) + "\n" for image, label in rows).encode()


def usps(start: int = 0) -> bytes:
    """As LIBSVM's page has them: labels from 1, values from -1 to 1, zeros left out."""
    lines = []
    for image, label in zip(*eights(start), strict=True):
        values = np.kron(image, np.ones((2, 2))).ravel() / 8 - 1
        cells = [f"{place}:{value:g}" for place, value in enumerate(values, 1) if value]
        lines.append(" ".join([str(label + 1), *cells, "\n"]))
    return "".join(lines).encode()


def expected_images(start: int = 0) -> np.ndarray:
    return fitted(np.floor(eights(start)[0] / 16 * 255 + 0.5).astype(np.uint8))


@pytest.mark.parametrize(
    ("train", "test", "content", "pack"),
    [
        ("usps", "usps.t", usps, bz2.compress),
        ("USPS", "USPS.T", usps, bytes),
        ("optdigits.tra", "optdigits.tes", optdigits, bytes),
        ("optdigits.tra", "optdigits.tes", optdigits, gzip.compress),
        ("optdigits.tra", "optdigits.tes", optdigits, lzma.compress),
    ],
)
def test_a_set_is_known_by_its_names(train: str, test: str, content, pack, tmp_path: Path) -> None:
    ending = {gzip.compress: ".gz", bz2.compress: ".bz2", lzma.compress: ".xz"}.get(pack, "")
    (tmp_path / f"{train}{ending}").write_bytes(pack(content()))
    (tmp_path / f"{test}{ending}").write_bytes(pack(content(100)))
    (tmp_path / "optdigits.names").write_text("1. Title of Database")
    for source in (tmp_path, tmp_path / f"{train}{ending}", tmp_path / f"{test}{ending}"):
        contents = read_source(str(source))
        assert contents.train is not None and contents.test is not None
        assert (contents.train.images == expected_images()).all() and (contents.train.labels == eights()[1]).all()
        assert (contents.test.images == expected_images(100)).all() and (contents.test.labels == eights(100)[1]).all()
        assert contents.name == source.name
        title, side = ("optdigits", 8) if content is optdigits else ("USPS", 16)
        assert contents.note == (
            f"{title} is of {side}×{side} pixels: each digit was fitted as MNIST's were, its ink into 20×20, centred by "
            "mass in 28×28."
        )


@pytest.mark.parametrize("name", ["digits.csv", "digits.csv.gz", "mine.data", "usps.libsvm", "my.txt"])
def test_a_set_is_known_by_its_content(name: str, tmp_path: Path) -> None:
    """scikit-learn's digits.csv is the test set of optdigits, every number with a point and an exponent."""
    content = usps() if "usps" in name else optdigits()
    if name == "digits.csv":
        numbers = [line.split(",") for line in content.decode().split()]
        content = "".join(",".join(f"{float(one):.18e}" for one in row) + "\n" for row in numbers).encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    contents = read_source(str(tmp_path / name))
    assert contents.train is not None and contents.test is None
    assert (contents.train.images == expected_images()).all() and (contents.train.labels == eights()[1]).all()


def test_a_csv_of_28_by_28_pixels_is_no_such_set_whatever_it_is_called(tmp_path: Path) -> None:
    (tmp_path / "digits.csv").write_text("7" + ",1" * 784 + "\n" + "8" + ",0" * 784 + "\n")
    assert len(read_source(str(tmp_path / "digits.csv"), label_column="first").everything) == 2


@pytest.mark.parametrize(
    ("name", "line", "sentence"),
    [
        ("usps", "0 1:1", "the label is 0, expected 1 to 10"),
        ("usps", "11 1:1", "the label is 11, expected 1 to 10"),
        ("usps", "1.5 1:1", "the label is 1.5, expected 1 to 10"),
        ("usps", "nan 1:1", "the label is nan, expected 1 to 10"),
        ("usps", "1 1:1.25", "a pixel is 1.25, expected -1 to 1"),
        ("usps", "1 1:nan", "a pixel is nan, expected -1 to 1"),
        ("usps", "1 257:1", "its indices do not ascend from 1 to 256"),
        ("usps", "1 0:1", "its indices do not ascend from 1 to 256"),
        ("usps", "1 2:1 1:1", "its indices do not ascend from 1 to 256"),
        ("usps", "1 1.5:1", "its indices do not ascend from 1 to 256"),
        ("usps", "1 1:1 2", "not all of it is index:value"),
        ("usps", "1 1:1:1 2", "not all of it is index:value"),
        ("usps", "1 1:x", "could not convert string to float: 'x'"),
        ("optdigits.tra", ",".join(["0"] * 64), "63 pixels and a label, expected 64"),
        ("optdigits.tra", ",".join(["0"] * 64 + ["10"]), "the label is 10, expected 0 to 9"),
        ("optdigits.tra", ",".join(["17"] * 64 + ["1"]), "a pixel is 17, expected 0 to 16"),
        ("optdigits.tra", ",".join(["-1"] * 64 + ["1"]), "a pixel is -1, expected 0 to 16"),
        ("optdigits.tra", ",".join([""] * 64 + ["1"]), "could not convert string to float: ''"),
    ],
)
def test_a_line_that_is_wrong(name: str, line: str, sentence: str, tmp_path: Path) -> None:
    content, title = (usps(), "USPS") if name == "usps" else (optdigits(), "optdigits")
    (tmp_path / name).write_bytes(content + f"\n{line}\n".encode())
    assert _refusal(tmp_path / name, tmp_path) == f"{name}, line 22 is none of {title}: {sentence}. {AGAIN}"


def test_one_set_at_a_time_and_one_file_for_each_place(tmp_path: Path) -> None:
    (tmp_path / "usps").write_bytes(usps())
    (tmp_path / "usps.bz2").write_bytes(bz2.compress(usps()))
    assert len(read_source(str(tmp_path)).everything) == 20
    (tmp_path / "usps.bz2").write_bytes(bz2.compress(usps(100)))
    assert _refusal(tmp_path, tmp_path).startswith("usps and usps.bz2 are files for the same place and hold something")
    (tmp_path / "optdigits.tra").write_bytes(optdigits())
    assert _refusal(tmp_path, tmp_path) == (
        f"{tmp_path} holds optdigits and USPS. Name a file of the one that is meant."
    )
    assert len(read_source(str(tmp_path / "optdigits.tra")).everything) == 20


@pytest.mark.parametrize(("name", "content"), [("usps", b"\n"), ("usps.t", b" \n\n")])
def test_a_file_without_a_digit(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    assert _refusal(tmp_path / name, tmp_path) == f"{name} holds no lines. {AGAIN}"


def test_a_partner_that_is_damaged_is_named(tmp_path: Path) -> None:
    (tmp_path / "usps").write_bytes(usps())
    (tmp_path / "usps.t.bz2").write_bytes(bz2.compress(usps())[:200])
    assert _refusal(tmp_path / "usps", tmp_path) == f"usps.t.bz2 is a truncated bzip2 file. {AGAIN}"


def _refusal(source: Path, folder: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_source(str(source))
    return told(caught.value, folder)
