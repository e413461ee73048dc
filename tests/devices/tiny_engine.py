"""A hand-written engine of the emitted ones' interface: one dense layer in plain C, and the same in NumPy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

HEADER = """\
/* rounding litert */
#ifndef TINY_H
#define TINY_H
#include <stddef.h>
#include <stdint.h>
#define {macro}_INPUT_SIZE {inputs}
#define {macro}_OUTPUT_SIZE {outputs}
#define {macro}_WORKSPACE_BYTES {workspace}
#define {macro}_PIXELS {inputs}
#define {macro}_CLASSES {outputs}
void {prefix}_invoke(const int8_t *input, int8_t *output, void *workspace);
int {prefix}_classify(const int8_t *input, void *workspace, int8_t *margin);
void {prefix}_preprocess(const uint8_t *pixels, int invert, int8_t *input);
int {prefix}_check_weights(void);
int {prefix}_self_test(void *workspace);
#endif
"""
SOURCE = """\
#include "{prefix}.h"

#if defined(__AVR__)
#define FLASH __flash
#else
#define FLASH
#endif
static const FLASH int8_t weights[{outputs}][{inputs}] = {{
{rows}
}};

void {prefix}_invoke(const int8_t *input, int8_t *output, void *workspace) {{
    {extra}
    (void)workspace;
    for (int row = 0; row < {outputs}; row++) {{
        int32_t sum = 0;
        for (int i = 0; i < {inputs}; i++) {{
            if (input[i] != -128) {{
                sum += (input[i] + 128) * weights[row][i];
            }}
        }}
        sum = sum / 1024;
        output[row] = (int8_t)(sum > 127 ? 127 : sum < -128 ? -128 : sum);
    }}
}}

int {prefix}_classify(const int8_t *input, void *workspace, int8_t *margin) {{
    int8_t output[{outputs}];
    int best = 0;
    int second = -1;
    {prefix}_invoke(input, output, workspace);
    for (int i = 1; i < {outputs}; i++) {{
        if (output[i] > output[best]) {{
            second = best;
            best = i;
        }} else if (second < 0 || output[i] > output[second]) {{
            second = i;
        }}
    }}
    int lead = second < 0 ? 0 : output[best] - output[second];
    *margin = (int8_t)(lead > 127 ? 127 : lead);
    return best;
}}

int {prefix}_check_weights(void) {{
    return 0;
}}

void {prefix}_preprocess(const uint8_t *pixels, int invert, int8_t *input) {{
    for (int i = 0; i < {inputs}; i++) {{
        input[i] = (int8_t)((invert ? 255 - pixels[i] : pixels[i]) - 128);
    }}
}}
"""
SELF_TEST = """\
#include "{prefix}.h"

int {prefix}_self_test(void *workspace) {{
    (void)workspace;
    return {self_test};
}}
"""


def facts(prefix: str, inputs: int, outputs: int, workspace: int) -> dict[str, Any]:
    """The engine's facts, without steps."""
    names = {
        "schema": 1,
        "kind": "engine-facts",
        "tool": "",
        "prefix": prefix,
        "rounding": "litert",
        "model_sha256": "",
    }
    ends = {
        name: {"size": size, "scale": 1.0, "zero_point": 0} for name, size in (("input", inputs), ("output", outputs))
    }
    flash = {"weight_bytes": inputs * outputs, "bias_bytes": 0, "table_bytes": 0}
    pixels = {"pixels": {"low": 0, "high": 1}, "classes": outputs}
    return {**names, **ends, **pixels, "workspace_bytes": workspace, **flash, "steps": []}


def write_engine(
    folder: Path,
    *,
    inputs: int = 784,
    outputs: int = 10,
    prefix: str = "edgedigits_model",
    workspace: int = 0,
    extra: str = "",
    self_test: int = 0,
    seed: int = 0,
) -> NDArray[np.int8]:
    """Write `<prefix>.h`, `.c`, `_self_test.c` and `.json` into `folder`; return the weights, int8 (outputs, inputs).

    `extra` is C that runs at the start of `invoke`, for what an engine must not do.
    """
    weights = np.random.default_rng(seed).integers(-20, 21, (outputs, inputs)).astype(np.int8)
    rows = ",\n".join("{" + ", ".join(map(str, row)) + "}" for row in weights.tolist())
    names = {"prefix": prefix, "macro": prefix.upper(), "inputs": inputs, "outputs": outputs, "workspace": workspace}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{prefix}.h").write_text(HEADER.format(**names))
    (folder / f"{prefix}.c").write_text(SOURCE.format(**names, rows=rows, extra=extra))
    (folder / f"{prefix}_self_test.c").write_text(SELF_TEST.format(prefix=prefix, self_test=self_test))
    (folder / f"{prefix}.json").write_text(json.dumps(facts(prefix, inputs, outputs, workspace)))
    return weights


def expected(weights: NDArray[np.int8], inputs: NDArray[np.int8]) -> NDArray[np.int8]:
    """Return what the engine gives for `inputs` (n, inputs): int8 (n, outputs)."""
    sums = (inputs.astype(np.int64) + 128) @ weights.astype(np.int64).T
    quotients = np.sign(sums) * (np.abs(sums) // 1024)
    return np.clip(quotients, -128, 127).astype(np.int8)


def random_inputs(count: int, size: int = 784, *, seed: int = 0, ink: float = 0.2) -> NDArray[np.int8]:
    """Return int8 (count, size): background −128 but for a share `ink`, as digits are; all −128 and all 127 first."""
    random = np.random.default_rng(seed)
    values = random.integers(-128, 128, (count, size)).astype(np.int8)
    values[random.random((count, size)) >= ink] = -128
    values[0] = -128
    if count > 1:
        values[1] = 127
    return values


DEEP = """
    static void deep(volatile const int8_t *from) __attribute__((noinline));
    static void deep(volatile const int8_t *from) {{ volatile char some[{size}]; for (int i = 0; i < {size}; i++) some[i] = *from; }}
"""


def deep_on_one_image(folder: Path, size: int, value: int = 99) -> None:
    """Write an engine that takes `size` bytes more of stack on images whose first value is `value`."""
    write_engine(folder, extra=f"if (input[0] == {value}) {{ deep(input); }}")
    source = folder / "edgedigits_model.c"
    source.write_text(source.read_text().replace('.h"\n', f'.h"\n{DEEP.format(size=size)}', 1))
