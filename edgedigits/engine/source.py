"""The interpreter-free C engine: `<prefix>.h`, `.c`, `_self_test.c` and the facts in `.json`, for a packed network.

Everything is computed here; the templates lay out text. How a layer becomes constants and a call is in
`engine_layers.py`.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.c_names import DEFAULT_PREFIX, check_prefix
from edgedigits.data.preprocess import PIXEL_VALUES, PixelMap, range_text
from edgedigits.engine.engine_json import engine_json
from edgedigits.engine.engine_layers import (
    LIST_ROOM,
    EngineLayer,
    as_c_arrays,
    c_array,
    engine_layers,
    scans,
    step_emissions,
)
from edgedigits.engine.literals import C_TYPES, array_rows, float_literal, macro_value
from edgedigits.engine.provenance import provenance, tensor_text
from edgedigits.engine.render import render
from edgedigits.engine.strokes import self_test_inputs
from edgedigits.model.fixed_point import Rounding
from edgedigits.model.network import Network
from edgedigits.model.numpy_engine import run
from edgedigits.model.ops.declaration import ConstantTable, Emission
from edgedigits.model.ops.dense_layer import DenseLayer
from edgedigits.model.packing import PackedLayer
from edgedigits.model.weights.encoding import Visits
from edgedigits.model.weights.rows import ROWS

ROUNDING_NOTES = {
    Rounding.LITERT: "single, bit for bit as LiteRT's reference kernels",
    Rounding.TFLM: "double, bit for bit as TensorFlow Lite Micro and CMSIS-NN",
}
ENTRY_BYTES = 8
MOST_STACK_BYTES, MOST_STACK_BYTES_MVE = 256, 512
"""What the engine takes of the stack at most at -O2, without MVE and with: tested on every core and encoding."""
WORDS = {
    "digits": {
        "title": "A digit classifier",
        "one": "image",
        "several": "images",
        "skipped": "the background of an image",
        "results": "scores",
    },
    "classes": {
        "title": "A classifier",
        "one": "input",
        "several": "inputs",
        "skipped": "inputs at that value",
        "results": "scores",
    },
    "values": {
        "title": "A neural network",
        "one": "input",
        "several": "inputs",
        "skipped": "inputs at that value",
        "results": "outputs",
    },
}
"""How the generated text calls what goes in and comes out."""
# What a .c file names for itself alone: functions, arrays and types that begin a line.
_PRIVATE_NAME = re.compile(r"^(?:(?:APART )?(?:static|typedef) [^(\[{;]*?(\w+)[(\[]|\} (\w+);)", re.MULTILINE)
_PRIVATE_MACRO = re.compile(r"^#define (\w+)", re.MULTILINE)
GROUP_NAMES = {6: "six", 4: "four", 2: "two"}


@dataclass(frozen=True, slots=True)
class EngineSource:
    """The text of an engine, and what it takes.

    Attributes:
        prefix: start of all public names, and the files' name.
        outputs: number of scores.
        header: text of `engine/<prefix>.h`.
        source: text of `engine/<prefix>.c`.
        self_test: text of `engine/<prefix>_self_test.c`, which a program need not link.
        facts: text of `engine/<prefix>.json`, for programs that want to know what the engine is.
        pixels: what pixels become in its input; None where it takes none.
        classifies: it has `classify`: the model takes digits, or ends in a softmax.
        workspace_bytes: RAM that the caller lends, exactly.
        weight_bytes: flash for the weights, exactly.
        bias_bytes: flash for the biases and for factors of single outputs, exactly.
        table_bytes: flash for tables of steps without weights and of pixels, exactly.
    """

    prefix: str
    outputs: int
    header: str
    source: str
    self_test: str
    facts: str
    classifies: bool
    pixels: PixelMap | None
    workspace_bytes: int
    weight_bytes: int
    bias_bytes: int
    table_bytes: int

    def files(self) -> dict[str, str]:
        """Return path → text, as they lie in a build's folder."""
        return {
            f"engine/{self.prefix}.h": self.header,
            f"engine/{self.prefix}.c": self.source,
            f"engine/{self.prefix}_self_test.c": self.self_test,
            f"engine/{self.prefix}.json": self.facts,
        }


