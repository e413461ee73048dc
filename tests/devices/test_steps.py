"""Every instruction of an engine is told to the layer that it works for, whatever the compiler inlines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from elftools.elf.elffile import ELFFile

from edgedigits.devices.cores import find_core
from edgedigits.devices.elf import Image
from edgedigits.devices.emulator_unicorn import run_unicorn
from edgedigits.devices.engine_elf import compile_engine
from edgedigits.devices.steps import step_by_address, step_lines
from edgedigits.devices.stub import Engine
from tests.devices.conftest import toolchain_or_skip
from tests.devices.emitted_engine import write_emitted_engine
from tests.devices.tiny_engine import random_inputs
from tests.tflite_builder import random_mlp

pytest.importorskip("unicorn")

# What is usual, what inlines most, and what inlines least; the rest in CI.
ALWAYS = (("zig", "-O2"), ("gcc", "-O3"), ("gcc", "-Os"))


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """784-20-12-10 with a softmax: two layers in pairs around one in lists."""
    model = random_mlp(5, sizes=(784, 20, 12, 10), softmax=True)
    return write_emitted_engine(tmp_path_factory.mktemp("three"), model, encodings=("pairs", "lists8", "pairs"))


def test_steps_begin_at_their_lines_in_the_source(three: Engine) -> None:
    lines = three.sources[0].read_text().splitlines()

    assert [lines[number - 1].strip() for number in step_lines(three)] == [
        "/* layer 1: 784 inputs, 20 outputs, ReLU */",
        "/* layer 2: 20 inputs, 12 outputs, ReLU */",
        "/* layer 3: 12 inputs, 10 outputs, no activation */",
        "softmax(output, 10u, s->sums);",
    ]


def test_lines_are_found_in_a_source_that_was_edited_and_none_where_one_is_gone(three: Engine, tmp_path: Path) -> None:
    text = three.sources[0].read_text()
    shifted, without = tmp_path / "shifted.c", tmp_path / "without.c"
    shifted.write_text(f"\n\f\n{text}")
    without.write_text(text.replace("/* layer 2: 20 inputs, 12 outputs, ReLU */", ""))

    assert step_lines(replace(three, sources=(shifted,))) == [line + 2 for line in step_lines(three)]
    assert step_lines(replace(three, sources=(without,))) == []


@pytest.mark.parametrize(
    ("toolchain", "optimize"),
    [
        pytest.param(name, level, marks=[] if (name, level) in ALWAYS else [pytest.mark.slow])
        for name in ("zig", "gcc")
        for level in ("-O1", "-O2", "-O3", "-Os")
    ],
)
def test_the_first_layer_takes_what_the_picture_takes(
    three: Engine, tmp_path: Path, toolchain: str, optimize: str
) -> None:
    """Only the first layer's work grows with the ink; the layers are in order, and nothing is lost between them."""
    core = find_core("cortex-m4")
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
    run = run_unicorn(find_core(core), compiled(three, core), three, random_inputs(3))

    assert run.by_step.shape == (3, 5) and run.by_step[:, 1:].min() > 50
    assert np.array_equal(run.by_step.sum(axis=1), run.instructions)


def test_an_engine_without_marks_has_no_steps(tiny: Engine, compiled: Callable[..., Image]) -> None:
    image = compiled(tiny)

    assert tiny.facts.steps == () and step_by_address(image.path, tiny) == {}
    assert run_unicorn(find_core("cortex-m4"), image, tiny, random_inputs(2)).by_step.shape == (2, 1)


def test_debug_information_that_cannot_be_read_tells_no_layers_apart(
    three: Engine, compiled: Callable[..., Image], tmp_path: Path
) -> None:
    content = bytearray(compiled(three).path.read_bytes())
    with compiled(three).path.open("rb") as file:
        section = ELFFile(file).get_section_by_name(".debug_info")
        start, size = section["sh_offset"], section["sh_size"]
    content[start : start + size] = bytes([0xFF]) * size
    (tmp_path / "x.elf").write_bytes(content)

    assert step_by_address(compiled(three).path, three) != {}
    assert step_by_address(tmp_path / "x.elf", three) == {}
