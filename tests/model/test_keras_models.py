"""What Keras 2 and 3 convert to: exact where the engine can run it, and called by its name where it cannot."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgedigits.compile import compile_graph
from edgedigits.config import EngineConfig
from edgedigits.data.preprocess import PixelRange
from edgedigits.devices.cores import find_core
from edgedigits.devices.simulate import simulate_inputs
from edgedigits.devices.stub import find_engine
from edgedigits.errors import DataError
from edgedigits.model.fixed_point import Rounding
from edgedigits.model.lowering import lower
from edgedigits.model.numpy_engine import run
from edgedigits.model.reader import read_tflite
from edgedigits.model.refusals import RefusalError
from edgedigits.model.summary import summarize
from edgedigits.scoring.any_model import open_any, random_codes
from edgedigits.scoring.oracle import engine_inputs, oracle_outputs
from tests.devices.conftest import toolchain_or_skip
from tests.engine.engine_program import SANITIZED, run_engines

pytestmark = pytest.mark.slow

NEWER = ("sigmoid", "skip", "branches", "branches_float_ends", "pixels", "pruned_by_1", "pruned_by_4", "pruned_by_16")
EXACT = (
    "flatten", "channel", "softmax", "reshape", "open", "twice", "rescaling", "normed", "flatten_float_ends", *NEWER,
)  # fmt: skip
REFUSED = {
    "convolution": "(CONV_2D), tensor",
    "rows": "it has 784 elements for weights [4, 28]: the engine runs one row of 28",
    "batch": "it has a fixed batch of 8",
    "float32": "it computes in float32: the weights are float32",
    "dynamic_range": "the weights are int8, but it computes in float32 (dynamic-range quantization)",
    "float16": "the weights are float16",
}


@pytest.fixture(scope="module", params=["2", "3"], ids=["Keras 2", "Keras 3"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp(f"keras{request.param}")
    legacy = {"TF_USE_LEGACY_KERAS": "1" if request.param == "2" else "0", "CUDA_VISIBLE_DEVICES": ""}
    program = Path(__file__).with_name("keras_models.py")
    done = subprocess.run(
        [sys.executable, str(program), str(place)], env={**os.environ, **legacy}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return place


@pytest.mark.parametrize("name", EXACT)
def test_it_is_exact(folder: Path, name: str) -> None:
    model = open_any(read_tflite(folder / f"{name}.tflite"))
    codes = random_codes(100, model.input.size)

    outputs = run(lower(model.graph), engine_inputs(model, codes))

    np.testing.assert_array_equal(outputs, oracle_outputs(model, codes, "litert"))
    assert len(np.unique(outputs)) > 20


@pytest.mark.parametrize("name", NEWER)
def test_its_engine_is_exact_in_c_on_this_machine_and_on_an_m4(folder: Path, name: str, tmp_path: Path) -> None:
    pytest.importorskip("unicorn")
    model = open_any(read_tflite(folder / f"{name}.tflite"))
    codes = random_codes(60, model.input.size)
    inputs, expected = engine_inputs(model, codes), oracle_outputs(model, codes, "litert")
    source, facts = compile_graph(model.graph, EngineConfig(), "net", None, PixelRange(0.0, 255.0, "told"))

    assert facts.proof.proven
    [answers] = run_engines("gcc", SANITIZED, [(source, inputs)], tmp_path)
    np.testing.assert_array_equal(answers.scores, expected)
    np.testing.assert_array_equal(answers.classes, expected.argmax(axis=1))
    assert answers.self_test == 0
    core = find_core("cortex-m4")
    engine = find_engine(tmp_path / "net")
    found = simulate_inputs(engine, inputs, core, toolchain_or_skip("zig", core), expected=expected)
    assert (found.differing, found.bytes) == (0, expected.size)


@pytest.mark.parametrize("name", ["flatten", "rescaling", "softmax", "skip", "branches"])
def test_it_is_exact_in_tflms_rounding_too(folder: Path, name: str) -> None:
    pytest.importorskip("tflite_micro")
    model = open_any(read_tflite(folder / f"{name}.tflite"))
    codes = random_codes(100, model.input.size)

    outputs = run(lower(model.graph, Rounding.TFLM), engine_inputs(model, codes))

    np.testing.assert_array_equal(outputs, oracle_outputs(model, codes, "tflm"))


@pytest.mark.parametrize("name", REFUSED)
def test_what_it_is_is_said(folder: Path, name: str) -> None:
    graph = read_tflite(folder / f"{name}.tflite")

    summarize(graph)
    with pytest.raises(RefusalError) as caught:
        lower(graph)
    assert REFUSED[name] in caught.value.message


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("model.keras", "a .keras model"),
        ("model.h5", "an HDF5 file, a Keras model or its weights"),
        ("saved", "a SavedModel folder"),
        ("saved/saved_model.pb", r"a TensorFlow graph \(.pb\)"),
    ],
)
def test_what_keras_saves_is_called_by_its_name(folder: Path, name: str, what: str) -> None:
    with pytest.raises(DataError, match=f"this is {what}, not a .tflite model"):
        read_tflite(folder / name)
