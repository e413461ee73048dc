"""The generated engine on emulated cores, where other instructions are chosen: every encoding, exact in every byte."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from edgedigits.data.preprocess import INPUT_SCALE, PixelRange, pixel_map
from edgedigits.devices.cores import Core, find_core, load_cores
from edgedigits.devices.engine_elf import compile_engine
from edgedigits.devices.needs import most_stack
from edgedigits.devices.simulate import simulate_inputs
from edgedigits.devices.simulation import Simulation
from edgedigits.devices.stub import Engine, find_engine
from edgedigits.devices.wrapped_engine import write_raw_engine
from edgedigits.engine.parts import make_parts
from edgedigits.engine.source import render_engine
from edgedigits.engine.strokes import self_test_inputs
from edgedigits.model.fixed_point import Rounding
from edgedigits.model.lowering import lower
from edgedigits.model.network import Network
from edgedigits.model.numpy_engine import run
from edgedigits.model.packing import Goal, PackedLayer, choose, use, with_narrow_biases
from edgedigits.model.reader import read_tflite
from edgedigits.model.simplify import simplify
from edgedigits.model.weights import ENCODINGS
from edgedigits.model.weights.encoding import Encoding
from edgedigits.sections import LIST_ROOM
from tests.benchmarks.bench_cores import weights_for
from tests.devices.conftest import emulator_or_skip, toolchain_or_skip
from tests.engine.compilers import STRICT
from tests.engine.engine_program import run as run_command
from tests.engine.engine_program import write
from tests.engine.test_source import full_lists
from tests.model.oracles import hard_inputs
from tests.model.pruned import pruned_in_blocks
from tests.model.random_models import largest_sums, random_model
from tests.tflite_builder import build_mlp, random_mlp

pytestmark = pytest.mark.slow

pytest.importorskip("unicorn")

BY_NAME = {encoding.name: encoding for encoding in ENCODINGS}
# Each encoding is once the first layer, which reads the image, and once a later one.
CHAINS = [
    ("pairs", "lists8", "lists4", "rows"),
    ("lists8", "pairs", "blocks", "bitmap"),
    ("lists4", "coded44", "pairs", "codebook"),
    ("coded44", "coded53", "lists8", "pairs"),
    ("coded53", "bitmap", "rows", "lists8"),
    ("bitmap", "blocks", "codebook", "pairs"),
    ("blocks", "rows", "coded53", "lists4"),
    ("codebook", "rice", "pairs", "codebook"),
    ("rice", "lists8", "rice", "pairs"),
    ("rows", "pairs", "pairs_apart", "blocks"),
    ("stream", "fields", "rows", "stream"),
    ("fields", "stream", "pairs", "fields"),
    ("even4", "even2", "rows", "even4"),
    ("even2", "even4", "even2", "codebook"),
    ("pairs_apart", "rows", "pairs", "pairs"),
    ("counted4", "lists8", "counted4", "bitmap"),
    ("marked", "marked", "fields", "marked"),
]


# Their code is that of the M4 but for what the compiler makes of it.
LIKE_AN_M4 = ("cortex-m7", "cortex-m33")
# Those AVRs differ by their memory, RV32EmC by its registers from what has the same C.
CORES = [name for name in load_cores() if name not in ("atmega328p", "atmega2560", "rv32emc")]
# By default each chain on two cores, and each core with three chains or four; all in CI.
CASES = [
    pytest.param(
        chain,
        core,
        id=f"{'-'.join(chain)}-{core}",
        marks=[] if (number - place) % len(CORES) in (0, 3) else [pytest.mark.slow],
    )
    for number, chain in enumerate(CHAINS)
    for place, core in enumerate(CORES)
]


def network_for(chain: tuple[str, ...], widest: int, rounding: Rounding = Rounding.LITERT) -> Network:
    """Return a random network that can be stored in these encodings."""
    even = any(BY_NAME[name].at_equal_distances for name in chain)
    distinct = min(8, *(BY_NAME[name].most_distinct for name in chain))
    options = {"distinct": distinct, "even": even, "lanes": "pairs" in chain}
    model = random_model(40 + CHAINS.index(chain), widest=widest, layers=4, **options)
    return simplify(lower(read_tflite(model.content), rounding))


@pytest.mark.parametrize(("chain", "core"), CASES)
def test_c_equals_numpy_in_every_byte(chain: tuple[str, ...], core: str, tmp_path: Path) -> None:
    number = CHAINS.index(chain)
    rounding = list(Rounding)[(number + CORES.index(core)) % 2]
    network = network_for(chain, widest=300 if number == 3 else 90, rounding=rounding)
    packed = use(network, chain)
    write(render_engine(network, packed), tmp_path)
    inputs = hard_inputs(network.inputs, number, count=20)
    target = find_core(core)
    emulator_or_skip(target)

    found = simulate_inputs(
        find_engine(tmp_path),
        inputs,
        target,
        toolchain_or_skip(target.toolchain, target),
        expected=run(network, inputs),
        oracle="NumPy",
    )

    assert (found.differing, found.bytes) == (0, 20 * network.outputs)
    assert np.all(found.counts > 0)
    assert found.ram.stack <= most_stack(target)
    check_layers(found, find_engine(tmp_path), network, packed, target)


def check_layers(
    found: Simulation, engine: Engine, network: Network, packed: Sequence[PackedLayer], core: Core
) -> None:
    """What a simulation and the engine's facts say of each layer is what was compiled for this core, to the byte."""
    sizes = {symbol.name: symbol.size for symbol in found.symbols}
    layers = make_parts(network, packed, None).layers
    assert len(found.layers) == len(engine.facts.steps)
    for cost, step in zip(found.layers, engine.facts.steps, strict=True):
        told = ((step.stored.mve if core.has_vectors else None) or step.stored.plain).bytes
        assert {name: sizes[name] for name in cost.symbols}.items() <= told.items()
    for cost, layer in zip(found.layers[: len(layers)], layers, strict=True):
        rows = layer.conditional and core.has_vectors
        assert cost.encoding == ("rows" if rows else layer.packed.encoding.name)
        arrays = layer.arrays(vectors=core.has_vectors)
        weights = [array for array in arrays if not array.name.endswith(("_bias", "_multipliers", "_shifts"))]
        stored = {f"{engine.prefix}_{array.name}": array.values.nbytes for array in weights}
        in_elf = {name: sizes[name] for name in cost.symbols if name in stored}
        assert in_elf.items() <= stored.items()
        assert in_elf == stored or layer.packed.layer.weights.size < 300, "compilers put only small layers into code"
        assert sum(in_elf.values()) <= cost.nbytes <= sum(stored.values()) + 10 * layer.padded_outputs


