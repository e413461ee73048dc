"""The digits to try a model on: its build's own test split, or others without those that it was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.config import BuildConfig, DataConfig
from edgedigits.data.fingerprints import fingerprints
from edgedigits.data.inspection import findings_on_selection
from edgedigits.data.load import Selection, read_source, require_here, select
from edgedigits.data.mixture import ingredients_of
from edgedigits.data.mnist import TEST_DIGEST, find_mnist
from edgedigits.errors import DataError, EdgedigitsError
from edgedigits.progress import SILENT, Progress
from edgedigits.scoring.record import TrainingRecord, training_record
from edgedigits.scoring.subject import Subject


def load_subject_digits(
    subject: Subject,
    source: str = "",
    *,
    split: str = "test",
    progress: Progress = SILENT,
    **reading: Any,
) -> Selection:
    """Read and examine the digits to evaluate on; none that the build was trained on is among them unless asked for.

    The build's own test split is taken as it is, since its own report counts it so; were some of its pictures among
    the training digits as well, the note says how many. Of other digits, those that the build was trained on are left
    out; by `split` "all" they are kept, and counted in the note.

    Args:
        subject: what is evaluated.
        source: a path or a name, as `edgedigits.data.load` takes it; by default the build's own, else "auto".
        split: "test", or "all" for every digit of the source.
        progress: gets bars for downloads, and what is unusual about the digits.
        reading: label_column, invert, transpose, fit, as for `load_splits`; None, or left out, as the build did, or on
            other sources the default.

    Returns:
        The digits. Fractions and seed are the build's, so that the test split is the one it held out.

    Raises:
        DataError, ConfigError, ToolMissingError: as `read_source`, or the manifest cannot be read, or the build was
            trained on every one of the digits.
    """
    chosen, own = _read(subject, source, split, reading, progress)
    return without_learned(chosen, subject, split, own=own)


def without_learned(chosen: Selection, subject: Subject, split: str = "test", *, own: bool = False) -> Selection:
    """Return digits without those that a model was trained on, as `load_subject_digits` does, and say so.

    Args:
        chosen: the digits.
        subject: where the model is from.
        split: "test", or "all" to keep them all.
        own: they are the test split of the build's own source.

    Raises:
        DataError: the manifest cannot be read, or the build was trained on every one of the digits.
    """
    record = training_record(subject)
    known = record.knows(chosen.digits.images)
    if known is None:
        return chosen if _held_out(chosen, record) else _noted(chosen, _unknown(subject))
    chosen = replace(chosen, trained_on=int(known.sum()))
    if not known.any():
        return chosen
    if split == "all" or (own and _held_out(chosen, record)):
        return _noted(chosen, f"{_these(known)} the build was trained on: figures flatter.")
    if known.all():
        raise DataError(
            f"The build was trained on every one of the {len(known):,} digits of {chosen.origin}.",
            hint="Name other digits, or score these all the same with --split all.",
        )
    changed = f"{chosen.source} was changed since the build; " if own else ""
    return _noted(_without(known, chosen), f"{changed}{_these(known)} the build was trained on: left out.")


def digits_at_hand(subject: Subject) -> tuple[Selection | None, str]:
    """Return the digits of a build's own test split where they are on this machine; else None, and why."""
    try:
        config = subject.config()
        named = ingredients_of(config.data.source) if config else ()
        if any(one.source == "mnist" for one in named) and find_mnist() is None:
            return None, "MNIST is not on this machine."
        return load_subject_digits(subject), ""
    except EdgedigitsError as error:
        return None, f"{error.message.rstrip('.')}."


def load_for_all(
    subjects: Sequence[Subject], source: str = "", *, progress: Progress = SILENT, **reading: Any
) -> Selection:
    """Read the digits to compare builds on: those of the first one's test split that none of them was trained on.

    Args:
        subjects: the builds; of each it is recorded which images it was trained on.
        source: as for `load_subject_digits`, seen from the first.
        progress: the same.
        reading: the same.

    Returns:
        The digits; none where the builds know them all, which the note then says.

    Raises:
        DataError: of a build it is not recorded.
        DataError, ConfigError, ToolMissingError: as `load_subject_digits`.
    """
    seen = []
    for subject in subjects:
        record = training_record(subject)
        if record.seen is None:
            raise DataError(f"Which images {subject.place} was trained on is not known.", hint="Build it again.")
        seen.append(record.seen)
    chosen, _ = _read(subjects[0], source, "test", reading, progress)
    known = np.isin(fingerprints(chosen.digits.images), np.concatenate(seen))
    chosen = replace(chosen, trained_on=int(known.sum()))
    if not known.any():
        return chosen
    end = "there is nothing left to test on" if known.all() else "left out"
    return _noted(_without(known, chosen), f"{_these(known)} one of the builds was trained on: {end}.")


def _read(
    subject: Subject, source: str, split: str, asked: dict[str, Any], progress: Progress
) -> tuple[Selection, bool]:
    """Return the digits with what is unusual about them, and whether they are the test split of the build's source."""
    config = subject.config() or BuildConfig()
    if subject.manifest and not source:
        require_here(config.data.source, subject.manifest)
    own = not source or _same_source(source, config.data.source)
    given = {name: value for name, value in asked.items() if value is not None}
    reading = (config.data if own else DataConfig()).reading | given
    contents = read_source(source or config.data.source, progress=progress, **reading)
    chosen = select(contents, split, seed=config.training.seed, **config.data.division)
    chosen = replace(chosen, reading=reading, findings=findings_on_selection(chosen, reading, progress))
    return chosen, own and split == "test" and subject.manifest is not None


def _same_source(first: str, second: str) -> bool:
    one, other = ([replace(part, source=part.key) for part in ingredients_of(source)] for source in (first, second))
    return one == other


def _held_out(chosen: Selection, record: TrainingRecord) -> bool:
    """Tell whether a build held these very digits out, or everybody does: nobody trains on the test set of MNIST."""
    return chosen.digits.digest in (record.test_digest, TEST_DIGEST)


def _without(known: NDArray[np.bool_], chosen: Selection) -> Selection:
    return replace(
        chosen,
        digits=chosen.digits.take(np.flatnonzero(~known)),
        sources={name: own[~known] for name, own in chosen.sources.items()},
        origin=f"{chosen.origin}, without {int(known.sum()):,} that were trained on",
    )


def _these(known: NDArray[np.bool_]) -> str:
    count = int(known.sum())
    return f"{count:,} of the {len(known):,} digits {'is one' if count == 1 else 'are ones'} that"


def _unknown(subject: Subject) -> str:
    return f"Whether some of these digits were trained on is not known of {subject.place}; if so, figures flatter."


def _noted(chosen: Selection, remark: str) -> Selection:
    return replace(chosen, note=f"{chosen.note} {remark}".strip())
