"""LiteRT on any classifier of 28×28 images: its ends, its arithmetic, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from edgedigits.data.shape import PIXELS
from edgedigits.errors import DataError, UnsupportedModelError
from edgedigits.model.reader import read_tflite
from edgedigits.scoring.interpreter import Classifier, open_classifier, run_litert
from tests.scoring import arithmetic
from tests.tflite_builder import ModelWriter, build_mlp, random_mlp, schema

Make = Callable[..., Classifier]
Images = NDArray[np.uint8]


@pytest.fixture(scope="module")
def plain_scores(classifier: Make, images: Images) -> NDArray[np.float32]:
    """Scores of the model of seed 3 in its plainest form: int8 [1, 784] in, int8 [1, 10] out."""
    model = classifier(3)
    return model.dequantize(run_litert(model, images, kernels=["reference"])["reference"])


def test_a_pixel_enters_our_models_as_p_minus_128(classifier: Make) -> None:
    table = classifier().pixels.table

    assert table.dtype == np.int8
    assert np.array_equal(table, np.arange(256) - 128)


def test_a_pixel_enters_other_types_by_their_own_quantization(classifier: Make) -> None:
    assert np.array_equal(classifier(io="uint8").pixels.table, np.arange(256))
    assert np.array_equal(classifier(io="float32").pixels.table, np.arange(256, dtype=np.float32) / 255)


@pytest.mark.parametrize(
    ("io", "shape", "dynamic"),
    [
        ("int8", (1, 784), True),
        ("int8", (1, 28, 28), False),
        ("uint8", (1, 784), False),
        ("uint8", (1, 28, 28, 1), True),
        ("float32", (1, 784), False),
        ("float32", (1, 28, 28), True),
        ("float32", (1, 28, 28, 1), True),
    ],
)
def test_the_form_of_the_ends_changes_no_score(
    classifier: Make, images: Images, plain_scores: NDArray[np.float32], io: str, shape: tuple, dynamic: bool
) -> None:
    model = classifier(3, io=io, input_shape=shape, dynamic_batch=dynamic)
    outputs = run_litert(model, images, kernels=["reference"])["reference"]

    assert outputs.dtype == np.dtype(io)
    assert np.array_equal(model.dequantize(outputs), plain_scores)


@pytest.mark.parametrize("seed", range(4))
def test_reference_kernels_round_once(classifier: Make, images: Images, seed: int) -> None:
    model = classifier(seed, sizes=(784, 24, 16, 10))
    given = run_litert(model, images, kernels=["reference"])["reference"]
    expected = arithmetic.run(model.graph, model.pixels.table[images], arithmetic.single)

    assert np.array_equal(given, expected)
    assert len(np.unique(given)) > 20, "saturated outputs would prove nothing"


def test_both_kernels_differ_by_one_step_at_most(classifier: Make, images: Images) -> None:
    outputs = run_litert(classifier(), images)

    assert list(outputs) == ["default", "reference"]
    assert np.abs(outputs["default"].astype(int) - outputs["reference"]).max() <= 1


def test_float_model_equals_numpy(images: Images) -> None:
    random = np.random.default_rng(1)
    weights = [random.standard_normal((10, 784)).astype(np.float32) / 28]
    biases = [random.standard_normal(10).astype(np.float32)]
    model = open_classifier(read_tflite(build_mlp(weights, biases, float_model=True)))
    outputs = run_litert(model, images, kernels=["default"])["default"]

    assert outputs == pytest.approx(images / 255 @ weights[0].T + biases[0], abs=1e-4)


@pytest.mark.parametrize("io", ["int8", "uint8", "float32"])
@pytest.mark.parametrize("softmax", [False, True])
def test_probabilities_are_told_from_logits(classifier: Make, images: Images, io: str, softmax: bool) -> None:
    model = classifier(2, io=io, softmax=softmax)
    scores = model.dequantize(run_litert(model, images, kernels=["reference"])["reference"])

    assert model.gives_probabilities(scores) is softmax


def test_float_outputs_that_sum_to_one_are_probabilities(classifier: Make) -> None:
    model = classifier(io="float32")

    assert model.gives_probabilities(np.full((4, 10), 0.1, np.float32))
    assert not model.gives_probabilities(np.full((4, 10), 0.2, np.float32))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sizes": (783, 10)}, ["input tensor", "[1, 783]", "783 elements, not 784"]),
        ({"sizes": (784, 9)}, ["output tensor", "[1, 9]", "9 elements, not 10"]),
        ({"sizes": (3 * 784, 10), "input_shape": (3, 784)}, ["input tensor", "[3, 784]", "a fixed batch of 3"]),
        ({"sizes": (3 * 783, 10), "input_shape": (3, 783)}, ["input tensor", "[3, 783]", "2349 elements, not 784"]),
    ],
)
def test_other_sizes_are_refused_by_name_and_shape(options: dict, words: list[str]) -> None:
    with pytest.raises(UnsupportedModelError) as caught:
        open_classifier(read_tflite(random_mlp(0, **options)))
    assert all(word in caught.value.message for word in words)


def test_an_end_without_a_scale_is_refused(classifier: Make) -> None:
    graph = classifier().graph
    bare = replace(graph.tensors[graph.inputs[0]], scales=np.zeros(0, np.float32), zero_points=np.zeros(0, np.int64))
    tensors = tuple(bare if tensor.index == bare.index else tensor for tensor in graph.tensors)

    with pytest.raises(UnsupportedModelError, match="without one quantization scale"):
        open_classifier(replace(graph, tensors=tensors))


def cast_first(images: Images) -> tuple[Classifier, NDArray[np.float32]]:
    """A float model that takes uint8 without quantization and casts it; and what it must give."""
    writer = ModelWriter()
    weights = np.random.default_rng(2).standard_normal((10, PIXELS)).astype(np.float32)
    pixels = writer.activation("pixels", [1, PIXELS], "uint8")
    wide, scores = writer.activation("wide", [1, PIXELS], "float32"), writer.activation("scores", [1, 10], "float32")
    writer.operator("CAST", [pixels], [wide])
    kernel = writer.constant("kernel", weights)
    writer.operator("FULLY_CONNECTED", [wide, kernel, -1], [scores], schema.FullyConnectedOptionsT())
    model = open_classifier(read_tflite(writer.pack([pixels], [scores])))
    return model, images.astype(np.float32) @ weights.T


def test_uint8_without_quantization_takes_pixels_as_they_are(images: Images) -> None:
    model, expected = cast_first(images)

    assert run_litert(model, images, kernels=["default"])["default"] == pytest.approx(expected, rel=1e-4, abs=0.1)


def test_several_outputs_are_refused(classifier: Make) -> None:
    graph = classifier().graph

    with pytest.raises(UnsupportedModelError, match="2 outputs, not one"):
        open_classifier(replace(graph, outputs=graph.outputs * 2))


def test_an_operator_that_the_interpreter_lacks_is_named(classifier: Make, images: Images) -> None:
    with pytest.raises(
        UnsupportedModelError,
        match=r"random\.tflite: LiteRT refuses the model: .*unresolved custom op: NOVELTY",
    ):
        run_litert(classifier(extra_op="NOVELTY"), images)


def test_a_file_cut_short_is_damaged(classifier: Make, images: Images) -> None:
    whole = classifier().graph
    cut = open_classifier(replace(whole, content=whole.content[: whole.size // 2]))

    with pytest.raises(DataError, match=r"random\.tflite: LiteRT cannot read it"):
        run_litert(cut, images)


def test_outputs_that_are_not_numbers_are_refused(images: Images) -> None:
    content = build_mlp([np.full((10, 784), np.nan, np.float32)], [np.zeros(10, np.float32)], float_model=True)

    with pytest.raises(DataError, match="NaN"):
        run_litert(open_classifier(read_tflite(content)), images, kernels=["default"])
