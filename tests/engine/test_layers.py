"""Layers as the templates print them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgedigits.engine.engine_facts import engine_facts
from edgedigits.engine.parts import make_parts
from edgedigits.engine.source import render_engine
from edgedigits.model.lowering import lower
from edgedigits.model.packing import choose, use
from edgedigits.model.proof import Proof
from edgedigits.model.reader import read_tflite
from tests.tflite_builder import random_mlp


def test_a_factor_of_0_does_not_cost_the_short_form_of_the_shifts() -> None:
    """A dead output's factor is 0 with any shift: the others decide which `rescale` the engine gets."""
    network = lower(read_tflite(random_mlp(7, (20, 6), density=1.0)))
    assert make_parts(network, choose(network), None).layers[0].rescaling.high_shifts

    layer = network.layers[0]
    multiplier, shift = layer.multiplier.copy(), layer.shift.copy()
    multiplier[2], shift[2] = 0, 0
    dead = network.with_layers([replace(layer, multiplier=multiplier, shift=shift)])
    assert make_parts(dead, choose(dead), None).layers[0].rescaling.high_shifts

    multiplier[2] = 2**30
    shift[2] = 3
    large = network.with_layers([replace(layer, multiplier=multiplier, shift=shift)])
    assert not make_parts(large, choose(large), None).layers[0].rescaling.high_shifts


@pytest.mark.parametrize(("per_channel", "nbytes"), [(False, 4), (True, 9)])
def test_an_output_takes_its_bias_and_where_they_differ_a_factor_of_five_bytes(per_channel: bool, nbytes: int) -> None:
    network = lower(read_tflite(random_mlp(7, (20, 6), density=1.0, per_channel=per_channel)))
    [layer] = make_parts(network, use(network, ["lists8"]), None).layers
    assert layer.bias_bytes == 6 * nbytes


def test_facts_count_the_zeros_of_a_layer() -> None:
    network = lower(read_tflite(random_mlp(7, (20, 6), density=0.5)))
    packed = use(network, ["lists8"])
    facts = engine_facts(network, network, packed, render_engine(network, packed), "speed", Proof("none"))
    assert facts.layers[0].zeros == int(np.sum(network.layers[0].weights == 0)) > 0
