"""Where a trial finds its digits, wherever it runs: the source itself, the cache, or the study's scheduler.

A source is known by the digest of its digits, so that a worker never trains on others of the same name.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgedigits.config import READING, DataConfig
from edgedigits.data.contents import Contents
from edgedigits.data.load import read_source
from edgedigits.data.mnist import cache_folder
from edgedigits.data.named import NAMES
from edgedigits.data.npz import read_npz
from edgedigits.data.writing import replacing
from edgedigits.errors import DataError, EdgedigitsError
from edgedigits.files.paths import user_path
from edgedigits.progress import SILENT, Progress
from edgedigits.study.run.keys import data_digest


@dataclass(frozen=True)
class DataNeed:
    """What a trial needs: a source as a build reads it, and the digest that its digits must have."""

    source: str
    label_column: str
    invert: bool
    digest: str
    transpose: bool = False

    @property
    def reading(self) -> dict[str, Any]:
        """How the source is read, as `read_source` takes it by name."""
        return {name: getattr(self, name) for name in READING}

    def to_json(self) -> dict[str, Any]:
        """Return the same as JSON values; `DataNeed(**...)` takes them back."""
        return asdict(self)


class DigitsNotHereError(Exception):
    """The digits are neither at the source nor in the cache of this host."""


def describe(config: DataConfig, progress: Progress = SILENT) -> tuple[DataNeed, Contents]:
    """Read a source and return what a trial must know to find the same digits.

    Raises:
        DataError, ConfigError, ToolMissingError: the source cannot be read.
    """
    contents = read_source(config.source, progress=progress, **config.reading)
    source = config.source
    if source == "auto":
        source = contents.name
    elif source not in NAMES:
        # A name wins over a file of that name, as in `read_source`.
        source = str(user_path(source).resolve())
    return DataNeed(source, digest=data_digest(contents), **config.reading), contents


def find_digits(need: DataNeed) -> Contents:
    """Return the digits: from the source if they are the right ones there, else from the cache.

    Raises:
        DigitsNotHereError: they are at neither place; the message says what was there.
    """
    seen = []
    try:
        contents = read_source(need.source, **need.reading)
        if data_digest(contents) == need.digest:
            return contents
        seen.append(f"{need.source} holds other digits than the study was started with")
    except EdgedigitsError as error:
        # Of any kind: a library that reads the source may be missing on this host, and the digits in its cache.
        seen.append(str(error).rstrip("."))
    cached = cache_file(need.digest)
    if cached.is_file():
        if (kept := _from_cache(cached, need)) is not None:
            return kept
        seen.append(f"{cached} is damaged")
    raise DigitsNotHereError("; ".join(seen) + f" (digest {need.digest[:12]}…)")


def _from_cache(path: Path, need: DataNeed) -> Contents | None:
    """Return the digits of a file of the cache; None where it is damaged."""
    try:
        contents = _named(read_npz(path), need)
    except DataError:
        return None
    return contents if data_digest(contents) == need.digest else None


def cache_file(digest: str) -> Path:
    """Return where digits of that digest are kept on this host."""
    return cache_folder().parent / "study" / f"{digest}.npz"


def keep(contents: Contents, digest: str) -> None:
    """Put digits into the cache of this host; whole or not at all."""
    path = cache_file(digest)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path, force=True) as partial:
        np.savez(partial, **as_arrays(contents))  # type: ignore[arg-type]


def as_arrays(contents: Contents) -> dict[str, np.ndarray[Any, Any]]:
    """Return the digits as arrays, under the names of Keras's mnist.npz."""
    pairs = (("train", contents.train), ("test", contents.test))
    return {
        f"{letter}_{name}": array
        for name, part in pairs
        if part is not None
        for letter, array in (("x", part.images.reshape(-1, 28, 28)), ("y", part.labels))
    }


def from_arrays(arrays: dict[str, np.ndarray[Any, Any]], need: DataNeed) -> Contents:
    """Return digits from such arrays.

    Raises:
        DataError: they are not those of `need`.
    """
    from edgedigits.data.digits import Digits

    train, test = (
        Digits(np.array(arrays[f"x_{name}"]).reshape(-1, 784), np.array(arrays[f"y_{name}"]))
        if f"x_{name}" in arrays
        else None
        for name in ("train", "test")
    )
    contents = _named(Contents(train, test, need.source), need)
    if data_digest(contents) != need.digest:
        raise DataError("The scheduler holds other digits than the study needs.", hint="Restart the study.")
    return contents


def _named(contents: Contents, need: DataNeed) -> Contents:
    return Contents(contents.train, contents.test, Path(need.source).name or need.source)
