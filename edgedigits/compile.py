"""From a `.tflite` to the C engine that does the same: lower, drop dead neurons, choose encodings, write."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgedigits.artifacts import ENGINE, new_folder, write_manifest, write_text
from edgedigits.config import EngineConfig
from edgedigits.emit.engine import EngineSource, render_engine
from edgedigits.emit.engine_facts import EngineFacts, engine_facts
from edgedigits.errors import CheckFailedError
from edgedigits.evaluate.subject import MODEL_NAME, find_subject
from edgedigits.model.engine import run
from edgedigits.model.fixed_point import Rounding
from edgedigits.model.ir import Graph
from edgedigits.model.lowering import lower
from edgedigits.model.packing import Goal, choose
from edgedigits.model.reader import read_tflite
from edgedigits.model.simplify import simplify


def compile_graph(graph: Graph, choices: EngineConfig, prefix: str) -> tuple[EngineSource, EngineFacts]:
    """Return the engine of a model, and the facts about it.

    Args:
        graph: a full-integer MLP.
        choices: rounding, and what to choose the encodings for.
        prefix: start of its C names.

    Raises:
        UnsupportedModelError: the engine cannot run the model; names operator, tensor and reason.
        ConfigError: `prefix` cannot start a C name.
    """
    lowered = lower(graph, Rounding(choices.rounding))
    network = simplify(lowered)
    packed = choose(network, Goal(choices.optimize))
    source = render_engine(network, packed, prefix)
    return source, engine_facts(lowered, network, packed, source, choices.optimize)


def check_engine(
    graph: Graph, choices: EngineConfig, inputs: NDArray[np.int8], expected: NDArray[np.int8], oracle: str
) -> None:
    """Hold the arithmetic of a model's engine against its oracle.

    Args:
        graph: the model.
        choices: its rounding counts.
        inputs: int8 (n, in), as the engine takes them.
        expected: int8 (n, out): what the oracle gives.
        oracle: its name, for the message.

    Raises:
        CheckFailedError: a byte differs.
    """
    outputs = run(simplify(lower(graph, Rounding(choices.rounding))), inputs)
    differing = int(np.count_nonzero(outputs != expected))
    if differing:
        raise CheckFailedError(
            f"The engine differs from {oracle} in {differing:,} of {expected.size:,} output bytes.",
            hint="The installed runtime rounds otherwise than the one this toolkit was proven on.",
        )


def write_engine(source: EngineSource, folder: Path) -> None:
    """Write the engine's files into `folder`."""
    for name, text in source.files().items():
        (folder / name).parent.mkdir(exist_ok=True)
        write_text(folder / name, text)


def compile_model(path: Path, folder: Path, choices: EngineConfig, prefix: str, *, force: bool = False) -> EngineFacts:
    """Write a folder with the engine of any int8 MLP: engine/, model.tflite and manifest.json.

    Args:
        path: a `.tflite`, or the folder of a build.
        folder: where to write; whole or not at all.
        choices: rounding, and what to choose the encodings for.
        prefix: start of its C names.
        force: replace what an earlier run wrote there.

    Raises:
        DataError: the model cannot be read, or the folder cannot be written.
        UnsupportedModelError, ConfigError: as `compile_graph`.
    """
    model = find_subject(path).model
    graph = read_tflite(model)
    content = model.read_bytes()
    source, facts = compile_graph(graph, choices, prefix)
    with new_folder(folder, force=force, kind=ENGINE) as partial:
        write_engine(source, partial)
        (partial / MODEL_NAME).write_bytes(content)
        write_manifest(partial, {"engine": asdict(choices), "output": {"name": prefix}}, {}, ENGINE)
    return facts
