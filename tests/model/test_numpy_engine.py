"""The NumPy engine equals its oracle in every byte: LiteRT's reference kernels, or TensorFlow Lite Micro."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgedigits.model.fixed_point import Rounding
from edgedigits.model.lowering import lower
from edgedigits.model.numpy_engine import run
from edgedigits.model.ops.softmax import lower_softmax
from edgedigits.model.reader import read_tflite
from edgedigits.model.simplify import simplify
from tests.model.oracles import ORACLES, hard_inputs
from tests.model.random_models import RandomModel, models
from tests.tflite_builder import INPUT_SCALE, build_mlp, random_mlp

ROUNDINGS = list(Rounding)


def assert_equal_to_oracle(content: bytes, rounding: Rounding, seed: int = 0) -> None:
    network = lower(read_tflite(content), rounding)
    inputs = hard_inputs(network.inputs, seed)
    outputs = run(network, inputs)
    np.testing.assert_array_equal(outputs, ORACLES[rounding](content, inputs))
    np.testing.assert_array_equal(outputs, run(simplify(network), inputs))


@pytest.mark.parametrize("rounding", ROUNDINGS)
@given(model=models(), seed=st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_random_models_give_the_oracles_bytes(model: RandomModel, seed: int, rounding: Rounding) -> None:
    assert_equal_to_oracle(model.content, rounding, seed)


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"per_channel": True},
        {"softmax": True},
        {"dynamic_batch": True},
        {"input_shape": (1, 28, 28)},
        {"activations": ["relu6", "none"]},
        {"density": 0.1},
    ],
    ids=str,
)
def test_the_usual_models(options: dict[str, Any], rounding: Rounding) -> None:
    assert_equal_to_oracle(random_mlp(5, (784, 32, 10), **options), rounding)


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("per_channel", [False, True])
def test_products_of_scales_are_rounded_as_the_oracle_rounds_them(per_channel: bool, rounding: Rounding) -> None:
    """Sums between what a float32 and a float64 product of scales turn into k and k + 1 tell the two apart."""
    weight_scale, output_scale = np.float32(7.1e-7), np.float32(0.0231)
    single = float(INPUT_SCALE * weight_scale) / float(output_scale)
    double = float(INPUT_SCALE) * float(weight_scale) / float(output_scale)
    bias = np.rint((np.arange(-120, 121) + 0.5) / ((single + double) / 2)).astype(np.int32)
    decided = np.floor(bias * single + 0.5) != np.floor(bias * double + 0.5)
    assert decided.sum() > 50
    content = build_mlp(
        [np.zeros((241, 3), np.int8)],
        [bias],
        weight_scales=[np.full(241, weight_scale) if per_channel else weight_scale],
        activation_scales=[output_scale],
        activation_zero_points=[0],
        per_channel=per_channel,
    )
    assert_equal_to_oracle(content, rounding)


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_a_missing_bias(rounding: Rounding) -> None:
    weights = np.random.default_rng(1).integers(-127, 128, (10, 20), dtype=np.int8)
    assert_equal_to_oracle(build_mlp([weights], [None]), rounding)


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("scale", [1e-5, 3e-4, 0.01, 0.1, 0.37, 2.5, 40.0])
def test_softmax_for_scores_of_any_scale(scale: float, rounding: Rounding) -> None:
    identity = (127 * np.eye(10)).astype(np.int8)
    content = build_mlp(
        [identity],
        [None],
        weight_scales=[np.float32(1 / 127)],
        input_scale=scale,
        input_zero_point=0,
        activation_scales=[scale],
        activation_zero_points=[0],
        softmax=True,
    )
    assert_equal_to_oracle(content, rounding, seed=int(scale * 1000))


def test_the_exponentials_are_exponentials() -> None:
    softmax = lower_softmax(1.0, np.float32(0.1), Rounding.TFLM)
    differences = np.arange(len(softmax.exponentials))
    np.testing.assert_allclose(softmax.exponentials / 2**31, np.exp(-0.1 * differences), atol=1e-8, rtol=1e-3)
    assert len(softmax.exponentials) < 256
