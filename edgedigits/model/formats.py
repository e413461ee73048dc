"""What a file really is that was given as a model, and what its owner can do about it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

HEAD_BYTES = 4096
"""How much of a file tells what it is."""
SAVED_MODEL = "saved_model.pb"

_INTEGER = "with full-integer quantization (Optimize.DEFAULT and a representative_dataset), or in float for quantize"
_FROM_KERAS = (
    f"Load it with tf.keras.models.load_model, and convert it with TFLiteConverter.from_keras_model {_INTEGER}."
)
_C_BYTES = re.compile(rb"0x[0-9a-fA-F]{1,2}\s*,\s*0x[0-9a-fA-F]{1,2}\s*,")
_LOCAL_FILE_NAME = slice(30, 30 + 512)


@dataclass(frozen=True, slots=True)
class Format:
    """Another kind of file.

    Attributes:
        name: what it is: "an HDF5 file, a Keras model or its weights".
        remedy: what to do with it.
    """

    name: str
    remedy: str


HDF5 = Format("an HDF5 file, a Keras model or its weights", _FROM_KERAS)
KERAS = Format("a .keras model", _FROM_KERAS)
PYTORCH = Format("a PyTorch file", f"Convert the model to .tflite with litert-torch {_INTEGER}.")
ONNX = Format("an ONNX model", f"Convert it to .tflite with onnx2tf {_INTEGER}.")
GRAPH = Format(
    "a TensorFlow graph (.pb)",
    f"Give the folder of the SavedModel to TFLiteConverter.from_saved_model, and convert it {_INTEGER}.",
)
FOLDER = Format("a SavedModel folder", f"Convert it with TFLiteConverter.from_saved_model {_INTEGER}.")
NUMPY = Format("a NumPy file", "Give the model; arrays of digits go to --data.")
ZIP = Format("a zip archive", "Unpack it, and give the .tflite in it.")
GZIP = Format("a gzip file", "Unpack it with gunzip, and give the .tflite.")
C_ARRAY = Format("a model as a C array", "Give the .tflite that it was made from; in a build that is model.tflite.")
ENGINE = Format("C source", "Give the .tflite that it was made from; in a build that is model.tflite.")
LFS = Format("a Git LFS pointer", "Run `git lfs pull` to get the file.")
WEB_PAGE = Format("a web page", "Download the file itself: on GitHub that is behind 'Download raw file'.")
JSON = Format("a JSON file", "Give the .tflite, or the folder of the build.")
OLD = Format("a TensorFlow Lite file of another version", "Convert the model again with TensorFlow 2.")

_MAGIC = (
    (b"\x89HDF", HDF5),
    (b"\x1f\x8b", GZIP),
    (b"\x93NUMPY", NUMPY),
    (b"\x80\x02", PYTORCH),  # A pickle, as torch.save wrote before its zip files.
    (b"version https://git-lfs", LFS),
)
_ENDINGS = {
    ".onnx": ONNX,
    ".pb": GRAPH,
    ".pbtxt": GRAPH,
    ".pt": PYTORCH,
    ".pth": PYTORCH,
    ".h5": HDF5,
    ".hdf5": HDF5,
    ".keras": KERAS,
}
_C_ENDINGS = (".h", ".hpp", ".c", ".cc", ".cpp", ".ino")


def recognise(head: bytes, name: str) -> Format | None:
    """Return what a file is that is no `.tflite`; None where neither content nor name tells.

    Args:
        head: its first `HEAD_BYTES` bytes.
        name: its name.
    """
    for magic, found in _MAGIC:
        if head.startswith(magic):
            return found
    if head.startswith(b"PK\x03\x04"):
        return _in_zip(head)
    if head[4:7] == b"TFL":
        return OLD
    return _by_text(head, name) or _ENDINGS.get(Path(name).suffix.lower())


def _in_zip(head: bytes) -> Format:
    """Tell archives apart by the first file in them."""
    first = head[_LOCAL_FILE_NAME][: int.from_bytes(head[26:28], "little")].decode("utf-8", "replace")
    if first in ("metadata.json", "config.json", "model.weights.h5"):
        return KERAS
    if "data.pkl" in first or first.endswith("/byteorder"):
        return PYTORCH
    return NUMPY if first.endswith(".npy") else ZIP


def _by_text(head: bytes, name: str) -> Format | None:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start[:1] in (b"{", b"["):
        return JSON
    if start[:9].lower() in (b"<!doctype", b"<html") or start[:5].lower() == b"<html":
        return WEB_PAGE
    if _C_BYTES.search(head):
        return C_ARRAY
    return ENGINE if name.lower().endswith(_C_ENDINGS) and b"\0" not in head else None


def recognise_folder(folder: Path) -> Format | None:
    """Return what a folder is that holds no model of ours; None where it does not tell."""
    return FOLDER if (folder / SAVED_MODEL).is_file() else None
