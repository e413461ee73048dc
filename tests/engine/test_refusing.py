"""Engines that may refuse: the emitted `classify` decides as Python does, on every margin, ties and extremes included."""

from __future__ import annotations

import difflib
from pathlib import Path

import numpy as np
import pytest

from edgedigits.build_folder import LEAST_MARGIN, MOST_MARGIN
from edgedigits.data.preprocess import INPUT_SCALE, PixelRange, pixel_map
from edgedigits.engine.source import EngineSource, render_engine
from edgedigits.model.lowering import lower
from edgedigits.model.network import Network
from edgedigits.model.numpy_engine import run
from edgedigits.model.packing import choose
from edgedigits.model.reader import read_tflite
from edgedigits.scoring.reject import MOST_LEAD_TOLD, decide, leads
from tests.engine.compilers import C_COMPILERS, available
from tests.engine.engine_program import SANITIZED, run_engines
from tests.model.oracles import hard_inputs
from tests.tflite_builder import random_mlp

MARGINS = (LEAST_MARGIN, 20, 128, MOST_MARGIN)
USUAL = pixel_map(PixelRange(0, 1, "as usual"), INPUT_SCALE, -128, "int8")
# Logits as usual; so finely stored that most are cut off, at the ends of int8; and probabilities.
MODELS = {
    "usual": random_mlp(4, (784, 8, 10)),
    "cut_off": random_mlp(4, (784, 3), activation_scales=[0.001], activation_zero_points=[0]),
    "softmax": random_mlp(4, (24, 8, 3), softmax=True),
}


def engine(name: str, margin: int, prefix: str) -> tuple[Network, EngineSource]:
    network = lower(read_tflite(MODELS[name]))
    pixels = None if name == "softmax" else USUAL
    return network, render_engine(network, choose(network), prefix, pixels, margin)


@pytest.mark.slow
def test_c_decides_as_python_does(tmp_path: Path) -> None:
    engines = [engine(name, margin, f"{name}_{margin}") for name in MODELS for margin in MARGINS]
    inputs = {network.inputs: hard_inputs(network.inputs, count=300) for network, _ in engines}

    runs = [(source, inputs[network.inputs]) for network, source in engines]
    answers = run_engines(available(C_COMPILERS)[0], SANITIZED, runs, tmp_path)

    met = set()
    for (network, source), answer in zip(engines, answers, strict=True):
        margin = source.reject_margin
        scores = run(network, inputs[network.inputs])
        np.testing.assert_array_equal(answer.scores, scores)
        np.testing.assert_array_equal(answer.classes, decide(scores, margin), err_msg=source.prefix)
        np.testing.assert_array_equal(answer.margins, np.minimum(leads(scores), MOST_LEAD_TOLD))
        assert answer.self_test == 0
        met |= {(margin, bool(refused)) for refused in leads(scores) < margin}
    assert {(margin, refused) for margin in MARGINS for refused in (False, True)} <= met, "each refuses and accepts"


def test_the_header_says_what_is_refused_and_what_is_returned_then() -> None:
    _, source = engine("softmax", 30, "letters")
    assert "#define LETTERS_REJECT 3 /*" in source.header and "#define LETTERS_REJECT_MARGIN 30 /*" in source.header
    assert "less than LETTERS_REJECT_MARGIN below, it returns LETTERS_REJECT." in source.header
    assert '"reject_margin": 30' in source.facts and source.reject_margin == 30


def test_an_engine_that_never_refuses_has_nothing_of_it() -> None:
    _, without = engine("usual", 0, "net")
    _, with_margin = engine("usual", 30, "net")
    assert not any("reject" in text.lower() for text in without.files().values())

    changed = list(difflib.unified_diff(without.source.split("\n"), with_margin.source.split("\n"), n=0))[2:]
    lines = [line for line in changed if not line.startswith("@@")]
    assert [line[1:].strip() for line in lines] == [
        "const int distance = scores[best] - second;",
        "const int distance = scores[best] - second;",
        "return best;",
        "return distance < NET_REJECT_MARGIN ? NET_REJECT : best;",
    ]
    assert without.self_test == with_margin.self_test
