"""Steps without weights in C: exact in every byte on this machine and on emulated cores, and told by the facts."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from functools import cache
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import pytest

from edgedigits.compile import compile_graph
from edgedigits.config import EngineConfig
from edgedigits.devices.cores import find_core
from edgedigits.devices.needs import most_stack
from edgedigits.devices.simulate import simulate_inputs
from edgedigits.devices.stub import find_engine
from edgedigits.engine.source import EngineSource, render_engine
from edgedigits.engine.workspace import lay_out
from edgedigits.model.fixed_point import Rounding
from edgedigits.model.lowering import lower
from edgedigits.model.network import Network
from edgedigits.model.numpy_engine import run
from edgedigits.model.packing import choose, use
from edgedigits.model.reader import read_tflite
from edgedigits.model.simplify import simplify
from tests.devices.conftest import toolchain_or_skip
from tests.engine.compilers import EACH_COMPILER, available
from tests.engine.engine_program import SANITIZED, run_engines, write
from tests.model.oracles import hard_inputs
from tests.model.random_chains import BRANCHES, random_chain
from tests.model.worst_case import without_zeros

CHAINS = [
    (8, "TANH", 5),
    ("QUANTIZE", 8, "HARD_SWISH", 6, "LOGISTIC"),
    ("LEAKY_RELU", "TANH", 9, "RELU", 3, "TANH", "QUANTIZE"),
    *BRANCHES,
]
# Rows read signed bytes, the others distances from the lowest value.
ENCODINGS = ("rows", "pairs", "lists8")


def engine(number: int, encodings: Sequence[str], name: str, *, worst: bool = False) -> tuple[Network, EngineSource]:
    """Return a chain, and its engine with these encodings in turn; or those of its worst case."""
    network = simplify(lower(read_tflite(random_chain(number, CHAINS[number])), list(Rounding)[number % 2]))
    network = without_zeros(network) if worst else network
    packed = use(network, list(islice(cycle(encodings), len(network.layers))))
    return network, render_engine(network, packed, f"chain{number}_{name}")


@cache
def mixed(number: int) -> tuple[Network, EngineSource]:
    """Return a chain whose layers differ in their encodings."""
    first = number % len(ENCODINGS)
    return engine(number, [*ENCODINGS[first:], *ENCODINGS[:first]], "mixed")


@cache
def engines() -> list[tuple[Network, EngineSource]]:
    plain = [engine(number, [encoding], encoding) for number in range(3) for encoding in ENCODINGS]
    worst = [engine(number, ENCODINGS, "worst", worst=True) for number in (2, 6)]
    return [*plain, *map(mixed, range(3, len(CHAINS))), *worst]


@pytest.mark.parametrize("compiler", EACH_COMPILER)
def test_c_equals_numpy_in_every_byte(compiler: str, tmp_path: Path) -> None:
    available([compiler])
    inputs = hard_inputs(13, count=40)
    answers = run_engines(compiler, SANITIZED, [(source, inputs) for _, source in engines()], tmp_path)
    for answer, (network, source) in zip(answers, engines(), strict=True):
        np.testing.assert_array_equal(answer.scores, run(network, inputs), err_msg=source.prefix)
        assert answer.self_test == 0


def assert_equal_on(core: str, network: Network, source: EngineSource, folder: Path) -> None:
    pytest.importorskip("unicorn")
    write(source, folder)
    inputs, target, emitted = hard_inputs(13, count=40), find_core(core), find_engine(folder)

    emulator = "unicorn" if target.unicorn_cpu else "qemu"
    tools = toolchain_or_skip("zig", target)
    found = simulate_inputs(emitted, inputs, target, tools, emulator=emulator, expected=run(network, inputs))

    assert (found.differing, found.bytes) == (0, 40 * network.outputs)
    assert found.ram.stack <= most_stack(target)
    assert not found.layers or [cost.name for cost in found.layers] == [step.name for step in emitted.facts.steps]


@pytest.mark.parametrize("core", [pytest.param("cortex-m0plus", marks=pytest.mark.slow), "cortex-m4"])
@pytest.mark.parametrize("number", range(len(CHAINS)))
def test_emulated_cores_give_the_same(number: int, core: str, tmp_path: Path) -> None:
    assert_equal_on(core, *mixed(number), tmp_path)


@pytest.mark.skipif(shutil.which("qemu-system-arm") is None, reason="qemu-system-arm is not installed")
@pytest.mark.parametrize("number", [3, 6])
def test_with_mve_a_kept_value_is_flipped_back(number: int, tmp_path: Path) -> None:
    assert_equal_on("cortex-m55", *mixed(number), tmp_path)


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ((8, "TANH", 5), []),
        ((13, "+0", 5), []),
        ((8, 8, "+1", 5), [8]),
        ((8, 8, "+1", 6, 6, "+4", 3), [8]),
        ((8, 8, 8, "+1", "+2", 6, 6, "+6", 3), [8, 8]),
    ],
)
def test_a_value_takes_ram_while_a_later_step_than_the_next_reads_it(
    words: tuple[str | int, ...], kept: list[int]
) -> None:
    network, packed = _packed(random_chain(4, words))
    memory = lay_out(network, packed)
    assert list(memory.kept) == kept
    assert memory.nbytes == render_engine(network, packed).workspace_bytes


def test_the_facts_tell_every_step_in_order() -> None:
    source = render_engine(*_packed(random_chain(1, CHAINS[1])))
    steps = json.loads(source.facts)["steps"]
    assert [step["name"] for step in steps] == ["quantize", "layer 1", "hard swish", "layer 2", "logistic"]
    assert source.table_bytes == sum(sum(step["stored"]["plain"]["bytes"].values()) for step in steps[::2])
    assert all(step["begins"] in source.source for step in steps)


def _packed(content: bytes) -> tuple[Network, tuple]:
    network = simplify(lower(read_tflite(content)))
    return network, choose(network)


@pytest.mark.parametrize(
    ("rounding", "optimize", "words"),
    [
        ("litert", "balanced", (8, "TANH", 5, "LOGISTIC")),
        ("tflm", "balanced", (8, "TANH", 5, "LOGISTIC")),
        ("litert", "size", BRANCHES[3]),
        ("tflm", "size", BRANCHES[4]),
        ("litert", "speed", BRANCHES[2]),
    ],
)
def test_a_compiled_chain_is_proven(rounding: str, optimize: str, words: tuple[str | int, ...]) -> None:
    choices = EngineConfig(rounding=rounding, optimize=optimize)
    _, facts = compile_graph(read_tflite(random_chain(2, words)), choices, "chain")
    assert facts.proof.proven


def test_the_estimate_counts_what_stands_between_layers(tmp_path: Path) -> None:
    """All of a chain but its layers, whose own estimates suppose activations of digits."""
    graph = read_tflite(random_chain(1, (40, 40, "+1", "TANH", 5), 40))
    source, facts = compile_graph(graph, EngineConfig(), "chain")
    between = facts.instructions - sum(layer.instructions for layer in facts.layers)
    write(source, tmp_path)
    target = find_core("cortex-m4")
    expected = run(simplify(lower(graph)), inputs := hard_inputs(40, count=20))
    found = simulate_inputs(find_engine(tmp_path), inputs, target, toolchain_or_skip("zig", target), expected=expected)
    counted = sum(cost.instructions.mean for cost in found.layers if cost.name in ("add", "tanh") and cost.instructions)
    assert between == pytest.approx(counted, rel=0.1)
