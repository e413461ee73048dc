"""Recognises files that are no source by how they begin, and says to their owner what would be one.

Nothing is read here but the first bytes of a file and its name.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from pathlib import Path

from edgedigits.data.reading import listed
from edgedigits.errors import shown

OTHER_PICTURES = (".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".pbm", ".ppm", ".heic", ".avif")
PICTURES = (".png", *OTHER_PICTURES)

HEAD_BYTES = 4096
"""How much of a file is worth to look at."""

_SHEET = "save its sheet as CSV with commas"
_NUMPY = "numpy.savez(file, x=images, y=labels)"

# By the first bytes. The longer of two that begin alike comes first.
_MAGIC = (
    (b"\x1f\x8b", "This is packed twice: unpack it once."),
    (b"\x89PNG", "This is a PNG picture: put digits into folders 0 to 9 and give the folder above them."),
    (b"\xff\xd8\xff", "This is a JPEG picture: put digits into folders 0 to 9 and give the folder above, with --fit."),
    (b"GIF8", "This is a GIF picture: put digits into folders 0 to 9 and give the folder above, with --fit."),
    (b"\x93NUMPY", f"This is a .npy array: save images and labels together with {_NUMPY}."),
    (b"\x89HDF\r\n\x1a\n", f"This is an HDF5 file (.h5, .hdf5, a newer .mat): read it with h5py and write {_NUMPY}."),
    (b"MATLAB 5.0 MAT-file", f"This is a MATLAB file: read it with scipy.io.loadmat and write {_NUMPY}."),
    (b"PAR1", "This is a Parquet file: write it as CSV, pandas.read_parquet(file).to_csv('digits.csv', index=False)."),
    (b"ARROW1", "This is an Arrow file: write it as CSV, pandas.read_feather(file).to_csv('digits.csv', index=False)."),
    (b"SQLite format 3", "This is a SQLite database: export its table as CSV."),
    (b"\xd0\xcf\x11\xe0", f"This is an old Excel workbook: {_SHEET}."),
    (b"BZh", "This is a bzip2 archive: unpack it, or pack it with gzip."),
    (b"\xfd7zXZ", "This is an xz archive: unpack it, or pack it with gzip."),
    (b"\x28\xb5\x2f\xfd", "This is a Zstandard archive: unpack it, or pack it with gzip."),
    (b"7z\xbc\xaf", "This is a 7-Zip archive: unpack it and give the file inside."),
    (b"Rar!", "This is a RAR archive: unpack it and give the file inside."),
    (b"%PDF", "This is a PDF document."),
    (b"version https://git-lfs", "This is a Git LFS pointer: run `git lfs pull` to get the file."),
    (b"\xff\xfe\0\0", "This looks like UTF-32: save it as UTF-8."),
    (b"\xff\xfe", "This looks like UTF-16, as some spreadsheets write it: save it as UTF-8."),
    (b"\xfe\xff", "This looks like UTF-16, as some spreadsheets write it: save it as UTF-8."),
)
# By the name of a zip archive's first member.
_ZIPPED = (
    (
        r"\[Content_Types\]\.xml|_rels/.*|docProps/.*|xl/.*",
        f"This is an Excel workbook: {_SHEET}.",
    ),
    (r"mimetype", f"This is a document of LibreOffice: {_SHEET}."),
    (r".*\.npy", "This is a NumPy archive: give it a name that ends with .npz."),
    (r".*data\.pkl|.*\.data/.*", f"This is a PyTorch file: write its tensors with {_NUMPY}."),
)
_ZIP_HINT = "This is a zip archive, as Kaggle hands out: unzip it and give the file inside."
_PICKLE = re.compile(rb"\x80[\x02-\x05]")
_SPARSE = re.compile(rb"\s*[-+.\d]+(\s+\d+:[-+.\deE]+)+")
_ARFF = re.compile(rb"(%[^\n]*\n|\s)*@relation", re.IGNORECASE)
# zero, digit_3, class-4, 05, n7: folders that somebody named after digits.
_CLASS_FOLDER = re.compile(
    r"(digit|class|label|num|number|sample|img|n)?[ _.-]?0*\d|zero|one|two|three|four|five|six|seven|eight|nine",
    re.IGNORECASE,
)
_TAR_MAGIC = slice(257, 262)


def impostor_hint(head: bytes, name: str = "") -> str:
    """Return what a file really is and what to do about it; empty where unknown.

    Args:
        head: its first bytes, up to `HEAD_BYTES`.
        name: its name, for the few kinds that do not begin in a way of their own.
    """
    if head and not head.strip(b"\0"):
        return "It begins with nothing but zero bytes, as files do that a crash or a full disk emptied: copy it again."
    if head.startswith(b"PK"):
        return _zip_hint(head)
    known = next((hint for magic, hint in _MAGIC if head.startswith(magic)), "")
    if known:
        return known
    if head[4:8] == b"TFL3":
        return "This is a .tflite model, not digits."
    if head[_TAR_MAGIC] == b"ustar":
        return "This is a tar archive: unpack it and give the file or folder inside."
    if _PICKLE.match(head) or name.lower().endswith((".pkl", ".pickle")):
        return f"This is a pickle, which is never opened, since it can run programs: write {_NUMPY}."
    if name.lower().endswith((".tfrecord", ".tfrecords")):
        return f"This is a TFRecord file: read it with tf.data.TFRecordDataset and write {_NUMPY}."
    return _text_hint(head)


def _zip_hint(head: bytes) -> str:
    # A member's name stands behind the 30 bytes of its header, which hold the name's length.
    member = head[30 : 30 + int.from_bytes(head[26:28], "little")].decode("utf-8", "replace")
    return next((hint for pattern, hint in _ZIPPED if re.fullmatch(pattern, member)), _ZIP_HINT)


def _text_hint(head: bytes) -> str:
    if b"\0" in head[:64] and set(head[1:64:2]) == {0}:
        return "This looks like UTF-16, as some spreadsheets write it: save it as UTF-8."
    if _ARFF.match(head):
        return "This is an ARFF file of Weka: save it as CSV, or read it with scipy.io.arff and write one."
    if _SPARSE.match(head):
        return f"This is LIBSVM's sparse form: read it with sklearn.datasets.load_svmlight_file and write {_NUMPY}."
    start = head.removeprefix(BOM_UTF8).lstrip()
    if start[:9].lower() == b"<!doctype" or start[:5].lower() == b"<html":
        return "This is a web page, perhaps a failed download."
    if start[:1] in (b"{", b"["):
        return "This is JSON: write its digits as CSV, a label and 784 pixels a line."
    return ""


def folder_hint(folder: Path) -> str:
    """Return what a folder seems to hold and what would make it a source; empty where it holds nothing known."""
    inside = listed(folder)
    names = {path.name for path in inside}
    if "saved_model.pb" in names:
        return "This is a SavedModel of TensorFlow, which is a model, not digits."
    if "model.tflite" in names:
        return "This is a build, which is a model, not digits."
    classes = [path.name for path in inside if path.is_dir() and _CLASS_FOLDER.fullmatch(path.name)]
    if len(classes) > 1:
        return f"Name the folders of the classes 0 to 9: here they are {', '.join(map(shown, classes[:3]))} …"
    pictures = [path.name for path in inside if path.suffix.lower() in PICTURES]
    if not pictures:
        return ""
    kind = "" if all(name.lower().endswith(".png") for name in pictures) else ", and read them with --fit"
    has_digits = any(re.search(r"\d", name) for name in pictures)
    named = " Labels in names are read where each has one by itself in the same place: 7_001.png." if has_digits else ""
    return (
        f"The pictures in {folder.name} ({shown(pictures[0])} …) need folders that say what they show: sort them into "
        f"0 to 9{kind}.{named}"
    )
