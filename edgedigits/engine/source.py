"""The interpreter-free C engine: `<prefix>.h`, `.c`, `_self_test.c`, `_fit.c` and the facts in `.json`, for a network.

What it is made of is computed in `parts.py`, and how a layer becomes constants and a call in `engine_layers.py`; the
templates lay out text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edgedigits.c_names import DEFAULT_PREFIX, check_prefix
from edgedigits.data.preprocess import PixelMap
from edgedigits.engine.engine_body import render_body
from edgedigits.engine.engine_json import engine_json
from edgedigits.engine.fit import fit_facts
from edgedigits.engine.literals import float_literal, macro_value
from edgedigits.engine.parts import Parts, make_parts
from edgedigits.engine.provenance import provenance, tensor_text
from edgedigits.engine.purpose import purpose
from edgedigits.engine.render import render
from edgedigits.engine.self_test import Vector, make_vectors, self_test_facts
from edgedigits.model.fixed_point import Rounding
from edgedigits.model.network import Network
from edgedigits.model.packing import PackedLayer
from edgedigits.sections import LIST_ROOM

ROUNDING_NOTES = {
    Rounding.LITERT: "single, bit for bit as LiteRT's reference kernels",
    Rounding.TFLM: "double, bit for bit as TensorFlow Lite Micro and CMSIS-NN",
}
MOST_STACK_BYTES, MOST_STACK_BYTES_MVE, MOST_STACK_BYTES_ADDING = 256, 512, 320
"""What the engine takes of the stack at most at -O2, without MVE, with it, and on cores that do not multiply: tested on
every core and encoding."""


@dataclass(frozen=True, slots=True)
class EngineSource:
    """The text of an engine, and what it takes.

    Attributes:
        prefix: start of all public names, and the files' name.
        outputs: number of scores.
        header: text of `engine/<prefix>.h`.
        source: text of `engine/<prefix>.c`.
        self_test: text of `engine/<prefix>_self_test.c`, which a program need not link.
        fit: text of `engine/<prefix>_fit.c`, which a program need not link; empty where it takes no digits.
        facts: text of `engine/<prefix>.json`, for programs that want to know what the engine is.
        pixels: what images become in its input; None where it takes none.
        classifies: it has `classify`: the model takes digits, or ends in a softmax.
        reject_margin: the least lead that `classify` accepts; 0 where it refuses nothing.
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
    fit: str
    facts: str
    classifies: bool
    pixels: PixelMap | None
    reject_margin: int
    workspace_bytes: int
    weight_bytes: int
    bias_bytes: int
    table_bytes: int

    def files(self) -> dict[str, str]:
        """Return path → text, as they lie in a build's folder."""
        texts = {
            ".h": self.header,
            ".c": self.source,
            "_self_test.c": self.self_test,
            "_fit.c": self.fit,
            ".json": self.facts,
        }
        return {f"engine/{self.prefix}{end}": text for end, text in texts.items() if text}


def render_engine(
    network: Network,
    packed: Sequence[PackedLayer],
    prefix: str = DEFAULT_PREFIX,
    pixels: PixelMap | None = None,
    reject_margin: int = 0,
    list_room: int = LIST_ROOM,
) -> EngineSource:
    """Return the engine of a network.

    Args:
        network: as lowered; its rounding is the engine's.
        packed: its layers, packed, in order.
        prefix: start of the names.
        pixels: what images become in its input; None for a model that takes no digits, which gets no `preprocess`.
        reject_margin: the least lead of the best score, in steps of the output, that `classify` accepts; 0 to refuse
            nothing.
        list_room: active inputs that its workspace lists at a time.

    Raises:
        ConfigError: `prefix` cannot start a C name.
    """
    check_prefix(prefix)
    parts, use = make_parts(network, packed, pixels, list_room), purpose(network, pixels, prefix)
    vectors = make_vectors(network, pixels)
    shared = {
        **_shared_facts(network, prefix),
        "reject_margin": reject_margin,
        "raw": parts.raw,
        "fed": parts.fed,
        **use,
    }
    source = render_body(shared, parts)
    self_test = render("self_test.c.j2", **shared, **self_test_facts(parts, vectors))
    # Two engines of one model differ where their choices do.
    digest = hashlib.sha256((source + self_test).encode()).hexdigest()
    return EngineSource(
        prefix=prefix,
        outputs=network.outputs,
        header=render("engine.h.j2", **shared, **_header_facts(parts, vectors), engine_digest=digest),
        source=source,
        self_test=self_test,
        fit=render("fit.c.j2", **shared, **fit_facts()) if use["takes_digits"] else "",
        facts=engine_json(parts, prefix, pixels, network.outputs if use["classifies"] else 0, reject_margin),
        classifies=use["classifies"],
        reject_margin=reject_margin,
        pixels=pixels,
        **parts.sizes,
    )


def _shared_facts(network: Network, prefix: str) -> dict[str, Any]:
    return {
        "prefix": prefix,
        "macro": prefix.upper(),
        "provenance": provenance(network.graph),
        "rounding": str(network.rounding),
        "rounding_note": ROUNDING_NOTES[network.rounding],
        "inputs": network.inputs,
        "outputs": network.outputs,
    }


def _header_facts(parts: Parts, vectors: Sequence[Vector]) -> dict[str, Any]:
    network, sizes = parts.network, parts.sizes
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
        "workspace_on_avr": parts.memory.nbytes_on_avr,
        "fit": fit_facts(),
        "stack": MOST_STACK_BYTES,
        "stack_mve": MOST_STACK_BYTES_MVE,
        "stack_adding": MOST_STACK_BYTES_ADDING,
        "weight_bytes": f"{sizes['weight_bytes']:,}",
        "bias_bytes": f"{sizes['bias_bytes']:,}",
        "table_note": f", {tables:,} of tables" if tables else "",
        "layer_notes": [line for layer in parts.layers for line in layer.note],
    }