def render_engine(
    network: Network, packed: Sequence[PackedLayer], prefix: str = DEFAULT_PREFIX, pixels: PixelMap | None = None
) -> EngineSource:
    """Return the engine of a network.

    Args:
        network: as lowered; its rounding is the engine's.
        packed: its layers, packed, in order.
        prefix: start of the names.
        pixels: what pixels become in its input, for a model that classifies digits; None for others, which get no
            `preprocess`.

    Raises:
        ConfigError: `prefix` cannot start a C name.
    """
    check_prefix(prefix)
    packed = as_c_arrays(packed)
    layers = engine_layers(network, packed)
    purpose = _purpose(network, pixels, prefix)
    emissions = step_emissions(network)
    memory = _memory(network, layers)
    tables = [
        *(table for emission in emissions for table in emission.tables),
        *_pixel_table(pixels, purpose["pixels_are"]),
    ]
    vectors = _vectors(network, pixels)
    shared = {
        "prefix": prefix,
        "macro": prefix.upper(),
        "provenance": provenance(network.graph),
        "rounding": str(network.rounding),
        "rounding_note": ROUNDING_NOTES[network.rounding],
        "inputs": network.inputs,
        "outputs": network.outputs,
        **purpose,
    }
    sizes = {
        "workspace_bytes": memory["workspace"],
        "weight_bytes": sum(layer.packed.nbytes for layer in layers),
        "bias_bytes": sum(layer.bias_bytes for layer in layers),
        "table_bytes": sum(table.values.nbytes for table in tables),
    }
    source = _source(
        shared,
        sizes,
        render("engine_body.c.j2", **shared, **memory, **_source_facts(network, layers, emissions, tables)),
    )
    self_test = render("self_test.c.j2", **shared, **_self_test_facts(layers, tables, memory, vectors))
    # Two engines of one model differ where their choices do.
    digest = hashlib.sha256((source + self_test).encode()).hexdigest()
    return EngineSource(
        prefix=prefix,
        outputs=network.outputs,
        header=render("engine.h.j2", **shared, **_header_facts(network, layers, sizes, vectors), engine_digest=digest),
        source=source,
        self_test=self_test,
        facts=engine_json(
            network,
            layers,
            emissions,
            prefix,
            sizes,
            pixels=pixels.range if pixels else None,
            classes=network.outputs if purpose["classifies"] else 0,
        ),
        classifies=purpose["classifies"],
        pixels=pixels,
        **sizes,
    )


def _purpose(network: Network, pixels: PixelMap | None, prefix: str) -> dict[str, Any]:
    """Return what the model is for, as far as is known, and the words for it."""
    takes_digits = pixels is not None
    classifies = takes_digits or (network.gives_probabilities and network.outputs > 1)
    kind = "digits" if takes_digits else "classes" if classifies else "values"
    words = WORDS[kind]
    return {
        "takes_digits": takes_digits,
        "classifies": classifies,
        "words": words,
        "pixels_are": range_text(pixels.range.low, pixels.range.high) if pixels else "",
        "inputs_text": _count(network.inputs, "values")
        + (f" as {prefix}_preprocess makes them" if takes_digits else ""),
        "outputs_text": _count(network.outputs, "values" if kind == "values" else "scores"),
    }


def _count(count: int, things: str) -> str:
    return f"{count} {things if count != 1 else things.removesuffix('s')}"


def _source(shared: dict[str, Any], sizes: dict[str, int], body: str) -> str:
    """Return the text of the .c file around what it defines."""
    return render(
        "engine.c.j2",
        **shared,
        body=body,
        private_names=list(dict.fromkeys(a or b for a, b in _PRIVATE_NAME.findall(body))),
        private_macros=list(dict.fromkeys(_PRIVATE_MACRO.findall(body))),
        constant_bytes=f"{sum(sizes[name] for name in ('weight_bytes', 'bias_bytes', 'table_bytes')):,}",
    )


