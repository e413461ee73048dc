"""From what a user calls a source to digits: `load_splits` for a build, `read_source` and `select` to evaluate."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.checks import require_trainable
from edgedigits.data.contents import Contents, Part
from edgedigits.data.csv_file import read_noted_csv
from edgedigits.data.csv_width import table_hint
from edgedigits.data.digits import Digits, Splits
from edgedigits.data.emnist import is_mat, read_mat, upright
from edgedigits.data.geometry import Fitter
from edgedigits.data.idx_folder import EMNIST, has_idx, is_idx, read_idx_folder
from edgedigits.data.impostors import HEAD_BYTES, folder_hint, impostor_hint
from edgedigits.data.mixture import ingredients_of, joined_splits, mixed, parts_of
from edgedigits.data.named import NAMES, read_named
from edgedigits.data.npz import read_npz
from edgedigits.data.picture_folder import has_class_folders, has_named_pictures, read_picture_folder
from edgedigits.data.reading import exists, is_folder, listed, read_bytes, require_file
from edgedigits.data.small_sets import has_small_set, is_small_set, read_small_set
from edgedigits.data.split import Division, split_indices
from edgedigits.errors import AbsentDataError, ConfigError, DataError, nearest, shown
from edgedigits.files.paths import user_path
from edgedigits.options import JOINT
from edgedigits.progress import SILENT, Progress

SPLIT_NAMES = ("train", "validation", "test", "all")

_KINDS = "a CSV (.csv, .csv.gz), a .npz, a folder of IDX files, or a folder of PNG files in 0/ to 9/"
_MOST_FOLDERS = 50
_AS_IT_IS: dict[str, Any] = {"label_column": "", "invert": False, "transpose": False, "fit": False}
_FOLDERS = (has_idx, has_class_folders, has_small_set, has_named_pictures)
_CSV_ENDINGS = tuple(f".{kind}{packed}" for kind in ("csv", "txt") for packed in ("", ".gz", ".bz2", ".xz"))


@dataclass(frozen=True)
class Selection:
    """Digits to evaluate on, and what they are.

    Attributes:
        digits: the digits.
        source: name of the data set as a person would say it.
        split: "train", "validation", "test" or "all".
        origin: a phrase for reports, e.g. "test set of mnist" or "test split of train.csv (seed 42)".
        note: sentences on a fallback that was taken, and on digits that a model knows; may be empty.
        reading: how the source was read, as `DataConfig.reading` has it; {} where nobody filled it in.
        findings: what is unusual about the digits, one sentence each.
        trained_on: how many of them a model was trained on, those left out included; None where that is not known.
        sources: which of the digits are of which source, bool (n,) by name, where the source is of several; of the
            splits "test" and "all".
    """

    digits: Digits
    source: str
    split: str
    origin: str
    note: str = ""
    reading: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[str, ...] = ()
    trained_on: int | None = None
    sources: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)

    @property
    def notes(self) -> tuple[str, ...]:
        """All that is to be said beside a figure on these digits, one entry each."""
        return (*([self.note] if self.note else []), *self.findings)

    def to_json(self) -> dict[str, Any]:
        """Return what there is to know beside figures on these digits, as JSON values of a verb's own."""
        return {"data_note": self.note, "data_findings": list(self.findings), "trained_on": self.trained_on}


def load_splits(
    source: str,
    *,
    label_column: str = "",
    invert: bool = False,
    transpose: bool = False,
    fit: bool = False,
    progress: Progress = SILENT,
    **division: Unpack[Division],
) -> Splits:
    """Read a source and divide it, stratified by class.

    Args:
        source: a path (CSV, .npz, folder of IDX or of PNG files, .mat of EMNIST, USPS, optdigits), or "mnist",
            "mnist-5k", "auto", or several of them: see `mixture`. A name wins over a file of that name; write ./mnist
            for the file.
        label_column: only for CSV: name of the label's column, or "first" or "last".
        invert: turn black-on-white into white-on-black.
        transpose: exchange rows and columns of every image; EMNIST's are by their name, and no second time.
        fit: pictures are of any size, each to be fitted as MNIST's digits were: see `geometry`.
        progress: gets bars for downloads and many small files.
        division: shares and seed.

    Raises:
        DataError: the source is unknown, unreadable, invalid or too small.
        ConfigError: a fraction, the seed or `label_column` does not fit.
        ToolMissingError: a library for the named source is missing.
    """
    flags: dict[str, Any] = {"label_column": label_column, "invert": invert, "transpose": transpose, "fit": fit}
    contents = read_source(source, **flags, progress=progress)
    return divide(contents, **division)


