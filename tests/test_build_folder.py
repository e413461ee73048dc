"""A manifest is written and read by one class; what does not fit it is told with its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edgedigits.build_folder import MANIFEST, MODEL, Manifest, read_manifest
from edgedigits.errors import DataError
from edgedigits.files.typed import to_values

REFERENCE = Path(__file__).parents[1] / "deploy" / "reference"


def test_what_was_written_is_read_and_written_the_same() -> None:
    text = (REFERENCE / MANIFEST).read_text(encoding="utf-8")
    values = json.loads(text)
    seal = values.pop("sha256", None)
    again = to_values(read_manifest(REFERENCE / MANIFEST)) | ({"sha256": seal} if seal else {})
    assert json.dumps(again, indent=2, ensure_ascii=False) + "\n" == text


def test_a_file_is_the_one_that_is_listed_or_another() -> None:
    manifest, content = read_manifest(REFERENCE / MANIFEST), (REFERENCE / MODEL).read_bytes()
    assert manifest.lists(MODEL, content)
    assert not manifest.lists(MODEL, content + b"x") and not manifest.lists("other.tflite", content)


@pytest.mark.parametrize("text", ["", "{", "[]", "5", "[" * 99_999])
def test_what_is_no_object_says_nothing(text: str, tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text(text)
    assert read_manifest(tmp_path / MANIFEST) == Manifest()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"files": {MODEL: {"sha256": 5}}}, r"files\[...\].sha256 is {'model.tflite': {'sha256': 5}}, expected a text"),
        ({"files": ["a.js"]}, r"files is \['a.js'\], expected an object"),
        ({"config": None}, "config is None, expected an object"),
        ({"confidence": {"reject_margin": 256}}, "confidence.reject_margin is 256, expected an integer <= 255"),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(values: dict[str, Any], words: str, tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text(json.dumps(values))
    with pytest.raises(DataError, match=rf"manifest\.json is damaged: {words}.*\. Build or compile it again"):
        read_manifest(tmp_path / MANIFEST)
