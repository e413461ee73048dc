"""What the kernels are said to take on each core, held against its emulator: within a fifth, and no worse a choice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgedigits.compile import write_engine
from edgedigits.data.digits import Splits
from edgedigits.devices.cores import Core, find_core, find_costs, load_cores
from edgedigits.devices.simulate import simulate_inputs
from edgedigits.devices.stub import find_engine
from edgedigits.engine.source import render_engine
from edgedigits.model.lowering import lower
from edgedigits.model.packing import Goal, PackedLayer, arrange, times
from edgedigits.model.reader import read_tflite
from edgedigits.model.simplify import simplify
from edgedigits.model.weights import ENCODINGS
from tests.devices.conftest import toolchain_or_skip

BAND, TIE = 0.2, 1.02
"""How far estimates may be off, and a layout behind another that is estimated to be slower."""
IMAGES = 5
NETWORK = simplify(lower(read_tflite(Path(__file__).parents[2] / "deploy" / "reference" / "model.tflite")))
KNOWN = {name: core.costs for name, core in load_cores().items() if core.costs}
ALIKE = {"atmega1284p", "atmega2560", "cortex-m33"}
"""Cores that are as another one."""


def test_what_is_known_is_known_of_encodings_that_there_are() -> None:
    assert len(KNOWN) >= 10 and "cortex-m55" not in KNOWN
    for costs in KNOWN.values():
        assert costs.factors.keys() <= {encoding.name for encoding in ENCODINGS}


@pytest.mark.parametrize(
    "name",
    [
        name if name == "cortex-m0plus" else pytest.param(name, marks=pytest.mark.slow)
        for name in sorted(KNOWN.keys() - ALIKE)
    ],
)
def test_the_cycles_of_a_layout_are_as_said_and_no_more_than_those_of_one_by_instructions(
    name: str, splits_5k: Splits, tmp_path: Path
) -> None:
    pytest.importorskip("unicorn")
    [costs], core = find_costs([name]), find_core(name)
    inputs = (splits_5k.test.images[:IMAGES] ^ 128).view(np.int8)
    by_cycles, by_instructions = (arrange(NETWORK, Goal.SPEED, seen=inputs, cores=some)[1] for some in ([costs], []))
    found = cycles(by_cycles, inputs, core, tmp_path / "by_cycles")
    assert costs.cycles(times(by_cycles)) == pytest.approx(found, rel=BAND)
    if [one.encoding for one in by_cycles] != [one.encoding for one in by_instructions]:
        assert found < TIE * cycles(by_instructions, inputs, core, tmp_path / "by_instructions")


def cycles(packed: Sequence[PackedLayer], inputs: NDArray[np.int8], core: Core, folder: Path) -> float:
    """Return the cycles of an image on an emulated core: exact ones, or half-way between the least and the most."""
    folder.mkdir()
    write_engine(render_engine(NETWORK, packed), folder)
    run = simulate_inputs(find_engine(folder).on(core), inputs, core, toolchain_or_skip(core.toolchain, core))
    if run.exact_cycles is not None:
        return run.exact_cycles.mean
    assert run.cycles is not None
    return run.cycles.middle