def read_source(
    source: str,
    *,
    label_column: str = "",
    invert: bool = False,
    transpose: bool = False,
    fit: bool = False,
    progress: Progress = SILENT,
) -> Contents:
    """Read a source without dividing it; its arguments are those of `load_splits`.

    Raises:
        DataError, ConfigError, ToolMissingError: as `load_splits`.
    """
    if not source.strip():
        raise ConfigError("The source has no name.", hint=f"{nearest(source, NAMES)} Or {_KINDS}.")
    flags: dict[str, Any] = {"label_column": label_column, "invert": invert, "transpose": transpose, "fit": fit}
    ingredients = ingredients_of(source)
    if len(ingredients) == 1:
        (one,) = ingredients
        return _read_one(one.source, **flags | dict.fromkeys(one.words, True), progress=progress)
    found = [_read_one(one.source, **_AS_IT_IS | one.reading(**flags), progress=progress) for one in ingredients]
    return mixed(ingredients, found, **flags)


def require_source(source: str) -> None:
    """Check that what a source names is there, without reading it; names of data sets may still be downloaded.

    Raises:
        AbsentDataError: there is no such file or folder.
        ConfigError: it is written wrong.
    """
    for one in ingredients_of(source):
        if one.source not in NAMES and not exists(path := user_path(one.source)):
            raise _unknown(one.source, path)


def _read_one(
    source: str, *, label_column: str, invert: bool, transpose: bool, fit: bool, progress: Progress
) -> Contents:
    is_path = source not in NAMES
    path = user_path(source) if is_path else Path(source)
    if is_path and not exists(path):
        raise _unknown(source, path)
    if is_path and not path.is_dir():
        require_file(path)
    fitting = Fitter(dark=invert) if fit else None
    if not is_path:
        _require_fitting(source, label_column, fit=fit)
        contents = read_named(source, progress)
    elif _is_csv(path) and not (fitting is None and is_small_set(path)):
        digits, note = read_noted_csv(path, label_column, fitting)
        contents = Contents(digits, None, path.name, note, lying=EMNIST in path.name.lower())
    else:
        _require_fitting(source, label_column)
        contents = _read_path(path, fitting, progress)
    laid = upright(contents) if contents.lying else contents.transposed() if transpose else contents
    if is_path and laid.note:
        progress.say(f"data: {laid.note}")
    return laid.inverted() if invert and fitting is None else laid


def _is_csv(path: Path) -> bool:
    return path.is_file() and path.name.lower().endswith(_CSV_ENDINGS)


def _require_fitting(source: str, label_column: str, *, fit: bool = False) -> None:
    """Refuse ways to read that are not of this kind of source."""
    if label_column:
        raise ConfigError(f"{source} is not a CSV, so it has no label column '{label_column}'.", hint="Leave it out.")
    if fit:
        raise ConfigError(f"{source} is not to be fitted: its digits lie as MNIST's do.", hint="Leave out --fit.")


def require_here(source: str, manifest: Path) -> None:
    """Check that the source which a build's manifest names is here: a relative path is from where the build was called.

    Raises:
        AbsentDataError: it is not.
        ConfigError: no file can be called so.
    """
    for one in ingredients_of(source):
        if one.source not in NAMES and not (path := user_path(one.source)).is_absolute() and not exists(path):
            raise AbsentDataError(
                f"{manifest} names the digits {shown(one.source, 200)}, seen from where its build was called: not "
                "here.",
                hint="Call from there, or name them with --data.",
            )


def divide(contents: Contents, *, validation_fraction: float, test_fraction: float, seed: int) -> Splits:
    """Divide what a source holds into train, validation and test; of several sources, each by itself.

    Raises:
        DataError: there is nothing to train on, or too little.
        ConfigError: the fractions or the seed are out of range.
    """
    if contents.parts:
        division: Division = {
            "validation_fraction": validation_fraction,
            "test_fraction": test_fraction,
            "seed": seed,
        }
        return joined_splits(contents, [divide(part, **division) for part in parts_of(contents)], seed)
    if contents.train is None:
        raise DataError(
            f"{contents.name} holds a test set only, nothing to train on.",
            hint="Add its training files beside them.",
        )
    pool, own_test = contents.train, contents.test
    require_trainable(pool, contents.name)
    train, validation, test = split_indices(
        pool.labels,
        validation_fraction=validation_fraction,
        test_fraction=test_fraction if own_test is None else 0.0,
        seed=seed,
    )
    for name, part, share in (("validation", validation, validation_fraction), ("test", test, test_fraction)):
        if share and not len(part) and not (name == "test" and own_test):
            raise DataError(
                f"{contents.name} holds {len(pool)} digits: a share of {share:g} leaves none for {name}.",
                hint=f"Add digits or raise --{name}-fraction.",
            )
    held_out = pool.take(test) if own_test is None else own_test
    return Splits(pool.take(train), pool.take(validation), held_out, contents.name, contents.note)


