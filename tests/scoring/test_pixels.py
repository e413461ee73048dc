"""What pixels are to somebody else's model: each range gives the model's true accuracy, or it is asked for."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from hypothesis import given, settings
from hypothesis import strategies as st

from edgedigits.data.digits import Digits, Splits
from edgedigits.data.preprocess import USUAL_RANGES, PixelRange, pixel_map
from edgedigits.errors import ConfigError, DataError, UnsupportedModelError
from edgedigits.model.ir import Graph
from edgedigits.model.reader import read_tflite
from edgedigits.scoring import by_definition
from edgedigits.scoring.harness import evaluate_model
from edgedigits.scoring.interpreter import open_classifier, run_litert
from edgedigits.scoring.pixels import engine_map, find_range, model_map, takes_digits, told_range
from edgedigits.scoring.subject import Subject, find_subject
from edgedigits.view import View
from tests.scoring.linear import nearest_means
from tests.tflite_builder import Io, ModelWriter, random_mlp, schema

MNIST = USUAL_RANGES[4]
CONTRACTS = [
    ((0, 1), 1 / 255, -128),
    ((0, 255), 1.0, -128),
    ((-1, 1), 2 / 255, 0),
    ((-0.5, 0.5), 1 / 255, -1),
    (MNIST, (MNIST[1] - MNIST[0]) / 255, -95),
    ((0, 255 / 256), 1 / 256, -128),
]


@pytest.fixture(scope="module")
def digits(few: Splits) -> Digits:
    """600 real digits."""
    return few.train


@pytest.fixture(scope="module")
def true_accuracy(digits: Digits) -> float:
    """Accuracy of nearest means in float64, without any file."""
    pixels = digits.images / 255
    means = np.array([pixels[digits.labels == digit].mean(axis=0) for digit in range(10)])
    scores = pixels @ means.T - 0.5 * (means**2).sum(axis=1)
    accuracy = float(np.mean(scores.argmax(axis=1) == digits.labels))
    assert accuracy > 0.75
    return accuracy


@pytest.mark.parametrize("io", ["int8", "uint8", "float32"])
@pytest.mark.parametrize(("ends", "scale", "zero_point"), CONTRACTS)
def test_every_usual_range_gives_the_true_accuracy(
    ends: tuple[float, float],
    scale: float,
    zero_point: int,
    io: Io,
    digits: Digits,
    true_accuracy: float,
    tmp_path: Path,
) -> None:
    """`Rescaling(1/255)` inside a model makes it one of 0 to 255: it scored 10% when it was fed p/255."""
    file = tmp_path / "theirs.tflite"
    file.write_bytes(nearest_means(digits, *ends, scale=scale, zero_point=zero_point, io=io))
    found = evaluate_model(file, digits, latency=False)
    assert (found.pixels.low, found.pixels.high) == ends
    assert found.pixels.how == "by the model's own input quantization"
    assert found.scores.accuracy == pytest.approx(true_accuracy, abs=0.01)
    assert json.loads(json.dumps(found.to_json()))["pixels"]["high"] == ends[1]


def test_what_no_quantization_says_the_user_says(digits: Digits, true_accuracy: float, tmp_path: Path) -> None:
    file = tmp_path / "theirs.tflite"
    file.write_bytes(nearest_means(digits, -3, 9, scale=12 / 255, zero_point=-64))
    with pytest.raises(
        ConfigError, match=r"holds -3.01\d* to 8.98\d*, which fits no usual range .*--input-range LOW,HIGH"
    ):
        evaluate_model(file, digits, latency=False)
    found = evaluate_model(file, digits, latency=False, input_range=(-3, 9))
    assert found.pixels == PixelRange(-3, 9, "by --input-range")
    assert found.scores.accuracy == pytest.approx(true_accuracy, abs=0.01)


def test_of_two_ranges_that_fit_none_is_guessed(digits: Digits) -> None:
    with pytest.raises(ConfigError, match="may be -1 to 1 or 0 to 1"):
        open_classifier(read_tflite(nearest_means(digits, 0, 1, scale=1 / 127, zero_point=0)))


def test_a_float_model_does_not_say_it_and_is_told_so() -> None:
    graph = read_tflite(random_mlp(0, float_model=True))
    found = open_classifier(graph)
    assert (found.pixels.range.low, found.pixels.range.high) == (0, 1)
    assert "which does not say it (--input-range does)" in found.pixels.range.how
    assert np.array_equal(open_classifier(graph, told_range(0, 255)).pixels.table, np.arange(256, dtype=np.float32))


def test_uint8_without_quantization_is_given_pixels_as_they_are() -> None:
    graph = read_tflite(random_mlp(0, io="uint8"))
    tensor = replace(graph.tensors[graph.inputs[0]], scales=np.zeros(0, np.float32), zero_points=np.zeros(0, np.int64))
    assert find_range(graph, tensor) == PixelRange(0, 255, "as they are: uint8 without quantization")
    assert np.array_equal(model_map(graph, tensor).table, np.arange(256))


@pytest.mark.parametrize("ends", [(1, 0), (0, 0), (float("nan"), 1), (0, float("inf")), (-float("inf"), 0)])
def test_what_is_no_range_is_told(ends: tuple[float, float]) -> None:
    with pytest.raises(ConfigError, match="are no range"):
        told_range(*ends)


@pytest.mark.parametrize("ends", [(0, 1e39), (0, 1e308), (-1e7, 0), (1e300, 1e308), (0, 1_000_001)])
@pytest.mark.filterwarnings("error")
def test_a_range_beyond_all_bounds_is_refused(ends: tuple[float, float]) -> None:
    with pytest.raises(ConfigError, match=r"are farther from 0 than 1,000,000, the most that is taken\."):
        told_range(*ends)


@pytest.mark.parametrize("ends", [(0, 1e-30), (0, 5e-324), (-1e-5, 1e-5), (1e6 - 0.01, 1e6), (9e5, 9e5 + 1)])
def test_pixels_that_float32_can_hardly_tell_apart_are_no_range(ends: tuple[float, float]) -> None:
    with pytest.raises(ConfigError, match=r"are too close together to be told apart\."):
        told_range(*ends)


@pytest.mark.parametrize("ends", [(0, 0.0015), (-0.5, -0.1), (2, 3)])
@pytest.mark.parametrize("io", ["int8", "uint8", "float32"])
def test_a_range_under_which_black_and_white_are_one_is_refused(ends: tuple[float, float], io: Io) -> None:
    """By the input's own quantization, or by that of the int8 behind a float32 input."""
    graph = read_tflite(random_mlp(0, io=io))
    with pytest.raises(ConfigError, match="all become -?[0-9]+ in its input, black and white alike"):
        model_map(graph, graph.tensors[graph.inputs[0]], told_range(*ends))
    assert len(set(model_map(graph, graph.tensors[graph.inputs[0]], told_range(0, 1)).table.tolist())) == 256


