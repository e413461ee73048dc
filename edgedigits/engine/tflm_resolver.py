"""`tflm_resolver.h`: what TensorFlow Lite Micro has to be told about a model: its operators and its arena."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from edgedigits.c_names import DEFAULT_PREFIX, check_prefix
from edgedigits.engine.comments import comment_text
from edgedigits.engine.provenance import provenance
from edgedigits.engine.render import render
from edgedigits.errors import ConfigError, UnsupportedModelError
from edgedigits.model.ir import Graph

ARENA_ALIGNMENT = 16

# Operator → its method of `tflite::MicroMutableOpResolver`, for what networks of digits are made of.
TFLM_METHODS = {
    "ABS": "AddAbs",
    "ADD": "AddAdd",
    "ARG_MAX": "AddArgMax",
    "AVERAGE_POOL_2D": "AddAveragePool2D",
    "CAST": "AddCast",
    "CONCATENATION": "AddConcatenation",
    "CONV_2D": "AddConv2D",
    "DEPTHWISE_CONV_2D": "AddDepthwiseConv2D",
    "DEQUANTIZE": "AddDequantize",
    "ELU": "AddElu",
    "EXPAND_DIMS": "AddExpandDims",
    "FULLY_CONNECTED": "AddFullyConnected",
    "GATHER": "AddGather",
    "HARD_SWISH": "AddHardSwish",
    "LEAKY_RELU": "AddLeakyRelu",
    "LOGISTIC": "AddLogistic",
    "MAXIMUM": "AddMaximum",
    "MAX_POOL_2D": "AddMaxPool2D",
    "MEAN": "AddMean",
    "MINIMUM": "AddMinimum",
    "MUL": "AddMul",
    "PACK": "AddPack",
    "PAD": "AddPad",
    "PRELU": "AddPrelu",
    "QUANTIZE": "AddQuantize",
    "RELU": "AddRelu",
    "RELU6": "AddRelu6",
    "RESHAPE": "AddReshape",
    "SHAPE": "AddShape",
    "SOFTMAX": "AddSoftmax",
    "SQUEEZE": "AddSqueeze",
    "STRIDED_SLICE": "AddStridedSlice",
    "SUB": "AddSub",
    "TANH": "AddTanh",
    "TRANSPOSE": "AddTranspose",
}


@dataclass(frozen=True, slots=True)
class Arena:
    """How much working memory TensorFlow Lite Micro needs for a model, and how that is known.

    Attributes:
        used_bytes: as measured.
        margin_bytes: added for what the measurement cannot see.
        source: how `used_bytes` was obtained, as a clause such as "measured on the host with tflite-micro
            1.2; a 32-bit core needs no more".
    """

    used_bytes: int
    margin_bytes: int
    source: str

    def __post_init__(self) -> None:
        if self.used_bytes <= 0 or self.margin_bytes < 0 or not self.source:
            raise ConfigError(
                f"An arena of {self.used_bytes} + {self.margin_bytes} bytes, {self.source!r}, is none.",
                hint="Give the bytes that were measured and how.",
            )

    @property
    def total_bytes(self) -> int:
        """Measured bytes and margin, rounded up to the arena's alignment."""
        total = self.used_bytes + self.margin_bytes
        return -(-total // ARENA_ALIGNMENT) * ARENA_ALIGNMENT


def render_tflm_resolver(graph: Graph, arena: Arena | None = None, prefix: str = DEFAULT_PREFIX) -> str:
    """Return the text of `tflm_resolver.h`, a C++11 header.

    It declares `<prefix>_op_resolver`, a `tflite::MicroMutableOpResolver` of exactly the right size, and
    `<prefix>_register_ops(resolver)`. `<PREFIX>_ARENA_BYTES` is defined when the arena was measured;
    otherwise the header stops the compiler until the user defines it: a guess would fail on the device.

    Args:
        graph: the model, as read by `read_tflite`.
        arena: the measured arena; None when TensorFlow Lite Micro was not at hand.
        prefix: start of the names.

    Raises:
        ConfigError: `prefix` cannot start a C name.
        UnsupportedModelError: the model has an operator that this toolkit knows no registration for.
    """
    methods = resolver_methods(graph)
    return render(
        "tflm_resolver.h.j2",
        prefix=check_prefix(prefix),
        macro=prefix.upper(),
        provenance=provenance(graph),
        methods=methods,
        count=len(methods),
        per_channel=_has_per_channel_dense(graph),
        arena=arena,
        arena_note=_arena_note(arena) if arena else [],
        alignment=ARENA_ALIGNMENT,
    )


def resolver_methods(graph: Graph) -> list[str]:
    """Return the resolver's methods to call, each once, in the order in which the model needs them.

    Raises:
        UnsupportedModelError: names the operator that has none.
    """
    methods: dict[str, None] = {}
    for operator in graph.operators:
        if operator.opcode not in TFLM_METHODS:
            raise UnsupportedModelError(
                f"{graph.name}: {operator.label} has no known registration in TensorFlow Lite Micro.",
                hint="Remove the operator from the model, or register it in your firmware by hand.",
            )
        methods[TFLM_METHODS[operator.opcode]] = None
    return list(methods)


def _arena_note(arena: Arena) -> list[str]:
    note = f"{arena.used_bytes:,} bytes, {comment_text(arena.source)}."
    if arena.margin_bytes:
        note += f" With {arena.margin_bytes:,} bytes of margin,"
    return textwrap.wrap(f"{note} {'rounded' if arena.margin_bytes else 'Rounded'} up to {ARENA_ALIGNMENT}.", 100)


def _has_per_channel_dense(graph: Graph) -> bool:
    dense = (operator for operator in graph.operators if operator.opcode == "FULLY_CONNECTED")
    weights = (graph.input_of(operator, 1) for operator in dense)
    return any(tensor is not None and tensor.is_per_channel for tensor in weights)
