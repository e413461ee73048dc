"""What is evaluated: a build's files, or any .tflite."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgedigits.artifacts import mend
from edgedigits.config import BuildConfig
from edgedigits.config_file import make_config, parse_sections, read_config_file
from edgedigits.data.preprocess import PixelRange
from edgedigits.errors import ConfigError, DataError
from edgedigits.model.formats import recognise_folder
from edgedigits.scoring.pixels import told_range
from edgedigits.scoring.reject import LEAST_MARGIN, MOST_MARGIN
from edgedigits.view import PLAIN, View

MODEL_NAME = "model.tflite"
FLOAT_NAME = "model_float.tflite"
MANIFEST_NAME = "manifest.json"
REPORT_NAME = "report.json"
FINGERPRINTS_NAME = "training_digests.bin"
_GIVE = "Give a .tflite file, or a folder that `edgedigits build` wrote."


@dataclass(frozen=True)
class Subject:
    """A model to evaluate.

    Attributes:
        model: path of its .tflite.
        float_twin: path of the float32 model it was made from; None when it is not at hand.
        manifest: path of the build's manifest; None for a file from elsewhere.
    """

    model: Path
    float_twin: Path | None = None
    manifest: Path | None = None

    @property
    def place(self) -> Path:
        """The build's folder, or the file from elsewhere."""
        return self.manifest.parent if self.manifest else self.model

    def config(self) -> BuildConfig | None:
        """Return the choices of the build, or None without a manifest.

        Raises:
            DataError, ConfigError: the manifest cannot be read or holds values that are unknown here.
        """
        return make_config(read_config_file(self.manifest)) if self.manifest else None

    def view(self) -> View:
        """Return what the model sees of an image: what its folder's manifest says; of a file from elsewhere, all.

        Raises:
            ConfigError: the manifest holds none.
        """
        stored = _stored(self.manifest, "config", "input") if self.manifest else None
        if stored is None:
            return PLAIN
        return make_config(parse_sections({"input": stored}, str(self.manifest))).input.view

    def pixels(self, told: tuple[float, float] | None = None) -> PixelRange | None:
        """Return what pixels are to the model: what the user says, else what its folder's manifest says, else None.

        Args:
            told: what pixels 0 and 255 are, by the user.

        Raises:
            ConfigError: `told` is no range.
            DataError: the manifest holds none.
        """
        if told is not None:
            return told_range(*told)
        stored = _stored(self.manifest, "data", "pixels")
        if stored is None:
            return None
        try:
            return told_range(float(stored["low"]), float(stored["high"]), str(stored["how"]))
        except (LookupError, TypeError, ValueError, ConfigError) as error:
            raise DataError(
                f"{self.manifest} does not say what pixels are: {json.dumps(stored)[:80]}.", hint="Compile it again."
            ) from error

    def confidence(self) -> dict[str, Any]:
        """Return what its folder's manifest says of the model's temperature and margin; nothing where it is silent.

        Raises:
            DataError: that is none.
        """
        stored = _stored(self.manifest, "confidence")
        margin = stored.get("reject_margin", 1) if isinstance(stored, dict) else 0
        if stored is not None and (type(margin) is not int or not LEAST_MARGIN <= margin <= MOST_MARGIN):
            raise DataError(
                f"{self.manifest} does not say when to refuse: its confidence is {json.dumps(stored)[:80]}, expected a "
                f"reject_margin from {LEAST_MARGIN} to {MOST_MARGIN}.",
                hint="Build or compile it again.",
            )
        return stored or {}

    @property
    def reject_margin(self) -> int:
        """The least lead that its engine accepts; 0 where it refuses nothing. Raises as `confidence`."""
        return int(self.confidence().get("reject_margin", 0))


def subject_beside(model: Path) -> Subject:
    """Return a model with the manifest beside it where it is a build's, whether or not that has its digest."""
    manifest = model.parent / MANIFEST_NAME
    described = model.name == MODEL_NAME and manifest.is_file()
    return Subject(model, manifest=manifest if described else None)


def find_subject(path: Path) -> Subject:
    """Find the model at `path`: a build's folder, the model.tflite inside one, or any .tflite.

    Raises:
        DataError: there is none, or it is not the file whose digest the folder's manifest has.
    """
    model = model_file(path)
    if path.is_dir() or (path.name == MODEL_NAME and (path.parent / MANIFEST_NAME).is_file()):
        return _in_folder(model.parent)
    return Subject(model)


def model_file(path: Path) -> Path:
    """Return the file of the model at `path`, be it named or in a build's folder.

    Raises:
        DataError: there is none.
    """
    if not path.exists():
        mend(path)
    if path.is_dir():
        if (path / MODEL_NAME).is_file():
            return path / MODEL_NAME
        known = recognise_folder(path)
        if known is not None:
            raise DataError(f"{path}: this is {known.name}, not a .tflite model.", hint=known.remedy)
        inside = sorted(entry.name for entry in path.glob("*.tflite"))
        hint = f"Did you mean {path / inside[0]}?" if inside else _GIVE
        raise DataError(f"{path} holds no {MODEL_NAME}.", hint=hint)
    if not path.exists():
        raise DataError(f"{path} does not exist.", hint=_GIVE)
    return path


def _in_folder(folder: Path) -> Subject:
    twin, manifest = folder / FLOAT_NAME, folder / MANIFEST_NAME
    if manifest.is_file():
        _check_digest(folder / MODEL_NAME, manifest)
    return Subject(
        folder / MODEL_NAME,
        twin if twin.is_file() else None,
        manifest if manifest.is_file() else None,
    )


def _check_digest(model: Path, manifest: Path) -> None:
    try:
        said = json.loads(manifest.read_text(encoding="utf-8"))["files"][MODEL_NAME]["sha256"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return  # Whoever needs the manifest's choices will tell what is wrong with it.
    if hashlib.sha256(model.read_bytes()).hexdigest() != said:
        raise DataError(
            f"{model} is not the file that {manifest} describes: its SHA-256 is another.",
            hint="Build it again, or evaluate a copy of the file outside this folder.",
        )


def _stored(manifest: Path | None, *place: str) -> Any:
    """Return what a manifest says at a place; None where it says nothing."""
    if manifest is None:
        return None
    try:
        found = json.loads(manifest.read_text(encoding="utf-8"))
        for key in place:
            found = found[key]
        return found
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None  # As above.