@pytest.mark.parametrize(("sizes", "io"), [((1, 8, 1), "int8"), ((640, 8, 640), "float32"), ((784, 8, 784), "int8")])
def test_pixels_are_nothing_to_what_takes_no_digits(sizes: tuple[int, ...], io: Io) -> None:
    graph = read_tflite(random_mlp(0, sizes, io=io, input_scale=0.0245, input_zero_point=3))
    assert engine_map(graph) is None
    with pytest.raises(ConfigError, match="takes no 28×28 digits"):
        engine_map(graph, told_range(0, 1))


def test_a_float_model_has_no_engine_map() -> None:
    with pytest.raises(UnsupportedModelError, match="no int8 tensor lies behind it"):
        engine_map(read_tflite(random_mlp(0, float_model=True)))


# -- the folder's own word ---------------------------------------------------------------------------------------------


def stored(folder: Path, pixels: Any) -> Subject:
    (folder / "model.tflite").write_bytes(random_mlp(0))
    (folder / "manifest.json").write_text(json.dumps({"data": {"pixels": pixels}}))
    return find_subject(folder)


def test_a_manifest_says_it_and_the_user_overrides_it(tmp_path: Path) -> None:
    subject = stored(tmp_path, {"low": -3, "high": 9.5, "how": "by --input-range"})
    assert subject.pixels() == PixelRange(-3.0, 9.5, "by --input-range")
    assert subject.pixels((0, 1)) == PixelRange(0, 1, "by --input-range")
    assert stored(tmp_path, None).pixels() is None
    assert Subject(tmp_path / "model.tflite").pixels() is None


def test_a_manifest_says_what_the_model_sees(tmp_path: Path) -> None:
    assert stored(tmp_path, None).view() == Subject(tmp_path / "model.tflite").view() == View()
    (tmp_path / "manifest.json").write_text(
        json.dumps({"config": {"input": {"window": 24, "size": 12, "centre": True}}})
    )
    assert find_subject(tmp_path).view() == View(window=24, size=12, centre=True)
    (tmp_path / "manifest.json").write_text(json.dumps({"config": {"input": {"window": 25}}}))
    with pytest.raises(ConfigError, match=r"manifest.json: \[input\] window is 25, expected one of 4, 6"):
        find_subject(tmp_path).view()


