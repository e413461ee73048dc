"""Writes a `.tflite` file from the schema's objects, its constants at addresses that every runtime takes."""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from edgedigits.model.reader import IDENTIFIER

BUFFER_ALIGNMENT = 16
"""Bytes: of `force_align` at `Buffer.data` in schema.fbs of TensorFlow Lite."""


class AlignedBuffer(schema.BufferT):
    """A buffer whose data starts at a multiple of 16 bytes, as in converted files and unlike the schema's own."""

    def Pack(self, builder: Any) -> int:  # noqa: N802 - the schema's name
        """Write it to a flatbuffers.Builder; return where it lies."""
        vector = None
        if self.data is not None and len(self.data):
            payload = np.asarray(self.data, np.uint8).tobytes()
            builder.StartVector(1, len(payload), BUFFER_ALIGNMENT)
            builder.head -= len(payload)
            builder.Bytes[builder.head : builder.head + len(payload)] = payload
            vector = builder.EndVector()
        schema.BufferStart(builder)
        if vector is not None:
            schema.BufferAddData(builder, vector)
        return int(schema.BufferEnd(builder))


def aligned(values: NDArray[Any]) -> AlignedBuffer:
    """Return a buffer that holds values of any type and shape."""
    buffer = AlignedBuffer()
    buffer.data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
    return buffer


def pack_model(model: Any) -> bytes:
    """Return the file of a schema.ModelT."""
    model.buffers = [AlignedBuffer() if one.data is None else aligned(one.data) for one in model.buffers]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=IDENTIFIER)
    return bytes(builder.Output())
