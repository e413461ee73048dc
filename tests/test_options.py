"""Every option: its default, its bounds, and what it needs to have an effect."""

from __future__ import annotations

import json
import math
from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgedigits.config import SECTIONS, BuildConfig
from edgedigits.config_file import make_config, parse_sections, to_tables
from edgedigits.errors import ConfigError
from edgedigits.options import flag_of, layer_sparsity, number
from tests.golden.compare import assert_golden

INTEGERS = {
    "input.size": (0, 28),
    "training.epochs": (1, 100_000),
    "training.batch_size": (1, 10**9),
    "training.patience": (0, 100_000),
    "training.seed": (0, 2**31 - 1),
    "training.augment_copies": (0, 1000),
    "prune.epochs": (1, 100_000),
    "levels.weight_bits": (1, 8),
    "joint.epochs": (1, 100_000),
    "joint.tries": (1, 1000),
    "joint.polish": (0, 1000),
    "budget.constants": (0, 2**30),
    "budget.instructions": (0, 10**9),
    "engine.most_instructions": (0, 10**9),
    "engine.list_room": (4, 256),
    "budget.flash": (0, 2**30),
    "prune.frequency": (1, 10**9),
    "qat.epochs": (1, 100_000),
    "cluster.epochs": (1, 100_000),
    "model.hidden": (1, 4096),
}
FEW = {"input.window": range(4, 29, 2), "input.bits": (1, 2, 4, 8)}
# Least and most, and whether these two are inside.
NUMBERS = {
    "data.validation_fraction": (0.01, 0.5, True, True),
    "data.test_fraction": (0.01, 0.5, True, True),
    "loss.gamma": (0, 20, True, True),
    "loss.alpha": (0, 1e6, True, True),
    "loss.beta": (0, 1, True, False),
    "training.learning_rate": (0, 100, True, True),
    "training.label_smoothing": (0, 1, True, False),
    "distill.temperature": (0.1, 100, True, True),
    "distill.weight": (0, 1, False, True),
    "prune.sparsity": (0, 1, True, False),
    "prune.initial_sparsity": (0, 1, True, False),
    "prune.rate": (0, 10, False, True),
    "confidence.reject_error": (0, 0.1, True, True),
    "joint.rate": (0, 10, False, True),
    "joint.levels_begin": (0, 1, True, True),
    "joint.activations_begin": (0, 1, True, True),
    "joint.trim": (0, 1, True, True),
    "prune.begin": (0, 1, True, False),
    "prune.end": (0, 1, False, True),
    "qat.rate": (0, 10, False, True),
    "cluster.rate": (0, 10, False, True),
}


def takes(name: str, value: object) -> bool:
    section, _, key = name.partition(".")
    try:
        parse_sections({section: {key: value}}, "t")
    except ConfigError:
        return False
    return True


@pytest.mark.parametrize("name", INTEGERS)
def test_an_integer_is_taken_up_to_its_bounds(name):
    low, high = INTEGERS[name]
    assert [takes(name, value) for value in (low, high, float(low), str(high))] == [True] * 4
    assert not any(takes(name, value) for value in (low - 1, high + 1, low + 0.5, True, None, "x", math.inf, math.nan))


@pytest.mark.parametrize("name", FEW)
def test_one_of_a_few_integers_is_taken(name):
    assert [value for value in range(-1, 40) if takes(name, value)] == list(FEW[name])
    assert takes(name, "8") and not any(takes(name, value) for value in (4.5, True, None, "x", "٨", math.nan))


@pytest.mark.parametrize("name", [*INTEGERS, *NUMBERS])
@pytest.mark.parametrize("text", ["٣", "1_0", "0.1_0", "１", "0.٣", "²", "1,٣"])
def test_a_number_is_written_in_ascii(name, text):
    """Python takes more for one; TOML does so for 1_0, and gives the number."""
    assert not takes(name, text)
    assert takes(name, f" {NUMBERS[name][1] / 2}" if name in NUMBERS else " 7")


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_is_taken_up_to_its_bounds(name):
    low, high, with_low, with_high = NUMBERS[name]
    inside = [math.nextafter(low, math.inf), math.nextafter(high, -math.inf), (low + high) / 2]
    assert all(takes(name, value) and takes(name, repr(value)) for value in inside)
    assert (takes(name, low), takes(name, high)) == (with_low, with_high)
    outside = [math.nextafter(low, -math.inf), math.nextafter(high, math.inf), math.nan, math.inf, True, None, "x"]
    assert not any(takes(name, value) for value in outside)


def test_every_numeric_option_has_its_bounds_here():
    numeric = {
        f"{section}.{one.name}"
        for section, kind in SECTIONS.items()
        for one in fields(kind)
        if type(one.default) in (int, float)
    }
    assert numeric <= INTEGERS.keys() | NUMBERS.keys() | FEW.keys()


def test_defaults_flags_and_needs_are_what_they_were():
    options = {
        f"{section}.{one.name}": {"flag": flag_of(one), "default": one.default, "needs": one.metadata["needs"]}
        for section, kind in SECTIONS.items()
        for one in fields(kind)
    }
    assert_golden("options.json", json.dumps(options, indent=1) + "\n")


def test_the_defaults_are_a_config_of_their_own():
    assert make_config(parse_sections(to_tables(BuildConfig()), "t")) == BuildConfig()
    assert make_config({}) == BuildConfig()


def test_as_many_layers_as_are_taken():
    assert takes("model.hidden", [1] * 64) and not takes("model.hidden", [1] * 65)


def test_the_sparsity_of_a_layer_is_a_share():
    taken = [takes("prune.layer_sparsity", f"hidden_1={share}") for share in ("-0.1", "0", "0.5", "0.99", "1")]
    assert taken == [False, True, True, True, False]


@settings(max_examples=30)
@given(st.integers(0, 99_999))
def test_a_share_is_a_number_or_percent(thousandths):
    share = number(0, 1, open_high=True)
    for text in (f"{thousandths / 1000:g}%", f" {thousandths / 1000:g} %", f"{thousandths / 100_000:.5f}"):
        assert share(text) == float(f"{thousandths}e-5")
    assert layer_sparsity(f"hidden_1={thousandths / 1000:g}%") == (("hidden_1", float(f"{thousandths}e-5")),)