def test_a_model_takes_as_many_values_as_it_sees_pixels() -> None:
    graph, view = read_tflite(random_mlp(0, (144, 10))), View(window=24, size=12)
    assert takes_digits(graph, view) and not takes_digits(graph)
    found = engine_map(graph, view=view)
    assert found is not None and found.view == open_classifier(graph, view=view).pixels.view == view
    with pytest.raises(UnsupportedModelError, match="has 144 elements, not 784"):
        open_classifier(graph)


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        ({"low": 1, "high": 0, "how": ""}, "does not say what pixels are: Pixels from 1 to 0 are no range."),
        ({"low": 0}, "is damaged: data.pixels.high is missing."),
        ([0, 1], r"is damaged: data.pixels is \[0, 1\], expected an object or null."),
        ("0,1", "is damaged: data.pixels is '0,1', expected an object or null."),
        ({"low": "x", "high": 1, "how": ""}, "is damaged: data.pixels.low is 'x', expected a number."),
    ],
)
def test_a_manifest_that_says_nonsense_is_told(pixels: Any, words: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"manifest\.json {words}.* [Cc]ompile it again"):
        stored(tmp_path, pixels).pixels()


# -- two ways to the same bytes ----------------------------------------------------------------------------------------

RANGES = st.sampled_from(USUAL_RANGES) | st.tuples(st.floats(-10, 0), st.floats(0.01, 300))
SCALES = st.sampled_from([1 / 255, 2 / 255, 1.0, 1 / 127, 0.0127]) | st.floats(1e-3, 2)


def quantizer(scale: float, zero_point: int) -> bytes:
    """A model that is one QUANTIZE, float32 [1, 256] → int8 [1, 256]."""
    writer = ModelWriter()
    source = writer.activation("input", [1, 256], "float32")
    target = writer.activation("output", [1, 256], "int8", np.float32(scale), zero_point)
    writer.operator("QUANTIZE", [source], [target], schema.QuantizeOptionsT())
    return writer.pack([source], [target])


@given(ends=RANGES, scale=SCALES, zero_point=st.integers(-128, 127))
@settings(max_examples=60, deadline=None)
def test_map_definition_and_the_interpreters_own_quantize_agree(
    ends: tuple[float, float], scale: float, zero_point: int
) -> None:
    """Also where a value lies in the middle between two steps, as all of −1 to 1 under scale 2/255 do."""
    content = quantizer(scale, zero_point)
    tensor = read_tflite(content).tensors[1]
    pixels = PixelRange(*ends, "drawn")
    mapped = pixel_map(pixels, tensor.scale, zero_point, "int8").table
    assert np.array_equal(by_definition.model_inputs(tensor, *ends), mapped)
    interpreter = Interpreter(
        model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF, num_threads=1
    )
    interpreter.allocate_tensors()
    interpreter.set_tensor(0, pixels.values[None])
    interpreter.invoke()
    assert np.array_equal(interpreter.get_tensor(1)[0], mapped)


@pytest.mark.parametrize("io", ["int8", "uint8", "float32"])
@pytest.mark.parametrize(("ends", "scale", "zero_point"), CONTRACTS)
def test_the_engines_map_is_the_definition_behind_the_models_ends(
    ends: tuple[float, float], scale: float, zero_point: int, io: Io
) -> None:
    graph: Graph = read_tflite(random_mlp(0, io=io, input_scale=np.float32(scale), input_zero_point=zero_point))
    found = engine_map(graph)
    assert found is not None and (found.range.low, found.range.high) == ends
    tensor = graph.tensors[graph.inputs[0]]
    assert np.array_equal(found.table, by_definition.inner_inputs(graph, tensor, *ends))
    assert np.array_equal(model_map(graph, tensor).table, by_definition.model_inputs(tensor, *ends))


def test_a_flatten_of_keras_does_not_hide_the_quantization() -> None:
    """Its SHAPE reads the float32 input too, before the QUANTIZE."""
    graph = read_tflite(random_mlp(0, io="float32", input_shape=(1, 28, 28), keras_flatten=True, dynamic_batch=True))
    assert open_classifier(graph).pixels.range.how == "by the model's own input quantization"


def test_the_same_scores_whatever_the_ends(digits: Digits) -> None:
    models = [read_tflite(nearest_means(digits, 0, 255, scale=1.0, io=io)) for io in ("int8", "uint8", "float32")]
    scores = []
    for graph in models:
        classifier = open_classifier(graph)
        raw = run_litert(classifier, digits.images[:50], kernels=("reference",))["reference"]
        scores.append(classifier.dequantize(raw))
    assert np.array_equal(scores[0], scores[1]) and np.array_equal(scores[0], scores[2])
