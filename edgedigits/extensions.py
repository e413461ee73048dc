"""Files that a user keeps outside the package: EDGEDIGITS_EXTENSIONS names folders that are laid out as it is."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgedigits.errors import ConfigError, DataError, shown
from edgedigits.files.paths import user_path

ENVIRONMENT = "EDGEDIGITS_EXTENSIONS"
_PACKAGE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Extension:
    """A file of a user.

    Attributes:
        name: what it is called in its folder, such as "losses/mine.py".
        path: of it.
        sha256: of its bytes when it was found, in hexadecimal.
    """

    name: str
    path: Path
    sha256: str


def extension_folders() -> list[Path]:
    """Return the folders that EDGEDIGITS_EXTENSIONS names, those of several apart as in PATH.

    Raises:
        ConfigError: one of them is not there.
    """
    written = filter(None, os.environ.get(ENVIRONMENT, "").split(os.pathsep))
    folders = list(dict.fromkeys(user_path(name).absolute() for name in written))
    for folder in folders:
        if not folder.is_dir():
            raise ConfigError(
                f"{ENVIRONMENT} names {folder}, which is no folder.", hint=f"Make it, or unset {ENVIRONMENT}."
            )
    return folders


def extensions(room: str, ending: str) -> list[Extension]:
    """Return the files of a room, such as "losses", that end in such as ".py".

    Raises:
        ConfigError: as `extension_folders`.
        OSError: one cannot be read.
    """
    files = (file for folder in extension_folders() for file in sorted((folder / room).glob(f"*{ending}")))
    return [
        Extension(f"{room}/{file.name}", file, hashlib.sha256(file.read_bytes()).hexdigest())
        for file in files
        if file.stem != "__init__"
    ]


def all_modules() -> list[Extension]:
    """Return every file of Python in rooms that the package has too; raises ConfigError as `extension_folders`."""
    rooms = sorted(path.name for path in _PACKAGE.iterdir() if path.is_dir())
    return [file for room in rooms for file in extensions(room, ".py")]


def refuse_absent(names: Any, where: Path) -> None:
    """Check that the files that shaped a build are here.

    Args:
        names: of these, as its manifest has them.
        where: the manifest, for the message.

    Raises:
        DataError: one lies in none of the folders.
        ConfigError: as `extension_folders`.
    """
    here = {file.name for file in all_modules()}
    for name in names if isinstance(names, dict) else ():
        if name not in here:
            raise DataError(
                f"{where}: {shown(name)} shaped this build, and lies in no folder that {ENVIRONMENT} names.",
                hint=f"Set {ENVIRONMENT} to the folder that holds it.",
            )