def _memory(network: Network, layers: Sequence[EngineLayer]) -> dict[str, int]:
    """Return lengths of the workspace's parts and its bytes; the parts lie one behind the other, 4-byte aligned."""
    sums = max(layer.padded_outputs for layer in layers)
    lists = any(layer.encoding.uses_list for layer in layers)
    # The scores of a classification lie there too.
    widest = max(layer.packed.layer.outputs for layer in layers)
    hidden = _up_to_four(widest if layers[0].reads_input else max(widest, network.inputs))
    reads_words = layers[0].reads_input and layers[0].encoding.reads_words
    padded = _up_to_four(network.inputs) if reads_words and network.inputs % 4 else 0
    list_bytes = (LIST_ROOM + 1) * ENTRY_BYTES if lists else 0
    return {
        "sums": sums,
        "hidden": hidden,
        "padded": padded,
        "workspace": 4 * sums + list_bytes + hidden + padded,
    }


def _up_to_four(count: int) -> int:
    return -(-count // 4) * 4


def _pixel_table(pixels: PixelMap | None, pixels_are: str) -> list[ConstantTable]:
    """Return the table of `preprocess`; none where the input is the pixel less 128, or no pixel."""
    if pixels is None or np.array_equal(pixels.table, np.arange(PIXEL_VALUES) - 128):
        return []
    comment = f"The input for each pixel, 0 to 255: they are {pixels_are} to the model."
    return [ConstantTable("pixel_inputs", comment, pixels.table)]


def _header_facts(
    network: Network, layers: Sequence[EngineLayer], sizes: dict[str, int], vectors: Sequence[_Vector]
) -> dict[str, Any]:
    tables = sizes["table_bytes"]
    return {
        "input_note": tensor_text(network.input),
        "output_note": tensor_text(network.output),
        "input_scale": float_literal(network.input.scale),
        "input_zero_point": macro_value(network.input.zero_point),
        "output_scale": float_literal(network.output.scale),
        "output_zero_point": macro_value(network.output.zero_point),
        "vector_bytes": f"{sum(vector.input.nbytes + vector.output.nbytes for vector in vectors):,}",
        "workspace": sizes["workspace_bytes"],
        "stack": MOST_STACK_BYTES,
        "stack_mve": MOST_STACK_BYTES_MVE,
        "weight_bytes": f"{sizes['weight_bytes']:,}",
        "bias_bytes": f"{sizes['bias_bytes']:,}",
        "table_note": f", {tables:,} of tables" if tables else "",
        "layer_notes": [line for layer in layers for line in layer.note],
    }


def _source_facts(
    network: Network, layers: Sequence[EngineLayer], emissions: Sequence[Emission], tables: Sequence[ConstantTable]
) -> dict[str, Any]:
    uniform = [layer.packed.layer.uniform for layer in layers]
    high_shifts = all(layer.high_shifts for layer in layers)
    signed = [not layer.encoding.reads_distances for layer in layers]
    hidden = [layer for layer in layers if not layer.reads_input]
    signed_hidden = any(not layer.encoding.reads_distances for layer in hidden)
    conditional = any(layer.conditional for layer in layers)
    flips_hidden = signed_hidden or any(layer.conditional for layer in hidden)
    visits = {layer.encoding.visits for layer in layers}
    return {
        "layers": layers,
        "kernels": _kernels(layers, flips_hidden),
        "has_rows": conditional or any(signed),
        "rows_for_vectors": conditional and not any(signed) and ROWS.template,
        "flips_hidden": flips_hidden,
        "flips_for_vectors_only": any(signed) and not signed_hidden,
        "lists": any(layer.encoding.uses_list for layer in layers),
        "bias_widths": sorted({8 * one.packed.biases.values.itemsize for one in layers if one.packed.biases.is_narrow}),
        "uses_dsp": not all(signed),
        "uses_thumb1": any(layer.encoding.has_thumb1_code for layer in layers),
        "list_room": LIST_ROOM,
        "scans": scans(visits),
        "columns": Visits.LISTED_INPUTS in visits,
        "walks": Visits.WORDS in visits,
        "walks_with_vectors": any(layer.encoding.visits is Visits.WORDS and not layer.conditional for layer in layers),
        **_index_types(layers),
        "high_shifts": high_shifts,
        "vector_activation": (conditional or any(signed)) and high_shifts and network.rounding is Rounding.LITERT,
        "some_uniform": any(uniform),
        "some_per_output": not all(uniform),
        "tables": [(table.comment, c_array(table.name, table.values)) for table in tables],
        "pixel_table": any(table.name == "pixel_inputs" for table in tables),
        "step_templates": list(dict.fromkeys(emission.template for emission in emissions)),
        "calls": _calls(network, layers, emissions),
        **_crc_facts(layers, tables),
    }


def _kernels(layers: Sequence[EngineLayer], flips_hidden: bool) -> list[dict[str, Any]]:
    """Return the kernels in use, in order: encoding, whether cores with MVE do without, and the groups it sums up.

    Behind the first that takes signed bytes there is what makes them of hidden values, if any are to be.
    """
    conditional = {layer.encoding for layer in layers if layer.conditional}
    kernels: list[dict[str, Any]] = []
    for encoding in dict.fromkeys(layer.encoding for layer in layers):
        is_first_signed = not encoding.reads_distances and all(one["encoding"].reads_distances for one in kernels)
        largest = encoding.groups[:1]
        rests = {layer.padded_outputs % size for size in largest for layer in layers if layer.encoding is encoding}
        kernels.append(
            {
                "encoding": encoding,
                "without_vectors": encoding in conditional,
                "flips_hidden": flips_hidden and is_first_signed,
                "rest_groups": rests,
                "groups": [
                    (GROUP_NAMES[size], "abcdef"[:size]) for size in encoding.groups if size in {*largest, *rests}
                ],
            }
        )
    return kernels


def _index_types(layers: Sequence[EngineLayer]) -> dict[str, str]:
    constants = [constant for layer in layers for constant in layer.packed.constants if constant.is_index]
    return {f"{one.name}_type": C_TYPES[str(one.values.dtype)] for one in constants}


def _calls(network: Network, layers: Sequence[EngineLayer], emissions: Sequence[Emission]) -> list[str]:
    """Return the lines of `invoke`, step by step."""
    dense, others = iter(layers), iter(emissions)
    steps = (next(dense).steps if isinstance(step, DenseLayer) else next(others).calls for step in network.steps)
    return [line for lines in steps for line in lines]


def _crc_facts(layers: Sequence[EngineLayer], tables: Sequence[ConstantTable]) -> dict[str, Any]:
    """Return which arrays the self-test sums up, all there are, and to what, with MVE and without."""
    conditional = any(layer.conditional for layer in layers)
    parts: list[dict[str, Any]] = []
    for vectors in (True, False) if conditional else (False,):
        constants = [(array.name, array.values) for layer in layers for array in layer.arrays(vectors=vectors)]
        constants += [(table.name, table.values) for table in tables]
        crc = _crc(values for _, values in constants)
        condition = ("if VECTORS" if vectors else "else") if conditional else ""
        names = [name for name, _ in constants]
        parts.append(
            {"condition": condition, "names": names, "check": f"{crc ^ 0xFFFFFFFF:08x}", "inverse": f"{crc:08x}"}
        )
    return {"crc_parts": parts, "crc_conditional": conditional}


def _crc(constants: Iterable[NDArray[Any]]) -> int:
    crc = 0
    for values in constants:
        crc = zlib.crc32(np.ascontiguousarray(values).tobytes(), crc)
    return crc


@dataclass(frozen=True, slots=True, eq=False)
class _Vector:
    """An input of the self-test, int8 (in,), what it is, and what the model makes of it, int8 (out,)."""

    name: str
    input: NDArray[np.int8]
    output: NDArray[np.int8]


def _vectors(network: Network, pixels: PixelMap | None) -> list[_Vector]:
    named = self_test_inputs(network.inputs, pixels)
    outputs = run(network, np.array([values for _, values in named]))
    return [_Vector(name, values, expected) for (name, values), expected in zip(named, outputs, strict=True)]


def _self_test_facts(
    layers: Sequence[EngineLayer],
    tables: Sequence[ConstantTable],
    memory: dict[str, int],
    vectors: Sequence[_Vector],
) -> dict[str, Any]:
    crcs = [part["inverse"] for part in _crc_facts(layers, tables)["crc_parts"]]
    return {
        "vectors": [
            {"name": one.name, "input": array_rows(one.input, 8), "output": array_rows(one.output, 8)}
            for one in vectors
        ],
        "values_at": memory["workspace"] - memory["hidden"] - memory["padded"],
        "crc": crcs[-1],
        "crc_note": f" (0x{crcs[0]} with MVE)" if len(crcs) > 1 else "",
    }
