"""Random inputs reach every value that an engine can be given, whatever the ends of its model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgedigits.errors import UnsupportedModelError
from edgedigits.model.fixed_point import Rounding
from edgedigits.model.lowering import lower
from edgedigits.model.numpy_engine import run
from edgedigits.model.reader import read_tflite
from edgedigits.scoring.any_model import AnyModel, open_any, random_codes
from edgedigits.scoring.oracle import engine_inputs, oracle_outputs
from edgedigits.scoring.pixels import takes_digits
from tests.tflite_builder import random_mlp

CODES = np.arange(256, dtype=np.uint8)[:, None]


def model_of(sizes: tuple[int, ...], **options: Any) -> AnyModel:
    return open_any(read_tflite(random_mlp(4, sizes, **options), "theirs.tflite"))


@pytest.mark.parametrize("io", ["int8", "uint8", "float32"])
@pytest.mark.parametrize(("scale", "zero_point"), [(1 / 255, -128), (0.05, 3), (7.5, 127)])
def test_each_code_is_one_int8_lowest_first(io: str, scale: float, zero_point: int) -> None:
    model = model_of((1, 3), io=io, input_scale=scale, input_zero_point=zero_point)

    assert engine_inputs(model, CODES)[:, 0].tolist() == list(range(-128, 128))


@pytest.mark.parametrize("rounding", list(Rounding))
@pytest.mark.parametrize("sizes", [(64, 3), (20, 7, 1), (5, 30, 12)], ids=str)
def test_interpreters_run_models_of_any_size(sizes: tuple[int, ...], rounding: Rounding) -> None:
    if rounding is Rounding.TFLM:
        pytest.importorskip("tflite_micro")
    model, codes = model_of(sizes, input_scale=0.05, input_zero_point=3), random_codes(50, sizes[0])

    outputs = oracle_outputs(model, codes, str(rounding))

    assert outputs.shape == (50, sizes[-1])
    assert np.array_equal(outputs, run(lower(model.graph, rounding), engine_inputs(model, codes)))


def test_random_codes_repeat_and_every_second_input_is_half_lowest() -> None:
    codes = random_codes(200, 400)

    assert np.array_equal(codes, random_codes(200, 400))
    assert set(codes.flat) == set(range(256))
    lowest = (codes == 0).mean(axis=1)
    assert lowest[::2].max() < 0.03 and 0.4 < lowest[1::2].min() < lowest[1::2].max() < 0.6


def test_what_takes_digits() -> None:
    assert takes_digits(model_of((784, 10)).graph)
    assert not takes_digits(model_of((784, 3)).graph)
    assert not takes_digits(model_of((64, 10)).graph)


def test_a_float_model_has_no_int8_values() -> None:
    with pytest.raises(UnsupportedModelError, match="no int8 tensor lies behind it"):
        model_of((5, 3), float_model=True)
