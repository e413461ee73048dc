"""A disk that is full from some write on, without a disk."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest


def fill_disk(patched: pytest.MonkeyPatch, room: int) -> None:
    """Let the next `room` writes of a whole file by `Path` be the last that succeed."""
    write, left = Path.write_bytes, [room]

    def write_bytes(self: Path, content: Any) -> int:
        left[0] -= 1
        if left[0] >= 0:
            return write(self, content)
        # As the system does: the name is there, and what fitted.
        write(self, content[: len(content) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self))

    patched.setattr(Path, "write_bytes", write_bytes)
