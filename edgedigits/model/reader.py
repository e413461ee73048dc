"""Reads a `.tflite` file into the IR, without TensorFlow.

The schema's accessors are used instead of its object API: they read only what is asked for, straight from the
file's bytes, so that a damaged or hostile file can neither make them loop over vectors that are not there nor
copy weights.
"""

from __future__ import annotations

import hashlib
import math
import re
import stat
import struct
from collections.abc import Iterator
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from edgedigits.errors import DataError, UnsupportedModelError
from edgedigits.model.formats import HEAD_BYTES, Format, recognise, recognise_folder
from edgedigits.model.ir import Graph, Operator, Signature, Tensor
from edgedigits.model.sparse import Level, SparseLayout

IDENTIFIER = b"TFL3"
SCHEMA_VERSION = 3
MAX_FILE_BYTES = 1 << 30
MAX_ENTRIES = 1 << 16  # Tensors, operators, … of one file: ten times what the largest published models have.

MAX_DENSE = 1 << 24  # Elements of all sparse constants together once they are unpacked.

_NUMPY_TYPES = {
    "float32": "<f4", "float16": "<f2", "float64": "<f8",
    "int8": "i1", "int16": "<i2", "int32": "<i4", "int64": "<i8",
    "uint8": "u1", "uint16": "<u2", "uint32": "<u4", "uint64": "<u8",
    "bool": "?", "complex64": "<c8", "complex128": "<c16",
}  # fmt: skip
_PACKED_BITS = {"int4": 4, "int2": 2, "uint4": 4}

_NOT_A_MODEL = "Pass a .tflite file written by the TensorFlow Lite converter or by `edgedigits build`."
_DAMAGED = "Copy or convert the file again."
_CONTRADICTS = "Convert the model again with a current TensorFlow; its runtimes refuse such a file too."

# What the accessors raise on bytes that are not what they claim to be.
_DECODING_ERRORS = (struct.error, ValueError, TypeError, IndexError, OverflowError)


def read_tflite(source: Path | bytes, name: str = "") -> Graph:
    """Read a `.tflite` model.

    Args:
        source: path of the file, or its bytes.
        name: how messages call the file; by default its path, or "model.tflite" for bytes.

    Returns:
        The first subgraph. `Graph.subgraphs` tells whether there are more.

    Raises:
        DataError: the file is missing, not a `.tflite`, cut short or damaged.
        UnsupportedModelError: a valid file whose weights lie in another file, or of another schema version.
    """
    if isinstance(source, bytes):
        content, name = source, name or "model.tflite"
    else:
        name = name or str(source)
        content = _load(Path(source), name)
    _check_identifier(content, name)
    try:
        return _Decoder(content, name).graph()
    except _ContradictionError as error:
        raise DataError(f"{name}: the model contradicts itself: {error}.", hint=_CONTRADICTS) from error
    except _DECODING_ERRORS as error:
        # What the accessors say is about struct formats and helps nobody.
        detail = str(error) if isinstance(error, _DamageError) else "an offset points outside the file"
        raise DataError(f"{name}: the model is damaged or cut short: {detail}.", hint=_DAMAGED) from error


class _DamageError(ValueError):
    """The bytes are not those of a whole file."""


class _ContradictionError(ValueError):
    """The file can be read, and what it says cannot be true."""


def _load(path: Path, name: str) -> bytes:
    try:
        facts = path.stat()
        if stat.S_ISDIR(facts.st_mode):
            folder = recognise_folder(path)
            what = folder.name if folder else "a folder"
            raise DataError(
                f"{name}: this is {what}, not a .tflite model.", hint=folder.remedy if folder else _NOT_A_MODEL
            )
        if not stat.S_ISREG(facts.st_mode):
            raise _other(name, Format("a pipe or a device", _NOT_A_MODEL))
        if facts.st_size > MAX_FILE_BYTES:
            raise DataError(f"{name}: the file is larger than 1 GiB.", hint=_NOT_A_MODEL)
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
            _check_identifier(head, name)
            return head + file.read(MAX_FILE_BYTES)
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path.
        reason = getattr(error, "strerror", None) or "it cannot be read"
        raise DataError(f"{name}: {reason.lower()}.", hint="Check the path of the model.") from error


