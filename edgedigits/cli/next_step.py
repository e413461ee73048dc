"""What to type next, as a verb prints it in the end."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from edgedigits.extras import install_command, is_installed


def simulate_command(folder: Path, cores: Sequence[str] = ()) -> str:
    """Return the command that simulates an engine, behind the one that installs what it needs and is not there.

    Args:
        folder: where the engine is.
        cores: that it was packed for, of which the first is simulated.
    """
    command = f"edgedigits simulate {quoted(folder)}" + "".join(f" --core {core}" for core in cores[:1])
    return command if is_installed("mcu") else f"{install_command('mcu')} && {command}"


def quoted(path: Path) -> str:
    """Return a path as it is typed: neither the shell nor this program takes it for anything else."""
    text = str(path)
    text = f"./{text}" if text.startswith(("~", "-")) else text
    return shlex.quote(text) if text.isprintable() else f"$'{''.join(map(_escaped, text))}'"


def _escaped(character: str) -> str:
    """Return what stands for a character within $'…', where no terminal and no page may show some as they are."""
    if character in "\\'":
        return f"\\{character}"
    return character if character.isprintable() else "".join(f"\\x{byte:02x}" for byte in os.fsencode(character))
