"""The emitted fit is the geometry of Python, byte for byte: pictures of any size, polarity and place."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgedigits.data.digits import Digits
from edgedigits.data.geometry import BOX, MOST_SIDE, fit_picture, fitted
from edgedigits.devices.cores import find_core
from edgedigits.devices.emulator_unicorn import run_unicorn
from edgedigits.devices.engine_elf import compile_engine
from edgedigits.devices.stub import Engine, find_engine
from edgedigits.devices.toolchain import find_toolchain
from edgedigits.engine.fit import MOST_STACK_BYTES_FIT
from tests.devices.emitted_engine import write_emitted_engine
from tests.engine.compilers import STRICT, available
from tests.golden.compare import assert_golden
from tests.tflite_builder import random_mlp

Fit = Callable[..., NDArray[np.uint8]]
EDGE = np.uint8(0xA5)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    folder = tmp_path_factory.mktemp("fit")
    write_emitted_engine(folder, random_mlp(1, (784, 10)))
    return find_engine(folder)


@pytest.fixture(scope="module", params=["gcc", pytest.param("clang", marks=pytest.mark.slow)])
def fit(request: pytest.FixtureRequest, engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Fit:
    """The C, compiled with every warning an error and undefined behaviour a crash; what is beside its buffers is seen."""
    [compiler] = available([request.param])
    library = tmp_path_factory.mktemp("library") / "fit.so"
    flags = ("-std=c99", "-O2", "-fPIC", "-shared", "-fsanitize=undefined", "-fsanitize-undefined-trap-on-error")
    source = engine.folder / f"{engine.prefix}_fit.c"
    subprocess.run([compiler, *flags, *STRICT, str(source), "-o", str(library)], check=True, timeout=120)
    function = ctypes.CDLL(str(library)).edgedigits_model_fit
    function.argtypes = [ctypes.c_void_p, *([ctypes.c_int] * 4), ctypes.c_void_p]

    def call(
        picture: NDArray[np.uint8], *, dark: bool = False, gap: int = 0, sides: tuple[int, int] | None = None
    ) -> NDArray[np.uint8]:
        height, width = sides or picture.shape
        rows = np.pad(picture, ((0, 0), (0, gap)), constant_values=int(EDGE))
        pixels = np.full(784 + 64, EDGE)
        said = function(rows.ctypes.data, width, height, width + gap, int(dark), pixels.ctypes.data + 32)
        assert (pixels[:32] == EDGE).all() and (pixels[-32:] == EDGE).all(), "it writes beside its buffer"
        assert said == int(sides is None and picture.min() < picture.max())
        return pixels[32:-32]

    return call


def made(height: int, width: int, kind: int, seed: int) -> NDArray[np.uint8]:
    """Return a picture: noise, sparse ink, a box of ink on some paper, one pixel, or a smooth ramp."""
    random = np.random.default_rng(seed)
    picture = random.integers(0, 256, (height, width)).astype(np.uint8)
    if kind == 1:
        picture[random.random(picture.shape) < 0.97] = int(random.integers(0, 40))
    if kind == 2:
        paper = np.full_like(picture, int(random.integers(0, 256)))
        (top, bottom), (left, right) = (np.sort(random.integers(0, side + 1, 2)) for side in (height, width))
        paper[top:bottom, left:right] = picture[top:bottom, left:right]
        picture = paper
    if kind == 3:
        picture[:] = 7
        picture[int(random.integers(height)), int(random.integers(width))] += int(random.integers(0, 249))
    if kind == 4:
        picture = ((np.arange(height)[:, None] * 3 + np.arange(width)) % 256).astype(np.uint8)
    return picture


@settings(max_examples=300, deadline=None)
@given(
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    kind=st.integers(0, 4),
    seed=st.integers(0, 2**32 - 1),
    dark=st.booleans(),
    gap=st.integers(0, 3),
)
def test_the_c_fits_as_python_does(
    fit: Fit, height: int, width: int, kind: int, seed: int, dark: bool, gap: int
) -> None:
    picture = made(height, width, kind, seed)
    np.testing.assert_array_equal(fit(picture, dark=dark, gap=gap), fitted(picture[None], dark=dark)[0])


@pytest.mark.parametrize(
    ("height", "width"),
    [(1, 1), (1, MOST_SIDE), (MOST_SIDE, 1), (BOX, BOX), (28, 28), (480, 640), (997, 61), (3, 1999)],
)
def test_sides_of_every_kind(fit: Fit, height: int, width: int) -> None:
    for kind in range(5):
        picture = made(height, width, kind, kind)
        np.testing.assert_array_equal(fit(picture), fit_picture(picture).ravel())


def test_the_largest_sums_hold(fit: Fit) -> None:
    """All ink but a pixel: every sum is as large as it can be."""
    picture = np.full((MOST_SIDE, MOST_SIDE), 255, np.uint8)
    picture[0, 5] = 0
    found = fit(picture).reshape(28, 28)
    assert found[4:24, 4:24].min() >= 254 and found.astype(int).sum() <= 255 * BOX * BOX


@pytest.mark.parametrize("dark", [False, True])
def test_the_edge_of_ink_at_every_range(fit: Fit, dark: bool) -> None:
    """Ramps over ranges at both ends of a byte, across and down: where ink begins, the box does."""
    for span in range(1, 256):
        ramp = np.arange(span + 1, dtype=np.uint8)
        for picture in (ramp[None], (ramp + np.uint8(255 - span))[:, None]):
            np.testing.assert_array_equal(fit(picture, dark=dark), fitted(picture[None], dark=dark)[0])


def test_real_digits_as_they_are_and_enlarged(fit: Fit, five_thousand: Digits) -> None:
    images = five_thousand.images[::97].reshape(-1, 28, 28)
    for image in images:
        for picture in (image, np.kron(image, np.ones((5, 3), np.uint8))):
            np.testing.assert_array_equal(fit(picture), fit_picture(picture).ravel())


@pytest.mark.parametrize("sides", [(0, 3), (3, 0), (-1, 3), (MOST_SIDE + 1, 3), (3, MOST_SIDE + 1)])
def test_sides_out_of_reach_give_a_blank_image(sides: tuple[int, int], fit: Fit) -> None:
    assert not fit(made(4, 4, 0, 0), sides=sides).any()


def test_the_text_is_what_a_person_has_read(engine: Engine) -> None:
    assert_golden("fit.c", (engine.folder / f"{engine.prefix}_fit.c").read_text())


WRAPPED = """\
#include "edgedigits_model.h"

