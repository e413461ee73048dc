"""Sparse constants are what they were before they were pruned away, in every layout; a layout that lies gives none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgedigits.engine.source import render_engine
from edgedigits.model.fixed_point import Rounding
from edgedigits.model.lowering import lower
from edgedigits.model.numpy_engine import run
from edgedigits.model.packing import use
from edgedigits.model.reader import read_tflite
from edgedigits.model.sparse import Level, SparseLayout
from edgedigits.model.summary import summarize
from tests.engine.engine_program import SANITIZED, run_engines
from tests.model.oracles import hard_inputs, litert
from tests.tflite_builder import ModelWriter, schema

NONE = np.zeros(0, np.int64)


def pack(
    values: NDArray[np.int8], order: tuple[int, ...], blocked: tuple[int, ...], blocks: tuple[int, ...], dense: set[int]
) -> tuple[SparseLayout, NDArray[np.int8]]:
    """Return the layout of an array and what is stored of it, by going over every place; axes in `dense` are dense."""
    rank = values.ndim
    cut = values
    for axis, block in zip(blocked, blocks, strict=True):
        # Each block becomes an axis at the end.
        shape = (*cut.shape[:axis], cut.shape[axis] // block, block, *cut.shape[axis + 1 :])
        cut = np.moveaxis(cut.reshape(shape), axis + 1, -1)
    cut = cut.transpose(order)
    places: list[tuple[int, ...]] = [()]
    levels = []
    for depth, axis in enumerate(order):
        size = cut.shape[depth]
        if axis >= rank or depth in dense:
            levels.append(Level(size, NONE, NONE))
            places = [(*place, index) for place in places for index in range(size)]
            continue
        there = [[index for index in range(size) if cut[(*place, index)].any()] for place in places]
        segments = np.cumsum([0, *map(len, there)])
        levels.append(Level(0, segments, np.array([index for some in there for index in some], np.int64)))
        places = [(*place, index) for place, some in zip(places, there, strict=True) for index in some]
    return SparseLayout(order, blocked, tuple(levels)), np.array([cut[place] for place in places], np.int8)


@st.composite
def layouts(draw: st.DrawFn):
    """Draw an array of two or three axes, and how it is stored."""
    blocks = draw(st.lists(st.sampled_from([1, 2, 4]), max_size=2))
    rank = draw(st.integers(max(2, len(blocks)), 3))
    blocked = tuple(draw(st.permutations(range(rank)))[: len(blocks)])
    shape = [draw(st.integers(1, 4)) for _ in range(rank)]
    for axis, block in zip(blocked, blocks, strict=True):
        shape[axis] *= block
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    values = (random.integers(-9, 10, shape) * (random.random(shape) < draw(st.floats(0, 1)))).astype(np.int8)
    # Axes of blocks come last, as the runtimes expect.
    order = (*draw(st.permutations(range(rank))), *range(rank, rank + len(blocks)))
    # A dense axis behind a compressed one gives the runtimes' order of places only where they count on.
    dense = set(range(draw(st.integers(0, rank))))
    return values, pack(values, order, blocked, tuple(blocks), dense)


@settings(max_examples=200, deadline=None)
@given(layouts())
def test_what_is_packed_in_any_layout_comes_out_again(case) -> None:
    values, (layout, stored) = case
    np.testing.assert_array_equal(layout.unpack(stored, values.shape), values)


ROWS = np.array([[0, 5, 0, 0], [0, 0, 0, 0], [7, 0, 0, -3]], np.int8)


def changed(**changes: object) -> SparseLayout:
    """Return the layout of `ROWS` with a lie in it: of the layout itself, or of its second level."""
    layout, _ = pack(ROWS, (0, 1), (), (), {0})
    own = {key: value for key, value in changes.items() if key in ("order", "blocked", "levels")}
    level = replace(layout.levels[1], **{key: value for key, value in changes.items() if key not in own})
    return replace(layout, **{"levels": (layout.levels[0], level), **own})


@pytest.mark.parametrize(
    "lie",
    [
        {"order": (0, 0)},
        {"order": (0, 1, 2)},
        {"levels": ()},
        {"blocked": (1,)},
        {"segments": np.array([0, 1, 1])},
        {"segments": np.array([0, 1, 1, 4])},
        {"segments": np.array([0, 3, 1, 3])},
        {"segments": np.array([1, 1, 1, 3])},
        {"segments": NONE},
        {"indices": np.array([1, 3, 0])},
        {"indices": np.array([1, 0, 0])},
        {"indices": np.array([1, 0, 4])},
        {"indices": np.array([-1, 0, 3])},
        {"size": 4},
        {"size": -4},
    ],
    ids=str,
)
def test_a_layout_that_lies_is_told(lie: dict[str, object]) -> None:
    np.testing.assert_array_equal(changed().unpack(np.array([5, 7, -3], np.int8), (3, 4)), ROWS)
    with pytest.raises(ValueError, match="axis|axes|value"):
        changed(**lie).unpack(np.array([5, 7, -3], np.int8), (3, 4))


def test_too_few_or_too_many_values_are_told() -> None:
    for count in (2, 4):
        with pytest.raises(ValueError, match="every value once"):
            changed().unpack(np.zeros(count, np.int8), (3, 4))


def pruned_kernel(random: np.random.Generator, shape: tuple[int, int], block: int = 1) -> NDArray[np.int8]:
    """Return weights (out, in), most of them 0, in blocks along the inputs."""
    kept = np.repeat(random.random((shape[0], shape[1] // block)) < 0.3, block, axis=1)
    return (np.rint(random.normal(0, 50, shape)).clip(-127, 127) * kept).astype(np.int8)


def pruned_model(block: int, seed: int = 0) -> tuple[bytes, NDArray[np.int8]]:
    """Return a model of two layers, whose sparse weights are unpacked by DENSIFY, and the weights of the first."""
    random = np.random.default_rng(seed)
    writer = ModelWriter()
    width, tensor, first = 16, writer.activation("x", [1, 16], "int8", 0.05, -7), None
    start = tensor
    for outputs in (12, 5):
        kernel = pruned_kernel(random, (outputs, width), block or 1)
        weights = writer.activation("dense", kernel.shape, "int8", 0.01)
        writer.operator("DENSIFY", [writer.sparse("sparse", kernel, 0.01, block)], [weights], schema.DensifyOptionsT())
        result = writer.activation("y", [1, outputs], "int8", 0.06, 4)
        writer.operator("FULLY_CONNECTED", [tensor, weights, -1], [result], schema.FullyConnectedOptionsT(), version=4)
        first, tensor, width = (kernel if first is None else first), result, outputs
    assert first is not None
    return writer.pack([start], [tensor]), first


@pytest.mark.parametrize("block", [0, 4])
def test_a_pruned_model_is_read_and_exact(block: int) -> None:
    content, weights = pruned_model(block)
    graph = read_tflite(content)
    network, inputs = lower(graph), hard_inputs(16, count=60)

    np.testing.assert_array_equal(network.layers[0].weights, weights)
    np.testing.assert_array_equal(run(network, inputs), litert(content, inputs))
    assert network.dropped[0] == "operator 0 (DENSIFY): what it gives is constant"
    assert lower(graph, Rounding.TFLM).layers[0].weights.any()
    facts = summarize(graph).layers[1].weights
    assert facts is not None and facts.is_sparse and facts.zeros == np.count_nonzero(weights == 0)


def directly_sparse(seed: int, per_channel: bool, scale: float) -> bytes:
    """Return a layer of blocks of 16 weights without a DENSIFY, the only one that LiteRT runs, and a dense one."""
    random, writer = np.random.default_rng(seed), ModelWriter()
    first = writer.activation("x", [1, 64], "int8", 0.05, -7)
    scales = random.uniform(0.005, 0.02, 12) if per_channel else 0.01
    weights = writer.sparse("sparse", pruned_kernel(random, (12, 64), 16), scales, 16)
    hidden, last = writer.activation("h", [1, 12], "int8", scale, 4), writer.activation("y", [1, 5], "int8", 0.3, 4)
    dense = writer.constant("dense", random.integers(-90, 90, (5, 12)).astype(np.int8), 0.01)
    for source, kernel, target in ((first, weights, hidden), (hidden, dense, last)):
        writer.operator("FULLY_CONNECTED", [source, kernel, -1], [target], schema.FullyConnectedOptionsT(), version=8)
    return writer.pack([first], [last])


@pytest.mark.parametrize("scale", [0.03, 2e-4], ids=["as usual", "a factor above 1"])
@pytest.mark.parametrize("per_channel", [True, False])
def test_without_a_densify_a_layer_rounds_as_the_kernel_for_it_does(
    per_channel: bool, scale: float, tmp_path: Path
) -> None:
    content = directly_sparse(3, per_channel, scale)
    network, inputs = lower(read_tflite(content)), hard_inputs(64, count=2000)
    expected = litert(content, inputs)

    np.testing.assert_array_equal(run(network, inputs), expected)
    assert network.layers[0].rounds_twice and not network.layers[1].rounds_twice
    if per_channel and scale == 0.03:
        once = network.with_layers([replace(network.layers[0], rounds_twice=False), network.layers[1]])
        assert np.any(run(once, inputs) != expected), "these inputs tell one from the other"
    source = render_engine(network, use(network, ["lists8", "rows"]), "sparse")
    [answers] = run_engines("gcc", SANITIZED, [(source, inputs)], tmp_path)
    np.testing.assert_array_equal(answers.scores, expected)
