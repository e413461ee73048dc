"""What a pixel becomes: ranges by the quantization that fits them, and one map of 256 entries."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgedigits.data.preprocess import (
    INPUT_SCALE,
    INPUT_ZERO_POINT,
    USUAL_RANGES,
    PixelRange,
    pixel_map,
    quantize_values,
    to_float,
    usual_ranges,
)

MNIST = (-0.1307 / 0.3081, (1 - 0.1307) / 0.3081)
PIXELS = np.arange(256, dtype=np.uint8)


@pytest.mark.parametrize(
    ("dtype", "scale", "zero_point", "found"),
    [
        ("int8", 1 / 255, -128, (0, 1)),
        ("int8", 1.0, -128, (0, 255)),  # Rescaling(1/255) inside the model
        ("int8", 1 / 256, -128, (0, 255 / 256)),
        ("int8", 2 / 255, 0, (-1, 1)),
        ("int8", 2 / 255, -1, (-1, 1)),
        ("int8", 1 / 128, 0, (-1, 127 / 128)),
        ("int8", 1 / 255, -1, (-0.5, 0.5)),
        ("int8", 1 / 256, 0, (-0.5, 127 / 256)),
        ("int8", (MNIST[1] - MNIST[0]) / 255, -95, MNIST),
        ("uint8", 1 / 255, 0, (0, 1)),
        ("uint8", 1.0, 0, (0, 255)),
        ("uint8", 2 / 255, 127, (-1, 1)),
        ("uint8", 1 / 128, 128, (-1, 127 / 128)),
        ("int8", 0.98 / 255, -128, (0, 1)),  # the calibration images were a little pale
        ("int8", 254 / 255, -128, (0, 255)),
        ("int8", 1.03 / 255, -128, (0, 1)),
        ("int8", 255 / 127, 0, (0, 255)),  # symmetric: half of the codes are unused
        ("int8", MNIST[1] / 127, 0, MNIST),
    ],
)
def test_the_quantization_says_what_pixels_are(
    dtype: str, scale: float, zero_point: int, found: tuple[float, float]
) -> None:
    assert usual_ranges(float(np.float32(scale)), zero_point, dtype) == [found]


@pytest.mark.parametrize(
    ("scale", "zero_point"),
    [
        (0.0059, -59),
        (0.0079, -59),
        (12 / 255, 0),
        (7.5, 127),
        (1e-6, 0),
        (0.9 / 255, -128),
        (1e4, -128),
        (3 / 255, -128),
    ],
)
def test_what_fits_no_range_is_not_guessed(scale: float, zero_point: int) -> None:
    assert usual_ranges(scale, zero_point, "int8") == []


def test_symmetric_codes_of_0_to_1_and_of_minus_1_to_1_look_alike() -> None:
    assert sorted(usual_ranges(1 / 127, 0, "int8")) == [(-1, 1), (0, 1)]
    assert sorted(usual_ranges(1 / 127, 128, "uint8")) == [(-1, 1), (0, 1)]
    assert usual_ranges(1 / 127, 1, "int8") == [(-1, 1)], "that is not symmetric"


@given(one=st.sampled_from(USUAL_RANGES), nudge=st.floats(-0.02, 0.02), dtype=st.sampled_from(["int8", "uint8"]))
def test_a_range_that_was_calibrated_is_found_again(one: tuple[float, float], nudge: float, dtype: str) -> None:
    """As converters choose scale and zero point; what is found instead differs by a step at most."""
    low, high = one[0] * (1 + nudge), one[1] * (1 + nudge)
    scale = (high - low) / 255
    zero_point = int(np.clip(round(np.iinfo(dtype).min - low / scale), np.iinfo(dtype).min, np.iinfo(dtype).max))
    (found, *others) = usual_ranges(scale, zero_point, dtype)
    assert max(abs(found[0] - one[0]), abs(found[1] - one[1])) <= 0.01 * (one[1] - one[0])
    assert all(max(map(abs, other)) == pytest.approx(max(map(abs, found)), rel=0.01) for other in others)


def test_our_own_pixels_are_p_by_255_and_p_minus_128() -> None:
    assert (float(INPUT_SCALE), INPUT_ZERO_POINT) == (float(np.float32(1 / 255)), -128)
    ours = PixelRange(0.0, 1.0, "ours")
    assert np.array_equal(ours.values, to_float(PIXELS)) and ours.values.dtype == np.float32
    assert np.array_equal(pixel_map(ours, np.float32(1 / 255), -128, "int8").table, np.arange(256) - 128)
    assert np.array_equal(pixel_map(ours, np.float32(1), 0, "float32").table, to_float(PIXELS))
    theirs = PixelRange(0.0, 255.0, "theirs")
    assert np.array_equal(pixel_map(theirs, np.float32(1), -128, "int8").table, np.arange(256) - 128)
    assert np.array_equal(pixel_map(theirs, np.float32(1), 0, "uint8").table, np.arange(256))


def test_inverted_pixels_are_read_from_white() -> None:
    assert to_float(PIXELS).tolist() == (PIXELS.astype(np.float32) / np.float32(255)).tolist()
    assert to_float(PIXELS, invert=True).tolist() == to_float(PIXELS)[::-1].tolist()


def test_a_map_cannot_be_changed_and_says_what_it_cuts_off() -> None:
    found = pixel_map(PixelRange(0.0, 255.0, "by the user"), np.float32(1 / 255), -128, "int8")
    assert found.range.cut == 254, "0 is -128, 1 is 127, and so is all the rest"
    assert str(found.range) == "0 to 255, by the user; 254 of 256 lie beyond what its input holds"
    whole = pixel_map(PixelRange(0.0, 1.0, "as usual"), np.float32(1 / 255), -128, "int8")
    assert whole.range.cut == 0 and str(whole.range) == "0 to 1, as usual"
    with pytest.raises(ValueError, match="read-only"):
        found.table[0] = 0


def test_halves_go_away_from_zero_and_what_is_out_of_reach_is_clamped() -> None:
    values = np.array([0.25, 0.75, -0.25, -0.75, 1e6, -1e6, np.inf, -np.inf], np.float32)
    assert quantize_values(values, np.float32(0.5), 3, "int8").tolist() == [4, 5, 2, 1, 127, -128, 127, -128]
    # Just below a half: a sum in float32 would round up to 1.
    below = np.nextafter(np.float32(0.5), np.float32(0))
    assert quantize_values(np.array([below, -below]), np.float32(1), 0, "int8").tolist() == [0, 0]


@pytest.mark.parametrize(("top", "cut"), [(127.4, 0), (127.9, 0), (128.1, 1), (129.5, 2)])
def test_a_pixel_is_cut_off_where_it_is_more_than_a_step_beyond(top: float, cut: int) -> None:
    ours = PixelRange(0.0, 1.0, "ours")
    assert pixel_map(ours, np.float32(1 / (top + 128)), -128, "int8").range.cut == cut
