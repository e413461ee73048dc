"""What a `.tflite` file says, as typed and immutable values: tensors, operators, graph.

Nothing here interprets the network; it is the ground on which `inspect`, the contract and the lowering stand.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

NO_TENSOR = -1
"""Index that stands for an optional operator input that is not there, such as a missing bias."""

DYNAMIC = -1
"""Length of a dimension of `Tensor.shape_signature` that is known only when the model runs."""

_QUANTIZED_RANGES = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767), "int4": (-8, 7)}


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    view = array.view()
    view.flags.writeable = False
    return view


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """One tensor of the file.

    Attributes:
        index: position in `Graph.tensors`.
        name: as written in the file; may be empty.
        shape: lengths of the dimensions; a dynamic one is stored as 1.
        shape_signature: the same with `DYNAMIC` where a length is open; `shape` when the file has none.
        dtype: the schema's type in lower case: "int8", "int32", "float32", "string", …
        scales: float32 (0,) not quantized, (1,) per tensor, (shape[quantized_dimension],) per channel.
        zero_points: int64, as long as `scales`.
        quantized_dimension: the axis that per-channel scales run along.
        data: the constant's values, `shape`, read-only; 4- and 2-bit types are widened to int8 or uint8, sparse ones
            unpacked. None for an activation, and for constants that are not read here (string, bfloat16, …).
        nbytes: bytes that the constant takes in the file; 0 for an activation.
        buffer: index of the file's buffer; tensors may share one.
        is_sparse: stored in TFLite's compressed sparse format.

    Raises:
        ValueError: on construction, when the parts contradict each other.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    shape_signature: tuple[int, ...]
    dtype: str
    scales: NDArray[np.float32]
    zero_points: NDArray[np.int64]
    quantized_dimension: int = 0
    data: NDArray[Any] | None = None
    nbytes: int = 0
    buffer: int = 0
    is_sparse: bool = False

    def __post_init__(self) -> None:
        self._check_shape()
        self._check_quantization()
        object.__setattr__(self, "scales", _read_only(self.scales))
        object.__setattr__(self, "zero_points", _read_only(self.zero_points))
        if self.data is not None:
            if self.data.shape != self.shape:
                raise ValueError(f"its data has shape {list(self.data.shape)}, not {list(self.shape)}")
            object.__setattr__(self, "data", _read_only(self.data))

    def _check_shape(self) -> None:
        if any(length < 0 for length in self.shape):
            raise ValueError(f"its shape {list(self.shape)} has a negative length")
        if len(self.shape_signature) != len(self.shape):
            raise ValueError(f"its shape signature {list(self.shape_signature)} does not fit {list(self.shape)}")
        if any(length < DYNAMIC for length in self.shape_signature):
            raise ValueError(f"its shape signature {list(self.shape_signature)} has a length below -1")

    def _check_quantization(self) -> None:
        if self.scales.shape != self.zero_points.shape or self.scales.ndim != 1:
            raise ValueError(f"it has {self.scales.size} scales but {self.zero_points.size} zero points")
        # A scale of zero is legal: converters write it for a neuron whose weights are all zero.
        if not np.all(np.isfinite(self.scales)) or np.any(self.scales < 0):
            raise ValueError("it has a quantization scale that is negative or not finite")
        if len(self.scales) > 1:
            axis = self.quantized_dimension
            if not 0 <= axis < len(self.shape) or self.shape[axis] != len(self.scales):
                raise ValueError(f"it has {len(self.scales)} scales on axis {axis} of {list(self.shape)}")
        low, high = _QUANTIZED_RANGES.get(self.dtype, (-(2**31), 2**31 - 1))
        if np.any(self.zero_points < low) or np.any(self.zero_points > high):
            raise ValueError(f"it has a zero point outside the range of {self.dtype}")

    @property
    def size(self) -> int:
        """Number of elements; a dynamic dimension counts as 1."""
        return math.prod(self.shape)

    @property
    def is_constant(self) -> bool:
        """True when the file holds the values, whether or not they have a plain layout."""
        return self.nbytes > 0

    @property
    def is_quantized(self) -> bool:
        """True when the file gives a scale."""
        return len(self.scales) > 0

    @property
    def is_per_channel(self) -> bool:
        """True when there is more than one scale."""
        return len(self.scales) > 1

    @property
    def is_dynamic(self) -> bool:
        """True when a dimension is known only when the model runs."""
        return DYNAMIC in self.shape_signature

    def is_stored_like(self, other: Tensor) -> bool:
        """Tell whether the same bytes in `other` stand for the same numbers."""
        return (
            self.dtype == other.dtype
            and np.array_equal(self.scales, other.scales)
            and np.array_equal(self.zero_points, other.zero_points)
        )

    @property
    def scale(self) -> np.float32:
        """The scale of a per-tensor quantized tensor, exactly as stored.

        Raises:
            ValueError: there is none, or one per channel.
        """
        return np.float32(self._only(self.scales))

    @property
    def zero_point(self) -> int:
        """The zero point of a per-tensor quantized tensor.

        Raises:
            ValueError: there is none, or one per channel.
        """
        return int(self._only(self.zero_points))

    def _only(self, values: NDArray[Any]) -> Any:
        if len(values) != 1:
            raise ValueError(f"{self.label} has {len(values)} scales, not one")
        return values[0]

    @property
    def label(self) -> str:
        """How messages call this tensor: "tensor 3 'dense/MatMul'"."""
        return f"tensor {self.index} {self.name!r}" if self.name else f"tensor {self.index}"


