"""A build's folder: written whole or not at all, and its manifest."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from edgedigits.errors import DataError
from edgedigits.version import __version__

MANIFEST = "manifest.json"
MANIFEST_SCHEMA = 1
BUILD, ENGINE = "build", "engine"
"""Kinds of folder: of a training with all it made, and of an engine compiled from a finished model."""
LIBRARIES = (
    "tensorflow",
    "tf-keras",
    "tensorflow-model-optimization",
    "ai-edge-litert",
    "tflite-micro",
    "numpy",
    "scipy",
    "matplotlib",
)


@contextmanager
def new_folder(folder: Path, *, force: bool, kind: str = BUILD) -> Iterator[Path]:
    """Yield an empty temporary sibling of `folder`; it takes the name `folder` only if all went well.

    Args:
        folder: where the build shall be.
        force: replace a folder of the same kind; anything else that is there is never replaced.
        kind: BUILD or ENGINE, as the manifest will say.

    Raises:
        DataError: the place is taken or cannot be written, before any work is done; or the disk is full later.
    """
    _refuse_taken(folder, kind, force=force)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
        partial.chmod(0o755)
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        yield partial
        _put_in_place(partial, folder)
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _refuse_taken(folder: Path, kind: str, *, force: bool) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise DataError(f"{folder} is a file, expected a folder to write.", hint="Choose another --out.")
    if not any(folder.iterdir()):
        return
    if not (folder / MANIFEST).is_file():
        raise DataError(f"{folder} exists and is not a build of edgedigits.", hint="Choose another --out.")
    there = _kind(folder)
    if there != kind:
        raise DataError(f"{folder} holds a {there}, which no {kind} replaces.", hint="Choose another --out.")
    if not force:
        raise DataError(f"{folder} exists already.", hint="Choose another --out, or overwrite it with --force.")


def _kind(folder: Path) -> str:
    try:
        return str(json.loads((folder / MANIFEST).read_text(encoding="utf-8")).get("kind", BUILD))
    except (ValueError, AttributeError):
        return BUILD


def _put_in_place(partial: Path, folder: Path) -> None:
    if not folder.exists():
        partial.rename(folder)
        return
    # The old build is moved aside first, so that there is never a moment with a mixture of the two.
    aside = partial.with_suffix(".old")
    folder.rename(aside)
    try:
        partial.rename(folder)
    except OSError:
        aside.rename(folder)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _unwritable(folder: Path, error: OSError) -> DataError:
    place = str(error.filename or folder)
    # The name of the temporary sibling tells nobody anything.
    shown = "" if f".{folder.name}." in place else f" ({place})"
    return DataError(
        f"{folder} cannot be written: {error.strerror or error}{shown}.",
        hint="Choose another --out, or make room and permissions there.",
    )


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 with LF line ends on every platform."""
    path.write_bytes(text.encode("utf-8"))


def write_json(path: Path, facts: dict[str, Any]) -> None:
    """Write facts as indented JSON; NaN is refused, since JSON has none."""
    write_text(path, json.dumps(facts, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def library_versions() -> dict[str, str]:
    """Return the versions of the libraries that shape a build; those not installed are left out."""
    found = {"edgedigits": __version__}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def write_manifest(folder: Path, config: dict[str, Any], data: dict[str, Any], kind: str = BUILD) -> None:
    """Write manifest.json: choices, data set, versions, and the digest of every file in `folder`.

    Args:
        folder: all other files are there already.
        config: the resolved choices; `edgedigits build --config manifest.json` takes them back.
        data: source, digest and split sizes.
        kind: BUILD or ENGINE.

    The time of the build is in it only where SOURCE_DATE_EPOCH gives one, so that a build repeats byte for byte.
    """
    files = {
        path.relative_to(folder).as_posix(): {
            "bytes": path.stat().st_size,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    facts: dict[str, Any] = {"schema": MANIFEST_SCHEMA, "kind": kind, "tool": f"edgedigits {__version__}"}
    if os.environ.get("SOURCE_DATE_EPOCH", "").isdecimal():
        facts["source_date_epoch"] = int(os.environ["SOURCE_DATE_EPOCH"])
    facts |= {"config": config, "data": data, "versions": library_versions(), "files": files}
    write_json(folder / MANIFEST, facts)
