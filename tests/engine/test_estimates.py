"""What the packing expects of each encoding, held against emulated counts on digits: within a fifth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgedigits.data.digits import Splits
from edgedigits.devices.cores import find_core
from edgedigits.devices.simulate import simulate_inputs
from edgedigits.devices.stub import find_engine
from edgedigits.engine.source import render_engine
from edgedigits.model.lowering import lower
from edgedigits.model.packing import use
from edgedigits.model.reader import read_tflite
from edgedigits.model.weights import ENCODINGS
from edgedigits.model.weights.encoding import Activity
from tests.devices.conftest import toolchain_or_skip
from tests.engine.engine_program import write
from tests.tflite_builder import build_mlp

pytest.importorskip("unicorn")

BY_NAME = {encoding.name: encoding for encoding in ENCODINGS}
DENSE = ("pairs", "pairs_apart", "rows", "codebook", "even4", "even2")
BAND = 0.2
IMAGES = 30


SHAPES = [(10, 0.6), (32, 0.2), (150, 0.1)]
# Of each encoding the shape that it is for; the others in CI.
CASES = [
    pytest.param(encoding.name, *shape, marks=[] if shape == SHAPES[encoding.name not in DENSE] else [pytest.mark.slow])
    for encoding in ENCODINGS
    for shape in SHAPES
]


@pytest.mark.parametrize(("name", "outputs", "density"), CASES)
def test_expected_instructions_are_within_a_fifth_of_the_emulated(
    name: str, outputs: int, density: float, splits_5k: Splits, tmp_path: Path
) -> None:
    random = np.random.default_rng(outputs)
    most = BY_NAME[name].most_distinct
    values = np.arange(-90, 91) if most == 256 else np.arange(-30, 40, 10) if most > 7 else np.arange(-10, 20, 10)
    kernel = random.choice(values, (outputs, 784)).astype(np.int8)
    kernel[random.random(kernel.shape) >= density] = 0
    network = lower(read_tflite(build_mlp([kernel], [None])))
    packed = use(network, [name])
    write(render_engine(network, packed), tmp_path)
    inputs = (splits_5k.test.images[:IMAGES] ^ 128).view(np.int8)
    core = find_core("cortex-m4")

    run = simulate_inputs(find_engine(tmp_path), inputs, core, toolchain_or_skip("zig", core))

    active = inputs != -128
    activity = Activity(
        inputs=float(active.mean()),
        pairs=float(active.reshape(IMAGES, -1, 2).any(axis=2).mean()),
        words=float(active.reshape(IMAGES, -1, 4).any(axis=2).mean()),
    )
    expected = packed[0].encoding.instructions(kernel, activity)
    assert expected == pytest.approx(run.instructions.mean, rel=BAND), run.instructions.mean / expected
