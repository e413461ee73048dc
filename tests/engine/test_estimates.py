"""What the packing expects, held against emulated counts on digits: within a fifth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgedigits.data.digits import Splits
from edgedigits.devices.cores import find_core
from edgedigits.devices.simulate import simulate_inputs
from edgedigits.devices.simulation import Simulation
from edgedigits.devices.stub import find_engine
from edgedigits.engine.source import render_engine
from edgedigits.model.lowering import lower
from edgedigits.model.network import Network
from edgedigits.model.packing import Goal, PackedLayer, arrange, use
from edgedigits.model.reader import read_tflite
from edgedigits.model.simplify import simplify
from edgedigits.model.weights import ENCODINGS
from edgedigits.model.weights.encoding import Activity
from edgedigits.scoring.interpreter import open_classifier
from edgedigits.scoring.oracle import engine_inputs
from edgedigits.scoring.subject import find_subject
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
    inputs = (splits_5k.test.images[:IMAGES] ^ 128).view(np.int8)
    run = emulated(network, packed, inputs, tmp_path)

    expected = packed[0].encoding.instructions(kernel, Activity.of(inputs != -128))
    assert expected == pytest.approx(run.instructions.mean, rel=BAND), run.instructions.mean / expected


FRONTIER = Path(__file__).parents[2] / "deploy" / "frontier"


@pytest.mark.parametrize(
    ("name", "goal", "within"),
    [
        ("1104", Goal.BALANCED, 0),
        pytest.param("4096", Goal.SPEED, 0, marks=pytest.mark.slow),
        pytest.param("16384", Goal.SPEED, 0, marks=pytest.mark.slow),
        pytest.param("2048", Goal.SIZE, 0, marks=pytest.mark.slow),
        pytest.param("4096", Goal.SIZE, 80_000, marks=pytest.mark.slow),
        pytest.param("2048", Goal.SIZE, 35_000, marks=pytest.mark.slow),
        pytest.param("2048", Goal.SIZE, 20_000, marks=pytest.mark.slow),
    ],
)
def test_with_activity_measured_every_layer_of_a_trained_model_is_within_a_fifth(
    name: str, goal: Goal, within: float, splits_5k: Splits, tmp_path: Path
) -> None:
    """Averaged inputs of 100 pixels are active three times as often as pixels, those that are read most of all."""
    subject = find_subject(FRONTIER / name)
    graph = read_tflite(subject.model)
    classifier = open_classifier(graph, subject.pixels(), subject.view())
    seen, inputs = (
        engine_inputs(classifier, part.images[:count])
        for part, count in ((splits_5k.validation, None), (splits_5k.test, IMAGES))
    )
    network, packed = arrange(simplify(lower(graph)), goal, within, seen)
    assert not within or sum(one.instructions for one in packed) <= within

    for layer, one in zip(emulated(network, packed, inputs, tmp_path).layers, packed, strict=True):
        assert layer.instructions is not None
        assert one.instructions == pytest.approx(layer.instructions.mean, rel=BAND)


def emulated(network: Network, packed: Sequence[PackedLayer], inputs: NDArray[np.int8], folder: Path) -> Simulation:
    """Return what the engine takes for inputs int8 (n, in) on a Cortex-M4."""
    write(render_engine(network, packed), folder)
    core = find_core("cortex-m4")
    return simulate_inputs(find_engine(folder), inputs, core, toolchain_or_skip("zig", core))
