"""Steps without weights in C: exact in every byte on this machine and on emulated cores, and told by the facts."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from edgedigits.compile import compile_graph
from edgedigits.config import EngineConfig
from edgedigits.devices.cores import find_core
from edgedigits.devices.simulate import simulate_inputs
from edgedigits.devices.stub import find_engine
from edgedigits.engine.source import EngineSource, render_engine
from edgedigits.model.fixed_point import Rounding
from edgedigits.model.lowering import lower
from edgedigits.model.network import Network
from edgedigits.model.numpy_engine import run
from edgedigits.model.packing import choose, use
from edgedigits.model.reader import read_tflite
from edgedigits.model.simplify import simplify
from tests.devices.conftest import toolchain_or_skip
from tests.engine.compilers import C_COMPILERS, available
from tests.engine.engine_program import SANITIZED, run_engines, write
from tests.model.oracles import hard_inputs
from tests.model.random_chains import random_chain

CHAINS = [
    (8, "TANH", 5),
    ("QUANTIZE", 8, "HARD_SWISH", 6, "LOGISTIC"),
    ("LEAKY_RELU", "TANH", 9, "RELU", 3, "TANH", "QUANTIZE"),
]
# Rows read signed bytes, the others distances from the lowest value.
ENCODINGS = ("rows", "pairs", "lists8")


@cache
def engines() -> list[tuple[Network, EngineSource]]:
    found = []
    for number, words in enumerate(CHAINS):
        for encoding in ENCODINGS:
            network = simplify(lower(read_tflite(random_chain(number, words)), list(Rounding)[number % 2]))
            packed = use(network, [encoding] * len(network.layers))
            found.append((network, render_engine(network, packed, f"chain{number}_{encoding}")))
    return found


@pytest.mark.parametrize("compiler", C_COMPILERS)
def test_c_equals_numpy_in_every_byte(compiler: str, tmp_path: Path) -> None:
    available([compiler])
    inputs = hard_inputs(13, count=40)
    answers = run_engines(compiler, SANITIZED, [(source, inputs) for _, source in engines()], tmp_path)
    for answer, (network, source) in zip(answers, engines(), strict=True):
        np.testing.assert_array_equal(answer.scores, run(network, inputs), err_msg=source.prefix)
        assert answer.self_test == 0


@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m4"])
@pytest.mark.parametrize("number", range(len(CHAINS)))
def test_emulated_cores_give_the_same(number: int, core: str, tmp_path: Path) -> None:
    pytest.importorskip("unicorn")
    network, source = engines()[len(ENCODINGS) * number + 1]
    write(source, tmp_path)
    inputs, target = hard_inputs(13, count=40), find_core(core)
    engine = find_engine(tmp_path)

    found = simulate_inputs(engine, inputs, target, toolchain_or_skip("zig", target), expected=run(network, inputs))

    assert (found.differing, found.bytes) == (0, 40 * network.outputs)
    assert [cost.name for cost in found.layers] == [step.name for step in engine.steps]


def test_the_facts_tell_every_step_in_order() -> None:
    source = render_engine(*_packed(random_chain(1, CHAINS[1])))
    steps = json.loads(source.facts)["steps"]
    assert [step["name"] for step in steps] == ["quantize", "layer 1", "hard swish", "layer 2", "logistic"]
    assert source.table_bytes == sum(sum(step["stored"]["plain"]["bytes"].values()) for step in steps[::2])
    assert all(step["begins"] in source.source for step in steps)


def _packed(content: bytes) -> tuple[Network, tuple]:
    network = simplify(lower(read_tflite(content)))
    return network, choose(network)


@pytest.mark.parametrize("rounding", ["litert", "tflm"])
def test_a_compiled_chain_is_proven(rounding: str) -> None:
    graph = read_tflite(random_chain(2, (8, "TANH", 5, "LOGISTIC")))
    _, facts = compile_graph(graph, EngineConfig(rounding=rounding), "chain")
    assert facts.proof.proven
