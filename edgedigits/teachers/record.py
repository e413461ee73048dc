"""What lies in a teacher's folder, and whether it learned digits that a student holds out."""

from __future__ import annotations

import hashlib
import shlex
from pathlib import Path

import numpy as np

from edgedigits.build_folder import KINDS, MANIFEST, SEEN_DIGITS, TEACHER, TEACHER_MODEL, WATCHED_DIGITS, a_kind
from edgedigits.config import BuildConfig
from edgedigits.data.digits import Splits
from edgedigits.data.fingerprints import Fingerprints, count_known, fingerprints, pack, unpack
from edgedigits.errors import DataError
from edgedigits.files.listing import NotOursError, read_listing
from edgedigits.files.paths import user_path
from edgedigits.progress import SILENT, Progress
from edgedigits.recipes import OWN_TEACHER

_GIVE = "Give a folder that `edgedigits teacher` wrote, or a Keras model (.keras)."


def find_model(place: str) -> Path:
    """Return the file of the model at `place`: a teacher's folder, or a file.

    Raises:
        DataError: there is none, or the folder is not as `edgedigits teacher` left it.
    """
    path = user_path(place)
    if not path.exists():
        raise DataError(f"{place} does not exist.", hint=_GIVE)
    if not path.is_dir():
        return path
    _checked(path, TEACHER_MODEL)
    return path / TEACHER_MODEL


def write_record(splits: Splits, folder: Path) -> None:
    """Write down in a teacher's folder what it learned and what it was watched on."""
    for name, part in ((SEEN_DIGITS, splits.train), (WATCHED_DIGITS, splits.validation)):
        (folder / name).write_bytes(pack(fingerprints(part.images)))


def findings_on_teacher(config: BuildConfig, splits: Splits, progress: Progress = SILENT) -> list[str]:
    """Look at the teacher of a build; say what is unusual, and return it, one sentence each.

    Args:
        config: of the build.
        splits: the student's digits.
        progress: is told.

    Raises:
        DataError: there is no such teacher; or it learned digits that the student holds out, and which the student does
            not learn itself: no figure on them would count.
    """
    if config.teacher in ("", OWN_TEACHER):
        return []
    model = find_model(config.teacher)
    folder = model.parent
    if model.name != TEACHER_MODEL or not (folder / MANIFEST).is_file():
        finding = f"Nobody knows which digits the teacher {config.teacher} learned: those held out may be among them."
        progress.say(f"data: {finding}")
        return [finding]
    learned, watched = (unpack(_checked(folder, name)) for name in (SEEN_DIGITS, WATCHED_DIGITS))
    _refuse_known(config, "validation", splits, learned)
    _refuse_known(config, "test", splits, np.concatenate([learned, watched]))
    return []


def _refuse_known(config: BuildConfig, split: str, splits: Splits, known: Fingerprints) -> None:
    images = getattr(splits, split).images
    if count := count_known(images, known, splits.train.images):
        raise DataError(
            f"The teacher {config.teacher} knows {count:,} of the {len(images):,} digits of the {split} split, "
            "on which no figure would count.",
            hint=f"Train it on the same digits with the same seed: edgedigits teacher "
            f"--data {shlex.quote(config.data.source)} --seed {config.training.seed}",
        )


def _checked(folder: Path, name: str) -> bytes:
    """Return what a file of a teacher's folder holds.

    Raises:
        DataError: the folder is no teacher's, or the file is not the one that was written.
    """
    try:
        listing = read_listing(folder / MANIFEST, KINDS)
        if listing.kind != TEACHER:
            raise DataError(f"{folder} holds {a_kind(listing.kind)}, expected a teacher.", hint=_GIVE)
        content = (folder / name).read_bytes()
    except NotOursError as error:
        raise DataError(f"{folder} is no teacher: {error}.", hint=_GIVE) from None
    except OSError as error:
        raise DataError(
            f"{folder / name} cannot be read: {error.strerror}.", hint="Train the teacher again."
        ) from error
    if hashlib.sha256(content).hexdigest() != listing.files.get(name):
        raise DataError(
            f"{folder / name} is not the file that its {MANIFEST} describes.", hint="Train the teacher again."
        )
    return content
