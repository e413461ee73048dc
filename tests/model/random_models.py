"""Random int8 MLPs: 1–4 layers of odd widths, with what real files have at their worst."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.tflite_builder import INPUT_SCALE, build_mlp

DENSITIES = (0.05, 0.2, 1.0)
SEEDS = st.integers(0, 2**32 - 1)


@dataclass(frozen=True)
class RandomModel:
    """A model and what it is, short enough to print."""

    content: bytes = field(repr=False)
    sizes: tuple[int, ...]
    seed: int
    per_channel: bool


def models(widest: int = 300) -> st.SearchStrategy[RandomModel]:
    """Draw a model of layers up to `widest`."""
    return st.builds(random_model, SEEDS, widest=st.just(widest))


def random_model(
    seed: int, *, widest: int = 300, distinct: int = 256, even: bool = False, lanes: bool = False, layers: int = 0
) -> RandomModel:
    """Make a model: extreme scales, all-zero rows, saturating biases, any zero points, perhaps a softmax.

    Args:
        seed: the same seed gives the same file.
        widest: largest width of a layer.
        distinct: most different weights in a layer, 0 among them.
        even: they are at equal distances.
        lanes: of two weights one lane can hold both, and so can their sums.
        layers: how many; 1 to 4 by default.
    """
    random = np.random.default_rng(seed)
    count = layers or int(random.integers(1, 5))
    sizes = [int(size) for size in random.integers(1, widest + 1, count + 1)]
    per_channel = bool(random.integers(2))
    scales = random.choice([0.002, 0.02, 0.11, 0.9], count).tolist()
    weights, biases, weight_scales = [], [], []
    input_scale = float(INPUT_SCALE)
    for shape, output_scale in zip(((rows, columns) for columns, rows in pairwise(sizes)), scales, strict=True):
        kernel, dead = _kernel(random, shape, distinct, even)
        kernel = np.maximum(kernel, -127) if lanes else kernel
        scale = random.uniform(1 / 300, 1 / 50, shape[0] if per_channel else ()).astype(np.float32)
        if per_channel:
            scale[dead] = random.choice([0.0, 4e-9, 1e-3])
        # A bias of 2³¹ − 1 may be scaled down, but not up: that would be refused.
        largest = 2**31 - 1 if input_scale * float(np.max(scale)) < output_scale / 2 else 2**20
        bias = random.integers(-(2**18), 2**18, shape[0], dtype=np.int32)
        largest = min(largest, 2**22) if lanes else largest
        bias[dead] = random.choice([-largest, largest, 0, 12345], dead.sum())
        weights.append(kernel), biases.append(bias), weight_scales.append(scale)
        input_scale = output_scale
    content = build_mlp(
        weights,
        biases,
        weight_scales=weight_scales,
        per_channel=per_channel,
        activations=random.choice(["relu", "relu6", "none"], count).tolist(),
        activation_scales=scales,
        activation_zero_points=random.integers(-128, 128, count).tolist(),
        softmax=bool(random.integers(2)),
    )
    return RandomModel(content, tuple(sizes), seed, per_channel)


def _kernel(
    random: np.random.Generator, shape: tuple[int, int], distinct: int, even: bool
) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
    """Return weights (rows, columns) and which rows (rows,) are all zero."""
    kernel = np.rint(random.normal(0, 40, shape)).clip(-128, 127).astype(np.int8)
    if distinct < 256:
        kernel = random.choice(np.append(random.integers(-128, 128, distinct - 1), 0).astype(np.int8), shape)
    if even:
        places = np.arange(distinct) - random.integers(distinct)
        kernel = random.choice((places * random.integers(1, 128 // distinct)).astype(np.int8), shape)
    kernel[random.random(shape) >= random.choice(DENSITIES)] = 0
    dead = random.random(shape[0]) < 0.1
    kernel[dead] = 0
    return kernel, dead


def largest_sums(beyond: int) -> bytes:
    """Return a model of one layer whose sums reach 2²³ - 1 and that below 0, or are larger by `beyond`."""
    weights, bias = np.zeros((4, 264), np.int8), (1 << 23) - 1 - 255 * 127 * 258
    weights[:, 3:261] = np.array([127, -127, -127, 127])[:, None]
    biases = np.sign(weights[:, 3]).astype(np.int32) * (bias + beyond)
    return build_mlp([weights], [biases])
