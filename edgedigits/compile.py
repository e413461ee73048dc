"""From a `.tflite` to the C engine that does the same: lower, drop dead neurons, choose encodings, write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from edgedigits.artifacts import new_folder
from edgedigits.build_folder import ENGINE, MODEL, SEEN_DIGITS, LearnedFrom, Manifest, write_manifest
from edgedigits.config import EngineConfig
from edgedigits.data.named import read_mnist_5k
from edgedigits.data.preprocess import PixelRange
from edgedigits.devices.cores import find_core, find_costs
from edgedigits.devices.engine_elf import check_constants
from edgedigits.devices.stub import find_engine
from edgedigits.engine.engine_facts import EngineFacts, engine_facts
from edgedigits.engine.source import EngineSource, render_engine
from edgedigits.files.writing import write_text
from edgedigits.model.fixed_point import Rounding
from edgedigits.model.ir import Graph
from edgedigits.model.lowering import lower
from edgedigits.model.packing import Goal, arrange
from edgedigits.model.reader import read_tflite
from edgedigits.model.simplify import simplify
from edgedigits.progress import SILENT, Progress
from edgedigits.scoring.interpreter import open_classifier
from edgedigits.scoring.oracle import engine_inputs
from edgedigits.scoring.pixels import engine_map, takes_digits
from edgedigits.scoring.proof import Digits, prove
from edgedigits.scoring.record import stored_fingerprints
from edgedigits.scoring.subject import find_subject
from edgedigits.view import PLAIN, View

REAL_DIGITS = 1000
"""Of mnist-5k; random and extreme inputs reach more of an engine's states than further digits would."""


def compile_graph(
    graph: Graph,
    choices: EngineConfig,
    prefix: str,
    digits: Digits | None = None,
    pixels: PixelRange | None = None,
    view: View = PLAIN,
    reject_margin: int = 0,
    seen: NDArray[np.int8] | None = None,
) -> tuple[EngineSource, EngineFacts]:
    """Return the engine of a model, proven against the interpreter whose arithmetic it repeats, and the facts about it.

    Args:
        graph: a full-integer MLP.
        choices: rounding, and what to choose the encodings for.
        prefix: start of its C names.
        digits: for a model that takes them: the model, and uint8 images (n, 784) to prove the engine on as well.
        pixels: what pixels are to a model that takes digits; by default as its input's quantization says.
        view: what it sees of an image.
        reject_margin: as for `render_engine`.
        seen: int8 (n, in), inputs to measure on how many each layer has to visit; None where there are none.

    Raises:
        UnsupportedModelError: the engine or the interpreter cannot run the model; names operator, tensor and reason.
        CheckFailedError: the engine is not its interpreter's equal in every byte.
        DataError: the interpreter dies or hangs.
        ConfigError: `prefix` cannot start a C name, nobody says what pixels are, `pixels` for a model without, or a
            core of which nothing is known.
    """
    lowered = lower(graph, Rounding(choices.rounding))
    cores = find_costs(choices.core)
    network, packed = arrange(simplify(lowered), Goal(choices.optimize), choices.most_instructions, seen, cores)
    proof = prove(network, packed, digits)
    source = render_engine(network, packed, prefix, engine_map(graph, pixels, view), reject_margin)
    return source, engine_facts(
        lowered, network, packed, source, choices.optimize, proof, 0 if seen is None else len(seen), cores
    )


def write_engine(source: EngineSource, folder: Path, cores: Sequence[str] = ()) -> None:
    """Write the engine's files into `folder`.

    Raises:
        CheckFailedError: one of the cores cannot read its constants.
    """
    for name, text in source.files().items():
        (folder / name).parent.mkdir(exist_ok=True)
        write_text(folder / name, text)
    for name in cores:
        check_constants(find_engine(folder), find_core(name))


def compile_model(
    path: Path,
    folder: Path,
    choices: EngineConfig,
    prefix: str,
    *,
    input_range: tuple[float, float] | None = None,
    force: bool = False,
    progress: Progress = SILENT,
) -> EngineFacts:
    """Write a folder with the engine of any int8 MLP: engine/, model.tflite, manifest.json, what it was trained on.

    The engine is proven on extreme and random inputs, and where it takes digits on some of mnist-5k. That of a build
    refuses what the build's own refuses.

    Args:
        path: a `.tflite`, or the folder of a build.
        folder: where to write; whole or not at all.
        choices: rounding, and what to choose the encodings for.
        prefix: start of its C names.
        input_range: what pixels 0 and 255 are to a model that classifies digits; by default as the folder's manifest
            or the model's quantization says.
        force: replace what an earlier run wrote there.
        progress: is told why an engine could not be proven.

    Raises:
        DataError: the model cannot be read, or the folder cannot be written.
        UnsupportedModelError, CheckFailedError, ConfigError: as `compile_graph`.
    """
    subject = find_subject(path)
    graph, pixels, view = read_tflite(subject.model), subject.pixels(input_range), subject.view()
    trained_on, confidence = stored_fingerprints(subject), subject.said.confidence
    digits = _digits(graph, pixels, view)
    seen = engine_inputs(*digits) if digits else None
    source, facts = compile_graph(graph, choices, prefix, digits, pixels, view, subject.reject_margin, seen)
    if facts.proof.note:
        progress.say(facts.proof.note)
    with new_folder(folder, force=force, kind=ENGINE) as partial:
        write_engine(source, partial, choices.core)
        (partial / MODEL).write_bytes(graph.content)
        if trained_on is not None:
            # Whoever scores the model there is to know as well which digits say nothing of it.
            (partial / SEEN_DIGITS).write_bytes(trained_on)
        config = {"engine": choices.table(), "output": {"name": prefix}}
        if not view.is_plain:
            config["input"] = asdict(view)
        data, proof = LearnedFrom(pixels=facts.pixels or UNSET), facts.proof.to_json()
        said = Manifest(kind=ENGINE, config=config, data=data, proof=proof, confidence=confidence)
        write_manifest(partial, replace(said, activity=facts.activity or UNSET))
    return facts


def _digits(graph: Graph, pixels: PixelRange | None, view: View) -> Digits | None:
    """Return real digits for a model that takes some."""
    if not takes_digits(graph, view):
        return None
    # They lie by class.
    images = read_mnist_5k().everything.images
    return open_classifier(graph, pixels, view), images[:: len(images) // REAL_DIGITS]
