"""The two interpreters whose arithmetic the engine repeats, run in this process on any int8 model."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray

from edgedigits.model.fixed_point import Rounding

ARENA_BYTES = 1 << 20


def litert(content: bytes, inputs: NDArray[np.int8]) -> NDArray[np.int8]:
    """Outputs (n, m) of LiteRT's reference kernels for inputs (n, k)."""
    resolver = OpResolverType.BUILTIN_REF
    interpreter = Interpreter(model_content=content, experimental_op_resolver_type=resolver, num_threads=1)
    interpreter.allocate_tensors()
    first, last = interpreter.get_input_details()[0], interpreter.get_output_details()[0]

    def invoke(row: NDArray[np.int8]) -> NDArray[Any]:
        interpreter.set_tensor(first["index"], row.reshape(first["shape"]))
        interpreter.invoke()
        return interpreter.get_tensor(last["index"]).reshape(-1).copy()

    return np.array([invoke(row) for row in inputs])


def tflm(content: bytes, inputs: NDArray[np.int8]) -> NDArray[np.int8]:
    """Outputs (n, m) of TensorFlow Lite Micro for inputs (n, k); skips the test where it is not installed."""
    if importlib.util.find_spec("tflite_micro") is None:
        pytest.skip("tflite-micro is not installed")
    from tflite_micro import runtime

    interpreter = runtime.Interpreter.from_bytes(content, arena_size=ARENA_BYTES)
    shape = interpreter.get_input_details(0)["shape"]

    def invoke(row: NDArray[np.int8]) -> NDArray[Any]:
        interpreter.set_input(row.reshape(shape), 0)
        interpreter.invoke()
        return interpreter.get_output(0).reshape(-1).copy()

    return np.array([invoke(row) for row in inputs])


ORACLES: dict[Rounding, Callable[[bytes, NDArray[np.int8]], NDArray[np.int8]]] = {
    Rounding.LITERT: litert,
    Rounding.TFLM: tflm,
}


def hard_inputs(size: int, seed: int = 0, count: int = 12) -> NDArray[np.int8]:
    """Inputs (count, size) that are all lowest, all highest, alternating, sparse, and random."""
    random = np.random.default_rng(seed)
    rows = random.integers(-128, 128, (count, size))
    rows[0], rows[1], rows[2] = -128, 127, np.where(np.arange(size) % 2, 127, -128)
    sparse = random.random((count // 3, size)) < 0.2
    rows[3 : 3 + len(sparse)] = np.where(sparse, rows[3 : 3 + len(sparse)], -128)
    return rows.astype(np.int8)
