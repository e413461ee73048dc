"""The gate to TensorFlow opens without what nobody asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_keras_3_is_not_imported_in_vain_and_can_be_later() -> None:
    program = (
        "import sys, edgedigits.training.keras_env as room\n"
        "print(room.keras.__version__[0], [name for name in sys.modules if name.split('.')[0] == 'keras'])\n"
        "import keras; print(keras.__version__[0])"
    )
    root = Path(__file__).parents[2]
    run = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    assert run.stdout.split("\n") == ["2 []", "3", ""]
