"""Every bench starts as it is told to be: `python tests/benchmarks/bench_X.py`, edgedigits installed by `pip install .`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.kinds import ROOT

# What Python finds without the checkout: an editable install would find tests/ too, and hide that others don't.
START = """
import runpy, sys
script, root, packages = sys.argv[1:]
sys.meta_path = [finder for finder in sys.meta_path if "editable" not in repr(finder)]
sys.path[:] = [packages, *(place for place in sys.path if place not in ("", root))]
runpy.run_path(script, run_name="started")
"""


BENCHES = sorted((ROOT / "tests" / "benchmarks").glob("bench_*.py"))


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(bench, id=bench.stem, marks=[pytest.mark.slow] if bench.stem == "bench_training" else [])
        for bench in BENCHES
    ],
)
def test_a_bench_finds_what_it_shares_with_the_tests(script: Path, tmp_path: Path) -> None:
    (tmp_path / "edgedigits").symlink_to(ROOT / "edgedigits")
    command = [sys.executable, "-c", START, str(script), str(ROOT), str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-1000:]
