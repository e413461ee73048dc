"""An engine for a given `.tflite` as plainly as C can say it: a stand-in for the emitted one, with the same interface."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgedigits.model.ir import Graph, Operator
from tests.evaluate.arithmetic import quantized_multiplier
from tests.targets.tiny_engine import HEADER

DENSE = """\
#include "edgedigits_model.h"

static void dense(const int8_t *input, int inputs, int8_t *output, int outputs, const int8_t *weights, const int32_t *bias,
                  int32_t offset, int32_t multiplier, int total, int32_t zero_point, int32_t low) {
    for (int row = 0; row < outputs; row++) {
        int32_t sum = bias[row];
        for (int i = 0; i < inputs; i++) {
            sum += (input[i] + offset) * weights[row * inputs + i];
        }
        int64_t scaled = (((int64_t)sum * multiplier + ((int64_t)1 << (total - 1))) >> total) + zero_point;
        output[row] = (int8_t)(scaled > 127 ? 127 : scaled < low ? low : scaled);
    }
}
"""


def write_plain_engine(folder: Path, graph: Graph) -> None:
    """Write an engine that repeats LiteRT's rounding into `folder`, for a chain of per-tensor FULLY_CONNECTED."""
    operators = graph.operators
    widths = [graph.tensors[operator.outputs[0]].size for operator in operators]
    wide = max(widths)
    inputs = graph.tensors[graph.inputs[0]].size
    arrays = "\n".join(_arrays(graph, operator, number) for number, operator in enumerate(operators))
    calls = []
    for number, operator in enumerate(operators):
        source = "input" if number == 0 else f"half{number % 2}"
        target = "output" if number == len(operators) - 1 else f"half{(number + 1) % 2}"
        calls.append(_call(graph, operator, number, source, target))
    body = "\n    ".join(calls)
    prefix = "edgedigits_model"
    names = {"prefix": prefix, "macro": prefix.upper(), "inputs": inputs, "outputs": widths[-1], "workspace": 2 * wide}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{prefix}.h").write_text(HEADER.format(**names))
    (folder / f"{prefix}.c").write_text(
        f"{DENSE}\n{arrays}\nvoid {prefix}_invoke(const int8_t *input, int8_t *output, void *workspace) {{\n"
        f"    int8_t *half0 = workspace;\n    int8_t *half1 = half0 + {wide};\n    (void)half1;\n    {body}\n}}\n"
    )


def _arrays(graph: Graph, operator: Operator, number: int) -> str:
    weights, bias = graph.input_of(operator, 1), graph.input_of(operator, 2)
    assert weights is not None and weights.data is not None and bias is not None and bias.data is not None
    return (
        f"static const int8_t weights{number}[] = {{{', '.join(map(str, weights.data.ravel().tolist()))}}};\n"
        f"static const int32_t bias{number}[] = {{{', '.join(map(str, bias.data.tolist()))}}};"
    )


def _call(graph: Graph, operator: Operator, number: int, source: str, target: str) -> str:
    given, weights = graph.input_of(operator, 0), graph.input_of(operator, 1)
    made = graph.tensors[operator.outputs[0]]
    assert given is not None and weights is not None
    real = np.float64(given.scale * weights.scale) / np.float64(made.scale)
    multiplier, shift = quantized_multiplier(float(real))
    low = made.zero_point if operator.activation == "RELU" else -128
    return (
        f"dense({source}, {given.size}, {target}, {made.size}, weights{number}, bias{number}, {-given.zero_point}, "
        f"{multiplier}, {31 - shift}, {made.zero_point}, {low});"
    )
