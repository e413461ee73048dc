"""Writes text and JSON, the same bytes on every platform."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 with LF line ends on every platform; what a path has that is no UTF-8 is escaped, as in JSON."""
    path.write_bytes(text.encode("utf-8", "backslashreplace"))


def write_json(path: Path, facts: dict[str, Any]) -> None:
    """Write facts as `json_text` has them."""
    write_text(path, json_text(facts))


def json_text(facts: dict[str, Any]) -> str:
    """Return facts as indented JSON; NaN is refused, since JSON has none."""
    return json.dumps(facts, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
