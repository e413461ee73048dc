"""A build's folder as far as an evaluation reads it, around a model that is there already: nothing is trained."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from edgedigits.data.digits import Splits
from edgedigits.data.fingerprints import fingerprints, pack
from edgedigits.data.load import load_splits

DIVISION = {"validation_fraction": 0.1, "test_fraction": 0.25}
SEED = 5
REFERENCE = Path(__file__).parents[2] / "deploy" / "reference" / "model.tflite"


def write_build(
    folder: Path, source: Path | str, *, validation_accuracy: float = 0.97, model: bytes = b"", **reading: Any
) -> Splits:
    """Write a folder whose manifest says that the reference model, or another, was trained on `source`.

    Return its digits.
    """
    splits = load_splits(str(source), seed=SEED, **DIVISION, **reading)
    folder.mkdir()
    seen = pack(fingerprints(np.concatenate([splits.train.images, splits.validation.images])))
    files = {"model.tflite": model or REFERENCE.read_bytes(), "training_digests.bin": seen}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    report = json.loads(REFERENCE.with_name("report.json").read_text(encoding="utf-8"))
    report["evaluation"]["data_digest"] = splits.test.digest
    report["stages"][-1]["history"]["val_accuracy"] = [0.1, validation_accuracy]
    (folder / "report.json").write_text(json.dumps(report))
    manifest = {
        "schema": 1,
        "config": {"data": {"source": str(source), **DIVISION, **reading}, "training": {"seed": SEED}},
        "files": {name: {"sha256": sha256(content).hexdigest()} for name, content in files.items()},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return splits


def forget(folder: Path) -> None:
    """Make a build one of before training digests were kept."""
    (folder / "training_digests.bin").unlink()
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["files"]["training_digests.bin"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
