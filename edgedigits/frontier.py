"""The models that come with the toolkit: the most accurate dense networks it has made for so many bytes.

They are builds without their pictures and digests of digits, each made again by `edgedigits build --config` and its
manifest.
"""

from __future__ import annotations

from pathlib import Path

from edgedigits.errors import ConfigError, nearest, shown
from edgedigits.files.paths import user_path
from edgedigits.options import budget

MANIFEST = "manifest.json"
"""As `build_folder` has it, which imports NumPy."""
PREFIX = "frontier-"
"""Of the names that users write; the rest is the folder's."""

_PACKAGE = Path(__file__).parent


def frontier() -> dict[str, Path]:
    """Return the folders by the names that users write, the smallest budget first."""
    for place in (_PACKAGE / "frontier_models", _PACKAGE.parent / "deploy" / "frontier"):
        folders = [manifest.parent for manifest in place.glob(f"*/{MANIFEST}")]
        if folders:
            folders.sort(key=lambda folder: (len(folder.name), folder.name))
            return {PREFIX + folder.name: folder for folder in folders}
    return {}


def build_path(written: str | Path) -> Path:
    """Return the path that somebody wrote for a build or its model; the folder of a model of the frontier by its name.

    Raises:
        ConfigError: no file can be called so, or it begins as those names do and is none.
    """
    path = user_path(written)
    return model_folder(str(written)) if str(written).startswith(PREFIX) and not path.exists() else path


def model_folder(name: str) -> Path:
    """Return the folder of a build: a path, or the name of a model of the frontier.

    Raises:
        ConfigError: neither is there.
    """
    known = frontier()
    if (exact := _in_bytes(name)) in known:
        return known[exact]
    folder = user_path(name)
    if not (folder / MANIFEST).is_file():
        other = "Give a build's folder, or a name that `edgedigits models` lists."
        hint = nearest(name, known) if name.startswith(PREFIX) and known else other
        raise ConfigError(f"{shown(name)} is no build, and no model that comes with edgedigits.", hint=hint)
    return folder


def _in_bytes(name: str) -> str:
    """Return a name whose budget is written as those of a build are, such as frontier-8k, with its bytes."""
    try:
        return f"{PREFIX}{budget(name.removeprefix(PREFIX))}" if name.startswith(PREFIX) else name
    except ValueError:
        return name
