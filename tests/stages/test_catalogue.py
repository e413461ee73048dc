"""Stages are found by their files, run in their order, and are called the same everywhere."""

from __future__ import annotations

import subprocess
import sys

import pytest

from edgedigits.config_file import make_config, parse_sections, to_tables
from edgedigits.stages.catalogue import STAGES, brief_words, label, past_words, slug
from tests.small_builds import COMPRESSIONS, merged


def test_they_run_in_their_order_and_each_has_its_own_words() -> None:
    assert list(STAGES) == ["float", "prune", "cluster", "qat", "joint", "polish"]
    for words in ({stage.label for stage in STAGES.values()}, {stage.order for stage in STAGES.values()}):
        assert len(words) == len(STAGES)
    assert (label("prune"), label("of tomorrow")) == ("pruned", "of tomorrow")


@pytest.mark.parametrize(
    ("compression", "named", "done", "brief"),
    [
        ("post-training", "mse", "quantized after training", "int8"),
        ("qat", "mse-qat", "trained quantization-aware", "QAT"),
        ("prune", "mse-prune", "pruned to 50%, 90%, quantized after training", "pruned 80%, int8"),
        ("qat+prune", "mse-qat-prune", "pruned to 50%, 90%, trained quantization-aware", "pruned 80%, QAT"),
        ("cluster", "mse-cluster", "clustered, quantized after training", "clustered to 4 bits, int8"),
        (
            "qat+cluster+prune",
            "mse-qat-cluster-prune",
            "pruned to 50%, 90%, clustered, trained quantization-aware",
            "pruned 80%, clustered to 4 bits, QAT",
        ),
    ],
)
def test_a_compression_is_named_in_a_builds_name_on_its_page_and_in_a_study(compression, named, done, brief) -> None:
    tables = merged(
        {"prune": {"enabled": False, "sparsity": 0.8}, "qat": {"enabled": False}}, COMPRESSIONS[compression]
    )
    config = make_config(parse_sections({**tables, "loss": {"name": "mse"}}, "test"))
    assert slug(config) == named
    asked = [stage.name for stage in STAGES.values() if stage.asked(config)]
    assert past_words(asked, {"hidden_1": 0.9, "hidden_2": 0.5}) == done
    assert brief_words(tables) == brief
    assert brief_words(tables, quantized=False) == brief.replace("QAT", "float32").replace("int8", "float32")


def test_a_budget_says_how_much_is_pruned() -> None:
    config = make_config(parse_sections({"budget": {"constants": "2K"}}, "test"))
    assert brief_words(to_tables(config)) == "pruned to a budget, joint"


def test_whoever_only_names_them_does_not_wait_for_tensorflow() -> None:
    program = "import sys, edgedigits.stages.catalogue; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
