"""Holds a folder against itself: its list of files, their digests, its headers, and its engine against its model."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path

import numpy as np

from edgedigits.build_folder import (
    BUILD,
    ENGINE,
    ENGINE_FOLDER,
    FLOAT_MODEL,
    KINDS,
    MANIFEST,
    MODEL,
    MODEL_DATA,
    PAGE,
    PLOTS,
    read_manifest,
)
from edgedigits.devices.engine_model import check_model
from edgedigits.devices.host import find_host_compiler, run_host
from edgedigits.devices.stub import Engine, find_engine
from edgedigits.errors import CheckFailedError, EdgedigitsError, ToolMissingError
from edgedigits.files.listing import SCHEMA, NotOursError, foreign_files, in_words, list_files, read_listing
from edgedigits.model.fixed_point import Rounding
from edgedigits.model.reader import read_tflite
from edgedigits.report.facts import read_report
from edgedigits.scoring.any_model import extreme_codes, open_any, random_codes
from edgedigits.scoring.oracle import ORACLES, engine_inputs, oracle_outputs
from edgedigits.scoring.proof import LIBRARIES

RANDOM_INPUTS, SINGLE_INPUTS = 200, 200
"""That the C runs on, beside the extreme ones: more of each were run when it was written."""
_SPARED = (FLOAT_MODEL, PAGE, f"{PLOTS}/")
"""What a slim folder does without: nothing that goes onto a board is made of it."""
_BYTE = re.compile(rb"0x([0-9a-f]{2})")


class Verdict(StrEnum):
    """What a check came to."""

    HOLDS = "holds"
    FAILS = "fails"
    INCOMPLETE = "incomplete"
    UNSEEN = "not checked"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was held against another.

    Attributes:
        name: of the check.
        verdict: what it came to.
        detail: what was compared, or what is wrong.
        lacks_tool: it was not checked for want of a tool, which `detail` says how to get.
    """

    name: str
    verdict: Verdict
    detail: str
    lacks_tool: bool = False


class _IncompleteError(CheckFailedError):
    """What is there holds, and a part of what was made is not there."""


def checked(name: str, examine: Callable[[], str | None], absent: str = "") -> Check:
    """Run one check.

    Args:
        name: of it.
        examine: returns what held, None where there is nothing to hold; raises EdgedigitsError for what does not.
        absent: said where there is nothing to hold.
    """
    try:
        held = examine()
    except ToolMissingError as error:
        return Check(name, Verdict.UNSEEN, str(error), lacks_tool=True)
    except _IncompleteError as error:
        return Check(name, Verdict.INCOMPLETE, error.message)
    except EdgedigitsError as error:
        return Check(name, Verdict.FAILS, error.message)
    except (NotOursError, OSError) as error:
        return Check(name, Verdict.FAILS, f"{error}.")
    return Check(name, Verdict.HOLDS, held) if held is not None else Check(name, Verdict.UNSEEN, absent)


def check_folder(folder: Path, *, whole: bool = False) -> list[Check]:
    """Check a folder that `build` or `compile` wrote; nothing in it is changed.

    Args:
        folder: to check.
        whole: a file that is listed and not there fails, also one that slim folders do without.
    """
    return [
        checked("manifest", lambda: _manifest(folder)),
        checked("files", lambda: _files(folder, whole=whole)),
        checked("schema", lambda: _schema(folder)),
        checked("header", lambda: _header(folder), f"there is no {MODEL_DATA}"),
        checked("engine", lambda: _engine(folder), f"there is no {ENGINE_FOLDER}/"),
    ]


def _manifest(folder: Path) -> str:
    listing = read_listing(folder / MANIFEST, (BUILD, ENGINE))
    return f"of a folder that {'edgedigits compile' if listing.kind == ENGINE else 'edgedigits build'} wrote, unchanged"


def _files(folder: Path, *, whole: bool) -> str:
    listing = read_listing(folder / MANIFEST, KINDS)
    there = [name for name in listing.files if (folder / name).is_file()]
    found = list_files(folder, there)
    changed = [name for name in there if found[name].sha256 != listing.files[name]]
    if changed:
        raise CheckFailedError(
            f"{in_words(changed)}: not as the manifest lists {'it' if len(changed) == 1 else 'them'}."
        )
    gone = [name for name in listing.files if name not in there]
    if MODEL in gone:
        raise CheckFailedError(f"{MODEL} is not there.")
    further = [name for name in foreign_files(folder, listing, MANIFEST) if name not in there]
    words = (f"not there: {in_words(gone)}" if gone else "", f"not listed: {in_words(further)}" if further else "")
    found_so = "; ".join((f"{len(there)} as listed", *filter(None, words)))
    if gone and whole:
        raise CheckFailedError(f"{found_so}.")
    if any(not name.startswith(_SPARED) for name in gone):
        raise _IncompleteError(f"{found_so}.")
    return found_so


def _schema(folder: Path) -> str:
    manifest = read_manifest(folder / MANIFEST)
    if manifest.kind != BUILD:
        return f"{MANIFEST}, schema {manifest.schema}"
    read_report(folder)
    return f"{MANIFEST} and report.json, schema {SCHEMA}"


def _header(folder: Path) -> str | None:
    if not (folder / MODEL_DATA).is_file():
        return None
    text, model = (folder / MODEL_DATA).read_bytes(), (folder / MODEL).read_bytes()
    stored = bytes(int(found[1], 16) for found in _BYTE.finditer(text.rpartition(b"{")[2]))
    if stored != model:
        raise CheckFailedError(f"{MODEL_DATA} holds {len(stored):,} bytes that are not those of {MODEL}.")
    return f"{MODEL_DATA} has the {len(model):,} bytes of {MODEL}"


def _engine(folder: Path) -> str | None:
    if not (folder / ENGINE_FOLDER).is_dir():
        return None
    engine = find_engine(folder)
    check_model(engine, folder / MODEL)
    return _run_engine(engine, folder / MODEL)


def _run_engine(engine: Engine, path: Path) -> str:
    """Run the C on this machine, its own vectors included, and hold every byte against the interpreter."""
    compiler = find_host_compiler()
    model, rounding = open_any(read_tflite(path)), engine.facts.rounding
    size = model.input.size
    codes = np.concatenate([extreme_codes(size, SINGLE_INPUTS), random_codes(RANDOM_INPUTS, size)])
    expected = oracle_outputs(model, codes, rounding)
    found, how = run_host(compiler, engine, engine_inputs(model, codes))
    if differing := int(np.count_nonzero(found != expected)):
        raise CheckFailedError(f"{differing:,} of {expected.size:,} output bytes are not those of {ORACLES[rounding]}.")
    oracle = f"{ORACLES[rounding]}, {version(LIBRARIES[Rounding(rounding)])}"
    return f"its self-test, and {expected.size:,} output bytes of {len(codes):,} inputs equal to {oracle}; {how}"
