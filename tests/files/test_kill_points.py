"""Whatever ends a run while it replaces a build, and wherever: the old build or the new one is whole under its name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.files.kill_points import FINISHED, FULL, INTERRUPTED, UNIMPRESSED

PROGRAM = Path(__file__).with_name("kill_points.py")
ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def outcomes(folder: Path, how: str, way: str) -> list[dict]:
    command = [sys.executable, str(PROGRAM), str(folder), how, way]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("way", ["atomic", pytest.param("steps", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("kill", -9),
        *(pytest.param(*one, marks=pytest.mark.slow) for one in (("interrupt", INTERRUPTED), ("full", FULL))),
    ],
)
def test_the_old_build_or_the_new_one_is_whole_and_nothing_else_is_left(tmp_path, how, code, way):
    found = outcomes(tmp_path, how, way)

    assert len(found) > 40
    assert {one["code"] for one in found[:-1]} <= {code, UNIMPRESSED} and found[-1]["code"] == FINISHED
    assert {one["later"] for one in found} == {"old", "new"}
    assert not any(one["others"] for one in found)
    # A system that cannot exchange leaves one moment between two renames, which only a kill can hit.
    gaps = [one for one in found if one["at once"] != one["later"]]
    assert len(gaps) == (how == "kill" and way == "steps")
    assert all((one["at once"], one["later"]) == ("none", "old") for one in gaps)
