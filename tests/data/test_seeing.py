"""What a model sees of images is what the definition says, pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgedigits.data import seeing
from edgedigits.data.preprocess import PixelMap, PixelRange
from edgedigits.data.seeing import CHUNK, area_weights, moments, see
from edgedigits.view import LEVEL_BITS, PLAIN, WINDOWS, View
from tests.data.hard_images import hard_images
from tests.data.one_by_one import place, seen


@st.composite
def views(draw: st.DrawFn) -> View:
    window = draw(st.sampled_from(WINDOWS))
    size = draw(st.one_of(st.just(window), st.integers(1, window)))
    return View(window, size, draw(st.booleans()), draw(st.booleans()), draw(st.sampled_from(LEVEL_BITS)))


@settings(max_examples=15, deadline=None)
@given(views(), st.integers(0, 2**32 - 1))
def test_images_are_seen_as_the_definition_says(view: View, seed: int) -> None:
    images = hard_images(seed, noisy=3)
    chosen = images[np.random.default_rng(seed).permutation(len(images))[:4]]
    np.testing.assert_array_equal(see(view, chosen), [seen(view, image) for image in chosen])


def test_the_whole_image_is_itself() -> None:
    images = hard_images()
    assert see(PLAIN, images) is images


def test_more_images_than_a_chunk_are_seen_as_few_are(monkeypatch: pytest.MonkeyPatch) -> None:
    view, images = View(size=16, deskew=True, centre=True), hard_images()
    whole = see(view, images)
    assert len(images) < CHUNK
    monkeypatch.setattr(seeing, "CHUNK", 7)
    np.testing.assert_array_equal(see(view, images), whole)
    assert see(view, images[:0]).shape == (0, 256)


def test_moments_are_those_of_the_definition() -> None:
    images = hard_images(5).reshape(-1, 28, 28)
    found = moments(images)
    expected = [place(image.tolist()) for image in images]
    assert list(zip(found.row, found.column, found.slope, strict=True)) == expected


def test_a_blank_image_stays_where_it_is() -> None:
    found = moments(np.zeros((1, 28, 28), np.uint8))
    assert (found.row[0], found.column[0], found.slope[0]) == (14, 14, 0)


def test_the_largest_moments_are_where_int32_holds_them() -> None:
    """All ink is the most: the C sums up in int32, about the corner and about any pixel."""
    places = np.arange(28)
    ink = 255 * 28
    assert 27 * 27 * 28 * ink < 2**28, "row · column · mass, and row · column · any first moment by its own place"
    assert ink * (places**2).sum() < 2**26 and 255 * places.sum() ** 2 < 2**26
    found = moments(np.full((1, 28, 28), 255, np.uint8))
    assert (found.row[0], found.column[0], found.slope[0]) == (14, 14, 0), "halves go upwards"


@pytest.mark.parametrize(("turn", "slope"), [(lambda eye: eye, 256), (lambda eye: eye[::-1], -256)])
def test_a_line_at_45_degrees_stands_upright(turn, slope: int) -> None:
    line = np.zeros((28, 28), np.uint8)
    line[:27, :27] = 255 * turn(np.eye(27))
    assert moments(line[None]).slope[0] == slope
    upright = see(View(deskew=True), line.reshape(1, 784)).reshape(28, 28)
    columns = np.argmax(upright, axis=1)
    assert (upright.max(axis=1)[:27] == 255).all() and (columns[:27] == 13).all()


def test_a_digit_in_a_corner_comes_to_the_middle() -> None:
    image = np.zeros((28, 28), np.uint8)
    image[2:7, 20:25] = 255
    centred = see(View(centre=True), image.reshape(1, 784)).reshape(28, 28)
    expected = np.zeros_like(image)
    expected[12:17, 12:17] = 255
    np.testing.assert_array_equal(centred, expected)


def test_half_a_step_rounds_upwards() -> None:
    image = np.zeros((28, 28), np.uint8)
    image[0, :2], image[0, 2] = 1, 1
    assert see(View(size=14), image.reshape(1, 784))[0, :3].tolist() == [1, 0, 0], "2 of 4, 1 of 4"
    levels = see(View(bits=1), np.resize(np.arange(256, dtype=np.uint8), (1, 784)))[0, :256]
    assert (levels == np.where(np.arange(256) < 128, 0, 255)).all()
    assert set(see(View(bits=4), np.resize(np.arange(256, dtype=np.uint8), (1, 784))).ravel()) == set(range(0, 256, 17))


@pytest.mark.parametrize(("window", "size"), [(28, 16), (20, 16), (28, 20), (24, 9), (28, 1)])
def test_every_pixel_counts_alike(window: int, size: int) -> None:
    view = View(window, size)
    weights = area_weights(view)
    assert (weights.sum(axis=1) == view.span).all() and (weights.sum(axis=0) == view.units).all()


def test_a_map_looks_up_what_is_seen() -> None:
    view, images = View(window=24, size=12), hard_images()
    table: NDArray[np.int8] = (np.arange(256) - 128).astype(np.int8)
    inputs = PixelMap(PixelRange(0, 1, ""), table, view).inputs(images)
    np.testing.assert_array_equal(inputs, see(view, images).astype(int) - 128)
