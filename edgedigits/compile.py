"""From a `.tflite` to the C engine that does the same: lower, drop dead neurons, choose encodings, write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from edgedigits.artifacts import new_folder
from edgedigits.build_folder import ENGINE, MODEL, SEEN_DIGITS, LearnedFrom, Manifest, write_manifest
from edgedigits.config import DataConfig, EngineConfig
from edgedigits.data.inspection import findings_on_contents
from edgedigits.data.load import read_source
from edgedigits.data.preprocess import PixelRange
from edgedigits.devices.cores import find_core, find_costs
from edgedigits.devices.remedies import check_readable
from edgedigits.devices.stub import find_engine
from edgedigits.engine.engine_facts import EngineFacts, engine_facts
from edgedigits.engine.source import EngineSource, render_engine
from edgedigits.errors import ConfigError, shown
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
from edgedigits.scoring.subject import Subject, find_subject
from edgedigits.view import PLAIN, View

REAL_DIGITS = 1000
"""Of a source; random and extreme inputs reach more of an engine's states than further digits would."""
OWN_DIGITS = "mnist-5k"
"""What a model of digits is compiled on where no others are named."""


def compile_graph(
    graph: Graph,
    choices: EngineConfig,
    prefix: str,
    digits: Digits | None = None,
    pixels: PixelRange | None = None,
    view: View = PLAIN,
    reject_margin: int = 0,
    seen: NDArray[np.int8] | None = None,
    constants: int = 0,
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
        constants: bytes of weights and biases that a budget allows; 0 where there is none.

    Raises:
        UnsupportedModelError: the engine or the interpreter cannot run the model; names operator, tensor and reason.
        CheckFailedError: the engine is not its interpreter's equal in every byte.
        DataError: the interpreter dies or hangs.
        ConfigError: `prefix` cannot start a C name, nobody says what pixels are, `pixels` for a model without, or a
            core of which nothing is known.
    """
    lowered = lower(graph, Rounding(choices.rounding))
    cores = find_costs(choices.core)
    network, packed = arrange(
        simplify(lowered), Goal(choices.optimize), choices.most_instructions, seen, cores, constants
    )
    proof = prove(network, packed, digits)
    source = render_engine(network, packed, prefix, engine_map(graph, pixels, view), reject_margin, choices.list_room)
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
        check_readable(folder, find_engine(folder), find_core(name))


def compile_model(
    path: Path,
    folder: Path,
    choices: EngineConfig,
    prefix: str,
    *,
    source: str = "",
    input_range: tuple[float, float] | None = None,
    force: bool = False,
    progress: Progress = SILENT,
    **reading: Any,
) -> EngineFacts:
    """Write a folder with the engine of any int8 MLP: engine/, model.tflite, manifest.json, what it was trained on.

    The engine is proven on extreme and random inputs, and where it takes digits on some of a source, on which is also
    measured how many inputs its layers have to visit. That of a build refuses what the build's own refuses.

    Args:
        path: a `.tflite`, or the folder of a build.
        folder: where to write; whole or not at all.
        choices: rounding, and what to choose the encodings for.
        prefix: start of its C names.
        source: of digits, as `edgedigits.data.load` takes it; by default `OWN_DIGITS`.
        input_range: what pixels 0 and 255 are to a model that classifies digits; by default as the folder's manifest
            or the model's quantization says.
        force: replace what an earlier run wrote there.
        progress: is told why an engine could not be proven, and what is unusual about the digits.
        reading: how the source is read: `label_column`, `invert`, `transpose`, `fit`.

    Raises:
        DataError: the model or the digits cannot be read, or the folder cannot be written.
        UnsupportedModelError, CheckFailedError, ConfigError: as `compile_graph`; or digits for a model without.
    """
    subject = find_subject(path)
    graph, pixels, view = read_tflite(subject.model), subject.pixels(input_range), subject.view()
    digits, named = _digits(graph, pixels, view, source, reading, progress)
    seen = engine_inputs(*digits) if digits else None
    engine, facts = compile_graph(graph, choices, prefix, digits, pixels, view, subject.reject_margin, seen)
    facts = replace(facts, measured_of=named)
    if facts.proof.note:
        progress.say(facts.proof.note)
    with new_folder(folder, force=force, kind=ENGINE) as partial:
        (partial / MODEL).write_bytes(graph.content)
        write_engine(engine, partial, choices.core)
        _describe(facts, subject, choices, partial)
    return facts


def _describe(facts: EngineFacts, subject: Subject, choices: EngineConfig, folder: Path) -> None:
    """Write the manifest of an engine, and what its model was trained on."""
    trained_on, view = stored_fingerprints(subject), subject.view()
    if trained_on is not None:
        # Whoever scores the model there is to know as well which digits say nothing of it.
        (folder / SEEN_DIGITS).write_bytes(trained_on)
    config = {"engine": choices.table(), "output": {"name": facts.prefix}}
    if not view.is_plain:
        config["input"] = asdict(view)
    data, proof = LearnedFrom(pixels=facts.pixels or UNSET), facts.proof.to_json()
    said = Manifest(kind=ENGINE, config=config, data=data, proof=proof, confidence=subject.said.confidence)
    write_manifest(folder, replace(said, activity=facts.activity or UNSET))


def _digits(
    graph: Graph, pixels: PixelRange | None, view: View, source: str, reading: dict[str, Any], progress: Progress
) -> tuple[Digits | None, str]:
    """Return real digits for a model that takes some, from all over their source, and what they are called."""
    if not takes_digits(graph, view):
        if source:
            what = f"{graph.name} takes no 28×28 digits, and so none of {shown(source)}."
            raise ConfigError(what, hint="Leave out --data.")
        return None, ""
    classifier = open_classifier(graph, pixels, view)
    contents = read_source(source or OWN_DIGITS, **reading, progress=progress)
    if source:
        findings_on_contents(contents, DataConfig().reading | reading, progress)
    images = contents.everything.images
    count = min(REAL_DIGITS, len(images))
    return (classifier, images[np.arange(count) * len(images) // count]), contents.name
