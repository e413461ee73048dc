"""The emitted preprocess is the view of Python, byte for byte, in C and C++ and on cores, without a division."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgedigits.data.seeing import see
from edgedigits.devices.cores import find_core
from edgedigits.devices.elf import Image
from edgedigits.devices.emulator_unicorn import run_unicorn
from edgedigits.devices.engine_elf import compile_engine
from edgedigits.devices.stub import Engine
from edgedigits.devices.toolchain import find_toolchain
from edgedigits.devices.wrapped_engine import with_invert, write_pixel_engine
from edgedigits.engine.preprocess import preprocess_facts
from edgedigits.engine.render import render
from edgedigits.engine.source import MOST_STACK_BYTES
from edgedigits.view import LEVEL_BITS, WINDOWS, View
from tests.data.hard_images import hard_images
from tests.devices.emitted_engine import write_emitted_engine
from tests.engine.compilers import C_COMPILERS, CXX_COMPILERS, STRICT, available
from tests.engine.engine_program import SANITIZED
from tests.golden.compare import assert_golden
from tests.tflite_builder import random_mlp

# Each form that the template has: cut, averaged in whole pixels and in parts, moved or not; 1, 2, 4 and 8 bits.
FORMS = (
    View(window=20, size=20),
    View(bits=1),
    View(window=24, size=12),
    View(size=14, bits=2),
    View(size=16, bits=4),
    View(window=20, size=16),
    View(deskew=True),
    View(window=22, size=22, centre=True),
    View(window=24, size=12, deskew=True),
    View(window=20, size=8, deskew=True, centre=True, bits=4),
    View(size=1),
    View(window=26, size=25, centre=True, bits=1),
)
STRAIGHT, INVERTED, IN_PLACE = range(3)
NAMES = ("placing", "nearest", "slope_of", "placing_of", "add_row", "put_row", "input_of")


def random_views(count: int, seed: int) -> list[View]:
    random = np.random.default_rng(seed)
    views = []
    while len(views) < count:
        window = int(random.choice(WINDOWS))
        size = int(random.integers(1, window + 1)) if random.random() < 0.7 else window
        moves = [bool(flag) for flag in random.integers(0, 2, 2)]
        views += [view for view in (View(window, size, *moves, int(random.choice(LEVEL_BITS))),) if not view.is_plain]
    return views


def ways(view: View) -> tuple[int, ...]:
    return (STRAIGHT, INVERTED) if view.moves else (STRAIGHT, INVERTED, IN_PLACE)


def source(number: int, view: View) -> str:
    """Return the preprocess of a view, called `v<number>_preprocess`."""
    body = render("preprocess.c.j2", prefix=f"v{number}", view=view, pixel_table=False, **preprocess_facts(view))
    around = [f"#define {name} {name}_{number}" for name in NAMES], [f"#undef {name}" for name in NAMES]
    return "\n".join([*around[0], body, *around[1], ""])


def program(views: list[View] | tuple[View, ...]) -> str:
    """Return a program that gives of each image on stdin what each view makes of it, in each way."""
    calls = []
    for number, view in enumerate(views):
        for way in ways(view):
            target = "(int8_t *)pixels" if way == IN_PLACE else "input"
            calls += [
                "memcpy(pixels, image, 784);",
                f"v{number}_preprocess(pixels, {int(way == INVERTED)}, {target});",
                f"fwrite({target}, {view.inputs}, 1, stdout);",
            ]
    lines = "\n        ".join(calls)
    return f"""\
#include <stdint.h>
#include <stdio.h>
#include <string.h>
{"".join(source(number, view) for number, view in enumerate(views))}
int main(void) {{
    static uint8_t image[784], pixels[784];
    static int8_t input[784];
    while (fread(image, 784, 1, stdin) == 1) {{
        {lines}
    }}
    return 0;
}}
"""


def expected(views: list[View] | tuple[View, ...], images: NDArray[np.uint8]) -> NDArray[np.int8]:
    parts = [see(view, 255 - images if way == INVERTED else images) for view in views for way in ways(view)]
    return (np.concatenate(parts, axis=1).astype(int) - 128).astype(np.int8)


def compiled(
    compiler: str, flags: tuple[str, ...], text: str, images: NDArray[np.uint8], folder: Path
) -> NDArray[np.int8]:
    path = folder / "main.c"
    path.write_text(text)
    subprocess.run([compiler, *flags, *STRICT, str(path), "-o", str(folder / "main")], check=True, timeout=120)
    done = subprocess.run([folder / "main"], input=images.tobytes(), capture_output=True, check=True, timeout=60)
    return np.frombuffer(done.stdout, np.int8).reshape(len(images), -1)


@pytest.mark.parametrize("compiler", C_COMPILERS)
def test_the_c_sees_what_python_sees(compiler: str, tmp_path: Path) -> None:
    available([compiler])
    images = hard_images()
    found = compiled(compiler, SANITIZED, program(FORMS), images, tmp_path)
    np.testing.assert_array_equal(found, expected(FORMS, images))


def test_it_is_c_plus_plus_too(tmp_path: Path) -> None:
    images, compiler = hard_images(1), available(CXX_COMPILERS)[0]
    found = compiled(compiler, ("-x", "c++", "-O2"), program(FORMS), images, tmp_path)
    np.testing.assert_array_equal(found, expected(FORMS, images))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_many_more_views_are_the_same(seed: int, tmp_path: Path) -> None:
    views, images = random_views(60, seed), hard_images(seed, noisy=90)
    found = compiled(available(C_COMPILERS)[0], SANITIZED, program(views), images, tmp_path)
    np.testing.assert_array_equal(found, expected(views, images))


@pytest.mark.parametrize("view", FORMS)
def test_nothing_is_divided_and_nothing_is_a_fraction(view: View) -> None:
    text = re.sub(r"/\*.*?\*/", "", source(0, view), flags=re.DOTALL)
    assert not re.search(r"/|%|float|double", text)


def test_the_text_is_what_a_person_has_read() -> None:
    views = (View(window=20, size=16, deskew=True, centre=True, bits=4), View(window=24, size=12), View(bits=1))
    assert_golden("preprocess.c", "\n".join(source(number, view) for number, view in enumerate(views)))


def emulate(
    engine: Engine, core_name: str, images: NDArray[np.uint8], folder: Path
) -> tuple[Image, NDArray[np.int8], int]:
    """Return the compiled preprocess of an engine, what a core makes of images, straight and inverted, and its stack."""
    core = find_core(core_name)
    wrapped = write_pixel_engine(engine, folder)
    image = compile_engine(find_toolchain("zig", core), core, wrapped, folder)
    runs = [run_unicorn(core, image, wrapped, with_invert(images, invert=invert)) for invert in (False, True)]
    return image, np.concatenate([run.outputs for run in runs]), max(run.stack for run in runs)


@pytest.mark.slow
@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m4", "rv32imc"])
@pytest.mark.parametrize("view", [FORMS[2], FORMS[4], FORMS[9]])
def test_a_core_sees_what_python_sees(core: str, view: View, tmp_path: Path) -> None:
    engine = write_emitted_engine(tmp_path, random_mlp(1, (view.inputs, 10)), view=view)
    images = hard_images()
    (tmp_path / "pixels").mkdir()
    image, found, stack = emulate(engine, core, images, tmp_path / "pixels")
    np.testing.assert_array_equal(found, np.tile(see(view, images).astype(int) - 128, (2, 1)))
    assert stack <= MOST_STACK_BYTES
    assert not [symbol.name for symbol in image.symbols if "div" in symbol.name], "Cortex-M0+ would call for a division"
