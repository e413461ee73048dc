"""The emitted engine of a model, as a build writes it: model.tflite and engine/ in one folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgedigits.c_names import DEFAULT_PREFIX
from edgedigits.data.preprocess import PixelRange
from edgedigits.devices.stub import Engine, find_engine
from edgedigits.engine.source import render_engine
from edgedigits.model.fixed_point import Rounding
from edgedigits.model.lowering import lower
from edgedigits.model.packing import Goal, choose, use
from edgedigits.model.reader import read_tflite
from edgedigits.scoring.pixels import engine_map
from edgedigits.view import PLAIN, View


def write_emitted_engine(
    folder: Path,
    model: bytes,
    *,
    encodings: Sequence[str] = (),
    goal: Goal = Goal.SPEED,
    rounding: Rounding = Rounding.LITERT,
    prefix: str = DEFAULT_PREFIX,
    pixels: PixelRange | None = None,
    view: View = PLAIN,
    reject_margin: int = 0,
) -> Engine:
    """Write a model and its engine into `folder`, packed for `goal` or as `encodings` say, one a layer."""
    graph = read_tflite(model, "model.tflite")
    network = lower(graph, rounding)
    packed = use(network, encodings) if encodings else choose(network, goal)
    (folder / "engine").mkdir(parents=True, exist_ok=True)
    (folder / "model.tflite").write_bytes(model)
    source = render_engine(network, packed, prefix, engine_map(graph, pixels, view), reject_margin)
    for name, text in source.files().items():
        (folder / name).write_text(text)
    return find_engine(folder)
