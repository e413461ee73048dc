"""What the .c file of an engine defines: its constants, the kernels in use, and the calls one behind the other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from edgedigits.engine.engine_layers import EngineLayer, c_array, scans
from edgedigits.engine.kernel_calls import FLIP
from edgedigits.engine.literals import C_TYPES
from edgedigits.engine.parts import Parts
from edgedigits.engine.preprocess import preprocess_facts
from edgedigits.engine.render import render
from edgedigits.engine.self_test import crc_facts
from edgedigits.model.fixed_point import Rounding
from edgedigits.model.weights.encoding import Visits
from edgedigits.model.weights.rows import ROWS

# What a .c file names for itself alone: functions, arrays and types that begin a line.
_PRIVATE_NAME = re.compile(r"^(?:(?:APART )?(?:static|typedef) [^(\[{;]*?(\w+)[(\[;]|\} (\w+);)", re.MULTILINE)
_PRIVATE_MACRO = re.compile(r"^#define (\w+)", re.MULTILINE)
GROUP_NAMES = {6: "six", 4: "four", 2: "two"}


def render_body(shared: dict[str, Any], parts: Parts) -> str:
    """Return the text of the .c file; `shared` is what all files of an engine are told."""
    facts = {**_memory_facts(parts), **_kernel_facts(parts), **_activation_facts(parts), **crc_facts(parts)}
    body = render(
        "engine_body.c.j2",
        **shared,
        **facts,
        **preprocess_facts(shared["view"]),
        layers=parts.layers,
        tables=[(table.comment, c_array(table.name, table.values)) for table in parts.tables],
        pixel_table=any(table.name == "pixel_inputs" for table in parts.tables),
        step_templates=list(dict.fromkeys(emission.template for emission in parts.emissions)),
        flip=FLIP,
        first=parts.layers[0],
        calls=[line for step in parts.in_order for line in step.calls],
    )
    return render(
        "engine.c.j2",
        **shared,
        body=body,
        intrinsics=facts["intrinsics"],
        private_names=list(dict.fromkeys(a or b for a, b in _PRIVATE_NAME.findall(body))),
        private_macros=list(dict.fromkeys(_PRIVATE_MACRO.findall(body))),
    )


def _memory_facts(parts: Parts) -> dict[str, Any]:
    memory = parts.memory
    return {
        "sums": memory.sums,
        "lists": memory.lists,
        "list_room": memory.list_room,
        "kept": memory.kept,
        "hidden": memory.hidden,
        "padded": memory.padded,
    }


def _kernel_facts(parts: Parts) -> dict[str, Any]:
    layers = parts.layers
    signed = [not layer.encoding.reads_distances for layer in layers]
    hidden = [layer for layer in layers if not layer.reads_input]
    signed_hidden = any(not layer.encoding.reads_distances for layer in hidden)
    conditional = any(layer.conditional for layer in layers)
    flips_hidden = signed_hidden or any(layer.conditional for layer in hidden)
    visits = {layer.encoding.visits for layer in layers}
    return {
        "kernels": _kernels(layers, flips_hidden),
        "has_rows": any(map(_has_rows, layers)),
        "input_rows": parts.raw and any(layer.reads_input and _has_rows(layer) for layer in layers),
        "rows_for_vectors": conditional and not any(signed) and ROWS.template,
        "flips_hidden": flips_hidden,
        "flips_for_vectors_only": any(signed) and not signed_hidden,
        "plain_biases": not all(layer.packed.biases.is_narrow for layer in layers),
        "narrow_biases": any(layer.packed.biases.is_narrow for layer in layers),
        "uses_dsp": not all(signed),
        "intrinsics": Visits.LISTED_PAIRS in visits,
        "uses_thumb1": parts.memory.lists or any(layer.encoding.has_thumb1_code for layer in layers),
        "scans": scans(visits),
        "multiplies": any(
            one.visits in (Visits.LISTED_PAIRS, Visits.LISTED_INPUTS, Visits.WORDS) and not one.at_equal_distances
            for one in {layer.encoding for layer in layers}
        ),
        "columns": Visits.LISTED_INPUTS in visits,
        "walks": Visits.WORDS in visits,
        "walks_with_vectors": any(layer.encoding.visits is Visits.WORDS and not layer.conditional for layer in layers),
        **_index_types(layers),
    }


def _activation_facts(parts: Parts) -> dict[str, Any]:
    """Return how sums become outputs, by each rounding that is in use."""
    has_rows = any(map(_has_rows, parts.layers))
    found = []
    for kind in dict.fromkeys(layer.rescaling for layer in parts.layers):
        uniform = [layer.packed.layer.uniform for layer in parts.layers if layer.rescaling == kind]
        once = kind.rounding is Rounding.LITERT
        facts = {"once": once, "suffix": kind.suffix, "high_shifts": kind.high_shifts, "folds": kind.folds}
        facts |= {"some_uniform": any(uniform), "some_per_output": not all(uniform)}
        found.append({**facts, "with_vectors": has_rows and kind.high_shifts and once})
    return {"activations": found}


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


def _has_rows(layer: EngineLayer) -> bool:
    return layer.conditional or not layer.encoding.reads_distances


def _index_types(layers: Sequence[EngineLayer]) -> dict[str, str]:
    constants = [constant for layer in layers for constant in layer.packed.constants if constant.is_index]
    return {f"{one.name}_type": C_TYPES[str(one.values.dtype)] for one in constants}
