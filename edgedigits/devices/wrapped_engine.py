"""Other functions of an engine under the interface of an engine, so that what runs engines runs them too."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgedigits.devices.stub import Engine

_HEADER = """\
#include <stdint.h>

#define {macro}_INPUT_SIZE {inputs}
#define {macro}_OUTPUT_SIZE {outputs}
#define {macro}_WORKSPACE_BYTES {workspace}

void {name}_invoke(const int8_t *input, int8_t *output, void *workspace);
"""
_SOURCE = """\
#include "{name}.h"
#include "{header}"

void {name}_invoke(const int8_t *input, int8_t *output, void *workspace)
{{
    (void)workspace;
    {call}
}}
"""
# The last byte of the input says whether the picture is dark on light.
_PREPROCESS = "{prefix}_preprocess((const uint8_t *)input, input[{pixels}], output);"
_CLASSIFY_PIXELS = (
    "output[0] = (int8_t){prefix}_classify_pixels((const uint8_t *)input, input[{pixels}], workspace, &output[1]);"
)
# In portions of every size, none among them, which seldom are whole words.
_FEED = """\
uint32_t at = 0;
    {prefix}_begin(input[{pixels}], workspace);
    for (uint32_t size = 0; at < {pixels}u; ++size) {{
        const uint32_t left = {pixels}u - at, count = size < left ? size : left;
        (void){prefix}_feed((const uint8_t *)input + at, count, workspace);
        at += count;
    }}
    output[0] = (int8_t){prefix}_end(workspace, &output[1]);"""
_CLASSIFY = "output[0] = (int8_t){prefix}_classify(input, workspace, &output[1]);"


def write_pixel_engine(engine: Engine, folder: Path) -> Engine:
    """Write into `folder` an engine whose `invoke` is the `preprocess` of another, and return it.

    It takes what `with_invert` returns, and gives what the other's `invoke` takes.
    """
    pixels, facts = engine.pixel_count, engine.facts
    call = _PREPROCESS.format(prefix=engine.prefix, pixels=pixels)
    return _wrapped(engine, folder, "pixels", call, (pixels + 1, facts.input.size, 0))


def write_raw_engine(engine: Engine, folder: Path, *, portions: bool) -> Engine:
    """Write into `folder` an engine whose `invoke` is the `classify_pixels` of another, or its `feed`, and return it.

    It takes what `with_invert` returns, and gives two bytes: the class, modulo 256, and the margin.
    """
    call = (_FEED if portions else _CLASSIFY_PIXELS).format(prefix=engine.prefix, pixels=engine.pixel_count)
    return _wrapped(engine, folder, "raw", call, (engine.pixel_count + 1, 2, engine.facts.workspace_bytes))


def write_decision_engine(engine: Engine, folder: Path) -> Engine:
    """Write into `folder` an engine whose `invoke` is the `classify` of another, and return it.

    It takes what the other's `invoke` takes, and gives two bytes: the class, modulo 256, and the margin.
    """
    facts = engine.facts
    call = _CLASSIFY.format(prefix=engine.prefix)
    return _wrapped(engine, folder, "decision", call, (facts.input.size, 2, facts.workspace_bytes))


def _wrapped(engine: Engine, folder: Path, word: str, call: str, sizes: tuple[int, int, int]) -> Engine:
    """Write what calls another function of an engine; `sizes` are those of its input, output and workspace."""
    # No engine has two underscores in its name.
    name, (inputs, outputs, workspace) = f"edgedigits__{word}", sizes
    names = {"name": name, "macro": name.upper(), "header": engine.header, "call": call}
    header = _HEADER.format(**names, inputs=inputs, outputs=outputs, workspace=workspace)
    shutil.copy(engine.folder / engine.header, folder)
    (folder / f"{name}.h").write_bytes(header.encode())
    (folder / f"{name}.c").write_bytes(_SOURCE.format(**names).encode())
    facts = replace(
        engine.facts,
        prefix=name,
        input=replace(engine.facts.input, size=inputs),
        output=replace(engine.facts.output, size=outputs),
        workspace_bytes=workspace,
        steps=(),
    )
    return Engine(folder, facts, (*engine.sources, folder / f"{name}.c"))


def with_invert(pixels: NDArray[np.uint8], *, invert: bool) -> NDArray[np.int8]:
    """Return pixels (n, k) as the bytes that a pixel engine takes, int8 (n, k + 1): with `invert` dark on light."""
    shown = 255 - pixels if invert else pixels
    flags = np.full((len(pixels), 1), int(invert), np.uint8)
    return np.concatenate([shown, flags], axis=1).view(np.int8)
