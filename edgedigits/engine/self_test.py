"""How an engine checks itself: inputs with known outputs, and a checksum over all its constants."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.preprocess import PixelMap
from edgedigits.engine.literals import array_rows
from edgedigits.engine.parts import Parts
from edgedigits.engine.strokes import self_test_inputs
from edgedigits.model.network import Network
from edgedigits.model.numpy_engine import run


@dataclass(frozen=True, slots=True, eq=False)
class Vector:
    """An input of the self-test, int8 (in,), what it is, and what the model makes of it, int8 (out,)."""

    name: str
    input: NDArray[np.int8]
    output: NDArray[np.int8]


def make_vectors(network: Network, pixels: PixelMap | None) -> list[Vector]:
    """Return the inputs of the self-test with what a network makes of them; digits where it takes any."""
    named = self_test_inputs(network.inputs, pixels)
    outputs = run(network, np.array([values for _, values in named]))
    return [Vector(name, values, expected) for (name, values), expected in zip(named, outputs, strict=True)]


def self_test_facts(parts: Parts, vectors: Sequence[Vector]) -> dict[str, Any]:
    """Return what the self-test's text is to say."""
    crcs = [part["inverse"] for part in crc_facts(parts)["crc_parts"]]
    return {
        "vectors": [
            {"name": one.name, "input": array_rows(one.input, 8), "output": array_rows(one.output, 8)}
            for one in vectors
        ],
        "values_at": parts.memory.values_at,
        "values_at_on_avr": parts.memory.values_at_on_avr,
        "crc": crcs[-1],
        "crc_note": f" (0x{crcs[0]} with MVE)" if len(crcs) > 1 else "",
    }


def crc_facts(parts: Parts) -> dict[str, Any]:
    """Return which arrays the self-test sums up, all there are, and to what, with MVE and without."""
    conditional = any(layer.conditional for layer in parts.layers)
    found: list[dict[str, Any]] = []
    for vectors in (True, False) if conditional else (False,):
        constants = [(array.name, array.values) for layer in parts.layers for array in layer.arrays(vectors=vectors)]
        constants += [(table.name, table.values) for table in parts.tables]
        crc = _crc(values for _, values in constants)
        condition = ("if VECTORS" if vectors else "else") if conditional else ""
        names = [name for name, _ in constants]
        found.append(
            {"condition": condition, "names": names, "check": f"{crc ^ 0xFFFFFFFF:08x}", "inverse": f"{crc:08x}"}
        )
    return {"crc_parts": found, "crc_conditional": conditional}


def _crc(constants: Iterable[NDArray[Any]]) -> int:
    crc = 0
    for values in constants:
        crc = zlib.crc32(np.ascontiguousarray(values).tobytes(), crc)
    return crc