void fit_invoke(const int8_t *input, int8_t *output, void *workspace)
{
    (void)workspace;
    (void)edgedigits_model_fit((const uint8_t *)input, 56, 56, 56, 0, (uint8_t *)output);
}
"""
WRAPPED_HEADER = """\
#include <stdint.h>

#define FIT_INPUT_SIZE 3136
#define FIT_OUTPUT_SIZE 784
#define FIT_WORKSPACE_BYTES 0

void fit_invoke(const int8_t *input, int8_t *output, void *workspace);
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "most", "most_noisy"),
    [("cortex-m4", 39_000, 51_000), ("cortex-m0plus", 98_000, 127_000), ("rv32imc", 52_000, 68_000)],
)
def test_cores_fit_as_python_does(
    name: str, most: int, most_noisy: int, engine: Engine, five_thousand: Digits, tmp_path: Path
) -> None:
    """Digits of 56×56 pixels, clean and as a camera sees them, in as few instructions and bytes of stack as is promised."""
    core, facts = find_core(name), engine.facts
    (tmp_path / "fit.c").write_text(WRAPPED)
    (tmp_path / "fit.h").write_text(WRAPPED_HEADER)
    shutil.copy(engine.folder / engine.header, tmp_path)
    facts = replace(facts, prefix="fit", workspace_bytes=0, steps=())
    facts = replace(facts, input=replace(facts.input, size=3136), output=replace(facts.output, size=784))
    wrapped = Engine(tmp_path, facts, (engine.folder / f"{engine.prefix}_fit.c", tmp_path / "fit.c"))
    images = five_thousand.images[::250].reshape(-1, 28, 28)
    clean = np.kron(images, np.ones((1, 2, 2), np.uint8))
    noise = np.random.default_rng(1).normal(30, 6, clean.shape)
    pictures = np.concatenate([clean, np.clip(0.7 * clean + noise, 0, 255).astype(np.uint8)])
    image = compile_engine(find_toolchain("zig", core), core, wrapped, tmp_path)
    run = run_unicorn(core, image, wrapped, pictures.reshape(-1, 3136).view(np.int8))
    np.testing.assert_array_equal(run.outputs.view(np.uint8), fitted(pictures))
    assert run.instructions[: len(clean)].mean() <= most
    assert run.instructions[len(clean) :].mean() <= most_noisy
    assert run.stack <= MOST_STACK_BYTES_FIT
