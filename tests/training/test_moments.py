"""What criteria of pruning measure: as NumPy has it from the same sample, and steadied over the samples."""

from __future__ import annotations

import numpy as np
import pytest

from edgedigits.config_file import make_config, parse_sections
from edgedigits.progress import SILENT
from edgedigits.training.compressed_dense import compressed
from edgedigits.training.line import Line
from edgedigits.training.model import build_mlp
from edgedigits.training.moments import MOMENTUM, Moments

SAMPLE = 200


@pytest.fixture(scope="module")
def measured(few):
    """The network's weights, the digits, and what was measured on the first two samples."""
    config = make_config(parse_sections({"model": {"hidden": [6]}}, "test"))
    model = compressed(build_mlp(config), 8, "codebook")
    model.build((None, 784))
    moments = Moments(model, Line(config, few, SILENT), SAMPLE)
    weights = [(layer.layer.kernel.numpy(), layer.layer.bias.numpy()) for layer in model.layers]
    return weights, few.train, (moments(0), moments(1))


def by_hand(weights, digits, number):
    """Mean squares of inputs and errors, and gradients, by layer, of cross-entropy on a sample."""
    part = slice(number * SAMPLE, (number + 1) * SAMPLE)
    pixels, truth = digits.images[part] / 255.0, np.eye(10)[digits.labels[part]]
    (first, bias), (second, offset) = weights
    hidden = np.maximum(pixels @ first + bias, 0)
    sums = hidden @ second + offset
    chances = np.exp(sums - sums.max(axis=1, keepdims=True))
    errors = chances / chances.sum(axis=1, keepdims=True) - truth
    before = errors @ second.T * (hidden > 0)
    return [
        ((inputs**2).mean(axis=0), (error**2).mean(axis=0), inputs.T @ error / SAMPLE)
        for inputs, error in ((pixels, before), (hidden, errors))
    ]


def test_the_first_sample_is_measured_as_it_is(measured):
    weights, digits, (first, _) = measured
    for found, expected in zip(first, by_hand(weights, digits, 0), strict=True):
        for one, other in zip(found, expected, strict=True):
            assert one == pytest.approx(other, rel=1e-3, abs=1e-6)


def test_squares_are_moving_means_and_gradients_those_of_the_sample(measured):
    weights, digits, (_, second) = measured
    samples = by_hand(weights, digits, 0), by_hand(weights, digits, 1)
    for found, old, new in zip(second, *samples, strict=True):
        for one, before, after in zip(found[:2], old[:2], new[:2], strict=True):
            assert one == pytest.approx(MOMENTUM * before + (1 - MOMENTUM) * after, rel=1e-3, abs=1e-6)
        assert found[2] == pytest.approx(new[2], rel=1e-3, abs=1e-6)
