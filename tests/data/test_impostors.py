"""What is no source gets the sentence that its owner needs: what it is, and what would make it a source."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import pickle
import sqlite3
import tarfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgedigits.data.impostors import HEAD_BYTES, impostor_hint
from edgedigits.data.load import read_source
from edgedigits.errors import DataError
from tests.data.digit_files import told

NUMPY = "numpy.savez(file, x=images, y=labels)"
PIXELS = np.zeros((10, 784), np.uint8)
SOURCE = "A source is a CSV (.csv, .csv.gz), a .npz, a folder of IDX files, or a folder of PNG files in 0/ to 9/."
ONE_A_LINE = "read a .csv of them with --fit, or scale each to 28×28, a label and 784 pixels a line."


def _zip(*names: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    return content.getvalue()


def _tar() -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("train.csv"))
    return content.getvalue()


def _saved(format_: str) -> bytes:
    content = io.BytesIO()
    Image.new("L", (28, 28)).save(content, format=format_)
    return content.getvalue()


def _array() -> bytes:
    content = io.BytesIO()
    np.save(content, PIXELS)
    return content.getvalue()


def _matlab() -> bytes:
    from scipy.io import savemat

    content = io.BytesIO()
    savemat(content, {"X": PIXELS})
    return content.getvalue()


def _hdf5() -> bytes:
    import h5py

    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        file["X"] = PIXELS
    return content.getvalue()


def _sqlite() -> bytes:
    with sqlite3.connect(":memory:") as database:
        database.execute("create table digits (label)")
        return database.serialize()


OTHER_EIGHTS = ",".join(["255"] * 64 + ["7"]) + "\n"

FOREIGN = {
    "digits.xlsx": (
        lambda: _zip("[Content_Types].xml", "xl/workbook.xml"),
        "This is an Excel workbook: save its sheet as CSV with commas.",
    ),
    "digits.ods": (
        lambda: _zip("mimetype", "content.xml"),
        "This is a document of LibreOffice: save its sheet as CSV with commas.",
    ),
    "digits.xls": (
        lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500),
        "This is an old Excel workbook: save its sheet as CSV with commas.",
    ),
    "digits.pt": (lambda: _zip("archive/data.pkl"), f"This is a PyTorch file: write its tensors with {NUMPY}."),
    "arrays.zip": (lambda: _zip("x.npy", "y.npy"), "This is a NumPy archive: give it a name that ends with .npz."),
    "digits.zip": (
        lambda: _zip("train.csv"),
        "This is a zip archive, as Kaggle hands out: unzip it and give the file inside.",
    ),
    "digits.parquet": (
        lambda: b"PAR1" + bytes(99) + b"PAR1",
        "This is a Parquet file: write it as CSV, pandas.read_parquet(file).to_csv('digits.csv', index=False).",
    ),
    "digits.feather": (
        lambda: b"ARROW1\0\0" + bytes(99),
        "This is an Arrow file: write it as CSV, pandas.read_feather(file).to_csv('digits.csv', index=False).",
    ),
    "digits.arff": (
        lambda: b"% MNIST\n%\n\n@RELATION mnist_784\n@ATTRIBUTE pixel1 REAL\n",
        "This is an ARFF file of Weka: save it as CSV, or read it with scipy.io.arff and write one.",
    ),
    "digits.mat": (_matlab, f"This is a MATLAB file: read it with scipy.io.loadmat and write {NUMPY}."),
    "digits.h5": (
        _hdf5,
        f"This is an HDF5 file (.h5, .hdf5, a newer .mat): read it with h5py and write {NUMPY}.",
    ),
    "digits.npy": (_array, f"This is a .npy array: save images and labels together with {NUMPY}."),
    "digits.tfrecord": (
        lambda: b"\x12\0\0\0\0\0\0\0junk",
        f"This is a TFRecord file: read it with tf.data.TFRecordDataset and write {NUMPY}.",
    ),
    "digits.pkl": (
        lambda: pickle.dumps(PIXELS),
        f"This is a pickle, which is never opened, since it can run programs: write {NUMPY}.",
    ),
    "old.pickle": (
        lambda: pickle.dumps([1, 2], protocol=0),
        f"This is a pickle, which is never opened, since it can run programs: write {NUMPY}.",
    ),
    "digits.csv.gz.gz": (
        lambda: gzip.compress(gzip.compress(b"5,0\n")),
        "This is packed twice: unpack it once.",
    ),
    "digits.sqlite": (_sqlite, "This is a SQLite database: export its table as CSV."),
    "digits.tar": (_tar, "This is a tar archive: unpack it and give the file or folder inside."),
    "digits.bz2": (
        lambda: bz2.compress(bz2.compress(b"x")),
        "This is a bzip2 archive: unpack it, or pack it with gzip.",
    ),
    "digits.xz": (
        lambda: lzma.compress(lzma.compress(b"x")),
        "This is an xz archive: unpack it, or pack it with gzip.",
    ),
    "digits.zst": (
        lambda: b"\x28\xb5\x2f\xfd" + bytes(9),
        "This is a Zstandard archive: unpack it, or pack it with gzip.",
    ),
    "digits.7z": (lambda: b"7z\xbc\xaf\x27\x1c", "This is a 7-Zip archive: unpack it and give the file inside."),
    "digits.rar": (lambda: b"Rar!\x1a\x07", "This is a RAR archive: unpack it and give the file inside."),
    "digits.pdf": (lambda: b"%PDF-1.7\n", "This is a PDF document."),
    "digits.json": (
        lambda: json.dumps({"label": 5}).encode(),
        "This is JSON: write its digits as CSV, a label and 784 pixels a line.",
    ),
    "digits.jsonl": (lambda: b" [5, 0, 0]", "This is JSON: write its digits as CSV, a label and 784 pixels a line."),
    "mnist.libsvm": (
        lambda: b"7 153:3 154:18 780:255\n",
        f"This is LIBSVM's sparse form: read it with sklearn.datasets.load_svmlight_file and write {NUMPY}.",
    ),
    "digit.png": (
        lambda: _saved("PNG"),
        "This is a PNG picture: put digits into folders 0 to 9 and give the folder above them.",
    ),
    "digit.jpg": (
        lambda: _saved("JPEG"),
        "This is a JPEG picture: put digits into folders 0 to 9 and give the folder above, with --fit.",
    ),
    "digit.gif": (
        lambda: _saved("GIF"),
        "This is a GIF picture: put digits into folders 0 to 9 and give the folder above, with --fit.",
    ),
    "page.html": (lambda: b"\n<!doctype html>", "This is a web page, perhaps a failed download."),
    "page.htm": (lambda: b"\xef\xbb\xbf<HTML>", "This is a web page, perhaps a failed download."),
    "model.tflite": (lambda: b"\x1c\0\0\0TFL3" + bytes(99), "This is a .tflite model, not digits."),
    "bom.txt.old": (
        lambda: "5,0\n".encode("utf-16"),
        "This looks like UTF-16, as some spreadsheets write it: save it as UTF-8.",
    ),
    "long.txt.old": (lambda: "5,0\n".encode("utf-32"), "This looks like UTF-32: save it as UTF-8."),
    "big.txt.old": (
        lambda: b"\xfe\xff" + "5,0\n".encode("utf-16-be"),
        "This looks like UTF-16, as some spreadsheets write it: save it as UTF-8.",
    ),
    "bare.txt.old": (
        lambda: "5,0,0,0\n".encode("utf-16-le"),
        "This looks like UTF-16, as some spreadsheets write it: save it as UTF-8.",
    ),
    "digits.tra": (lambda: OTHER_EIGHTS.encode(), f"These look like images of 8×8: {ONE_A_LINE}"),
    "zip.train": (
        lambda: (" ".join(["6.0", *["-1.0"] * 256]) + " \n").encode(),
        f"These look like images of 16×16: {ONE_A_LINE}",
    ),
    "digits.data": (
        lambda: (",".join(["0"] * 785) + "\n").encode(),
        "Is it a table? Save it as .csv, a label and 784 pixels a line, separated by commas.",
    ),
    "digits.tsv": (
        lambda: ("\t".join(["0"] * 785) + "\n").encode(),
        "Is it a table? Save it as .csv, a label and 784 pixels a line, separated by commas.",
    ),
    "notes.md": (lambda: b"# Notes, of mine\n", SOURCE),
}


def _refusal(source: Path, folder: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_source(str(source))
    return told(caught.value, folder)


@pytest.mark.parametrize("name", FOREIGN)
def test_a_file_of_another_kind(name: str, tmp_path: Path) -> None:
    write, hint = FOREIGN[name]
    (tmp_path / name).write_bytes(write())
    assert _refusal(tmp_path / name, tmp_path) == f"{name} is of no known kind. {hint}"


TABLES = ("digits.tra", "zip.train", "digits.data", "digits.tsv", "notes.md", "old.pickle", "digits.tfrecord")


@pytest.mark.parametrize("name", [name for name in FOREIGN if name not in TABLES])
def test_a_file_of_another_kind_that_is_called_a_source(name: str, tmp_path: Path) -> None:
    write, hint = FOREIGN[name]
    (tmp_path / "x.csv").write_bytes(write())
    assert _refusal(tmp_path / "x.csv", tmp_path) == f"x.csv is not a CSV but a binary or other file. {hint}"
    if not write().startswith((b"PK", b"\x1f\x8b")):
        (tmp_path / "x.npz").write_bytes(write())
        assert _refusal(tmp_path / "x.npz", tmp_path) == f"x.npz is not a .npz archive. {hint}"


@pytest.mark.parametrize("start", [b" \n\t", b"%", b"% \n", b"1 ", b"1:1 ", b"1 1:", b"-+.", b"{", b"PK", b"\x80\4"])
def test_recognising_takes_no_time_however_a_file_begins(start: bytes) -> None:
    head = (start * HEAD_BYTES)[:HEAD_BYTES]
    began = time.process_time()
    impostor_hint(head)
    assert time.process_time() - began < 0.5


# --- folders ---------------------------------------------------------------------------------------

NEITHER = "set holds neither IDX files nor folders 0 to 9 of PNG files."
NAMED = "Labels in names are read where each has one by itself in the same place: 7_001.png."
SORT = "need folders that say what they show: sort them into 0 to 9"


@pytest.mark.parametrize(
    ("names", "hint"),
    [
        (["img_0012.png", "img_0013.png"], f"The pictures in set (img_0012.png …) {SORT}. {NAMED}"),
        (["3_a.png", "b.png"], f"The pictures in set (3_a.png …) {SORT}. {NAMED}"),
        (["a.png"], f"The pictures in set (a.png …) {SORT}."),
        (
            ["31_001.jpg", "32_002.JPEG"],
            f"The pictures in set (31_001.jpg …) {SORT}, and read them with --fit. {NAMED}",
        ),
        (["a.bmp", "b.png"], f"The pictures in set (a.bmp …) {SORT}, and read them with --fit."),
        (["zero/", "one/", "two/"], "Name the folders of the classes 0 to 9: here they are one, two, zero …"),
        (["digit_3/", "digit_4/"], "Name the folders of the classes 0 to 9: here they are digit_3, digit_4 …"),
        (
            ["Class 00/", "Class 01/", "x.png"],
            "Name the folders of the classes 0 to 9: here they are Class 00, Class 01 …",
        ),
        (["05/", "07/"], "Name the folders of the classes 0 to 9: here they are 05, 07 …"),
        (["saved_model.pb", "variables/"], "This is a SavedModel of TensorFlow, which is a model, not digits."),
        (["model.tflite", "manifest.json"], "This is a build, which is a model, not digits."),
        (["zero/", "writers/"], SOURCE),
        (["train/x12.png", "test/"], f"The pictures in train (x12.png …) {SORT}. {NAMED}"),
        ([], SOURCE),
    ],
)
def test_a_folder_of_another_kind(names: list[str], hint: str, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    for name in names:
        if name.endswith("/"):
            (folder / name).mkdir()
        else:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(b"x")
    assert _refusal(folder, tmp_path) == f"{NEITHER} {hint}"


def test_a_source_deeper_in_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "set" / "data" / "digits" / "7").mkdir(parents=True)
    assert _refusal(tmp_path / "set", tmp_path) == f"{NEITHER} Did you mean set/data/digits?"


def test_a_folder_beside_that_may_not_be_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "set" / "secret").mkdir(parents=True)
    within = Path.iterdir

    def guarded(path: Path) -> Iterator[Path]:
        if path.name == "secret":
            raise PermissionError(13, "Permission denied")
        return within(path)

    monkeypatch.setattr(Path, "iterdir", guarded)
    assert _refusal(tmp_path / "set", tmp_path) == f"{NEITHER} {SOURCE}"


@pytest.mark.parametrize(
    "name", ["train.csv", "train.csv.gz", "mnist.npz", "deep/0/", "deep/train/7/", "deep/t10k-labels.idx"]
)
def test_a_folder_that_holds_a_source(name: str, tmp_path: Path) -> None:
    place = tmp_path / "set" / name
    place.parent.mkdir(parents=True)
    if name.endswith("/"):
        place.mkdir()
    else:
        place.write_bytes(b"\0\0\x08\1")
    assert _refusal(tmp_path / "set", tmp_path) == f"{NEITHER} Did you mean set/{name.split('/')[0]}?"
