"""An engine's `preprocess` under the interface of an engine: pixels in, inputs out. What runs engines runs it too."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgedigits.devices.stub import Engine

# No engine has two underscores in its name.
_NAME = "edgedigits__pixels"
_HEADER = """\
#include <stdint.h>

#define {macro}_INPUT_SIZE {size}
#define {macro}_OUTPUT_SIZE {inputs}
#define {macro}_WORKSPACE_BYTES 0

void {name}_invoke(const int8_t *input, int8_t *output, void *workspace);
"""
# The last byte of the input says whether the picture is dark on light.
_SOURCE = """\
#include "{name}.h"
#include "{header}"

void {name}_invoke(const int8_t *input, int8_t *output, void *workspace)
{{
    (void)workspace;
    {prefix}_preprocess((const uint8_t *)input, input[{pixels}], output);
}}
"""


def write_pixel_engine(engine: Engine, folder: Path) -> Engine:
    """Write into `folder` an engine whose `invoke` is the `preprocess` of another, and return it.

    It takes what `with_invert` returns, and gives what the other's `invoke` takes.
    """
    pixels, inputs, macro = engine.pixel_count, engine.facts.input.size, _NAME.upper()
    names = {"name": _NAME, "macro": macro, "prefix": engine.prefix, "header": engine.header}
    shutil.copy(engine.folder / engine.header, folder)
    (folder / f"{_NAME}.h").write_bytes(_HEADER.format(**names, size=pixels + 1, inputs=inputs).encode())
    (folder / f"{_NAME}.c").write_bytes(_SOURCE.format(**names, pixels=pixels).encode())
    facts = replace(
        engine.facts,
        prefix=_NAME,
        input=replace(engine.facts.input, size=pixels + 1),
        output=replace(engine.facts.output, size=inputs),
        workspace_bytes=0,
        steps=(),
    )
    return Engine(folder, facts, (*engine.sources, folder / f"{_NAME}.c"))


def with_invert(pixels: NDArray[np.uint8], *, invert: bool) -> NDArray[np.int8]:
    """Return pixels (n, k) as the bytes that a pixel engine takes, int8 (n, k + 1): with `invert` dark on light."""
    shown = 255 - pixels if invert else pixels
    flags = np.full((len(pixels), 1), int(invert), np.uint8)
    return np.concatenate([shown, flags], axis=1).view(np.int8)
