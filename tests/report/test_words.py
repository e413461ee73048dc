"""Facts in words."""

from __future__ import annotations

from typing import Any

import pytest

from edgedigits.losses.catalogue import LOSSES
from edgedigits.report.words import (
    choice_words,
    compression_words,
    loss_meaning,
    loss_words,
    network,
    percent,
    points,
    size_text,
)
from tests.report.conftest import MakeFacts


@pytest.mark.parametrize(
    ("difference", "text"), [(-0.0027, "−0.27"), (0.001, "+0.10"), (0.0, "±0.00"), (-0.00001, "±0.00"), (1e-9, "±0.00")]
)
def test_points_are_signed_and_nothing_is_neither(difference: float, text: str) -> None:
    assert points(difference) == text


def test_shares_and_sizes_read_well() -> None:
    assert (percent(0.97493), percent(0.8, 1)) == ("97.49%", "80.0%")
    assert (size_text(812), size_text(29_528)) == ("812 B", "28.8 KiB")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "yes"),
        (False, "no"),
        (0.003, "0.003"),
        ((32, 16), "32, 16"),
        ((), "none"),
        ({}, "none"),
        ({"hidden_1": 0.9}, "hidden_1 = 0.9"),
        ("", "–"),
        ("full", "full"),
    ],
)
def test_values_are_written_as_people_write_them(value: object, text: str) -> None:
    assert choice_words(value) == text


def test_compression_is_told_in_words(make_facts: MakeFacts) -> None:
    assert compression_words(make_facts(stages=("float",))) == "quantized after training"
    assert compression_words(make_facts(stages=("float", "prune"))) == "pruned to 80%, quantized after training"
    facts = make_facts(target_sparsity={"hidden_1": 0.9, "hidden_2": 0.5})
    assert compression_words(facts) == "pruned to 50%, 90%, trained quantization-aware"


def test_the_network_is_named_by_its_widths(make_facts: MakeFacts) -> None:
    assert network(make_facts(softmax=True)) == "784-32-16-10"


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        ({"name": "focal", "gamma": 2.0}, "focal (γ = 2)"),
        ({"name": "focal", "gamma": 1.5, "alpha": (0.25,)}, "focal (γ = 1.5, α = 0.25)"),
        ({"name": "hinge", "hinge": "one-vs-rest"}, "hinge (one-vs-rest)"),
        ({"name": "weighted-cross-entropy", "class_weights": "balanced"}, "weighted-cross-entropy (weights balanced)"),
        ({"name": "mse"}, "mse"),
    ],
)
def test_the_loss_is_named_with_the_parameters_it_has(loss: dict[str, Any], words: str) -> None:
    assert loss_words({"loss": loss}) == words


def test_every_loss_has_a_meaning() -> None:
    for name in LOSSES:
        assert loss_meaning({"loss": {"name": name}})
