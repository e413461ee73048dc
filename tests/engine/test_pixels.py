"""Pixels read as they are, at once or in portions, give what preprocess and classify give; too few or too many are told."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from edgedigits.data.preprocess import INPUT_SCALE, PixelMap, PixelRange, pixel_map
from edgedigits.devices.cores import find_core, load_cores
from edgedigits.devices.simulate import simulate_inputs
from edgedigits.devices.stub import find_engine
from edgedigits.devices.wrapped_engine import with_invert, write_raw_engine
from edgedigits.engine.source import EngineSource, render_engine
from edgedigits.model import numpy_engine
from edgedigits.model.lowering import lower
from edgedigits.model.packing import Goal, choose, use
from edgedigits.model.reader import read_tflite
from edgedigits.model.weights import ENCODINGS
from edgedigits.scoring.metrics import classify
from edgedigits.scoring.reject import MOST_LEAD_TOLD, leads
from edgedigits.view import View
from tests.devices.conftest import emulator_or_skip, toolchain_or_skip
from tests.engine.compilers import C_COMPILERS, STRICT, available
from tests.engine.engine_program import SANITIZED, run, write
from tests.tflite_builder import build_mlp, random_mlp

USUAL = pixel_map(PixelRange(0, 1, ""), INPUT_SCALE, -128, "int8")
BY_COLUMN = {"pairs", "pairs_apart", "rows", "codebook", "lists8", "lists4", "coded44", "coded53", "bitmap", "blocks"}
BY_NAME = {encoding.name: encoding for encoding in ENCODINGS}
OUTPUTS = 9
"""The last group of them is not full."""

# Every buffer is an allocation of exactly its size, and the pixels begin at an odd address.
_CHECKS = """\
static int check_{prefix}(unsigned seed) {{
    enum {{ N = {macro}_PIXELS }};
    uint8_t *memory = malloc(N + 1), *pixels = memory + 1;
    int8_t *input = malloc(N), margin, other, scores[{macro}_OUTPUT_SIZE];
    void *workspace = malloc({macro}_WORKSPACE_BYTES);
    for (unsigned round = 0; round < 30; ++round) {{
        const int invert = (int)(round % 2u);
        for (unsigned i = 0; i < N; ++i) {{
            seed = seed * 1103515245u + 12345u;
            pixels[i] = (uint8_t)(seed >> 16 & 3u ? (invert ? 255u : 0u) : seed >> 20);
        }}
        {prefix}_preprocess(pixels, invert, input);
        {prefix}_invoke(input, scores, workspace);
        const int expected = {prefix}_classify(input, workspace, &margin);
        CHECK(memcmp({prefix}_scores(workspace), scores, sizeof scores) == 0);
        CHECK({prefix}_classify_pixels(pixels, invert, workspace, &other) == expected && other == margin);
        CHECK(memcmp({prefix}_scores(workspace), scores, sizeof scores) == 0);
#ifdef {macro}_NOT_ONE_IMAGE
        {prefix}_begin(invert, workspace);
        for (uint32_t at = 0, part; at < N; at += part) {{
            part = (round * 7u + at * 5u) % (4u * round + 1u);
            part = part > N - at ? N - at : part + (part == 0u && round % 3u == 0u);
            uint8_t *portion = malloc(part + 1u);
            memcpy(portion, pixels + at, part);
            CHECK({prefix}_feed(portion, part, workspace) == (int)(N - at - part));
            free(portion);
            part += part == 0u && {prefix}_feed(pixels + at, 1u, workspace) >= 0;
        }}
        CHECK({prefix}_end(workspace, &other) == expected && other == margin);
        CHECK(memcmp({prefix}_scores(workspace), scores, sizeof scores) == 0);
        {prefix}_begin(invert, workspace);
        CHECK({prefix}_end(workspace, NULL) == {macro}_NOT_ONE_IMAGE);
        CHECK({prefix}_feed(pixels, N - 1u, workspace) == 1);
        CHECK({prefix}_end(workspace, NULL) == {macro}_NOT_ONE_IMAGE);
        CHECK({prefix}_feed(pixels, 1u, workspace) == 0);
        CHECK({prefix}_feed(pixels, 0u, workspace) == 0);
        CHECK({prefix}_feed(pixels, 1u, workspace) == {macro}_NOT_ONE_IMAGE);
        CHECK({prefix}_feed(pixels, 0u, workspace) == {macro}_NOT_ONE_IMAGE);
        CHECK({prefix}_end(workspace, NULL) == {macro}_NOT_ONE_IMAGE);
        {prefix}_begin(invert, workspace);
        CHECK({prefix}_feed(pixels, 0xffffffffu, workspace) == {macro}_NOT_ONE_IMAGE);
#endif
    }}
    free(memory), free(input), free(workspace);
    return 0;
}}
"""
_START = """\
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define CHECK(what) do { if (!(what)) { printf("line %d, round %u\\n", __LINE__, round); return 1; } } while (0)
"""


def mlp(**options: bool) -> bytes:
    """A model whose weights every encoding can hold: four values at equal distances."""
    random = np.random.default_rng(5)
    weights = [random.choice(np.array([-20, 0, 20, 40], np.int8), shape) for shape in ((OUTPUTS, 784), (10, OUTPUTS))]
    return build_mlp(weights, [random.integers(-999, 999, len(one)).astype(np.int32) for one in weights], **options)


@cache
def engines() -> dict[str, EngineSource]:
    """The engine of each encoding of the first layer, and those with narrow biases and with a margin."""
    network = lower(read_tflite(mlp()))
    found = {}
    for name in BY_NAME:
        found[name] = render_engine(network, use(network, [name, "pairs"]), name, USUAL)
    narrow = [replace(one, narrow_biases=True) for one in use(network, ["lists4", "lists4"])]
    assert narrow[0].biases.is_narrow
    found["narrow"] = render_engine(network, narrow, "narrow", USUAL)
    found["refusing"] = render_engine(network, choose(network), "refusing", USUAL, reject_margin=9)
    return found


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(("pairs", "rows", "bitmap", "rice", "narrow", "refusing"), id="some"),
        pytest.param((*BY_NAME, "narrow", "refusing"), id="all", marks=pytest.mark.slow),
    ],
)
def test_they_give_what_classify_gives(names: tuple[str, ...], tmp_path: Path) -> None:
    for name in names:
        write(engines()[name], tmp_path / name)
    includes = "".join(f'#include "{name}/engine/{name}.h"\n' for name in names)
    checks = "".join(_CHECKS.format(prefix=name, macro=name.upper()) for name in names)
    calls = " || ".join(f'(puts("{name}"), check_{name}({seed}u))' for seed, name in enumerate(names, start=1))
    (tmp_path / "main.c").write_text(f"{_START}{includes}{checks}int main(void) {{ return {calls}; }}\n")
    (tmp_path / "engines.c").write_text("".join(f'#include "{name}/engine/{name}.c"\n' for name in names))
    sources = [str(tmp_path / name) for name in ("main.c", "engines.c")]
    program = str(tmp_path / "program")
    run([available(C_COMPILERS)[0], *SANITIZED, *STRICT, *sources, "-o", program])
    run([program])


def test_portions_are_taken_where_weights_lie_by_columns() -> None:
    taken = {name for name, source in engines().items() if "_feed(" in source.header}
    assert taken - {"narrow", "refusing"} == BY_COLUMN
    assert all("_classify_pixels(" in source.header for source in engines().values())


@pytest.mark.parametrize(
    ("core", "encoding"),
    [
        *(
            pytest.param(name, "pairs", marks=[] if name in ("cortex-m4", "cortex-m55") else [pytest.mark.slow])
            for name in load_cores()
        ),
        pytest.param("cortex-m0plus", "lists4", marks=pytest.mark.slow),
    ],
)
def test_cores_give_what_numpy_gives(core: str, encoding: str, tmp_path: Path) -> None:
    """With MVE the layer has its weights row by row, of which a portion takes a few columns.

    A Cortex-M0+ faults on words that are not aligned, as portions seldom are.
    """
    target = find_core(core)
    emulator_or_skip(target)
    network = lower(read_tflite(mlp()))
    write(render_engine(network, use(network, [encoding, "lists8"]), "digits", USUAL), tmp_path)
    images = np.random.default_rng(3).integers(0, 256, (6, 784)).astype(np.uint8) * (np.arange(784) % 5 > 1).astype(
        np.uint8
    )
    scores = numpy_engine.run(network, (images ^ 128).view(np.int8))
    expected = np.stack([classify(scores), np.minimum(leads(scores), MOST_LEAD_TOLD)], axis=1)
    for portions, invert in ((False, True), (True, False)):
        folder = tmp_path / f"{portions}{invert}"
        folder.mkdir()
        found = simulate_inputs(
            write_raw_engine(find_engine(tmp_path), folder, portions=portions),
            with_invert(images, invert=invert),
            target,
            toolchain_or_skip(target.toolchain, target),
        )
        np.testing.assert_array_equal(found.outputs, expected)


@pytest.mark.parametrize(
    ("pixels", "size"),
    [
        (pixel_map(PixelRange(-1, 1, ""), np.float32(2 / 255), 0, "int8"), 784),
        (pixel_map(PixelRange(0, 1, ""), INPUT_SCALE, -128, "int8", View(window=24, size=12)), 144),
    ],
)
def test_pixels_that_become_something_else_are_preprocessed(pixels: PixelMap, size: int) -> None:
    network = lower(read_tflite(random_mlp(1, (size, 10), input_scale=np.float32(1 / 255))))
    source = render_engine(network, choose(network, Goal.SPEED), "digits", pixels)
    assert "_preprocess(" in source.header
    assert not any(word in source.header for word in ("READS_PIXELS", "_classify_pixels(", "_feed("))
