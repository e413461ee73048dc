"""What a layer is said to be stored as is what the ELF holds, on cores with MVE and without."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from edgedigits.devices.cores import find_core
from edgedigits.devices.costs import layer_costs
from edgedigits.devices.elf import Footprint, Image, Symbol
from edgedigits.devices.emulator_unicorn import Emulation, run_unicorn
from edgedigits.devices.simulation import LayerCost
from edgedigits.devices.stub import Engine
from edgedigits.model.lowering import lower
from edgedigits.model.network import Network
from edgedigits.model.packing import Goal
from edgedigits.model.reader import read_tflite
from edgedigits.model.weights import ENCODINGS
from edgedigits.model.weights.encoding import Constant
from tests.devices.emitted_engine import write_emitted_engine
from tests.devices.tiny_engine import random_inputs
from tests.tflite_builder import random_mlp

BY_NAME = {encoding.name: encoding for encoding in ENCODINGS}
UNTOLD = Emulation(np.zeros((1, 10), np.int8), np.ones(1, np.int64), 0, {}, np.zeros((1, 0), np.int64), "no emulator")


@pytest.fixture(scope="module")
def pruned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Engine, Network]:
    """A pruned network packed for speed: lists, which cores with MVE get as rows."""
    model = random_mlp(1, sizes=(784, 32, 16, 10), density=0.2)
    return write_emitted_engine(tmp_path_factory.mktemp("pruned"), model, goal=Goal.SPEED), lower(read_tflite(model))


def weights_in(image: Image, cost: LayerCost, shape: tuple[int, int]) -> np.ndarray:
    """Unpack a layer's weights (out, in) from the bytes of an ELF, as its reported encoding reads them."""
    encoding, symbols = BY_NAME[cost.encoding], {symbol.name: symbol for symbol in image.symbols}
    constants = []
    for packed in encoding.pack(np.ones(shape, np.int8)) or ():
        names = [name for name in cost.symbols if name.rpartition("_")[2] in (packed.name, cost.encoding)]
        symbol = symbols[names[0]]
        start, content = next(
            (start, content) for _, start, content in image.segments if start <= symbol.address < start + len(content)
        )
        at = symbol.address - start
        constants.append(Constant(packed.name, np.frombuffer(content[at : at + symbol.size], packed.values.dtype)))
    return encoding.unpack(tuple(constants), shape)


@pytest.mark.parametrize("toolchain", ["zig", "gcc"])
@pytest.mark.parametrize(("core", "names"), [("cortex-m55", ["rows"] * 3), ("cortex-m4", ["lists8"] * 3)])
def test_the_reported_encoding_reads_the_weights_out_of_the_elf(
    pruned: tuple[Engine, Network], compiled: Callable[..., Image], core: str, names: list[str], toolchain: str
) -> None:
    engine, network = pruned
    image = compiled(engine, core, toolchain)

    costs = layer_costs(engine, find_core(core), image, UNTOLD)

    assert [cost.encoding for cost in costs] == names
    assert [cost.instructions for cost in costs] == [None] * 3, "this emulator does not tell layers apart"
    for cost, layer in zip(costs, network.layers, strict=True):
        assert np.array_equal(weights_in(image, cost, layer.weights.shape), layer.weights)
    sizes = {symbol.name: symbol.size for symbol in image.symbols}
    assert [cost.nbytes for cost in costs] == [sum(sizes[name] for name in cost.symbols) for cost in costs]


def image_of(symbols: Sequence[tuple[str, int, str]]) -> Image:
    """An ELF of 8-byte symbols: name, address, kind."""
    found = tuple(Symbol(name, address, 8, kind) for name, address, kind in symbols)  # type: ignore[arg-type]
    return Image(Path("x.elf"), found, (), (), Footprint(0, 0, 0, 0), 0)


@pytest.mark.parametrize(("core", "encoding"), [("cortex-m55", "rows"), ("cortex-m4", "lists8")])
@pytest.mark.parametrize("left", [[], [("edgedigits_model_layer1_bias", 0, "constant")]])
def test_where_the_compiler_put_all_weights_into_code_the_core_decides(
    pruned: tuple[Engine, Network], core: str, encoding: str, left: list[tuple[str, int, str]]
) -> None:
    assert layer_costs(pruned[0], find_core(core), image_of(left), UNTOLD)[0].encoding == encoding


def test_equal_constants_that_share_a_place_are_counted_once(pruned: tuple[Engine, Network]) -> None:
    names = [f"edgedigits_model_layer{name}" for name in ("1_bias", "2_bias", "2_rows")]
    image = image_of([(name, address, "constant") for name, address in zip(names, (64, 64, 72), strict=True)])

    first, second, third = layer_costs(pruned[0], find_core("cortex-m55"), image, UNTOLD)

    assert (first.nbytes, second.nbytes, third.nbytes) == (8, 8, 0)
    assert [symbol.name for symbol in image.biggest()] == names[1:]


def test_what_comes_before_the_first_layer_is_there_for_it(tmp_path: Path, compiled: Callable[..., Image]) -> None:
    """An input that fills no whole words is copied first; no instruction is told to nobody."""
    engine = write_emitted_engine(tmp_path, random_mlp(2, sizes=(101, 8, 10)), encodings=["pairs", "pairs"])
    core = find_core("cortex-m4")

    run = run_unicorn(core, compiled(engine), engine, random_inputs(4, 101))
    costs = layer_costs(engine, core, compiled(engine), run)

    assert run.by_step[:, 0].min() > 100
    assert sum(cost.instructions.mean for cost in costs if cost.instructions) == pytest.approx(run.instructions.mean())


def test_a_function_that_begins_like_a_layer_is_not_of_it(tmp_path: Path, compiled: Callable[..., Image]) -> None:
    model = random_mlp(2, sizes=(20, 10))
    engine = write_emitted_engine(tmp_path, model, encodings=["pairs"], prefix="layer1")

    (cost,) = layer_costs(engine, find_core("cortex-m4"), compiled(engine), UNTOLD)

    assert set(cost.symbols) == {"layer1_layer1_weights", "layer1_layer1_bias"} and cost.nbytes == 200 + 40
