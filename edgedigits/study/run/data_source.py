"""Where a trial finds its digits, wherever it runs: the source itself, the cache, or the study's scheduler.

A source is known by the digest of its digits, so that a worker never trains on others of the same name.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgedigits.config import DataConfig
from edgedigits.data.contents import Contents, Part
from edgedigits.data.load import read_source
from edgedigits.data.mixture import ingredients_of, written
from edgedigits.data.mnist import cache_folder
from edgedigits.data.npz import read_npz
from edgedigits.data.shape import IMAGE_SIDE
from edgedigits.data.writing import replacing
from edgedigits.errors import DataError, EdgedigitsError
from edgedigits.options import JOINT
from edgedigits.progress import SILENT, Progress
from edgedigits.sections import READING
from edgedigits.study.run.keys import data_digest


@dataclass(frozen=True)
class DataNeed:
    """What a trial needs: a source as a build reads it, the digest that its digits must have, and its parts if several.

    These are as JSON has `contents.Part`.
    """

    source: str
    label_column: str
    invert: bool
    digest: str
    transpose: bool = False
    fit: bool = False
    parts: Sequence[dict[str, Any]] = ()

    @property
    def reading(self) -> dict[str, Any]:
        """How the source is read, as `read_source` takes it by name."""
        return {name: getattr(self, name) for name in READING}


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
    else:
        # From anywhere; a name wins over a file of that name, as in `read_source`.
        source = written([replace(one, source=one.key) for one in ingredients_of(source)])
    parts = tuple(asdict(part) for part in contents.parts)
    return DataNeed(source, digest=data_digest(contents), **config.reading, parts=parts), contents


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
        with suppress(DataError):
            kept = read_npz(cached)
            if data_digest(kept) == need.digest:
                parts = tuple(Part(**one) for one in need.parts)
                name = JOINT.join(part.name for part in parts) or Path(need.source).name or need.source
                return Contents(kept.train, kept.test, name, parts=parts)
        seen.append(f"{cached} is damaged")
    raise DigitsNotHereError("; ".join(seen) + f" (digest {need.digest[:12]}…)")


def cache_file(digest: str) -> Path:
    """Return where digits of that digest are kept on this host."""
    return cache_folder().parent / "study" / f"{digest}.npz"


def archive(contents: Contents) -> bytes:
    """Return the digits as a compressed .npz, under the names of Keras's mnist.npz."""
    content, parts = io.BytesIO(), {"train": contents.train, "test": contents.test}
    arrays: dict[str, Any] = {}
    for name, part in parts.items():
        if part is not None:
            arrays |= {f"x_{name}": part.images.reshape(-1, IMAGE_SIDE, IMAGE_SIDE), f"y_{name}": part.labels}
    np.savez_compressed(content, **arrays)
    return content.getvalue()


def keep(content: bytes, digest: str) -> None:
    """Put an archive of digits into the cache of this host; whole or not at all."""
    path = cache_file(digest)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path, force=True) as partial:
        partial.write_bytes(content)
