"""Configs, manifests and reports that were damaged or made up: read, or refused with one sentence; nothing else.

Seeded: number N of a kind is always the same. A few hundred of each run by default, thousands with `-m slow`.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from edgedigits.artifacts import new_folder
from edgedigits.build_folder import BUILD
from edgedigits.config import SECTIONS, BuildConfig
from edgedigits.config_file import make_config, read_config_file, to_tables
from edgedigits.errors import DataError, EdgedigitsError
from edgedigits.files.listing import NotOursError, read_listing
from edgedigits.report.compare import read_build
from edgedigits.scoring.subject import find_subject, subject_beside
from edgedigits.stages.catalogue import build_folder, slug
from tests.cases import MANY_CASES
from tests.tflite_builder import random_mlp

REFERENCE = Path(__file__).parents[1] / "deploy" / "reference"
MANIFEST = json.loads((REFERENCE / "manifest.json").read_text())
REPORT = json.loads((REFERENCE / "report.json").read_text())
# Without curves and histograms, which are long.
REPORT |= {"histograms": REPORT["histograms"][:1], "mistakes": REPORT["mistakes"][:2], "stages": []}

SOME, MANY = range(300), range(MANY_CASES)
VALUES = [None, True, False, 0, -1, 3, 10**30, 1 << 60_000, -(10**400), 0.5, -0.0, 1e308, float("nan"), float("inf")]
VALUES += [
    "",
    "x",
    "0,8",
    "80%",
    "focal",
    "auto",
    "~nosuchuser/x",
    "a\0b",
    "\ud800",
    "x" * 5000,
    "9" * 5000,
    "\x1b[2J\n",
]
VALUES += [
    [],
    {},
    [[]],
    [0.5] * 10,
    [1] * 11,
    ["32", 16],
    {"a": 1},
    [{"a": [None]}],
    {"hidden_1": 0.5},
    [["hidden_1", 1]],
]
TOML = ["0x" + "f" * 20_000, "1" * 5000, "nan", "-inf", "1979-05-27", "07:32:00", "1979-05-27T07:32:00Z", "[[[]]]"]
TOML += [
    "{a = 1}",
    "{}",
    '"\\u0000"',
    '"""\n"""',
    "'\\'",
    "[" * 3000,
    "0o7",
    "1e400",
    "true",
    '"\\U0010FFFF"',
    "=",
    "é",
    "",
]
JUNK = ["\0", "\n", "[", "]", '"', "'", "=", "{", ",", "\\", "#", "\ufeff", "\u2028", "[[a]]\n", "[loss]\n", "1" * 30]


def toml_text(dice: random.Random) -> str:
    """Return a file of many options, some with values that are none, and damage to its text."""
    lines = []
    for section in dice.sample(sorted(SECTIONS), dice.randint(1, len(SECTIONS))):
        lines.append(f"[{section}]")
        options = fields(SECTIONS[section])
        for one in dice.sample(options, min(dice.randint(0, 2), len(options))):
            default = json.dumps(list(one.default) if isinstance(one.default, tuple) else one.default)
            lines.append(f"{one.name} = {dice.choice([default, dice.choice(TOML), dice.choice(TOML)])}")
    return damaged("\n".join(lines), dice) if dice.random() < 0.4 else "\n".join(lines)


def damaged(text: str, dice: random.Random) -> str:
    """Return a text in which some places are cut out, doubled or filled with junk."""
    for _ in range(dice.randint(1, 4)):
        start = dice.randrange(len(text) + 1)
        end = min(len(text), start + dice.choice([0, 1, 5, 40]))
        text = text[:start] + dice.choice([*JUNK, "", text[start:end] * 2]) + text[end:]
    return text


def json_text(facts: Any, dice: random.Random) -> str:
    """Return facts some of which are others now, as JSON; sometimes with damage to the text."""
    facts = json.loads(json.dumps(facts))
    for _ in range(dice.randint(1, 4)):
        change(facts, dice)
    text = json.dumps(facts) if dice.random() < 0.9 else "[" * dice.choice([10, 900, 100_000])
    return damaged(text, dice) if dice.random() < 0.3 else text


def change(facts: Any, dice: random.Random) -> None:
    """Walk into nested facts at random, and remove or replace what is there."""
    while facts:
        key = dice.choice(sorted(facts)) if isinstance(facts, dict) else dice.randrange(len(facts))
        inside = facts[key]
        if isinstance(inside, (dict, list)) and inside and dice.random() < 0.85:
            facts = inside
        elif dice.random() < 0.2:
            del facts[key]
            return
        else:
            # A copy: what is put in may be walked into and changed as well.
            facts[key] = writable(copy.deepcopy(dice.choice(VALUES)))
            return


def writable(value: Any) -> Any:
    """Return a value as JSON can hold it in few words: Python writes no endless integer."""
    return 10**4000 if isinstance(value, int) and abs(value) > 10**4000 else value


def read_or_refuse(read: Callable[[], Any], seen: set[type]) -> None:
    try:
        read()
        seen.add(type(None))
    except EdgedigitsError as error:
        seen.add(type(error))
        assert error.message and len(str(error)) < 1000, str(error)


def use(config: BuildConfig) -> None:
    """Ask a config for all that a build asks it for before it trains."""
    json.dumps(to_tables(config))
    for section, kind in SECTIONS.items():
        for one in fields(kind):
            config.missing_need(section, one.name)
    assert (
        slug(config)
        and build_folder(config).parts
        and config.peak_learning_rate > 0
        and config.target_sparsity is not None
    )


def fuzz_toml(folder: Path, numbers: range) -> set[type]:
    seen: set[type] = set()
    for number in numbers:
        path = folder / "a.toml"
        path.write_bytes(toml_text(random.Random(f"toml {number}")).encode("utf-8", "surrogatepass"))
        read_or_refuse(lambda path=path: use(make_config(read_config_file(path))), seen)
    return seen


def fuzz_manifest(folder: Path, numbers: range) -> set[type]:
    seen: set[type] = set()
    (folder / "it").mkdir()
    (folder / "it" / "model.tflite").write_bytes(random_mlp(0, sizes=(784, 10)))
    for number in numbers:
        dice = random.Random(f"manifest {number}")
        # The long list of files is drawn as often as all else.
        facts = MANIFEST if dice.random() < 0.5 else {"config": MANIFEST["config"]}
        path = folder / "it" / "manifest.json"
        path.write_text(json_text(facts, dice))
        read_or_refuse(lambda path=path: use(make_config(read_config_file(path))), seen)
        read_or_refuse(lambda: find_subject(folder / "it").config(), seen)
        beside = subject_beside(folder / "it" / "model.tflite")
        for read in (beside.pixels, beside.view, lambda beside=beside: beside.reject_margin):
            read_or_refuse(read, seen)
        read_or_refuse(lambda: find_subject(folder / "it" / "model.tflite").config(), seen)
        try:
            read_listing(path, (BUILD,))
        except NotOursError as error:
            assert len(str(error)) < 300
        with pytest.raises(DataError), new_folder(folder / "it", force=True):
            pass
        assert (folder / "it" / "model.tflite").is_file(), "what is not listed so is never removed"
    return seen


def fuzz_report(folder: Path, numbers: range) -> set[type]:
    seen: set[type] = set()
    for number in numbers:
        (folder / "report.json").write_text(json_text(REPORT, random.Random(f"report {number}")))
        read_or_refuse(lambda: read_build(folder), seen)
    return seen


KINDS = [fuzz_toml, fuzz_manifest, fuzz_report]


@pytest.mark.parametrize("fuzz", KINDS)
def test_whatever_a_file_holds_it_is_read_or_refused_in_one_sentence(tmp_path, fuzz):
    assert {type(None), DataError} <= fuzz(tmp_path, SOME)


@pytest.mark.slow
@pytest.mark.parametrize("fuzz", KINDS)
def test_many_more(tmp_path, fuzz):
    assert {type(None), DataError} <= fuzz(tmp_path, MANY)
