"""What is evaluated: a build's files, or any .tflite."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgedigits.artifacts import mend
from edgedigits.build_folder import FLOAT_MODEL, MANIFEST, MODEL, Manifest, read_manifest
from edgedigits.config import BuildConfig
from edgedigits.config_file import make_config, parse_sections, read_config_file
from edgedigits.data.preprocess import PixelRange
from edgedigits.errors import ConfigError, DataError
from edgedigits.model.formats import recognise_folder
from edgedigits.scoring.pixels import told_range
from edgedigits.view import PLAIN, View

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

    @property
    def said(self) -> Manifest:
        """What the manifest says, nothing without one; raises DataError as `read_manifest`."""
        return read_manifest(self.manifest) if self.manifest else Manifest()

    def view(self) -> View:
        """Return what the model sees of an image: what its folder's manifest says; of a file from elsewhere, all.

        Raises:
            DataError, ConfigError: the manifest holds none.
        """
        stored = self.said.config.get("input")
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
        if not (stored := self.said.data.pixels):
            return None
        try:
            return told_range(stored.low, stored.high, stored.how)
        except ConfigError as error:
            raise DataError(
                f"{self.manifest} does not say what pixels are: {error.message}", hint="Compile it again."
            ) from error

    @property
    def cores(self) -> tuple[str, ...]:
        """Those whose cycles its engine is packed by; none where nobody chose any.

        Raises:
            DataError, ConfigError: the manifest holds none.
        """
        engine = self.said.config.get("engine")
        stored = engine.get("core", ()) if isinstance(engine, dict) else ()
        return make_config(parse_sections({"engine": {"core": stored}}, str(self.manifest))).engine.core

    @property
    def reject_margin(self) -> int:
        """The least lead that its engine accepts; 0 where it refuses nothing. Raises as `said`."""
        confidence = self.said.confidence
        return (confidence and confidence.reject_margin) or 0


def subject_beside(model: Path) -> Subject:
    """Return a model with the manifest beside it where it is a build's, whether or not that has its digest."""
    manifest = model.parent / MANIFEST
    described = model.name == MODEL and manifest.is_file()
    return Subject(model, manifest=manifest if described else None)


def find_subject(path: Path) -> Subject:
    """Find the model at `path`: a build's folder, the model.tflite inside one, or any .tflite.

    Raises:
        DataError: there is none, or it is not the file whose digest the folder's manifest has.
    """
    model = model_file(path)
    if path.is_dir() or (path.name == MODEL and (path.parent / MANIFEST).is_file()):
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
        if (path / MODEL).is_file():
            return path / MODEL
        known = recognise_folder(path)
        if known is not None:
            raise DataError(f"{path}: this is {known.name}, not a .tflite model.", hint=known.remedy)
        inside = sorted(entry.name for entry in path.glob("*.tflite"))
        hint = f"Did you mean {path / inside[0]}?" if inside else _GIVE
        raise DataError(f"{path} holds no {MODEL}.", hint=hint)
    if not path.exists():
        raise DataError(f"{path} does not exist.", hint=_GIVE)
    return path


def _in_folder(folder: Path) -> Subject:
    twin, manifest = folder / FLOAT_MODEL, folder / MANIFEST
    if manifest.is_file():
        _check_digest(folder / MODEL, manifest)
    return Subject(
        folder / MODEL,
        twin if twin.is_file() else None,
        manifest if manifest.is_file() else None,
    )


def _check_digest(model: Path, manifest: Path) -> None:
    said = read_manifest(manifest)
    if MODEL in said.files and not said.lists(MODEL, model.read_bytes()):
        raise DataError(
            f"{model} is not the file that {manifest} describes: its SHA-256 is another.",
            hint="Build it again, or evaluate a copy of the file outside this folder.",
        )
