"""Keeps what was measured of an engine under a digest of all that shapes it: what did not change is not compiled again.

A file for each core and each board, beside what zig keeps. One that is damaged, or cannot be written, is as none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from edgedigits.devices.stub import Engine, firmware_stub
from edgedigits.devices.toolchain import Toolchain, zig_cache
from edgedigits.errors import DataError
from edgedigits.files.scratch import partial_folder
from edgedigits.files.typed import make, read_json, to_values
from edgedigits.files.writing import write_json

T = TypeVar("T")
FOLDER = "needs"
"""In zig's cache."""


def digest_of(engine: Engine, toolchain: Toolchain) -> str:
    """Return the SHA-256 of what shapes every figure: engine, sources of firmware, compiler, and this code."""
    digest = hashlib.sha256(repr((engine.facts, toolchain)).encode())
    for file in _shaping(engine):
        content = file.read_bytes()
        digest.update(f"{file.name} {len(content)} ".encode("utf-8", "surrogateescape") + content)
    return digest.hexdigest()


def _shaping(engine: Engine) -> Iterator[Path]:
    yield from (*engine.sources, engine.self_test)
    for found in (engine.folder.glob("*.h"), firmware_stub().rglob("*"), Path(__file__).parent.glob("*.py")):
        yield from sorted(path for path in found if path.is_file())


def remembered(digest: str, place: object, kind: type[T], measure: Callable[[], T], lasting: Callable[[T], bool]) -> T:
    """Return what was measured before under this digest, else what `measure` returns.

    Args:
        digest: as `digest_of` returns it.
        place: what it is measured on: an entry of the catalogue, and what else tells one figure from another.
        kind: the dataclass that `measure` returns.
        measure: measures it.
        lasting: whether a figure is worth keeping; one that a missing tool made an estimate is not.
    """
    name = hashlib.sha256(f"{digest} {kind.__name__} {place!r}".encode()).hexdigest()
    with suppress(OSError, DataError):
        file = _file(name)
        return make(read_json(file, ""), kind, str(file), "")
    found = measure()
    if lasting(found):
        with suppress(OSError, DataError):
            _keep(_file(name), found)
    return found


def _file(name: str) -> Path:
    return zig_cache() / FOLDER / f"{name}.json"


def _keep(file: Path, found: object) -> None:
    # Written beside and renamed: two processes may come here at the same time.
    file.parent.mkdir(exist_ok=True)
    with partial_folder(file.parent, file.name) as folder:
        write_json(folder / file.name, to_values(found))
        (folder / file.name).replace(file)