def select(contents: Contents, split: str, **division: Unpack[Division]) -> Selection:
    """Pick one split of what a source holds: the source's own, or the very one that a build held out.

    With the division of a build the test split never has a digit that the build was trained on. A source that is a test
    set only (t10k alone) has just that one.

    Args:
        contents: what it holds.
        split: "train", "validation", "test", or "all" for every digit of the source, be it ever so small.
        division: as the build used.

    Raises:
        DataError, ConfigError: as `divide`.
    """
    name, note = contents.name, contents.note
    if split not in SPLIT_NAMES:
        raise ConfigError(f"There is no split '{split}'.", hint=nearest(split, SPLIT_NAMES))
    if split == "all":
        return Selection(contents.everything, name, split, f"all of {name}", note, sources=_owners(contents))
    if split == "test" and contents.test is not None and not contents.parts:
        return Selection(contents.test, name, split, f"test set of {name}", note)
    if split == "test" and not all(part.train for part in contents.parts):
        return _each_test(contents, division)
    splits = divide(contents, **division)
    part: Digits = getattr(splits, split)
    own = {one.name: np.isin(np.arange(len(part)), one.rows) for one in splits.sources if split == "test"}
    return Selection(part, name, split, f"{split} split of {name} (seed {division['seed']})", note, sources=own)


def _each_test(contents: Contents, division: Division) -> Selection:
    """Return the test digits of several sources of which one has no others: no build can have been of these."""
    chosen = [select(one, "test", **division) for one in parts_of(contents)]
    tested = replace(contents, parts=tuple(Part(one.source, 1.0, 0, len(one.digits)) for one in chosen))
    digits, origin = Digits.joined([one.digits for one in chosen]), JOINT.join(one.origin for one in chosen)
    return Selection(digits, contents.name, "test", origin, contents.note, sources=_owners(tested))


def _owners(contents: Contents) -> dict[str, NDArray[np.bool_]]:
    """Return which of all digits of several sources are of which, by name."""
    counts = [count for each in ("train", "test") for count in (getattr(part, each) for part in contents.parts)]
    owner = np.repeat(np.tile(np.arange(len(contents.parts)), 2), counts)
    return {part.name: owner == place for place, part in enumerate(contents.parts)}


def _read_path(path: Path, fit: Fitter | None, progress: Progress) -> Contents:
    if path.is_dir():
        if has_idx(path):
            if has_class_folders(path):
                raise DataError(
                    f"{path} holds IDX files and folders of PNG files as well.", hint="Put one of the two elsewhere."
                )
            return read_idx_folder(path, fit)
        if has_class_folders(path):
            return read_picture_folder(path, fit, progress=progress)
        if has_small_set(path):
            return read_small_set(path)
        if has_named_pictures(path):
            return read_picture_folder(path, fit, progress=progress)
        raise DataError(f"{path} holds neither IDX files nor folders 0 to 9 of PNG files.", hint=_folder_hint(path))
    if path.suffix.lower() == ".npz":
        return read_npz(path, fit)
    if is_idx(path):
        raise DataError(f"{path} is one of a pair of IDX files.", hint="Give the folder that holds both.")
    if is_small_set(path):
        return read_small_set(path)
    if is_mat(path):
        return read_mat(path)
    raise DataError(f"{path} is of no known kind.", hint=_kind_hint(path) or f"A source is {_KINDS}.")


def _kind_hint(path: Path) -> str:
    head = read_bytes(path, HEAD_BYTES)
    first_line = head.decode("utf-8", "replace").lstrip().partition("\n")[0]
    return impostor_hint(head, path.name) or table_hint(first_line)


def _folder_hint(folder: Path) -> str:
    """Name a source that lies in `folder` or in a folder in it, or say what these hold instead."""
    inside = listed(folder)
    folders = [path for path in inside if is_folder(path)][:_MOST_FOLDERS]
    with contextlib.suppress(DataError):  # of a place where one may not look
        for path in [*inside, *(deeper for within in folders for deeper in listed(within))]:
            usable = path.name.lower().endswith((*_CSV_ENDINGS, ".npz"))
            if usable or (is_folder(path) and any(has(path) for has in _FOLDERS)):
                return f"Did you mean {path}?"
        for path in (folder, *folders):
            if hint := folder_hint(path):
                return hint
    return f"A source is {_KINDS}."


def _unknown(source: str, path: Path) -> AbsentDataError:
    if "://" in source:
        return AbsentDataError(f"{shown(source, 200)} is an address.", hint="Download it, and give the file.")
    if path.suffix or path.name != source:
        siblings = [sibling.name for sibling in listed(path.parent)] if path.parent.is_dir() else []
        # By their stems: all that end with .csv are alike in a third of their letters.
        close = get_close_matches(path.stem, [Path(name).stem for name in siblings], n=1, cutoff=0.65)
        meant = next((name for name in siblings if [Path(name).stem] == close), "")
        hint = f"Did you mean '{shown(meant)}'?" if meant else "Check its path."
        return AbsentDataError(f"{shown(source, 200)} does not exist.", hint=hint)
    hint = nearest(source, NAMES)
    more = "" if hint.startswith("Did") else f" Or {_KINDS}."
    return AbsentDataError(f"There is no source '{shown(source)}', neither by name nor as a file.", hint=hint + more)
