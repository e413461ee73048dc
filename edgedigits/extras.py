"""The optional parts of the package: what each needs, and how it is installed."""

from __future__ import annotations

from importlib.util import find_spec

_PACKAGES = {
    "mcu": ("ziglang", "unicorn", "capstone", "elftools"),
    "tensorboard": ("tensorboard",),
    "study": ("distributed", "psutil"),
}


def is_installed(extra: str) -> bool:
    """Say whether all that an extra consists of can be imported; imports nothing."""
    return all(find_spec(name) is not None for name in _PACKAGES[extra])


def install_command(extra: str) -> str:
    """Return the command that brings an extra."""
    return f"pip install 'edgedigits[{extra}]'"
