"""Folders of IDX files: which belong together, what they must hold, and what is said where they do not."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import struct
from pathlib import Path

import numpy as np
import pytest

from edgedigits.data.digits import Digits
from edgedigits.data.load import read_source
from edgedigits.errors import DataError
from tests.data.digit_files import idx_images, idx_labels, told, write_idx

PACKINGS = {".gz": gzip, ".bz2": bz2, ".xz": lzma}
AGAIN = "Download or copy it again."
IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


@pytest.mark.parametrize(
    ("name", "change", "sentence"),
    [
        (
            IMAGES,
            lambda raw: raw[:-1],
            f"{IMAGES} is truncated: 47,039 bytes of images, its header promises 47,040. {AGAIN}",
        ),
        (
            IMAGES,
            lambda raw: raw + b"x",
            f"{IMAGES} is too long: 47,041 bytes of images, its header promises 47,040. {AGAIN}",
        ),
        (IMAGES, lambda raw: raw[:9], f"{IMAGES} is truncated inside its header. {AGAIN}"),
        (IMAGES, lambda raw: b"", f"{IMAGES} is empty. {AGAIN}"),
        (
            IMAGES,
            lambda raw: b"\x12\x34\x56\x78" + raw[4:],
            f"{IMAGES} is no IDX file of images: it begins 0x12345678, expected 0x00000803. {AGAIN}",
        ),
        (
            IMAGES,
            lambda raw: idx_labels(np.zeros(60, np.uint8)),
            f"{IMAGES} does not hold images. Are images and labels swapped?",
        ),
        (
            IMAGES,
            lambda raw: struct.pack(">IIII", 0x803, 60, 16, 16) + bytes(60 * 256),
            f"{IMAGES} has the shape (60, 16, 16), expected (n, 28, 28) or (n, 784). These look like "
            "images of 16×16: read them with --fit, or scale each to 28×28, 0…255.",
        ),
        (
            IMAGES,
            lambda raw: struct.pack(">IIII", 0x803, 0, 28, 28),
            f"{IMAGES} holds 0 images, but {LABELS} holds 60 labels. Do the two belong together?",
        ),
        (
            IMAGES,
            lambda raw: struct.pack(">IIII", 0x803, 2**32 - 1, 2**32 - 1, 2**32 - 1) + raw[16:],
            f"{IMAGES} is truncated: 47,040 bytes of images, its header promises "
            f"79,228,162,458,924,105,385,300,197,375. {AGAIN}",
        ),
        (
            LABELS,
            lambda raw: idx_labels(np.zeros(59, np.uint8)),
            f"{IMAGES} holds 60 images, but {LABELS} holds 59 labels. Do the two belong together?",
        ),
        (
            LABELS,
            lambda raw: idx_labels(np.full(60, 10, np.uint8)),
            f"{LABELS}[0]: label 10, expected 0 to 9.",
        ),
        (
            LABELS,
            lambda raw: idx_images(np.zeros((1, 784), np.uint8)),
            f"{LABELS} does not hold labels. Are images and labels swapped?",
        ),
        (LABELS, None, f"{IMAGES} has no partner {LABELS}. Images and labels are both needed."),
    ],
)
def test_a_faulty_idx_file(name: str, change, sentence: str, few: Digits, tmp_path: Path) -> None:
    path = write_idx(tmp_path / "set", few) / name
    if change is None:
        path.unlink()
    else:
        path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DataError) as caught:
        read_source(str(tmp_path / "set"))
    assert told(caught.value, tmp_path / "set") == sentence


def test_a_truncated_gzip_file_of_idx(few: Digits, tmp_path: Path) -> None:
    path = write_idx(tmp_path, few, packed=True) / f"{IMAGES}.gz"
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(DataError) as caught:
        read_source(str(tmp_path))
    assert told(caught.value, tmp_path) == f"{IMAGES}.gz is a truncated gzip file. {AGAIN}"


# --- names, types and sets ------------------------------------------------------------------------


def _idx(array: np.ndarray, code: int) -> bytes:
    """An IDX file of numbers of the type `code`."""
    kind = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}[code]
    return bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.astype(kind).tobytes()


def _pair(folder: Path, digits: Digits, images: str, labels: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in ((images, idx_images(digits.images)), (labels, idx_labels(digits.labels))):
        packing = PACKINGS.get(Path(name).suffix.lower())
        (folder / name).write_bytes(packing.compress(content) if packing else content)
    return folder


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        ("xnist-images-idx3-ubyte.xz", "xnist-labels-idx2-int.xz"),
        ("q-digits-train-images-idx3-ubyte.gz", "q-digits-train-labels-idx1-ubyte.bz2"),
        ("TRAIN-IMAGES-IDX3-UBYTE", "TRAIN-LABELS-IDX1-UBYTE"),
        ("Train-Images.IDX3-ubyte.GZ", "train-labels.idx1-ubyte"),
        ("train-images.idx", "train-labels.idx"),
        ("train_images.bin", "train_labels.bin"),
        ("training-images", "training-labels"),
        ("images.idx3", "labels.idx1"),
        ("digits.idx3", "digits.idx1"),
        ("x_train.idx", "y_train.idx"),
        ("kmnist images", "kmnist labels"),
        ("a", "a.idx"),
    ],
)
def test_a_pair_may_have_other_names(images: str, labels: str, few: Digits, tmp_path: Path) -> None:
    folder = _pair(tmp_path / "set", few, images, labels)
    for name in ("notes.md", "mapping.txt", "x.csv", "tool.bin", ".hidden-images-idx3-ubyte", "empty"):
        (folder / name).write_bytes(b"" if name == "empty" else b"0 48\n")
    os.mkfifo(folder / "images-of-a-pipe")
    contents = read_source(str(folder))
    assert (contents.everything.digest, contents.test) == (few.digest, None)


@pytest.mark.parametrize("test", ["t10k", "test", "testing", "TEST", "test50k"])
def test_a_pair_may_be_a_test_set(test: str, few: Digits, others: Digits, tmp_path: Path) -> None:
    folder = _pair(tmp_path, few, "q-train-images-idx3-ubyte", "q-train-labels-idx1-ubyte")
    _pair(folder, others, f"q-{test}-images-idx3-ubyte", f"q-{test}-labels-idx1-ubyte")
    contents = read_source(str(folder))
    assert contents.train is not None and contents.test is not None
    assert (contents.train.digest, contents.test.digest) == (few.digest, others.digest)


def test_a_file_that_is_there_packed_and_unpacked_is_read(few: Digits, tmp_path: Path) -> None:
    write_idx(write_idx(tmp_path, few), few, packed=True)
    assert read_source(str(tmp_path)).everything.digest == few.digest


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("train-images-idx3-ubyte", "train-images-idx3-ubyte.gz"),
        ("TRAIN-images-idx3-ubyte", "train-images-idx3-ubyte.gz"),
        ("train-images-idx3-ubyte", "train-images.idx3-ubyte"),
        ("train-images-idx3-ubyte", "training-images-idx3-ubyte"),
        ("train-image.idx", "train-images-idx3-ubyte"),
    ],
)
def test_two_files_for_one_place_are_refused_unless_they_are_the_same(
    first: str, second: str, few: Digits, tmp_path: Path
) -> None:
    _pair(tmp_path, few, first, "train-labels-idx1-ubyte")
    other = idx_images(255 - few.images)
    (tmp_path / second).write_bytes(gzip.compress(other) if second.endswith(".gz") else other)
    assert _refusal(tmp_path) == (
        f"{first} and {second} are files for the same place and hold something else each. Keep one of them, and put the "
        "other elsewhere."
    )
    same = idx_images(few.images)
    (tmp_path / second).write_bytes(gzip.compress(same) if second.endswith(".gz") else same)
    assert read_source(str(tmp_path)).everything.digest == few.digest


def test_two_files_of_labels_for_one_place_are_refused(few: Digits, others: Digits, tmp_path: Path) -> None:
    write_idx(tmp_path, few, "t10k")
    (tmp_path / "test-labels-idx1-ubyte").write_bytes(idx_labels(others.labels))
    assert _refusal(tmp_path).startswith(
        "t10k-labels-idx1-ubyte and test-labels-idx1-ubyte are files for the same place"
    )


@pytest.mark.parametrize("code", [0x08, 0x09, 0x0B, 0x0C, 0x0D, 0x0E])
def test_numbers_of_any_type_are_read(code: int, few: Digits, tmp_path: Path) -> None:
    dim = Digits(few.images // 2, few.labels)
    (tmp_path / "train-images.idx").write_bytes(_idx(dim.images.reshape(-1, 28, 28), code))
    (tmp_path / "train-labels.idx").write_bytes(_idx(dim.labels, code))
    assert read_source(str(tmp_path)).everything.digest == dim.digest


def test_the_labels_of_qmnist_are_read(few: Digits, tmp_path: Path) -> None:
    """Eight 32-bit numbers a digit: class, series, writer and so on."""
    labels = np.tile(np.arange(8) * 1000, (60, 1))
    labels[:, 0] = few.labels
    (tmp_path / "qmnist-train-images-idx3-ubyte").write_bytes(idx_images(few.images))
    (tmp_path / "qmnist-train-labels-idx2-int.gz").write_bytes(gzip.compress(_idx(labels, 0x0C)))
    assert read_source(str(tmp_path)).everything.digest == few.digest
    (tmp_path / "qmnist-train-labels-idx2-int.gz").write_bytes(gzip.compress(_idx(labels[:, :7], 0x0C)))
    with pytest.raises(DataError) as caught:
        read_source(str(tmp_path))
    assert told(caught.value, tmp_path) == (
        "qmnist-train-labels-idx2-int.gz has the shape (60, 7), expected (n,). Store one label per image."
    )


def _refusal(folder: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_source(str(folder))
    return told(caught.value, folder)


@pytest.mark.parametrize(
    ("present", "partner"),
    [
        ("emnist-digits-test-images-idx3-ubyte.gz", "emnist-digits-test-labels-idx1-ubyte"),
        ("emnist-digits-test-labels-idx1-ubyte", "emnist-digits-test-images-idx3-ubyte"),
        ("qmnist-train-labels-idx2-int", "qmnist-train-images-idx3-ubyte"),
        ("images.idx", "labels.idx"),
    ],
)
def test_half_a_pair(present: str, partner: str, few: Digits, tmp_path: Path) -> None:
    content = idx_images(few.images)
    (tmp_path / present).write_bytes(gzip.compress(content) if present.endswith("gz") else content)
    assert _refusal(tmp_path) == f"{present} has no partner {partner}. Images and labels are both needed."


def test_files_of_several_sets_are_not_mixed(few: Digits, tmp_path: Path) -> None:
    for name in ("q-digits-train", "q-digits-test", "q-letters-train"):
        _pair(tmp_path, few, f"{name}-images-idx3-ubyte", f"{name}-labels-idx1-ubyte")
    assert _refusal(tmp_path).startswith("")
    assert "holds IDX files of 2 sets, such as q-digits-t" in _refusal(tmp_path)
    assert _refusal(tmp_path).endswith("Put those of one into a folder of their own.")


def test_a_pair_without_a_part_is_not_mixed_with_one_that_has(few: Digits, tmp_path: Path) -> None:
    write_idx(_pair(tmp_path, few, "images-idx3-ubyte", "labels-idx1-ubyte"), few)
    assert "holds IDX files of 2 sets, such as images-idx3-ubyte" in _refusal(tmp_path).replace(
        "labels", "images"
    ).replace("idx1", "idx3")


@pytest.mark.parametrize("head", [b"\0\0\x0a\3", b"\0\0\x08\0", b"\0\0\x08\5", b"\0\1\x08\3", b"\0\0\x08"])
def test_what_begins_almost_like_an_idx_file(head: bytes, few: Digits, tmp_path: Path) -> None:
    (write_idx(tmp_path, few) / LABELS).write_bytes(head)
    assert _refusal(tmp_path) == (
        f"{LABELS} is no IDX file of labels: it begins 0x{head.hex()}, expected 0x00000801. {AGAIN}"
    )


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "digits", "labels.bin"])
def test_one_file_of_a_pair_is_no_source(name: str, few: Digits, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(idx_images(few.images))
    with pytest.raises(DataError) as caught:
        read_source(str(tmp_path / name))
    assert told(caught.value, tmp_path) == f"{name} is one of a pair of IDX files. Give the folder that holds both."
