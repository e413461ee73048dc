"""What lies in a folder that this program made: names of files, and the manifest as it is written and read."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType

from edgedigits.data.preprocess import PixelRange
from edgedigits.errors import DataError
from edgedigits.files.listing import SCHEMA, TOOL, ListedFile, list_files, seal
from edgedigits.files.typed import Share, make, read_json
from edgedigits.files.writing import write_json
from edgedigits.version import __version__

BUILD, ENGINE, TEACHER = "build", "engine", "teacher"
"""Kinds of folder: of a training with all it made, of an engine compiled from a finished model, of a teacher."""
KINDS = (BUILD, ENGINE, TEACHER)
EXPORT = "export"
"""A kind that has no manifest: other tools than this one own it once it is written."""

MANIFEST, REPORT, PAGE, PLOTS = "manifest.json", "report.json", "report.html", "plots"
MODEL, FLOAT_MODEL, TEACHER_MODEL = "model.tflite", "model_float.tflite", "teacher.keras"
ENGINE_FOLDER, MODEL_DATA, RESOLVER = "engine", "model_data.h", "tflm_resolver.h"
SEEN_DIGITS, WATCHED_DIGITS = "training_digests.bin", "validation_digests.bin"
"""As `data.fingerprints` has them: of a build, all that it was trained or chosen on; of a teacher, what weights were
fitted to, and what epochs were chosen on."""

LIBRARIES = (
    "tensorflow",
    "tf-keras",
    "tensorflow-model-optimization",
    "ai-edge-litert",
    "tflite-micro",
    "numpy",
    "scipy",
    "matplotlib",
)
_HINT = "Build or compile it again."

LEAST_MARGIN, MOST_MARGIN = 1, 255
"""Limits of a margin. At the least, ties alone are refused, whose class would be a matter of its number."""
LeastLead = Annotated[int, Meta(ge=LEAST_MARGIN, le=MOST_MARGIN)]
"""That an engine accepts, in steps of its output."""


@dataclass(frozen=True, slots=True)
class LearnedFrom:
    """What was learned from, as far as a kind of folder says it.

    Attributes:
        source, note, digest, sizes, findings: as `report.facts.DataSummary` has them.
        parts: of several sources, the digest of each.
        pixels: what pixels are to the model; None where a manifest was made to say nothing of it.
    """

    source: str | UnsetType = UNSET
    note: str | UnsetType = UNSET
    digest: str | UnsetType = UNSET
    sizes: dict[str, int] | UnsetType = UNSET
    findings: tuple[str, ...] | UnsetType = UNSET
    parts: tuple[str, ...] | UnsetType = UNSET
    pixels: PixelRange | UnsetType | None = UNSET


@dataclass(frozen=True, slots=True)
class Certainty:
    """What a program must know that uses the model.

    Attributes:
        temperature: that real logits are divided by.
        temperature_steps: the same for int8 logits; None for probabilities.
        reject_margin: below which the engine refuses.
        reject_error: wished share of wrong ones among those accepted.
    """

    temperature: float | UnsetType = UNSET
    temperature_steps: float | UnsetType | None = UNSET
    reject_margin: LeastLead | UnsetType = UNSET
    reject_error: Share | UnsetType = UNSET


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a folder says of itself; `write_manifest` and `read_manifest` take it to JSON and back.

    Attributes:
        schema: of the manifest.
        kind: BUILD, ENGINE or TEACHER.
        tool: that wrote it.
        source_date_epoch: the time of the build, seconds, where the environment gives it, so that a build repeats.
        config: the resolved choices; `edgedigits build --config manifest.json` takes them back.
        data: what was learned from.
        versions: of libraries.
        proof: what an engine was held against.
        confidence: temperature and margin.
        extensions: SHA-256 of the user's own files that shaped it, by their names in EDGEDIGITS_EXTENSIONS.
        activity: of an engine, the share of the inputs of each layer that is above its lowest value, where measured.
        scores: how well a teacher does.
        files: all others of the folder.
    """

    schema: int = SCHEMA
    kind: str = BUILD
    tool: str = TOOL
    source_date_epoch: int | UnsetType = UNSET
    config: dict[str, Any] = field(default_factory=dict)
    data: LearnedFrom = LearnedFrom()
    versions: dict[str, str] = field(default_factory=dict)
    proof: dict[str, Any] | UnsetType = UNSET
    confidence: Certainty | UnsetType = UNSET
    extensions: dict[str, str] | UnsetType = UNSET
    activity: tuple[Share, ...] | UnsetType = UNSET
    scores: dict[str, Any] | UnsetType = UNSET
    files: dict[str, ListedFile] = field(default_factory=dict)

    def lists(self, name: str, content: bytes) -> bool:
        """Tell whether a file is the one that was written."""
        return name in self.files and self.files[name].sha256 == hashlib.sha256(content).hexdigest()


def a_kind(kind: str) -> str:
    """Return a kind of folder with its article."""
    return f"an {kind}" if kind in (ENGINE, EXPORT) else f"a {kind}"


def library_versions() -> dict[str, str]:
    """Return the versions of the libraries that shape a build; those not installed are left out."""
    found = {"edgedigits": __version__}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def write_manifest(folder: Path, facts: Manifest) -> None:
    """Write manifest.json; time, versions, and the digest of every file in `folder` are put into it here."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    if re.fullmatch(r"[0-9]{1,18}", epoch := os.environ.get("SOURCE_DATE_EPOCH", "")):
        facts = replace(facts, source_date_epoch=int(epoch))
    facts = replace(facts, versions=library_versions(), files=list_files(folder, names))
    write_json(folder / MANIFEST, seal(facts))


def read_manifest(path: Path) -> Manifest:
    """Read a manifest back; one that is no JSON object says nothing: who needs its choices tells what is wrong with it.

    Raises:
        DataError: a value in it is not what this program writes there.
    """
    try:
        values = read_json(path, _HINT)
    except (OSError, DataError):
        values = None
    return make(values, Manifest, f"{path} is damaged", _HINT) if isinstance(values, dict) else Manifest()
