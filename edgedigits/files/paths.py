"""What users mean by the paths they write."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from edgedigits.errors import ConfigError

_NO_NAME = {errno.ENAMETOOLONG: "is too long for a path", errno.ELOOP: "is a link that leads to itself"}
_SHOWN = 60


def user_path(written: str | Path) -> Path:
    """Return the path that somebody wrote, with ~ and ~name as the home of a user.

    Raises:
        ConfigError: no file can be called so: there is no such user, or the name is too long or holds what none can.
    """
    path = Path(written)
    try:
        # As it is written: a Path has forgotten the dot of ./~name, which is a file.
        path = path.expanduser() if str(written).startswith("~") else path
        os.lstat(path)
    except RuntimeError:
        raise _no_path(written, "names a user that this machine does not have") from None
    except ValueError:
        raise _no_path(written, "holds a character that no path can have") from None
    except OSError as error:
        if error.errno in _NO_NAME:
            raise _no_path(written, _NO_NAME[error.errno]) from None
    return path


def _no_path(written: str | Path, reason: str) -> ConfigError:
    text = str(written)
    if len(text) > _SHOWN:
        text = f"{text[:_SHOWN]}…"
    hint = f"For a file of that name write ./{text}." if text.startswith("~") else "Write another."
    return ConfigError(f"'{text}' {reason}.", hint=hint)


def link_target(path: Path) -> Path:
    """Return what a link leads to, be it there or not; any other path as it is.

    Raises:
        OSError: the path cannot be looked at.
    """
    return Path(os.path.realpath(path)) if path.is_symlink() else path
