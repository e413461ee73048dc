"""`import edgedigits` as a notebook does it."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import sys
import edgedigits
assert "tensorflow" not in sys.modules and "numpy" not in sys.modules
{imports}
for name in ("build", "evaluate", "simulate", "teacher"):
    assert callable(getattr(edgedigits, name)), name
try:
    edgedigits.evaluate("none.tflite")
except Exception as error:
    print(error)
"""


@pytest.mark.parametrize("imports", ["", "import edgedigits.scoring.harness as harness", "edgedigits.BuildConfig()"])
def test_the_functions_can_be_called_whatever_was_imported_before(imports: str) -> None:
    program = PROGRAM.format(imports=imports)
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said.startswith("none.tflite does not exist.")