@pytest.mark.parametrize("room", [4, LIST_ROOM])
@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m4", "rv32imc"])
@pytest.mark.parametrize("name", ["pairs", "lists4"])
def test_a_full_list_ends_where_the_workspace_does(name: str, core: str, room: int, tmp_path: Path) -> None:
    """The emulator sees each byte beside a buffer; lists are made in other instructions with DSP and without."""
    network, inputs = full_lists()
    write(render_engine(network, use(network, [name]), list_room=room), tmp_path)
    target = find_core(core)

    found = simulate_inputs(find_engine(tmp_path), inputs, target, toolchain_or_skip(target.toolchain, target))

    np.testing.assert_array_equal(found.outputs, run(network, inputs))


@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m4", "rv32imc"])
@pytest.mark.parametrize(("name", "beyond"), [("pairs", 0), ("pairs_apart", 1)])
def test_the_largest_sums_of_pairs_are_exact(name: str, beyond: int, core: str, tmp_path: Path) -> None:
    network = simplify(lower(read_tflite(largest_sums(beyond))))
    write(render_engine(network, use(network, [name])), tmp_path)
    inputs, target = hard_inputs(network.inputs), find_core(core)

    found = simulate_inputs(find_engine(tmp_path), inputs, target, toolchain_or_skip(target.toolchain, target))

    np.testing.assert_array_equal(found.outputs, run(network, inputs))


@pytest.mark.parametrize("core", CORES)
def test_what_is_chosen_for_speed_is_exact_and_cores_with_mve_get_rows(core: str, tmp_path: Path) -> None:
    network = simplify(lower(read_tflite(random_mlp(1, (784, 32, 16, 10), density=0.2))))
    packed = choose(network, Goal.SPEED)
    assert [one.encoding.name for one in packed][:2] == ["lists8", "lists8"]
    assert all(one.rows_on_vectors for one in packed)
    assert not any(one.rows_on_vectors for one in choose(network, Goal.SIZE))
    write(render_engine(network, packed), tmp_path)
    inputs = hard_inputs(784, count=20)
    target = find_core(core)
    emulator_or_skip(target)
    toolchain = toolchain_or_skip(target.toolchain, target)

    found = simulate_inputs(find_engine(tmp_path), inputs, target, toolchain)

    np.testing.assert_array_equal(found.outputs, run(network, inputs))
    check_layers(found, find_engine(tmp_path), network, packed, target)
    assert (found.instructions.least == found.instructions.most) == target.has_vectors, "nothing is skipped in rows"


