"""Every instruction of an engine is told to the layer that it works for, whatever the compiler inlines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgedigits.targets.cores import CORES
from edgedigits.targets.elf import Image
from edgedigits.targets.emulator_unicorn import run_unicorn
from edgedigits.targets.engine_elf import compile_engine
from edgedigits.targets.steps import read_steps, step_by_address
from edgedigits.targets.stub import Engine
from tests.targets.conftest import toolchain_or_skip
from tests.targets.emitted_engine import write_emitted_engine
from tests.targets.tiny_engine import random_inputs
from tests.tflite_builder import random_mlp

pytest.importorskip("unicorn")


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """784-20-12-10 with a softmax: two layers in pairs around one in lists."""
    model = random_mlp(5, sizes=(784, 20, 12, 10), softmax=True)
    return write_emitted_engine(tmp_path_factory.mktemp("three"), model, encodings=("pairs", "lists8", "pairs"))


def test_steps_are_read_from_the_source(three: Engine) -> None:
    steps = read_steps(three)

    assert [step.name for step in steps] == ["layer 1", "layer 2", "layer 3", "softmax"]
    assert [step.encoding for step in steps] == ["pairs", "lists8", "pairs", ""]
    assert steps[0].shape == "784 inputs, 20 outputs, ReLU" and steps[0].symbols == "edgedigits_model_layer1_"
    lines = three.sources[0].read_text().splitlines()
    assert "layer 2" in lines[steps[1].line - 1] and "softmax(" in lines[steps[3].line - 1]


@pytest.mark.parametrize("toolchain", ["zig", "gcc"])
@pytest.mark.parametrize("optimize", ["-O1", "-O2", "-O3", "-Os"])
def test_the_first_layer_takes_what_the_picture_takes(
    three: Engine, tmp_path: Path, toolchain: str, optimize: str
) -> None:
    """Only the first layer's work grows with the ink; the layers are in order, and nothing is lost between them."""
    core = CORES["cortex-m4"]
    image = compile_engine(toolchain_or_skip(toolchain, core), core, three, tmp_path, optimize=optimize)
    inputs = random_inputs(20)
    inputs[:10, 100:] = -128

    run = run_unicorn(core, image, three, inputs)

    assert run.by_step.shape == (20, 5)
    assert np.array_equal(run.by_step.sum(axis=1), run.instructions)
    assert run.by_step[:, 0].max() <= 10, "nothing but saving registers comes before the first layer"
    assert run.by_step[:, 1:].min() > 50
    assert run.by_step[11:, 1].min() > 1.3 * run.by_step[2:10, 1].max()
    # The others see 20 and 12 inputs and 10 scores, however the picture was.
    assert run.by_step[:, 2:].max() < 8000


@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m7", "rv32imc"])
def test_other_cores(three: Engine, compiled: Callable[..., Image], core: str) -> None:
    run = run_unicorn(CORES[core], compiled(three, core), three, random_inputs(3))

    assert run.by_step.shape == (3, 5) and run.by_step[:, 1:].min() > 50
    assert np.array_equal(run.by_step.sum(axis=1), run.instructions)


def test_an_engine_without_marks_has_no_steps(tiny: Engine, compiled: Callable[..., Image]) -> None:
    image = compiled(tiny)

    assert read_steps(tiny) == () and step_by_address(image.path, tiny, ()) == {}
    assert run_unicorn(CORES["cortex-m4"], image, tiny, random_inputs(2)).by_step.shape == (2, 1)


def test_a_single_output_is_told_in_the_singular(tmp_path: Path) -> None:
    engine = write_emitted_engine(tmp_path, random_mlp(5, sizes=(20, 1, 1)))

    assert [step.shape for step in read_steps(engine)] == [
        "20 inputs, 1 output, ReLU",
        "1 input, 1 output, no activation",
    ]
