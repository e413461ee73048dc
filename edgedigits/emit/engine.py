"""The interpreter-free C engine: `<prefix>.h`, `<prefix>.c` and `vectors.h` for a packed network.

Everything is computed here; the templates lay out text. How a layer becomes constants and a call is in
`engine_layers.py`.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgedigits.c_names import DEFAULT_PREFIX, check_prefix
from edgedigits.data.preprocess import INPUT_SCALE, INPUT_ZERO_POINT, to_float
from edgedigits.emit.engine_layers import INDICES, LIST_ROOM, WALKING, EngineLayer, as_c_arrays, engine_layers, scans
from edgedigits.emit.literals import C_TYPES, array_rows
from edgedigits.emit.provenance import provenance, tensor_text
from edgedigits.emit.render import render
from edgedigits.emit.strokes import self_test_inputs
from edgedigits.model.encoding import Constant
from edgedigits.model.engine import run
from edgedigits.model.fixed_point import Rounding
from edgedigits.model.network import Network
from edgedigits.model.packing import PackedLayer

ROUNDING_NOTES = {
    Rounding.LITERT: "single, bit for bit as LiteRT's reference kernels",
    Rounding.TFLM: "double, bit for bit as TensorFlow Lite Micro and CMSIS-NN",
}
ENTRY_BYTES = 8
MOST_STACK_BYTES, MOST_STACK_BYTES_MVE = 256, 512
"""What the engine takes of the stack at most at -O2, without MVE and with: tested on every core and encoding."""
GROUPS = {"six": 6, "four": 4, "two": 2}


@dataclass(frozen=True, slots=True)
class EngineSource:
    """The text of an engine, and what it takes.

    Attributes:
        prefix: start of all public names, and the files' name.
        outputs: number of scores.
        header: text of `engine/<prefix>.h`.
        source: text of `engine/<prefix>.c`.
        vectors: text of `vectors.h`, which lies beside the folder `engine/`.
        workspace_bytes: RAM that the caller lends, exactly.
        weight_bytes: flash for the weights, exactly.
        bias_bytes: flash for the biases and for factors of single outputs, exactly.
        table_bytes: flash for tables of softmax and pixels, exactly.
    """

    prefix: str
    outputs: int
    header: str
    source: str
    vectors: str
    workspace_bytes: int
    weight_bytes: int
    bias_bytes: int
    table_bytes: int

    def files(self) -> dict[str, str]:
        """Return path → text, as they lie in a build's folder."""
        return {
            f"engine/{self.prefix}.h": self.header,
            f"engine/{self.prefix}.c": self.source,
            "vectors.h": self.vectors,
        }


def render_engine(network: Network, packed: Sequence[PackedLayer], prefix: str = DEFAULT_PREFIX) -> EngineSource:
    """Return the engine of a network.

    Args:
        network: as lowered; its rounding is the engine's.
        packed: its layers, packed, in order.
        prefix: start of the names.

    Raises:
        ConfigError: `prefix` cannot start a C name.
    """
    check_prefix(prefix)
    packed = as_c_arrays(packed)
    layers = engine_layers(network, packed)
    memory = _memory(network, layers)
    tables = _tables(network)
    shared = {
        "prefix": prefix,
        "macro": prefix.upper(),
        "provenance": provenance(network.graph),
        "rounding": str(network.rounding),
        "rounding_note": ROUNDING_NOTES[network.rounding],
        "inputs": network.inputs,
        "outputs": network.outputs,
    }
    sizes = {
        "workspace_bytes": memory["workspace"],
        "weight_bytes": sum(layer.packed.nbytes for layer in layers),
        "bias_bytes": sum(layer.bias_bytes for layer in layers),
        "table_bytes": sum(constant.nbytes for constant in tables.values()),
    }
    return EngineSource(
        prefix=prefix,
        outputs=network.outputs,
        header=render("engine.h.j2", **shared, **_header_facts(network, layers, sizes)),
        source=render("engine.c.j2", **shared, **memory, **_source_facts(network, layers, tables)),
        vectors=render("vectors.h.j2", **shared, **_vector_facts(network, layers)),
        **sizes,
    )


def _memory(network: Network, layers: Sequence[EngineLayer]) -> dict[str, int]:
    """Return lengths of the workspace's parts and its bytes; the parts lie one behind the other, 4-byte aligned."""
    sums = max(layer.padded_outputs for layer in layers)
    lists = any(layer.uses_list for layer in layers)
    # The scores of a classification lie there too.
    hidden = _up_to_four(max(layer.packed.layer.outputs for layer in layers))
    padded = _up_to_four(network.inputs) if layers[0].reads_words and network.inputs % 4 else 0
    list_bytes = (LIST_ROOM + 1) * ENTRY_BYTES if lists else 0
    return {
        "sums": sums,
        "hidden": hidden,
        "padded": padded,
        "workspace": 4 * sums + list_bytes + hidden + padded,
    }


