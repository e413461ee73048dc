"""One page that needs no other file and no network: draw a digit, see the engine that will be flashed classify it."""

from __future__ import annotations

import base64
from math import isqrt
from pathlib import Path
from typing import Any

from edgedigits.data.writing import refuse_existing, replacing
from edgedigits.demo.boards import board_cycles
from edgedigits.demo.strip import Strip, make_strip
from edgedigits.demo.wasm import compile_wasm
from edgedigits.devices.engine_model import check_model, check_pixels, find_engine_model
from edgedigits.devices.stub import Engine, find_engine
from edgedigits.engine.self_test import make_vectors
from edgedigits.errors import UnsupportedModelError
from edgedigits.files.writing import write_text
from edgedigits.model.fixed_point import Rounding
from edgedigits.model.lowering import lower
from edgedigits.model.numpy_engine import run
from edgedigits.model.reader import read_tflite
from edgedigits.report.rendering import page_templates
from edgedigits.scoring.pixels import engine_map, takes_digits
from edgedigits.scoring.subject import Subject
from edgedigits.scoring.subject_digits import digits_at_hand

_TEMPLATES = Path(__file__).parent / "templates"
SCREEN = 280
"""Pixels of a side of what is drawn on."""
MEASURED = 200
"""Digits that an estimate of cycles counts active inputs on."""


def write_demo(folder: Path, path: Path, *, force: bool = False) -> dict[str, Any]:
    """Write the page of a build's engine.

    Args:
        folder: of a build, or one that `compile` wrote.
        path: the page.
        force: replace a file.

    Returns:
        What it holds, as JSON values: sizes in bytes, compiler, digest of the model.

    Raises:
        DataError: there is no engine, or the page cannot be written.
        UnsupportedModelError: the engine takes no digits.
        CheckFailedError: the engine was made from another model, or sees something else of an image.
        ToolMissingError: zig is not installed.
    """
    refuse_existing(path, force=force)
    engine, subject = find_engine(folder), find_engine_model(folder)
    check_model(engine, subject.model)
    facts = page_facts(engine, subject)
    wasm, compiler = compile_wasm(engine)
    page = render_demo(folder.resolve().name, facts, wasm, compiler)
    with replacing(path, force=force) as temporary:
        write_text(temporary, page)
    sizes = {"page_bytes": path.stat().st_size, "wasm_bytes": len(wasm)}
    return {"page": str(path), **sizes, "compiler": compiler, "model_sha256": facts["digest"]}


def page_facts(engine: Engine, subject: Subject) -> dict[str, Any]:
    """Return what the page's program is told of an engine and its model, as JSON values."""
    graph, view = read_tflite(subject.model), subject.view()
    if not takes_digits(graph, view):
        raise UnsupportedModelError(f"{subject.model} takes no 28×28 digits.", hint="There is nothing to draw for it.")
    pixels = engine_map(graph, subject.pixels(), view)
    assert pixels is not None  # it takes digits
    check_pixels(engine, pixels.range, view)
    confidence, network = subject.said.confidence, lower(graph, Rounding(engine.facts.rounding))
    certainty = confidence.temperature_steps if confidence else None
    chosen, why = digits_at_hand(subject)
    inputs = pixels.inputs(chosen.digits.images) if chosen else None
    strip = Strip(f"No test digits are shown: {why}")
    if chosen and inputs is not None:
        strip = make_strip(chosen.digits, chosen.origin, run(network, inputs), engine.reject_margin)
    return {
        "side": isqrt(network.inputs),
        "screen": SCREEN,
        "background": int(pixels.table[0]),
        "ink": int(pixels.table[-1]),
        "reject": engine.reject_margin,
        "temperature": certainty or (None if network.gives_probabilities else 1 / float(network.output.scale)),
        "digest": graph.digest,
        "boards": board_cycles(engine, network, None if inputs is None else inputs[:MEASURED]),
        "digits": {"told": strip.told, "labels": strip.labels, "packed": _text(strip.packed)},
        "vectors": [
            {"name": one.name, "input": _text(one.input.tobytes()), "output": one.output.tolist()}
            for one in make_vectors(network, pixels)
        ],
    }


def render_demo(name: str, facts: dict[str, Any], wasm: bytes, compiler: str) -> str:
    """Return the page."""
    template = page_templates(_TEMPLATES).get_template("demo.html.j2")
    return template.render(name=name, facts=facts, wasm=_text(wasm), wasm_bytes=f"{len(wasm):,}", compiler=compiler)


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
