"""`import edgedigits` as a notebook does it."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
import edgedigits
assert "tensorflow" not in sys.modules and "numpy" not in sys.modules
import edgedigits.api
from edgedigits.evaluate.harness import evaluate_model
for name in edgedigits.__all__:
    getattr(edgedigits, name)
print(edgedigits.evaluate.__module__, edgedigits.build.__module__, edgedigits.simulate.__module__)
"""


def test_the_functions_keep_their_names_whatever_was_imported_before() -> None:
    said = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["edgedigits.api"] * 3
