"""What is printed to be typed next can be typed, whatever a folder is called."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from edgedigits.cli.next_step import quoted

NAMES = [
    "plain",
    "two words",
    "~home",
    "-flag",
    "it's",
    "new\nline",
    "a\\\nb'c",
    "\x1b[2J",
    "γ数",
    "\udce9x",
    "\u202e1",
]


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
@pytest.mark.parametrize("name", NAMES)
def test_a_shell_and_this_program_understand_it_as_the_path(name):
    written = quoted(Path(name))
    assert written.isprintable()
    done = subprocess.run(["bash", "-c", f"printf %s {written}"], capture_output=True, check=True)
    assert os.fsdecode(done.stdout).removeprefix("./") == name