def test_a_cortex_m0plus_takes_a_fifth_of_the_instructions_of_tflm(tmp_path: Path) -> None:
    """TensorFlow Lite Micro with CMSIS-NN takes 48,119 for 784-10-10, whatever the image."""
    network = simplify(lower(read_tflite(random_mlp(1, (784, 10, 10)))))
    write(render_engine(network, choose(network, Goal.SPEED)), tmp_path)
    pixels = pixel_map(PixelRange(0, 1, "as usual"), INPUT_SCALE, -128, "int8")
    named = dict(self_test_inputs(784, pixels))
    inputs, core = np.stack(list(named.values())), find_core("cortex-m0plus")

    found = simulate_inputs(find_engine(tmp_path), inputs, core, toolchain_or_skip("zig", core))

    np.testing.assert_array_equal(found.outputs, run(network, inputs))
    counts = dict(zip(named, found.counts.tolist(), strict=True))
    strokes = [counts[name] for name in ("a nought", "a one", "a four", "a seven")]
    assert sum(strokes) / 4 < 8_300 and counts["all highest"] < 38_100 and counts["all lowest"] < 2_200


@pytest.mark.parametrize("softmax", [pytest.param(False, id="logits"), pytest.param(True, id="softmax")])
@pytest.mark.parametrize("names", [["pairs"] * 3, ["lists8", "lists8", "pairs"], ["blocks", "pairs", "pairs"]])
def test_the_code_of_one_model_takes_at_most_1400_bytes(names: list[str], *, softmax: bool, tmp_path: Path) -> None:
    """On a Cortex-M4 at -O2; of models without softmax, what takes raw pixels and finds the class does as well."""
    content, core = pruned_in_blocks(softmax=softmax), find_core("cortex-m4")
    network, compiler = simplify(lower(read_tflite(content))), toolchain_or_skip("zig", core)
    packed = use(network, names)
    for pixels in (None, pixel_map(PixelRange(0, 1, "as usual"), INPUT_SCALE, -128, "int8")):
        folder = tmp_path / ("raw" if pixels else "int8")
        engine = find_engine(write(render_engine(network, packed, pixels=pixels), folder))
        images = [compile_engine(compiler, core, engine, tmp_path)]
        if pixels and not softmax:
            images.append(compile_engine(compiler, core, write_raw_engine(engine, tmp_path, portions=False), tmp_path))
        for image in images:
            assert 900 < image.footprint.code <= 1_400


@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda encoding: encoding.name)
def test_the_code_of_a_kernel_is_what_the_choice_of_encodings_reckons_with(encoding: Encoding, tmp_path: Path) -> None:
    """Beside another kernel within 64 B, where a loop written out by a compiler takes hundreds; alone within 1,400 B."""
    core, other = find_core("cortex-m4"), "rows"
    shapes = ((32, 784, 0.2), (16, 32, 0.2), (10, 16, 0.2))
    biases = [np.arange(1_000, 1_000 + outputs, dtype=np.int32) for outputs, _, _ in shapes]
    network = lower(read_tflite(build_mlp([weights_for(encoding, shape) for shape in shapes], biases)))
    compiler = toolchain_or_skip("zig", core)

    def code(*names: str) -> int:
        engine = find_engine(write(render_engine(network, use(network, names)), tmp_path / "-".join(names)))
        return compile_engine(compiler, core, engine, tmp_path).footprint.code

    assert code(encoding.name, encoding.name, encoding.name) <= 1_400
    if encoding.name != other:
        assert code(encoding.name, other, other) - code(other, other, other) == pytest.approx(
            encoding.code_bytes, abs=64
        )


@pytest.mark.parametrize("toolchain", ["zig", "gcc"])
@pytest.mark.parametrize(
    "core", [pytest.param(core, marks=[pytest.mark.slow] if core in LIKE_AN_M4 else []) for core in CORES]
)
def test_no_warning_on_any_core(core: str, toolchain: str, tmp_path: Path) -> None:
    target = find_core(core)
    found = toolchain_or_skip(toolchain, target)
    sparse = simplify(lower(read_tflite(random_mlp(1, (784, 32, 16, 10), density=0.2))))
    engines = [(sparse, choose(sparse, Goal.SPEED))]
    for number in (0, 4, 8, 9, 10, 12):
        network = network_for(CHAINS[number], widest=40)
        engines.append((network, with_narrow_biases(use(network, CHAINS[number]))))
    for number, (network, packed) in enumerate(engines):
        write(render_engine(network, packed, f"engine_{number}"), tmp_path)
    # In one file, because a compiler takes longer to start than to compile them.
    everything = tmp_path / "all.c"
    everything.write_text("".join(f'#include "engine/engine_{number}.c"\n' for number in range(len(engines))))
    flags = target.zig if toolchain == "zig" else target.gcc
    command = [*found.command, "-std=c99", *flags, "-O2", "-ffreestanding", *STRICT, "-c", str(everything)]
    run_command([*command, "-o", str(tmp_path / "all.o")])
