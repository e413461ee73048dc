"""`edgedigits quantize` as a user meets it: the file, the figures, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import edgedigits
from edgedigits.cli.main import main
from edgedigits.data.digits import Digits
from edgedigits.data.export import write_csv
from edgedigits.model.lowering import lower
from edgedigits.model.reader import read_tflite
from tests.model.one_layer import layer
from tests.scoring.float_models import class_means, sparse_weights
from tests.tflite_builder import random_mlp


@pytest.fixture(scope="module")
def digits(five_thousand: Digits) -> Digits:
    """300 real digits, 30 of each class."""
    return five_thousand.take(np.arange(0, 5000, 17)[:300])


@pytest.fixture
def source(digits: Digits, tmp_path: Path) -> str:
    """They as a CSV."""
    write_csv(digits, tmp_path / "digits.csv")
    return str(tmp_path / "digits.csv")


@pytest.fixture
def model(digits: Digits, tmp_path: Path) -> Path:
    """What Keras 3 writes: an image of an open batch that is flattened by its own shape."""
    path = tmp_path / "theirs.tflite"
    path.write_bytes(class_means(digits, input_shape=(1, 28, 28), keras_flatten=True, dynamic_batch=True))
    return path


def here(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()}


def test_a_float_model_becomes_one_that_compiles(
    model: Path, source: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["quantize", str(model), "--data", source]) == 0

    text = capsys.readouterr().out
    made = tmp_path / "theirs_int8.tflite"
    assert f"next      edgedigits compile {made} --out engine\n" in text
    assert "pixels    0 to 255 are 0 to 1, as usual for float32, which does not say it (--input-range does)" in text
    assert (
        f"note: Whether some of these digits were trained on is not known of {model}; if so, figures flatter." in text
    )
    assert "digits of the train split of digits.csv (seed 42), by litert-quantizer 0.11" in text
    graph = read_tflite(made)
    first, last = (graph.tensors[index] for index in (*graph.inputs, *graph.outputs))
    assert (first.dtype, first.shape, first.scale, first.zero_point) == ("int8", (1, 28, 28), np.float32(1 / 255), -128)
    assert (last.dtype, last.shape) == ("int8", (1, 10))
    assert [operator.opcode for operator in graph.operators] == ["RESHAPE", "FULLY_CONNECTED"]
    assert lower(graph).sizes == (784, 10)

    assert main(["quantize", str(model), "--data", source]) == 3
    assert (
        "theirs_int8.tflite exists already. Choose another name, or overwrite it with --force."
        in capsys.readouterr().err
    )
    assert main(["quantize", str(model), "--data", source, "--out", str(made / "in_a_file.tflite")]) == 3


@pytest.mark.slow
def test_the_figures_are_those_of_evaluate_and_the_bytes_always_the_same(
    model: Path, source: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    once, again = tmp_path / "once.tflite", tmp_path / "again.tflite"
    made = edgedigits.quantize(model, source, once)
    assert main(["quantize", str(model), "--data", source, "--out", str(again), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["quantized"]

    assert once.read_bytes() == again.read_bytes()
    assert {**told, "model": str(once)} == json.loads(json.dumps(made.to_json()))
    assert made.accuracy == edgedigits.evaluate(once, source).scores.accuracy
    assert made.float_accuracy == edgedigits.evaluate(model, source).scores.accuracy
    assert made.bytes == once.stat().st_size and made.agreement > 0.9
    assert "measured on" in made._repr_html_()


@pytest.mark.slow
def test_what_pixels_are_is_told_and_passed_on(
    digits: Digits, source: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A model of pixels −1 to 1: without a word it does badly, and what would help is said."""
    path, out = tmp_path / "theirs.tflite", tmp_path / "out.tflite"
    path.write_bytes(class_means(digits, low=-1.0))
    command = ["quantize", str(path), "--data", source, "--out", str(out)]

    assert main([*command, "--input-range", "-1,1"]) == 0
    assert f"next      edgedigits compile {out} --out engine --input-range -1,1\n" in capsys.readouterr().out
    graph = read_tflite(out)
    assert graph.tensors[graph.inputs[0]].scale == pytest.approx(2 / 255)


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (
            random_mlp(1, (784, 10)),
            2,
            ["is full-integer already: there is nothing to quantize. Compile it: edgedigits"],
        ),
        (random_mlp(1, (784, 10), io="float32"), 2, ["is full-integer already"]),
        (layer(version=1)(), 5, ["elements, not 784"]),
        (random_mlp(1, (784, 10), float_model=True, extra_op="EXP"), 5, ["operator 1 (EXP)", "no such operator"]),
        (random_mlp(1, (784, 10), float_model=True, extra_op="MY_OP"), 5, ["operator 1 (CUSTOM 'MY_OP')"]),
        (random_mlp(1, (20, 10), float_model=True), 5, ["input tensor 0 'input'", "has 20 elements, not 784"]),
        (
            random_mlp(1, (784, 11), float_model=True),
            5,
            ["has 11 elements, not 10", "edgedigits compile takes it then"],
        ),
        (random_mlp(1, (784, 1), float_model=True), 5, ["output tensor", "has 1 element, not 10. quantize calibrates"]),
        (random_mlp(1, (784, 10), float_model=True)[:3000], 3, ["theirs.tflite: the model is damaged"]),
        (b"\x89HDF\r\n", 3, ["this is an HDF5 file", "not a .tflite"]),
    ],
    ids=[
        "int8",
        "int8 inside",
        "no digits",
        "operator",
        "custom operator",
        "inputs",
        "classes",
        "one score",
        "cut short",
        "Keras 2",
    ],
)
def test_what_cannot_be_quantized_leaves_nothing(
    content: bytes, code: int, words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "theirs.tflite"
    path.write_bytes(content)

    assert main(["quantize", str(path), "--data", "mnist-5k"]) == code

    message = capsys.readouterr().err
    assert all(word in message for word in words), message
    assert "Traceback" not in message
    assert here(tmp_path) == {"theirs.tflite"}


@pytest.mark.parametrize(
    ("flags", "code", "words"),
    [
        ([], 2, "the following arguments are required: --data"),
        (["--data", "none.csv"], 3, "none.csv does not exist"),
        (["--data", "t10k"], 3, "holds a test set only, nothing to train on"),
    ],
)
def test_without_digits_nothing_is_calibrated(
    flags: list[str],
    code: int,
    words: str,
    tmp_path: Path,
    digits: Digits,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "theirs.tflite").write_bytes(random_mlp(1, (784, 10), float_model=True))
    _write_test_set(tmp_path / "t10k", digits)
    monkeypatch.chdir(tmp_path)

    assert main(["quantize", "theirs.tflite", *flags]) == code
    assert words in capsys.readouterr().err
    assert here(tmp_path) == {"theirs.tflite", "t10k"}


def test_without_the_library_the_extra_is_named(
    model: Path, source: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("edgedigits.extras.find_spec", lambda _: None)
    assert main(["quantize", str(model), "--data", source]) == 4
    message = capsys.readouterr().err
    assert "litert-quantizer" in message and "pip install 'edgedigits[quantize]'" in message


@pytest.mark.parametrize(
    ("library", "code", "words"),
    [
        ("import os, signal, time\nos.kill(os.getppid(), signal.SIGINT)\ntime.sleep(30)", 130, "interrupted"),
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in (
                ("import os\nos.abort()", 3, "litert-quantizer interpreter was ended by SIGABRT"),
                ("raise ImportError('no such shared object')", 4, "pip install 'edgedigits[quantize]'"),
            )
        ),
    ],
    ids=["interrupted", "crash", "broken"],
)
def test_what_ends_on_the_way_leaves_nothing(
    library: str,
    code: int,
    words: str,
    digits: Digits,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "theirs.tflite").write_bytes(class_means(digits))
    write_csv(digits, tmp_path / "digits.csv")
    (tmp_path / "litert_quantizer.py").write_text(library)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    assert main(["quantize", str(folder / "theirs.tflite"), "--data", str(tmp_path / "digits.csv")]) == code
    assert words in capsys.readouterr().err
    assert here(folder) == {"theirs.tflite"}


@pytest.mark.slow
def test_what_the_library_leaves_in_float_is_named(
    source: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "sparse.tflite"
    path.write_bytes(sparse_weights())

    assert main(["quantize", str(path), "--data", source]) == 5
    assert "sparse.tflite: operator 0 (DENSIFY): litert-quantizer leaves it in float32." in capsys.readouterr().err
    assert here(tmp_path) == {"sparse.tflite", "digits.csv"}


def _write_test_set(folder: Path, digits: Digits) -> None:
    folder.mkdir()
    images = digits.images.reshape(-1, 28, 28)
    for name, values in (("images-idx3", images), ("labels-idx1", digits.labels)):
        head = bytes([0, 0, 8, values.ndim]) + b"".join(size.to_bytes(4, "big") for size in values.shape)
        (folder / f"t10k-{name}-ubyte").write_bytes(head + values.tobytes())
