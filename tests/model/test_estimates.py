"""What is estimated for a layer before anything is compiled: each encoding's instructions and code, written down.

The figures were fitted to emulated counts; `tests/engine` and `tests/devices` hold them within a fifth of those. Here each
term of the formulas is held, so that a layer is not stored otherwise tomorrow without anybody's intention.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgedigits.model.lowering import lower
from edgedigits.model.reader import read_tflite
from edgedigits.model.weights import ENCODINGS
from edgedigits.model.weights.encoding import DIGITS, HIDDEN, Activity
from edgedigits.model.weights.rows import ROWS
from tests.golden.compare import assert_golden
from tests.tflite_builder import random_mlp

ACTIVITIES = {"digits": DIGITS, "hidden": HIDDEN, "all": Activity(1.0, 1.0, 1.0), "none": Activity(0.0, 0.0, 0.0)}
SHAPES = {(3, 5): 1.0, (10, 23): 0.4, (11, 40): 0.1, (12, 301): 0.05}
"""Of weights (out, in): how many of them are not zero."""


def weights_of(shape: tuple[int, int]) -> NDArray[np.int8]:
    """Return weights of at most eight values, which every encoding can hold; one output and one input have none."""
    random = np.random.default_rng(shape[1])
    values = np.array([-127, -90, -40, -3, 5, 33, 101, 127], np.int8)
    weights = np.where(random.random(shape) < SHAPES[shape], random.choice(values, shape), 0).astype(np.int8)
    weights[1] = 0
    weights[:, 2] = 0
    return weights


def test_estimates_are_those_written_down() -> None:
    lines = ["encoding  code " + "".join(f"{f'{out}x{of}':>10}" for out, of in SHAPES for _ in ACTIVITIES).rstrip()]
    lines += [" " * 15 + "".join(f"{name:>10}" for _ in SHAPES for name in ACTIVITIES)]
    for encoding in ENCODINGS:
        counts = [
            encoding.instructions(weights_of(shape), activity) for shape in SHAPES for activity in ACTIVITIES.values()
        ]
        lines.append(f"{encoding.name:9}{encoding.code_bytes:5} " + "".join(f"{count:10.2f}" for count in counts))
    layer = lower(read_tflite(random_mlp(7, (100, 10), density=1.0))).layers[0]
    for rows in (3, 4, 9):
        lines.append(f"with vectors, {rows}x100: {ROWS.vector_instructions(layer.weights[:rows]):.2f}")
    assert_golden("estimates.txt", "\n".join(lines) + "\n")
