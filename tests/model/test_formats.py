"""Whatever is given as a model is called by its name, with what its owner can do."""

from __future__ import annotations

import gzip
import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from edgedigits.engine.c_array import render_model_data
from edgedigits.errors import EXIT_DATA, DataError
from edgedigits.model.reader import read_tflite
from edgedigits.scoring.subject import find_subject, model_file
from tests.tflite_builder import random_mlp

MODEL = random_mlp(1, (4, 3))


def zipped(name: str, content: bytes = MODEL) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return stream.getvalue()


def npy() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.zeros(3))
    return stream.getvalue()


ARRAY = render_model_data(read_tflite(MODEL), "digits").encode()
ENGINE = b"/* an engine */\n#include <stdint.h>\nint digits_classify(const int8_t *input);\n"
TABLE = {
    "model.h5": (b"\x89HDF\r\n\x1a\n" + bytes(60), "an HDF5 file, a Keras model or its weights", "from_keras_model"),
    "weights.hdf5": (b"\0" * 600, "an HDF5 file, a Keras model or its weights", "load_model"),
    "model.keras": (zipped("metadata.json", b"{}"), "a .keras model", "from_keras_model"),
    "other.keras": (zipped("config.json", b"{}"), "a .keras model", "representative_dataset"),
    "saved_model.pb": (b"\x08\x01\x12\x9f\x1c\n\x8c\x0b\n'" + bytes(90), "a TensorFlow graph (.pb)", "from_saved_model"),
    "model.onnx": (b"\x08\x08\x12\x07pytorch\x1a\x052.1.0" + bytes(90), "an ONNX model", "onnx2tf"),
    "model.pt": (zipped("archive/data.pkl"), "a PyTorch file", "litert-torch"),
    "old.pth": (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19." + bytes(90), "a PyTorch file", "litert-torch"),
    "model.tflite.zip": (zipped("model.tflite"), "a zip archive", "Unpack it"),
    "model.tflite": (zipped("a/b/digits.tflite"), "a zip archive", "Unpack it"),
    "model.tflite.gz": (gzip.compress(MODEL), "a gzip file", "gunzip"),
    "digits.npz": (zipped("x.npy"), "a NumPy file", "--data"),
    "digits.npy": (npy(), "a NumPy file", "--data"),
    "model_data.h": (ARRAY, "a model as a C array", "model.tflite"),
    "model_data.cc": (b"const unsigned char g_model[] = {0x1c, 0x00, 0x00, 0x00, 0x54, 0x46, 0x4c, 0x33};", "a model as a C array", "model.tflite"),
    "digits.c": (ENGINE, "C source", "model.tflite"),
    "manifest.json": (b'{"schema": 1}', "a JSON file", "the folder of the build"),
    "lfs.tflite": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a Git LFS pointer", "git lfs pull"),
    "page.tflite": (b"\n<!DOCTYPE html>\n<html lang='en'>" + bytes(9), "a web page", "Download raw file"),
    "plain.tflite": (b"<html><body>", "a web page", "Download raw file"),
    "old.tflite": (b"\x1c\0\0\0TFL2" + bytes(90), "a TensorFlow Lite file of another version", "TensorFlow 2"),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_each_kind_has_its_sentence_and_its_remedy(tmp_path: Path, name: str) -> None:
    content, what, remedy = TABLE[name]
    (tmp_path / name).write_bytes(content)

    with pytest.raises(DataError) as caught:
        read_tflite(find_subject(tmp_path / name).model)
    assert caught.value.message == f"{tmp_path / name}: this is {what}, not a .tflite model."
    assert remedy in caught.value.hint
    assert caught.value.exit_code == EXIT_DATA


@pytest.mark.parametrize("content", [b"\x08\x08\x12", b"label,pixel0\n1,0\n", bytes(600), b"\xff" * 5, b"\x1c\0\0"])
def test_what_nothing_tells_is_not_guessed(content: bytes) -> None:
    with pytest.raises(DataError, match=r"^m\.bin: not a \.tflite model: bytes 4 to 8 should be 'TFL3'\."):
        read_tflite(content, "m.bin")


def test_a_saved_model_is_told_by_its_folder(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"\x08\x01")
    for look in (model_file, find_subject, read_tflite):
        with pytest.raises(DataError, match="this is a SavedModel folder, not a .tflite model") as caught:
            look(tmp_path)
        assert "TFLiteConverter.from_saved_model" in caught.value.hint


def test_another_folder_is_a_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="this is a folder, not a .tflite model"):
        read_tflite(tmp_path)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(DataError, match="this is a pipe or a device, not a .tflite model"):
            read_tflite(find_subject(path).model)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.tflite"
    with path.open("wb") as file:
        file.write(MODEL[:8])
        file.truncate(3 << 40)

    with pytest.raises(DataError, match="the file is larger than 1 GiB"):
        read_tflite(path)
