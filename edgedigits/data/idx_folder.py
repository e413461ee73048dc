"""Finds pairs of IDX files in a folder by their names, and by how they begin where names do not tell."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edgedigits.data.contents import Contents, left_out
from edgedigits.data.digits import Digits
from edgedigits.data.geometry import Fitter
from edgedigits.data.idx import MAGIC_BYTES, dimensions_of, parse_pair
from edgedigits.data.reading import PACKED, listed, read_bytes, read_whole
from edgedigits.errors import DataError

KINDS = ("images-idx3-ubyte", "labels-idx1-ubyte")
PREFIXES = ("train", "t10k")
EMNIST = "emnist"
"""What the names of sets have in them that hold columns for rows."""

_NOUNS = {
    **dict.fromkeys(("images", "image", "x", "idx3"), "images"),
    **dict.fromkeys(("labels", "label", "y", "idx1", "idx2"), "labels"),
}
_EMNIST_DIGITS = f"{EMNIST}-digits"
_FORM = re.compile(r"idx\d?|ubyte|byte|int|gz|bz2|xz")
_PARTS = {"train": re.compile(r"train(ing)?"), "test": re.compile(r"t10k|test(ing)?(\d+k)?")}
# What is sure to be something else is not opened.
_OTHER_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".csv", ".csv.gz", ".txt", ".npz", ".npy", ".md", ".json", ".zip")


@dataclass(frozen=True)
class _IdxFile:
    """A file of a pair.

    Attributes:
        path: where it is.
        noun: "images" or "labels".
        part: "train", "test", or empty where the name does not tell.
        stem: what else is in the name, e.g. "emnist-digits".
    """

    path: Path
    noun: str
    part: str
    stem: str


def find_idx(folder: Path, prefix: str, kind: str) -> Path | None:
    """Return a file of `folder` such as train-images-idx3-ubyte; .idx3 and a .gz behind it are fine too."""
    dotted = kind.replace("-idx", ".idx")
    names = (f"{prefix}-{spelling}{suffix}" for spelling in (kind, dotted) for suffix in ("", ".gz"))
    return next((folder / name for name in names if (folder / name).is_file()), None)


def has_idx(folder: Path) -> bool:
    """Say whether `folder` holds any IDX file."""
    return next(_files(folder), None) is not None


def is_idx(path: Path) -> bool:
    """Say whether `path` is an IDX file, by its name or its first bytes."""
    return _recognised(path) is not None


def read_idx_folder(folder: Path, fit: Fitter | None = None) -> Contents:
    """Read the training set, the test set, or both, from a folder that has at least one file of them.

    Files belong together whose names differ in "images" and "labels" alone: those of MNIST, with any prefix and
    any case, as EMNIST's and QMNIST's. A pair that is called neither train nor test is all digits.

    Args:
        folder: where they are.
        fit: makes images of pictures of any size; None where they must be of 28×28.

    Raises:
        DataError: there are pairs of several sets; a file of a pair is missing, truncated, of another kind, or
            does not fit its partner, or is there twice with another content.
    """
    files, note = _without_letters(list(_files(folder)), folder)
    sets = {(file.stem, not file.part): file.path.name for file in files}
    if len(sets) > 1:
        names = ", ".join(sorted(sets.values())[:4])
        raise DataError(
            f"{folder} holds IDX files of {len(sets)} sets, such as {names}.",
            hint="Put those of one into a folder of their own.",
        )
    test = _read_pair([file for file in files if file.part == "test"], fit)
    train = _read_pair([file for file in files if file.part != "test"], fit)
    lying = any(EMNIST in file.stem for file in files)
    return Contents(train, test, folder.resolve().name, note, lying=lying)


def _without_letters(files: list[_IdxFile], folder: Path) -> tuple[list[_IdxFile], str]:
    """Return of all sets of EMNIST, which come in one archive, the digits alone, and the note on it."""
    stems = sorted({file.stem for file in files})
    others = [stem for stem in stems if stem != _EMNIST_DIGITS]
    if len(others) in (0, len(stems)) or not all(EMNIST in stem for stem in stems):
        return files, ""
    kept = [file for file in files if file.stem == _EMNIST_DIGITS]
    return kept, left_out(folder.resolve().name, others, "its digits are read")


def _files(folder: Path) -> Iterator[_IdxFile]:
    return (file for path in listed(folder) if path.is_file() and (file := _recognised(path)))


def _recognised(path: Path) -> _IdxFile | None:
    name = path.name.lower()
    if name.startswith(".") or name.endswith(_OTHER_ENDINGS):
        return None
    words = re.findall(r"[a-z0-9]+", name)
    noun = next((_NOUNS[word] for word in words if word in _NOUNS), "")
    if not noun or not any(word.startswith("idx") or word == "ubyte" for word in words):
        dimensions = _dimensions(path)
        if not dimensions:
            return None
        noun = noun or ("labels" if dimensions < 3 else "images")
    parts = [_part(word) for word in words]
    stem = [
        word for word, part in zip(words, parts, strict=True) if not (part or word in _NOUNS or _FORM.fullmatch(word))
    ]
    return _IdxFile(path, noun, next(filter(None, parts), ""), "-".join(stem))


def _part(word: str) -> str:
    return next((part for part, known in _PARTS.items() if known.fullmatch(word)), "")


def _dimensions(path: Path) -> int:
    try:
        return dimensions_of(read_bytes(path, MAGIC_BYTES))
    except DataError:
        return 0


def _read_pair(files: list[_IdxFile], fit: Fitter | None) -> Digits | None:
    if not files:
        return None
    # Of a file that is there packed and unpacked, the unpacked one.
    by_noun = {
        noun: sorted((file.path for file in files if file.noun == noun), key=lambda path: path.name)
        for noun in sorted({file.noun for file in files})
    }
    if len(by_noun) == 1:
        ((present, *_),) = by_noun.values()
        raise DataError(f"{present} has no partner {_partner(files[0])}.", hint="Images and labels are both needed.")
    for paths in by_noun.values():
        require_the_same(paths)
    images, labels = by_noun["images"][0], by_noun["labels"][0]
    return parse_pair(read_whole(images), read_whole(labels), str(images), str(labels), fit)


def require_the_same(paths: list[Path]) -> None:
    """Check that files which claim the same place hold the same, as one that is there packed and unpacked does.

    Raises:
        DataError: they do not.
    """
    if len(paths) < 2:
        return
    content = read_whole(paths[0])
    for other in paths[1:]:
        if read_whole(other) != content:
            raise DataError(
                f"{paths[0]} and {other.name} are files for the same place and hold something else each.",
                hint="Keep one of them, and put the other elsewhere.",
            )


def _partner(file: _IdxFile) -> str:
    """What the other file of a pair is usually called."""
    swaps = (("images", "labels"), ("image", "label"), ("idx3", "idx1"))
    name = PACKED.sub("", file.path.name)
    for images, labels in swaps:
        old, new = (images, labels) if file.noun == "images" else (labels, images)
        name = re.sub(old, new, name, flags=re.IGNORECASE)
    return name.replace("idx2-int", "idx3-ubyte")
