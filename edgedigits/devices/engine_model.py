"""The model that an engine was made from: where it is, and whether it is that one."""

from __future__ import annotations

import hashlib
from pathlib import Path

from edgedigits.build_folder import ENGINE_FOLDER, FLOAT_MODEL, MODEL
from edgedigits.data.preprocess import PixelRange, range_text
from edgedigits.devices.stub import Engine
from edgedigits.errors import CheckFailedError, DataError
from edgedigits.scoring.pixels import FLAG
from edgedigits.scoring.subject import Subject, find_subject
from edgedigits.view import PLAIN, View


def find_engine_model(path: Path, model: Path | None = None) -> Subject:
    """Find the .tflite of an engine: the one named, or the one beside it.

    Args:
        path: a build's folder, its engine/, or a folder with an engine.
        model: a .tflite or a build's folder, for an engine that lies elsewhere.

    Raises:
        DataError: there is none, or several and none is called model.tflite.
    """
    if model is not None:
        return find_subject(model)
    for folder in (path, path.parent) if path.name == ENGINE_FOLDER else (path,):
        # The float twin of a build is never its engine's model.
        found = sorted(file for file in folder.glob("*.tflite") if file.name != FLOAT_MODEL)
        if (folder / MODEL).is_file():
            return find_subject(folder)
        if len(found) == 1:
            return find_subject(found[0])
        if found:
            names = ", ".join(one.name for one in found)
            raise DataError(f"{folder} holds several models: {names}.", hint="Name the engine's with --model FILE.")
    raise DataError(
        f"{path} holds an engine but no {MODEL} to compare it with.",
        hint="Build or compile it again, or name the model with --model FILE.",
    )


def check_model(engine: Engine, model: Path) -> None:
    """Check that an engine was made from this model, as far as its header says.

    Raises:
        CheckFailedError: it was made from another.
    """
    said, digest = engine.facts.model_sha256, ""
    if said:
        with model.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != said:
        raise CheckFailedError(
            f"{engine.folder / engine.header} was made from another model (SHA-256 {said[:12]}…) than {model} "
            f"({digest[:12]}…).",
            hint="Build or compile it again, or name its model with --model FILE.",
        )


def check_pixels(engine: Engine, pixels: PixelRange, view: View = PLAIN) -> None:
    """Check that an engine turns images into what its model takes them for, as far as its facts say.

    Raises:
        DataError: it takes no pixels.
        CheckFailedError: it takes them for something else.
    """
    own = engine.facts.pixels
    if own is None:
        raise DataError(
            f"{engine.folder / engine.header} has no preprocess, and its model takes digits.",
            hint="Build or compile it again.",
        )
    if (own.low, own.high) != (pixels.low, pixels.high):
        raise CheckFailedError(
            f"{engine.folder / engine.header} takes pixels 0 to 255 for {range_text(own.low, own.high)}, "
            f"and they are {pixels}.",
            hint=f"Compile it again with {FLAG} {pixels.low:g},{pixels.high:g}.",
        )
    if engine.view != view:
        raise CheckFailedError(
            f"{engine.folder / engine.header} sees of an image {engine.view}; its model {view}.",
            hint="Build or compile it again.",
        )