def _other(name: str, found: Format) -> DataError:
    return DataError(f"{name}: this is {found.name}, not a .tflite model.", hint=found.remedy)


def _check_identifier(content: bytes, name: str) -> None:
    if not content:
        raise DataError(f"{name}: the file is empty.", hint=_DAMAGED)
    if content[4:8] == IDENTIFIER:
        return
    found = recognise(content[:HEAD_BYTES], name)
    if found is not None:
        raise _other(name, found)
    raise DataError(f"{name}: not a .tflite model: bytes 4 to 8 should be 'TFL3'.", hint=_NOT_A_MODEL)


@lru_cache
def _names(enum: type) -> dict[int, str]:
    return {value: key for key, value in vars(enum).items() if isinstance(value, int)}


def _snake(camel: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", camel).lower()


def _unpack(raw: NDArray[np.uint8], dtype: str) -> NDArray[Any]:
    """Widen values packed low bits first, several to a byte, to one per byte."""
    bits = _PACKED_BITS[dtype]
    shifts = np.arange(0, 8, bits, dtype=np.uint8)
    fields = ((raw[:, None] >> shifts) & np.uint8((1 << bits) - 1)).reshape(-1)
    if dtype.startswith("uint"):
        return fields
    sign = np.int8(1 << (bits - 1))
    return (fields.view(np.int8) ^ sign) - sign


class _Decoder:
    """Walks one file. Every count is held against the file's size before anything is read."""

    def __init__(self, content: bytes, name: str) -> None:
        self._content, self._name = content, name
        # Entries of a file may share strings and vectors, but no honest one reads as a multiple of its size.
        self._budget = 4 * len(content) + 4096
        self._dense_budget = MAX_DENSE
        self._model = schema.Model.GetRootAs(content, 0)

    def graph(self) -> Graph:
        version = self._model.Version()
        if version != SCHEMA_VERSION:
            raise UnsupportedModelError(
                f"{self._name}: the model has schema version {version}, only {SCHEMA_VERSION} is known.",
                hint="Convert the model again with TensorFlow 2.",
            )
        self._raw_buffers = [self._raw_buffer(buffer) for buffer in self._entries(self._model, "Buffers")]
        self._opcodes = list(self._entries(self._model, "OperatorCodes"))
        subgraphs = list(self._entries(self._model, "Subgraphs"))
        if not subgraphs:
            raise _DamageError("it has no subgraph")
        main = subgraphs[0]
        tensors = tuple(map(self._tensor, count(), self._entries(main, "Tensors")))
        operators = tuple(map(self._operator, count(), self._entries(main, "Operators")))
        facts: dict[str, Any] = {
            "inputs": self._integers(main, "Inputs"),
            "outputs": self._integers(main, "Outputs"),
            "description": self._text(self._model.Description()),
            "signatures": tuple(self._signatures()),
            "subgraphs": len(subgraphs),
        }
        digest = hashlib.sha256(self._content).hexdigest()
        try:
            return Graph(self._name, self._content, digest, tensors, operators, **facts)
        except ValueError as error:
            raise _ContradictionError(str(error)) from error

    def _charge(self, nbytes: int) -> None:
        self._budget -= nbytes
        if self._budget < 0:
            raise _DamageError("its parts overlap")

    def _entries(self, table: Any, field: str) -> Iterator[Any]:
        length = getattr(table, f"{field}Length")()
        if length > min(MAX_ENTRIES, len(self._content) // 4):
            raise _DamageError(f"it claims to have {length} {_snake(field).replace('_', ' ')}")
        self._charge(4 * length)
        entry = getattr(table, field)
        return (entry(index) for index in range(length))

    def _vector(self, table: Any, field: str, dtype: type) -> NDArray[Any]:
        if getattr(table, f"{field}IsNone")():
            return np.zeros(0, dtype)
        vector = getattr(table, f"{field}AsNumpy")()
        self._charge(vector.nbytes)
        return vector.astype(dtype)

    def _integers(self, table: Any, field: str) -> tuple[int, ...]:
        return tuple(self._vector(table, field, np.int64).tolist())

    def _text(self, raw: bytes | None) -> str:
        self._charge(len(raw or b""))
        return (raw or b"").decode("utf-8", "replace")

    def _raw_buffer(self, buffer: Any) -> NDArray[np.uint8]:
        offset, size = buffer.Offset(), buffer.Size()
        # Files beyond 2 GB keep data behind the flatbuffer; 0 and 1 mean that there is none there.
        if offset > 1:
            if offset + size > len(self._content):
                raise _DamageError(f"a buffer of {size} bytes at {offset} ends behind the file")
            return np.frombuffer(self._content, np.uint8, size, offset)
        return np.zeros(0, np.uint8) if buffer.DataIsNone() else buffer.DataAsNumpy()

    def _tensor(self, index: int, table: Any) -> Tensor:
        name = self._text(table.Name())
        label = f"tensor {index} {name!r}"
        dtype = _names(schema.TensorType).get(table.Type(), f"type_{table.Type()}").lower()
        shape = self._integers(table, "Shape")
        signature = self._integers(table, "ShapeSignature") or shape
        if table.ExternalBuffer():
            raise UnsupportedModelError(
                f"{self._name}: {label} keeps its values in another file.",
                hint="Convert the model again into one .tflite file.",
            )
        if table.Buffer() >= max(1, len(self._raw_buffers)):
            raise _ContradictionError(f"{label} points to buffer {table.Buffer()} of {len(self._raw_buffers)}")
        raw = self._raw_buffers[table.Buffer()] if self._raw_buffers else np.zeros(0, np.uint8)
        sparsity = table.Sparsity()
        scales, zero_points, axis = self._quantization(table.Quantization(), shape)
        try:
            data = None
            if sparsity is not None:
                data = self._unpacked(raw, dtype, shape, sparsity)
            elif len(raw):
                data = self._values(raw, dtype, shape)
            return Tensor(
                index=index,
                name=name,
                shape=shape,
                shape_signature=signature,
                dtype=dtype,
                scales=scales,
                zero_points=zero_points,
                quantized_dimension=axis,
                data=data,
                nbytes=len(raw),
                buffer=table.Buffer(),
                is_sparse=sparsity is not None,
            )
        except ValueError as error:
            raise _ContradictionError(f"{label}: {error}") from error

    def _quantization(self, table: Any, shape: tuple[int, ...]) -> tuple[NDArray[np.float32], NDArray[np.int64], int]:
        if table is None:
            return np.zeros(0, np.float32), np.zeros(0, np.int64), 0
        scales = self._vector(table, "Scale", np.float32)
        zero_points = self._vector(table, "ZeroPoint", np.int64)
        # A file may leave out zero points that are all 0, or give one for all; without a scale they mean nothing.
        if len(zero_points) == 0 or len(scales) == 0:
            zero_points = np.zeros(len(scales), np.int64)
        elif len(zero_points) == 1:
            zero_points = np.repeat(zero_points, len(scales))
        # Converters of 2019 and 2020 gave biases the axis of their weights: 3 for a vector, which has none but 0.
        axis = 0 if shape == scales.shape else table.QuantizedDimension()
        return scales, zero_points, axis

    def _values(self, raw: NDArray[np.uint8], dtype: str, shape: tuple[int, ...]) -> NDArray[Any] | None:
        size = math.prod(shape)
        bits = _PACKED_BITS.get(dtype)
        if bits is None and dtype not in _NUMPY_TYPES:
            return None
        expected = -(-size * bits // 8) if bits else size * np.dtype(_NUMPY_TYPES[dtype]).itemsize
        if len(raw) != expected:
            raise ValueError(f"{len(raw)} bytes of data, but {dtype} {list(shape)} takes {expected}")
        if bits:
            self._charge(size)
            return _unpack(raw, dtype)[:size].reshape(shape)
        return raw.view(_NUMPY_TYPES[dtype]).reshape(shape)

    def _unpacked(self, raw: NDArray[np.uint8], dtype: str, shape: tuple[int, ...], table: Any) -> NDArray[Any] | None:
        """Return a sparse constant; None where its layout contradicts itself, or it is larger than any model's."""
        self._dense_budget -= math.prod(shape)
        if self._dense_budget < 0 or dtype not in _NUMPY_TYPES or len(raw) % np.dtype(_NUMPY_TYPES[dtype]).itemsize:
            return None
        levels = tuple(self._level(level) for level in self._entries(table, "DimMetadata"))
        layout = SparseLayout(self._integers(table, "TraversalOrder"), self._integers(table, "BlockMap"), levels)
        try:
            return layout.unpack(raw.view(_NUMPY_TYPES[dtype]), shape)
        except ValueError:
            return None

    def _level(self, table: Any) -> Level:
        if table.Format() == schema.DimensionType.DENSE:
            return Level(table.DenseSize(), *[np.zeros(0, np.int64)] * 2)
        segments = self._index_vector(table.ArraySegmentsType(), table.ArraySegments())
        return Level(0, segments, self._index_vector(table.ArrayIndicesType(), table.ArrayIndices()))

    def _index_vector(self, kind: int, union: Any) -> NDArray[np.int64]:
        name = _names(schema.SparseIndexVector).get(kind, "NONE")
        if union is None or name == "NONE":
            return np.zeros(0, np.int64)
        vector = getattr(schema, name)()
        vector.Init(union.Bytes, union.Pos)
        return self._vector(vector, "Values", np.int64)

    def _operator(self, index: int, table: Any) -> Operator:
        if table.OpcodeIndex() >= len(self._opcodes):
            raise _ContradictionError(f"operator {index} has opcode {table.OpcodeIndex()} of {len(self._opcodes)}")
        code = self._opcodes[table.OpcodeIndex()]
        # Codes up to 126 are in the old one-byte field, later ones in the new; the larger of the two counts.
        number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        return Operator(
            index=index,
            opcode=_names(schema.BuiltinOperator).get(number, f"BUILTIN_{number}"),
            version=code.Version(),
            inputs=self._integers(table, "Inputs"),
            outputs=self._integers(table, "Outputs"),
            options=self._options(table),
            custom_code=self._text(code.CustomCode()),
        )

    def _options(self, table: Any) -> dict[str, Any]:
        stored = table.BuiltinOptions()
        parsed = schema.BuiltinOptionsCreator(table.BuiltinOptionsType(), stored) if stored is not None else None
        options: dict[str, Any] = {}
        for camel, value in vars(parsed).items() if parsed else ():
            if isinstance(value, np.ndarray):
                self._charge(value.nbytes)
                value = tuple(value.tolist())
            elif isinstance(value, bytes):
                value = self._text(value)
            options[_snake(camel)] = value
        if "fused_activation_function" in options:
            number = options["fused_activation_function"]
            named = _names(schema.ActivationFunctionType).get(number, f"ACTIVATION_{number}")
            options["fused_activation_function"] = named
        return options

    def _signatures(self) -> Iterator[Signature]:
        for table in self._entries(self._model, "SignatureDefs"):
            if table.SubgraphIndex() == 0:
                key = self._text(table.SignatureKey())
                yield Signature(key, self._tensor_map(table, "Inputs"), self._tensor_map(table, "Outputs"))

    def _tensor_map(self, table: Any, field: str) -> dict[str, int]:
        return {self._text(entry.Name()): entry.TensorIndex() for entry in self._entries(table, field)}
