"""Small int8 models of more than layers: functions of single values and sums of branches between them, before, behind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tests.tflite_builder import ModelWriter, schema

FUNCTIONS = {
    "LOGISTIC": 1,
    "TANH": 1,
    "LEAKY_RELU": 2,
    "HARD_SWISH": 1,
    "RELU": 2,
    "RELU6": 2,
    "RELU_N1_TO_1": 1,
    "RELU_0_TO_1": 1,
    "QUANTIZE": 2,
}
"""Operators that are functions of single values, and the version that reads int8."""
BRANCHES = [
    (8, 8, "+1", 5),
    (13, "+0", 4),
    ("TANH", "+0", "+1", 6, "LOGISTIC"),
    (9, "@0", 9, "+1", "TANH", 9, "+4", 3, "@6", 3, "+8"),
    (7, 7, "+1", 7, "+3", "@2", "TANH", "+5", 7, "+9"),
]
"""Models with skip connections, for `random_chain`: around a layer, from the input, within one, around each other."""
LITERT_ONLY = ("RELU_N1_TO_1", "RELU_0_TO_1")
"""TFLM does not have them."""


class ChainWriter:
    """Writes a chain of operators, each of random quantization.

    Args:
        seed: the same seed gives the same file.
        inputs: int8 values that go in.
        scale: of the input.
    """

    def __init__(self, seed: int, inputs: int, scale: float = 0.04) -> None:
        self.random, self.writer, self.width, self.scale = np.random.default_rng(seed), ModelWriter(), inputs, scale
        self.first = self.tensor = self._next(scale, int(self.random.integers(-128, 128)))

    def _next(self, scale: float, zero_point: int) -> int:
        self.scale = float(np.float32(scale))
        return self.writer.activation(f"t{len(self.writer.tensors)}", [1, self.width], "int8", scale, zero_point)

    def dense(self, outputs: int, scale: float = 0.05) -> int:
        """Add a layer; return its output."""
        kernel = np.rint(self.random.normal(0, 40, (outputs, self.width))).clip(-127, 127).astype(np.int8)
        kernel[self.random.random(kernel.shape) < 0.4] = 0
        weights = self.writer.constant(f"w{len(self.writer.tensors)}", kernel, 0.02 / np.sqrt(self.width))
        operands, self.width = [self.tensor, weights, -1], outputs
        self.tensor = self._next(scale, int(self.random.integers(-60, 60)))
        self.writer.operator("FULLY_CONNECTED", operands, [self.tensor], schema.FullyConnectedOptionsT(), version=4)
        return self.tensor

    def function(self, opcode: str, *, keeps_scale: bool = False, alpha: float = 0.2) -> int:
        """Add a function of single values; return its output."""
        source, before = self.tensor, self.writer.tensors[self.tensor].quantization
        scale, zero_point = self.scale * 2 ** self.random.uniform(-1, 1.5), int(self.random.integers(-128, 128))
        if keeps_scale:
            scale, zero_point = float(before.scale[0]), int(before.zeroPoint[0])
        if opcode == "LOGISTIC":
            scale, zero_point = 1 / 256, -128
        options: Any = None
        if opcode == "LEAKY_RELU":
            options = schema.LeakyReluOptionsT()
            options.alpha = alpha
        self.tensor = self._next(scale, zero_point)
        self.writer.operator(opcode, [source], [self.tensor], options, version=FUNCTIONS.get(opcode, 1))
        return self.tensor

    def add(self, other: int, activation: int = 0) -> int:
        """Add the current tensor and `other`, the one or the other first; return the sum."""
        operands = [self.tensor, other] if self.random.integers(2) else [other, self.tensor]
        options = schema.AddOptionsT()
        options.fusedActivationFunction = activation
        scale = self.scale * 2 ** self.random.uniform(0, 1.5)
        self.tensor = self._next(scale, int(self.random.integers(-60, 60)))
        self.writer.operator("ADD", operands, [self.tensor], options, version=2)
        return self.tensor

    def go_back(self, tensor: int) -> int:
        """Go on from a tensor that is there; return it."""
        self.tensor, self.width = tensor, int(self.writer.tensors[tensor].shape[1])
        self.scale = float(self.writer.tensors[tensor].quantization.scale[0])
        return tensor

    def pack(self) -> bytes:
        """Return the file."""
        return self.writer.pack([self.first], [self.tensor])


def random_chain(seed: int, words: Sequence[str | int], inputs: int = 13) -> bytes:
    """Return a model of layers, by their number of outputs, and functions, by their name, in this order.

    "+k" adds what word k gave, from 1, and "@k" goes on from there; 0 is the input. Every second sum ends in a ReLU.
    """
    chain = ChainWriter(seed, inputs)
    given = [chain.first]
    for number, word in enumerate(words):
        if isinstance(word, int):
            given.append(chain.dense(word))
        elif word[0] == "+":
            given.append(chain.add(given[int(word[1:])], number % 2))
        else:
            given.append(chain.go_back(given[int(word[1:])]) if word[0] == "@" else chain.function(word))
    return chain.pack()
