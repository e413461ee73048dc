"""What to type next, as a verb prints it in the end."""

from __future__ import annotations

import shlex
from pathlib import Path

from edgedigits.extras import install_command, is_installed


def simulate_command(folder: Path) -> str:
    """Return the command that simulates an engine, behind the one that installs what it needs and is not there."""
    command = f"edgedigits simulate {quoted(folder)}"
    return command if is_installed("mcu") else f"{install_command('mcu')} && {command}"


def quoted(path: Path) -> str:
    """Return a path as it is typed: neither the shell nor this program takes it for anything else."""
    text = str(path)
    return shlex.quote(f"./{text}" if text.startswith(("~", "-")) else text)
