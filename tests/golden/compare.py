"""Golden files: generated text held against a copy that a person has read.

EDGEDIGITS_UPDATE_GOLDEN=1 writes them anew; look at the difference before it is committed.
"""

from __future__ import annotations

import os
from pathlib import Path

GOLDEN = Path(__file__).parent


def assert_golden(name: str, text: str) -> None:
    """Assert that `text` equals the golden file `name`, to the byte."""
    path = GOLDEN / name
    if os.environ.get("EDGEDIGITS_UPDATE_GOLDEN"):
        path.write_bytes(text.encode())
    assert path.exists(), f"{path} is missing: run with EDGEDIGITS_UPDATE_GOLDEN=1 and read it"
    assert text.encode() == path.read_bytes(), f"{path} differs: run with EDGEDIGITS_UPDATE_GOLDEN=1, then git diff"