@dataclass(frozen=True, slots=True, eq=False)
class Operator:
    """One operator of the file, in order of execution.

    Attributes:
        index: position in `Graph.operators`.
        opcode: the schema's name, such as "FULLY_CONNECTED"; "CUSTOM" for custom ones; "BUILTIN_<n>" for one
            that is newer than the known schema.
        version: version of the operator's semantics.
        inputs: indices of tensors; `NO_TENSOR` for an optional input left out.
        outputs: indices of tensors.
        options: the builtin options by snake-case name, such as "keep_num_dims"; vectors are tuples; the
            fused activation is a name: see `activation`. Empty for custom operators and StableHLO.
        custom_code: name of a custom operator; empty for builtin ones.
    """

    index: int
    opcode: str
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    custom_code: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", MappingProxyType(dict(self.options)))

    @property
    def activation(self) -> str:
        """The fused activation: "NONE", "RELU", "RELU6", "RELU_N1_TO_1", "TANH", … or "ACTIVATION_<n>"."""
        return str(self.options.get("fused_activation_function", "NONE"))

    @property
    def label(self) -> str:
        """How messages call this operator: "operator 2 (SOFTMAX)"."""
        name = f"CUSTOM {self.custom_code!r}" if self.custom_code else self.opcode
        return f"operator {self.index} ({name})"


@dataclass(frozen=True, slots=True)
class Signature:
    """A named entry of the model.

    Attributes:
        key: such as "serving_default".
        inputs: name of the argument → index of the tensor.
        outputs: name of the result → index of the tensor.
    """

    key: str
    inputs: Mapping[str, int]
    outputs: Mapping[str, int]

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", MappingProxyType(dict(self.inputs)))
        object.__setattr__(self, "outputs", MappingProxyType(dict(self.outputs)))


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """The first subgraph of a file, and the file itself.

    Attributes:
        name: how messages call the file.
        content: the bytes of the file; constants are views of it.
        digest: SHA-256 of `content`, in hexadecimal.
        tensors: all tensors; `tensors[i].index == i`.
        operators: in order of execution.
        inputs: indices of the input tensors.
        outputs: indices of the output tensors.
        description: free text of the file, such as "MLIR Converted."; may be empty.
        signatures: the named entries of this subgraph.
        subgraphs: how many subgraphs the file has; all but the first are left unread.

    Raises:
        ValueError: on construction, when an index points nowhere.
    """

    name: str
    content: bytes = field(repr=False)
    digest: str
    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    description: str = ""
    signatures: tuple[Signature, ...] = ()
    subgraphs: int = 1
    _writers: Mapping[int, Operator] = field(init=False, repr=False)
    _readers: Mapping[int, tuple[Operator, ...]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for position, tensor in enumerate(self.tensors):
            if tensor.index != position:
                raise ValueError(f"{tensor.label} is at position {position}")
        self._check_indices("the model's inputs", self.inputs)
        self._check_indices("the model's outputs", self.outputs)
        for operator in self.operators:
            present = tuple(index for index in operator.inputs if index != NO_TENSOR)
            self._check_indices(f"the inputs of {operator.label}", present)
            self._check_indices(f"the outputs of {operator.label}", operator.outputs)
        for signature in self.signatures:
            self._check_indices(f"signature {signature.key!r}", tuple(signature.inputs.values()))
            self._check_indices(f"signature {signature.key!r}", tuple(signature.outputs.values()))
        self._index_operators()

    def _index_operators(self) -> None:
        """Note who writes and who reads each tensor: a file may have tens of thousands of operators."""
        writers: dict[int, Operator] = {}
        readers: dict[int, list[Operator]] = {}
        for operator in self.operators:
            for index in operator.outputs:
                writers.setdefault(index, operator)
            for index in dict.fromkeys(operator.inputs):
                readers.setdefault(index, []).append(operator)
        object.__setattr__(self, "_writers", writers)
        object.__setattr__(self, "_readers", {index: tuple(found) for index, found in readers.items()})

    def _check_indices(self, owner: str, indices: tuple[int, ...]) -> None:
        for index in indices:
            if not 0 <= index < len(self.tensors):
                raise ValueError(f"{owner} point to tensor {index} of {len(self.tensors)}")

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return len(self.content)

    def input_of(self, operator: Operator, position: int) -> Tensor | None:
        """Return the operator's input at `position`, or None when it is left out."""
        if position >= len(operator.inputs) or operator.inputs[position] == NO_TENSOR:
            return None
        return self.tensors[operator.inputs[position]]

    def producer(self, tensor: Tensor) -> Operator | None:
        """Return the operator that writes `tensor`, or None for constants and inputs of the model."""
        return self._writers.get(tensor.index)

    def consumers(self, tensor: Tensor) -> tuple[Operator, ...]:
        """Return the operators that read `tensor`, in order of execution."""
        return self._readers.get(tensor.index, ())