def _up_to_four(count: int) -> int:
    return -(-count // 4) * 4


def _tables(network: Network) -> dict[str, Constant]:
    tables = {}
    if network.softmax:
        tables["exponentials"] = Constant("exponentials", network.softmax.exponentials)
    tensor = network.input
    if tensor.scale != INPUT_SCALE or tensor.zero_point != INPUT_ZERO_POINT:
        steps = to_float(np.arange(256, dtype=np.uint8)) / tensor.scale
        rounded = np.trunc(steps + np.float32(0.5)) + tensor.zero_point
        tables["pixels"] = Constant("pixels", np.clip(rounded, -128, 127).astype(np.int8))
    return tables


def _header_facts(network: Network, layers: Sequence[EngineLayer], sizes: dict[str, int]) -> dict[str, Any]:
    tables = sizes["table_bytes"]
    return {
        "input_note": tensor_text(network.input),
        "output_note": tensor_text(network.output),
        "workspace": sizes["workspace_bytes"],
        "stack": MOST_STACK_BYTES,
        "stack_mve": MOST_STACK_BYTES_MVE,
        "weight_bytes": f"{sizes['weight_bytes']:,}",
        "bias_bytes": f"{sizes['bias_bytes']:,}",
        "table_note": f", {tables:,} of tables" if tables else "",
        "layer_notes": [line for layer in layers for line in layer.note],
    }


def _source_facts(network: Network, layers: Sequence[EngineLayer], tables: dict[str, Constant]) -> dict[str, Any]:
    kernels = list(dict.fromkeys(layer.kernel for layer in layers))
    uniform = [layer.packed.layer.uniform for layer in layers]
    high_shifts = all(layer.high_shifts for layer in layers)
    conditional = [layer.kernel for layer in layers if layer.conditional]
    has_rows = bool(conditional) or "rows" in kernels
    exponentials = tables.get("exponentials")
    rest_groups = {layer.padded_outputs % 6 for layer in layers if layer.kernel == "pairs"}
    return {
        "title": "A digit classifier" if network.outputs == 10 else "A classifier",
        "layers": layers,
        "kernels": kernels,
        "without_vectors": set(conditional),
        "has_rows": has_rows,
        "flips_hidden": any(layer.conditional or layer.kernel == "rows" for layer in layers[1:]),
        "flips_for_vectors_only": "rows" in kernels and all(layer.kernel != "rows" for layer in layers[1:]),
        "lists": any(layer.uses_list for layer in layers),
        "uses_dsp": any(layer.kernel != "rows" for layer in layers),
        "list_room": LIST_ROOM,
        "scans": scans(kernels),
        "columns": any(scan["name"] == "list_columns" for scan in scans(kernels)),
        "walks": any(kernel in WALKING for kernel in kernels),
        "walks_with_vectors": any(layer.kernel in WALKING and not layer.conditional for layer in layers),
        **{f"{name}_type": _type_of(name, layers) for name in INDICES},
        "rest_groups": rest_groups,
        "groups": [(name, "abcdef"[:size]) for name, size in GROUPS.items() if size == 6 or size in rest_groups],
        "high_shifts": high_shifts,
        "vector_activation": has_rows and high_shifts and network.rounding is Rounding.LITERT,
        "some_uniform": any(uniform),
        "some_per_output": not all(uniform),
        "exponentials": exponentials and {"length": len(exponentials.values), "rows": array_rows(exponentials.values)},
        "pixels": array_rows(tables["pixels"].values) if "pixels" in tables else None,
        "steps": _steps(network, layers),
        **_crc_facts(layers),
    }


def _type_of(name: str, layers: Sequence[EngineLayer]) -> str:
    constants = (constant for layer in layers for constant in layer.packed.constants)
    return next((C_TYPES[str(one.values.dtype)] for one in constants if one.name == name), "")


def _steps(network: Network, layers: Sequence[EngineLayer]) -> list[str]:
    steps = [line for layer in layers for line in layer.steps]
    if network.softmax:
        steps.append(f"softmax(output, {network.outputs}u);")
    return steps


def _crc_facts(layers: Sequence[EngineLayer]) -> dict[str, Any]:
    """Return which arrays the self-test sums up, and to what, with MVE and without."""
    conditional = any(layer.conditional for layer in layers)
    parts: list[dict[str, Any]] = []
    for vectors in (True, False) if conditional else (False,):
        constants = [(name, constant) for layer in layers for name, constant in layer.stored(vectors=vectors)]
        crc = _crc(constant for _, constant in constants)
        condition = ("if VECTORS" if vectors else "else") if conditional else ""
        names = [name for name, _ in constants]
        parts.append(
            {"condition": condition, "names": names, "check": f"{crc ^ 0xFFFFFFFF:08x}", "inverse": f"{crc:08x}"}
        )
    return {"crc_parts": parts, "crc_conditional": conditional}


def _crc(constants: Any) -> int:
    crc = 0
    for constant in constants:
        crc = zlib.crc32(np.ascontiguousarray(constant.values).tobytes(), crc)
    return crc


def _vector_facts(network: Network, layers: Sequence[EngineLayer]) -> dict[str, Any]:
    named = self_test_inputs(network.inputs)
    outputs = run(network, np.array([values for _, values in named]))
    facts = _crc_facts(layers)
    crcs = [part["inverse"] for part in facts["crc_parts"]]
    return {
        "vectors": [
            {"name": name, "input": array_rows(values, 8), "output": ", ".join(map(str, expected.tolist()))}
            for (name, values), expected in zip(named, outputs, strict=True)
        ],
        "crc": crcs[-1],
        "crc_note": f" (0x{crcs[0]} with MVE)" if len(crcs) > 1 else "",
    }
