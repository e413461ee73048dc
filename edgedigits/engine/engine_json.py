"""The facts of an emitted engine as JSON beside its C, for programs: so that none has to read them out of comments."""

from __future__ import annotations

import json
from dataclasses import asdict
from itertools import count
from typing import Any

import numpy as np

from edgedigits.data.preprocess import PixelMap
from edgedigits.engine.engine_layers import ACTIVATIONS, EngineLayer
from edgedigits.engine.parts import Parts
from edgedigits.model.ir import Tensor
from edgedigits.model.ops.declaration import Emission
from edgedigits.model.weights.rows import ROWS
from edgedigits.version import __version__

SCHEMA, KIND = 1, "engine-facts"
PLAIN, VECTORS = "plain", "mve"
"""Variants that the preprocessor chooses between: everywhere, and on cores with MVE where those get other constants."""


def engine_json(parts: Parts, prefix: str, pixels: PixelMap | None, classes: int) -> str:
    """Return the text of `engine/<prefix>.json`.

    Args:
        parts: the engine, as printed.
        prefix: start of all names in C.
        pixels: what images become in its input; None where it takes none.
        classes: how many `classify` tells apart; 0 where there is none.
    """
    network, numbers = parts.network, count(1)
    steps = [
        _layer_step(step, next(numbers), prefix) if isinstance(step, EngineLayer) else _other_step(step, prefix)
        for step in parts.in_order
    ]
    facts = {
        "schema": SCHEMA,
        "kind": KIND,
        "tool": f"edgedigits {__version__}",
        "prefix": prefix,
        "rounding": str(network.rounding),
        "model_sha256": network.graph.digest,
        "input": _end(network.input, network.inputs),
        "output": _end(network.output, network.outputs),
        "pixels": None if pixels is None else _pixels(pixels),
        "classes": classes,
        **parts.sizes,
        "steps": steps,
    }
    return json.dumps(facts, indent=2) + "\n"


def _pixels(pixels: PixelMap) -> dict[str, Any]:
    ends = {"low": pixels.range.low, "high": pixels.range.high}
    return ends if pixels.view.is_plain else {**ends, "view": asdict(pixels.view)}


def _end(tensor: Tensor, size: int) -> dict[str, Any]:
    return {"size": size, "scale": float(tensor.scale), "zero_point": int(tensor.zero_point)}


def _layer_step(layer: EngineLayer, number: int, prefix: str) -> dict[str, Any]:
    dense = layer.packed.layer
    stored = {PLAIN: {"encoding": layer.packed.encoding.name, "bytes": _constants(layer, prefix, vectors=False)}}
    if layer.conditional:
        stored[VECTORS] = {"encoding": ROWS.name, "bytes": _constants(layer, prefix, vectors=True)}
    return {
        "name": f"layer {number}",
        "begins": layer.calls[0],
        "inputs": dense.inputs,
        "outputs": dense.outputs,
        "activation": ACTIVATIONS[dense.activation],
        "zeros": int(np.count_nonzero(dense.weights == 0)),
        "stored": stored,
    }


def _other_step(emission: Emission, prefix: str) -> dict[str, Any]:
    tables = {f"{prefix}_{table.name}": table.values.nbytes for table in emission.tables}
    return {"name": emission.name, "begins": emission.calls[0], "stored": {PLAIN: {"encoding": "", "bytes": tables}}}


def _constants(layer: EngineLayer, prefix: str, *, vectors: bool) -> dict[str, int]:
    """Return bytes by name in the ELF of the constants that one of the variants has."""
    return {f"{prefix}_{array.name}": array.values.nbytes for array in layer.arrays(vectors=vectors)}
