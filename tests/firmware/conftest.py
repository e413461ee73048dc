"""The emulator, for tests of firmware."""

from __future__ import annotations

import shutil

import pytest


@pytest.fixture
def qemu() -> None:
    """Skip where QEMU is absent."""
    if shutil.which("qemu-system-arm") is None:
        pytest.skip("qemu-system-arm is not installed")
