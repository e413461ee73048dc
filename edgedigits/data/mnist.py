"""The canonical MNIST: where its four files may be, and the proof that they are the right ones."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from edgedigits.data.contents import Contents
from edgedigits.data.download import Pin, Servers, download
from edgedigits.data.idx import parse_pair
from edgedigits.data.idx_folder import KINDS, PREFIXES, find_idx
from edgedigits.data.reading import is_folder, read_bytes
from edgedigits.errors import AbsentDataError, DataError
from edgedigits.files.paths import user_path
from edgedigits.progress import SILENT, Progress

ENVIRONMENT = "EDGEDIGITS_DATA"

PINS = {
    ("train", KINDS[0]): Pin(47_040_016, "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
    ("train", KINDS[1]): Pin(60_008, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
    ("t10k", KINDS[0]): Pin(7_840_016, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
    ("t10k", KINDS[1]): Pin(10_008, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
}

TEST_DIGEST = "c3f9adf9c66efb572b1f9326c3a511b45910c7173b97be66ceceeeeaef6b802b"
"""`Digits.digest` of the test set."""

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://sagemaker-sample-files.s3.amazonaws.com/datasets/image/MNIST/",
)
PATIENT = Servers(MIRRORS, answer_seconds=15, read_seconds=30, budget_seconds=900)
BRIEF = Servers(MIRRORS, answer_seconds=3, read_seconds=5, budget_seconds=15)


def read_mnist(progress: Progress = SILENT, *, servers: Servers | None = None) -> Contents:
    """Read the 60,000 training and 10,000 test digits.

    They are taken from the cache, else from the folder that EDGEDIGITS_DATA names (or its mnist/), else
    downloaded into the cache. Wherever they come from, their SHA-256 is checked.

    Args:
        progress: gets a bar for every file that is downloaded.
        servers: mirrors and time limits; `PATIENT` by default.

    Raises:
        DataError: EDGEDIGITS_DATA is set but names no folder with the four files, no mirror answered, or a
            file is not the canonical one.
    """
    folder = find_mnist()
    if folder is None:
        folder = cache_folder()
        _fetch_missing(folder, servers or PATIENT, progress)
    train, test = (
        parse_pair(_canonical(folder, prefix, KINDS[0]), _canonical(folder, prefix, KINDS[1]), prefix, prefix)
        for prefix in PREFIXES
    )
    return Contents(train, test, "mnist")


def cache_folder() -> Path:
    """Return where downloaded MNIST files are kept: below $XDG_CACHE_HOME, else ~/.cache."""
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # The XDG rule: a relative path is to be ignored.
    try:
        return (base if base.is_absolute() else Path.home() / ".cache") / "edgedigits" / "mnist"
    except RuntimeError:
        what = "There is no home folder, and so no cache."
        raise AbsentDataError(what, hint="Set XDG_CACHE_HOME to a folder.") from None


def find_mnist() -> Path | None:
    """Return a folder on this machine that holds the four files, or None.

    Raises:
        AbsentDataError: the cache does not hold them, and EDGEDIGITS_DATA is set but does not lead to them either.
    """
    with contextlib.suppress(DataError):
        if not _missing(cache_folder()):
            return cache_folder()
    written = os.environ.get(ENVIRONMENT, "")
    if not written:
        return None
    named = user_path(written)
    for folder in (named, named / "mnist"):
        if not _missing(folder):
            return folder
    prefix, kind = _missing(named / "mnist")[0]
    absent = f"neither this folder nor mnist in it holds {prefix}-{kind}"
    raise AbsentDataError(
        f"{ENVIRONMENT} is {written}, but {absent if is_folder(named) else 'there is no such folder'}.",
        hint=f"Unset {ENVIRONMENT} to download MNIST, or name the folder that holds its four files.",
    )


def _missing(folder: Path) -> list[tuple[str, str]]:
    try:
        return [(prefix, kind) for prefix, kind in PINS if find_idx(folder, prefix, kind) is None]
    except OSError:  # A folder that cannot be looked into, such as the home of another user.
        return list(PINS)


def _fetch_missing(folder: Path, servers: Servers, progress: Progress) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AbsentDataError(
            f"The cache folder {folder} cannot be made: {error.strerror}.",
            hint="Set XDG_CACHE_HOME to another place.",
        ) from None
    deadline = servers.deadline()
    # The small files come last, so that a network that is too slow is noticed early.
    for prefix, kind in _missing(folder):
        name = f"{prefix}-{kind}.gz"
        pin = PINS[prefix, kind]
        download(name, folder / name, pin=pin, servers=servers, deadline=deadline, progress=progress)


def _canonical(folder: Path, prefix: str, kind: str) -> bytes:
    path = find_idx(folder, prefix, kind)
    if path is None:
        raise DataError(f"{folder / f'{prefix}-{kind}'} has vanished.")
    pin = PINS[prefix, kind]
    # One byte more than expected is enough to see that it is too long.
    content = read_bytes(path, pin.size + 1)
    if not pin.matches(content):
        raise DataError(
            f"{path} is not the canonical MNIST file: its SHA-256 differs.",
            hint="Delete it to fetch it again; to use other digits, give their folder as the source.",
        )
    return content
