"""What makes two trials the same: their choices, their data, and the code that runs them."""

from __future__ import annotations

import ast
import hashlib
import json
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from edgedigits.data.contents import Contents
from edgedigits.devices.stub import firmware_stub
from edgedigits.errors import DataError
from edgedigits.extensions import all_modules
from edgedigits.version import __version__

_PACKAGE = Path(__file__).parents[2]
_SHAPES_NO_FIGURE = (
    "cli",
    "report",
    "files",
    "study",
    "__main__.py",
    "api.py",
    "artifacts.py",
    "build_folder.py",
    "config_file.py",
    "printable.py",
    "progress.py",
    "version.py",
)
"""What lies between a user and the figures, as does a room's own folder `report`; every other file counts, and a new
one does by itself."""
_SHAPES_IN_STUDY = ("study/run/figures.py", "study/run/build_trial.py")
_SHAPING_STUB = ("src/memory.c", "harness/function.ld")
"""What is linked to an engine whose instructions and flash are counted."""
_ENDINGS = (".py", ".j2", ".toml", ".c")
_LIBRARIES = ("tensorflow", "tf-keras", "tensorflow-model-optimization", "ai-edge-litert", "numpy", "ziglang")


@lru_cache
def code_version() -> str:
    """Return the version of the package, and a digest of sources, the user's too, and libraries that shape figures."""
    content = hashlib.sha256()
    for file in _sources():
        content.update(file.relative_to(_PACKAGE).as_posix().encode() + _meaning(file))
    for own in all_modules():
        content.update(own.name.encode() + _meaning(own.path))
    with suppress(DataError):
        stub = firmware_stub()
        for name in _SHAPING_STUB:
            content.update((stub / name).read_bytes())
    for library in _LIBRARIES:
        content.update(f"{library} {_version(library)}\n".encode())
    return f"{__version__}+{content.hexdigest()[:8]}"


def _sources() -> list[Path]:
    """Return the files of the package that shape a figure."""
    files = sorted(file for file in _PACKAGE.rglob("*") if file.suffix in _ENDINGS)
    return [file for file in files if _counts(file.relative_to(_PACKAGE).as_posix())]


def _counts(place: str) -> bool:
    room, *parts = place.split("/")
    return place in _SHAPES_IN_STUDY or not (room in _SHAPES_NO_FIGURE or "report" in parts)


def _meaning(file: Path) -> bytes:
    """Return what a file does: of Python its syntax tree, in which there are no comments, and here no docstrings."""
    content = file.read_bytes()
    if file.suffix != ".py":
        return content
    tree = ast.parse(content)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            del node.body[: ast.get_docstring(node, clean=False) is not None]
    return ast.dump(tree).encode()


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "none"


def data_digest(contents: Contents) -> str:
    """Return the SHA-256, in hexadecimal, of all digits of a source, its training and test sets told apart."""
    parts = [part.digest if part is not None else "none" for part in (contents.train, contents.test)]
    return hashlib.sha256("/".join(parts).encode()).hexdigest()


def trial_key(identity: dict[str, Any], digest: str) -> str:
    """Return the key of a trial: 16 hexadecimal digits over its choices, its data and the code."""
    whole = json.dumps([identity, digest, code_version()], sort_keys=True, allow_nan=False)
    return hashlib.sha256(whole.encode()).hexdigest()[:16]
