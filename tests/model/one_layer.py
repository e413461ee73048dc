"""A model of one layer of which anything can be changed, for tests of what is read and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.tflite_builder import ModelWriter, schema

Make = Callable[[], bytes]


class Layer:
    """A model of one layer, 4 inputs and 3 outputs, of which anything can be changed before it is packed."""

    def __init__(self) -> None:
        self.writer = ModelWriter()
        self.options = schema.FullyConnectedOptionsT()
        self.inputs = [self.activation("x", 4, 0.5, -3)]
        self.weights = self.writer.constant("w", np.arange(1, 13, dtype=np.int8).reshape(3, 4), 0.25)
        self.bias = self.writer.constant("b", np.array([5, 6, 7], np.int32), 0.125)
        self.outputs = [self.activation("y", 3, 1.0, 2)]

    def activation(self, name: str, size: int, scale: float, zero_point: int = 0, dtype: str = "int8") -> int:
        return self.writer.activation(name, [1, size], dtype, scale, zero_point)

    def tensor(self, index: int) -> Any:
        return self.writer.tensors[index]

    def add(self, opcode: str, source: int, target: int, options: Any = None, *more: int) -> None:
        self.writer.operator(opcode, [source, *more], [target], options)

    def dense(self, source: int | None = None, target: int | None = None, version: int = 1) -> None:
        source = self.inputs[0] if source is None else source
        target = self.outputs[0] if target is None else target
        operands = [source, self.weights, self.bias]
        self.writer.operator("FULLY_CONNECTED", operands, [target], self.options, version=version)

    def pack(self) -> bytes:
        return self.writer.pack(self.inputs, self.outputs)


def layer(*changes: Callable[[Layer], Any], version: int = 1) -> Make:
    """Return what makes the one-layer model after `changes`; `version` is that of its operator."""

    def make() -> bytes:
        model = Layer()
        for change in changes:
            change(model)
        model.dense(version=version)
        return model.pack()

    return make


def whole(describe: Callable[[Layer], Any]) -> Make:
    """Return what makes a model whose operators `describe` adds."""

    def make() -> bytes:
        model = Layer()
        describe(model)
        return model.pack()

    return make


def of_type(which: str, dtype: str) -> Callable[[Layer], Any]:
    """Return a change of a tensor's type; its bytes stay, so they must be as many."""

    def change(model: Layer) -> None:
        index = getattr(model, which)
        target = model.tensor(index[0] if isinstance(index, list) else index)
        target.type = getattr(schema.TensorType, dtype.upper())

    return change


def quantized(which: str, **values: Any) -> Callable[[Layer], Any]:
    """Return a change of a tensor's quantization."""

    def change(model: Layer) -> None:
        index = getattr(model, which)
        parameters = model.tensor(index[0] if isinstance(index, list) else index).quantization
        for name, value in values.items():
            setattr(parameters, name, value)

    return change
