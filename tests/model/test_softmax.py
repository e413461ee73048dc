"""The softmax at the ends of its scales, where the kernel's fixed point saturates."""

from __future__ import annotations

import numpy as np
import pytest

from edgedigits.model.fixed_point import Rounding
from edgedigits.model.ops import softmax
from edgedigits.model.ops.softmax import lower_softmax


@pytest.mark.parametrize("rounding", list(Rounding))
@pytest.mark.parametrize("scale", [0.01, 0.2, 1.0, 7.0])
def test_exponentials_are_those_of_the_differences(scale: float, rounding: Rounding) -> None:
    table = lower_softmax(1.0, np.float32(scale), rounding).exponentials
    expected = np.exp(-scale * np.arange(len(table)))
    np.testing.assert_allclose(table / 2**31, expected, atol=2e-7, rtol=3e-3)
    assert table[0] == 2**31 - 1
    beyond = np.exp(-scale * len(table))
    assert len(table) == 256 or beyond < 2**-18, "what is left out adds nothing to a sum of 12 integer bits"


@pytest.mark.parametrize(("rounding", "most"), [(Rounding.LITERT, 2**30 - 1), (Rounding.TFLM, 2**31 - 1)])
def test_factors_beyond_what_the_kernel_holds_are_cut_to_it(rounding: Rounding, most: int, monkeypatch) -> None:
    """LiteRT caps the factor, 5 integer bits up, at 2³⁰ − 1, TFLM at 2³¹ − 1."""
    seen = []
    real = softmax.quantize_multiplier
    monkeypatch.setattr(softmax, "quantize_multiplier", lambda factor, how: seen.append(factor) or real(factor, how))
    for scale in (1.0, 1e9):
        assert lower_softmax(1.0, np.float32(scale), rounding).exponentials[0] == 2**31 - 1
    assert seen == [2.0**26, float(most)]


@pytest.mark.parametrize("rounding", list(Rounding))
def test_a_scale_too_small_for_the_kernel_is_refused(rounding: Rounding) -> None:
    with pytest.raises(ValueError, match="too small for the reference kernel"):
        lower_softmax(1.0, np.float32(2.0**-26), rounding)
    assert len(lower_softmax(1.0, np.float32(2.0**-20), rounding).exponentials) == 256
