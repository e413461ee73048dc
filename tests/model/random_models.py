"""Random int8 MLPs for hypothesis: 1–4 layers of odd widths, with what real files have at their worst."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.tflite_builder import INPUT_SCALE, build_mlp

DENSITIES = (0.05, 0.2, 1.0)


@dataclass(frozen=True)
class RandomModel:
    """A model and what it is, short enough to print."""

    content: bytes = field(repr=False)
    sizes: tuple[int, ...]
    seed: int
    per_channel: bool


@st.composite
def models(draw: st.DrawFn, widest: int = 300, density: float | None = None) -> RandomModel:
    """Draw a model: extreme scales, all-zero rows, saturating biases, any zero points, perhaps a softmax.

    Args:
        draw: given by hypothesis.
        widest: largest width of a layer.
        density: share of weights that are not zero; drawn by default.
    """
    sizes = draw(st.lists(st.integers(1, widest), min_size=2, max_size=5))
    seed, per_channel = draw(st.integers(0, 2**32 - 1)), draw(st.booleans())
    layers = len(sizes) - 1
    scales = draw(st.lists(st.sampled_from([0.002, 0.02, 0.11, 0.9]), min_size=layers, max_size=layers))
    zero_points = draw(st.lists(st.integers(-128, 127), min_size=layers, max_size=layers))
    kinds = draw(st.lists(st.sampled_from(["relu", "relu6", "none"]), min_size=layers, max_size=layers))
    random = np.random.default_rng(seed)
    weights, biases, weight_scales = [], [], []
    input_scale = float(INPUT_SCALE)
    for shape, output_scale in zip(((rows, columns) for columns, rows in pairwise(sizes)), scales, strict=True):
        kernel, dead = _kernel(random, shape, density or draw(st.sampled_from(DENSITIES)))
        scale = random.uniform(1 / 300, 1 / 50, shape[0] if per_channel else ()).astype(np.float32)
        if per_channel:
            scale[dead] = draw(st.sampled_from([0.0, 4e-9, 1e-3]))
        # A bias of 2³¹ − 1 may be scaled down, but not up: that would be refused.
        largest = 2**31 - 1 if input_scale * float(np.max(scale)) < output_scale / 2 else 2**20
        bias = random.integers(-(2**18), 2**18, shape[0], dtype=np.int32)
        bias[dead] = random.choice([-largest, largest, 0, 12345], dead.sum())
        weights.append(kernel), biases.append(bias), weight_scales.append(scale)
        input_scale = output_scale
    content = build_mlp(
        weights,
        biases,
        weight_scales=weight_scales,
        per_channel=per_channel,
        activations=kinds,
        activation_scales=scales,
        activation_zero_points=zero_points,
        softmax=draw(st.booleans()),
    )
    return RandomModel(content, tuple(sizes), seed, per_channel)


def _kernel(
    random: np.random.Generator, shape: tuple[int, int], density: float
) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
    """Return weights (rows, columns) and which rows (rows,) are all zero."""
    kernel = np.rint(random.normal(0, 40, shape)).clip(-127, 127).astype(np.int8)
    kernel[random.random(shape) >= density] = 0
    dead = random.random(shape[0]) < 0.1
    kernel[dead] = 0
    return kernel, dead
