"""deploy/reference, the one committed build: its derived files are what today's code derives from its model.

Made by `edgedigits build --loss focal --qat --prune --data mnist --out deploy/reference --force`; of what that writes, git
takes all but the pages with pictures of the data set and the float twin.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

import edgedigits
from edgedigits.assemble import ARENA_MARGIN_BYTES
from edgedigits.compile import _digits, compile_graph
from edgedigits.config_file import make_config, parse_sections
from edgedigits.data.mnist import find_mnist
from edgedigits.data.named import read_mnist_5k
from edgedigits.engine.c_array import render_model_data
from edgedigits.engine.tflm_resolver import Arena, render_tflm_resolver
from edgedigits.model.contract import check_contract
from edgedigits.model.reader import read_tflite
from edgedigits.progress import SILENT
from edgedigits.view import PLAIN

REFERENCE = Path(__file__).parents[1] / "deploy" / "reference"
MANIFEST = json.loads((REFERENCE / "manifest.json").read_text())
REPORT = json.loads((REFERENCE / "report.json").read_text())
GRAPH = read_tflite(REFERENCE / "model.tflite")
CONFIG = make_config(parse_sections(MANIFEST["config"], "manifest.json"))


def derived() -> dict[str, str]:
    """Return path → text of all that follows from model.tflite and the measured arena."""
    source, _ = compile_graph(GRAPH, CONFIG.engine, CONFIG.output.name)
    measured = REPORT["evaluation"]["arena"]
    arena = Arena(measured["bytes"], ARENA_MARGIN_BYTES, measured["how"])
    return {
        "model_data.h": render_model_data(GRAPH, CONFIG.output.name),
        "tflm_resolver.h": render_tflm_resolver(GRAPH, arena, CONFIG.output.name),
        **source.files(),
    }


@pytest.mark.parametrize("name", derived())
def test_a_derived_file_is_what_the_code_of_today_derives(name: str) -> None:
    assert (REFERENCE / name).read_bytes() == derived()[name].encode(), f"{name}: build deploy/reference anew"


def test_how_active_inputs_are_is_measured_on_digits_of_every_class() -> None:
    """Where a model is compiled that no build made: those of mnist-5k lie by class."""
    digits = read_mnist_5k().everything
    labels = {image.tobytes(): label for image, label in zip(digits.images, digits.labels, strict=True)}
    (_, images), source = _digits(GRAPH, None, PLAIN, "", {}, SILENT)
    assert source == "mnist-5k"
    assert np.bincount([labels[image.tobytes()] for image in images]).tolist() == [100] * 10


def test_the_manifest_has_the_digest_of_every_file() -> None:
    files = [path for path in REFERENCE.rglob("*") if path.is_file() and path.name != "manifest.json"]
    found = {path.relative_to(REFERENCE).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    assert found.items() <= {name: facts["sha256"] for name, facts in MANIFEST["files"].items()}.items()
    assert found.keys() >= derived().keys()


def test_it_keeps_the_contract_and_its_zeros() -> None:
    check_contract(GRAPH)
    assert REPORT["model"]["zeros"] / REPORT["model"]["weights"] > 0.79


@pytest.mark.skipif(find_mnist() is None, reason="needs the full MNIST")
def test_it_reaches_the_accuracy_of_its_report() -> None:
    evaluation = edgedigits.evaluate(REFERENCE, "mnist")
    assert evaluation.scores.accuracy == REPORT["evaluation"]["scores"]["accuracy"] >= 0.965
