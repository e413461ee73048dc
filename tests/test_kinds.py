"""Tests are told apart by what they may load, so that CI can run the light ones first."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.kinds import ROOT, dearest_first, may_load_tensorflow, named_modules


@dataclass(eq=False)
class Item:
    """A test, as far as its place among others depends on it."""

    path: Path
    mark: pytest.Mark | None = None

    def get_closest_marker(self, name: str) -> pytest.Mark | None:
        return self.mark


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (
            "from edgedigits.data import load, named",
            {"edgedigits.data", "edgedigits.data.load", "edgedigits.data.named"},
        ),
        ("from edgedigits.x import (\n    a,\n    b,\n)", {"edgedigits.x", "edgedigits.x.a", "edgedigits.x.b"}),
        ("from edgedigits import options, losses", {"edgedigits.options", "edgedigits.losses"}),
        ("from edgedigits import build", {"edgedigits", "edgedigits.build"}),
        ("def f():\n    import tensorflow as tf", {"tensorflow"}),
        ('code = "import edgedigits; print(1)"', {"edgedigits"}),
        ('run([sys.executable, "-m", "edgedigits", "build"])', {"edgedigits", "edgedigits.__main__"}),
    ],
)
def test_every_way_to_import_is_seen(text: str, names: set[str]) -> None:
    assert named_modules(text) == names


@pytest.mark.parametrize(
    ("file", "loads"),
    [
        ("training/test_fit.py", True),
        ("cli/test_build.py", True),
        ("scoring/test_harness.py", False),
        ("model/test_numpy_engine.py", False),
        ("data/test_csv.py", False),
        ("engine/test_source.py", False),
    ],
)
def test_files_are_told_apart(file: str, loads: bool) -> None:
    assert may_load_tensorflow(ROOT / "tests" / file) == loads


@pytest.mark.slow
def test_the_light_ones_can_be_collected_where_tensorflow_cannot_be_imported() -> None:
    blocked = "import sys; sys.modules.update(dict.fromkeys(('tensorflow', 'tf_keras')))"
    code = f"{blocked}; import pytest; sys.exit(pytest.main(sys.argv[1:]))"
    chosen = ["-m", "not slow and not tensorflow", "-n", "0", "-q", "--collect-only", "tests"]
    done = subprocess.run([sys.executable, "-c", code, *chosen], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]


def test_files_that_say_they_are_dear_begin_then_those_with_tensorflow_and_their_tests_keep_their_order() -> None:
    files = ("data/test_csv.py", "training/test_fit.py", "engine/test_source.py", "search/test_real.py")
    csv, fit, source, real = (ROOT / "tests" / file for file in files)
    dear, slow = pytest.mark.slow(seconds=30).mark, pytest.mark.slow.mark
    given = [Item(csv), Item(csv, slow), Item(fit, slow), Item(source, dear), Item(source), Item(source, dear)]
    given += [Item(fit), Item(real, pytest.mark.slow(seconds=50).mark)]
    places = [given.index(item) for item in dearest_first(given)]
    assert places == [3, 4, 5, 7, 2, 6, 0, 1]
