"""Whatever is in a study's database: opening, reading and reporting end with an answer or with a sentence."""

from __future__ import annotations

import json
import sqlite3

import numpy as np
import pytest

from edgedigits.errors import EdgedigitsError
from edgedigits.study.findings.insights import find_insights
from edgedigits.study.plan.grid import plan_grid
from edgedigits.study.report.page import render_study
from edgedigits.study.report.pictures import study_pictures
from edgedigits.study.report.write import csv_text, trials_text
from edgedigits.study.run.database import DATABASE
from edgedigits.study.run.rows import seal_of
from edgedigits.study.run.store import Store, owner_name
from edgedigits.study.trial_kind import plan_builds
from tests.cases import MANY_CASES
from tests.study.made_up import figures, float_figures

ODD = [
    None, True, False, -1, 0, 2**70, 1e308, -1e-300, "", "\x00", "\ud800", "x" * 5000, [], {}, [[]], [None], {"": {}},
    "NaN", [1, [2, [3]]], {"dev": [[1, 2]]}, [[1] * 10] * 10, [0.5] * 10, "published", "build", "../../etc", 10**400,
]  # fmt: skip
CELLS = [None, b"\xff\xfe", "", "{", "[1e999]", "\udcff", 10**18, -1, 1e308, "done", "running", "h/1/2", "h", "a/b/c"]
COLUMNS = ("key", "number", "kind", "spec", "status", "attempts", "owner", "beat", "seconds", "error", "result", "seal")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Return the bytes of a study's database with trials in every state, and its trials."""
    folder = tmp_path_factory.mktemp("sound")
    tables = {"axes": {"loss": ["mse", "focal"], "quantization": ["none", "qat"], "seed": [1, 2]}}
    entries = plan_builds("grid", plan_grid(tables, "x")).entries
    keys = [f"{number:016x}" for number in range(len(entries))]
    with Store(folder, create=True) as store:
        for name, value in (("study", "grid"), ("code", "x"), ("data mnist", "d" * 64)):
            store.set_about(name, value)
        store.add((key, entry.kind, entry.spec) for key, entry in zip(keys, entries, strict=True))
        store.set_plan(keys)
        store.claim(owner_name(), keys[:-1])
        for number, key in enumerate(keys[:-2]):
            result = {**figures(0.9 + number / 100), **float_figures(0.92)}
            store.finish(owner_name(), key, result, 1.0)
        store.fail(owner_name(), keys[-2], "boom", 1.0)
        trials = store.planned_trials()
        store._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return (folder / DATABASE).read_bytes(), trials


def flipped(content, random):
    """Return the file with some bytes changed, most of them in one page."""
    raw = bytearray(content)
    page = 4096 * int(random.integers(len(raw) // 4096))
    start, end = (page, page + 4096) if random.random() < 0.7 else (0, len(raw))
    for place in random.integers(start, end, size=int(random.integers(1, 30))):
        raw[place] = random.integers(256)
    return bytes(raw)


def cut(content, random):
    """Return the file with a stretch left out, doubled or blanked."""
    start, end = sorted(random.integers(0, len(content), size=2))
    middle = random.choice([b"", content[start:end] * 2, bytes(end - start)])
    return content[:start] + middle + content[end:]


def edited(folder, random):
    """Set a cell of a row, or of the facts about the study, to something odd."""
    connection = sqlite3.connect(folder / DATABASE)
    value = CELLS[random.integers(len(CELLS))]
    column = COLUMNS[random.integers(len(COLUMNS))]
    statements = (
        (f"UPDATE trials SET {column} = ? WHERE number = ?", (value, int(random.integers(8)))),
        ("UPDATE about SET value = ? WHERE rowid = ?", (value, int(random.integers(1, 6)))),
        ("DELETE FROM trials WHERE number = ?", (int(random.integers(8)),)),
    )
    try:
        connection.execute(*statements[random.choice(3, p=(0.8, 0.15, 0.05))])
        connection.commit()
    except (sqlite3.Error, UnicodeError):
        pass  # SQLite itself refuses it: another case is tried.
    connection.close()


def resealed(folder, random):
    """Put something odd somewhere into the JSON of a row, and seal it as this tool would."""
    connection = sqlite3.connect(folder / DATABASE)
    number, column = int(random.integers(6)), ("spec", "result")[random.integers(2)]
    key, kind, seconds, *texts = connection.execute(
        "SELECT key, kind, seconds, spec, result FROM trials WHERE number = ?", (number,)
    ).fetchone()
    values = dict(zip(("spec", "result"), texts, strict=True))
    values[column] = json.dumps(replaced(json.loads(values[column]), random))
    seal = seal_of(key, number, kind, values["spec"], values["result"], seconds)
    connection.execute(
        "UPDATE trials SET spec = ?, result = ?, seal = ? WHERE number = ?",
        (values["spec"], values["result"], seal, number),
    )
    connection.commit()
    connection.close()


def replaced(value, random):
    """Return JSON values with one of them, anywhere in there, replaced."""
    odd = ODD[random.integers(len(ODD))]
    if not isinstance(value, (dict, list)) or not value or random.random() < 0.05:
        return odd
    places = list(value) if isinstance(value, dict) else range(len(value))
    place = places[random.integers(len(places))]
    if isinstance(value, dict) and random.random() < 0.1:
        return {name: one for name, one in value.items() if name != place}
    copy = value.copy()
    copy[place] = replaced(value[place], random)
    return copy


def use(folder, sound, *, draw):
    """Do what reports and runs do; findings of what is as it was are known."""
    with Store(folder, create=False) as store:
        name, trials = store.about("study"), store.planned_trials()
        store.counts()
        store.waiting([trial.key for trial in trials])
    if [trial for trial in trials if trial not in sound]:
        insights = find_insights(name, trials)
        plots = study_pictures(insights)
        render_study(insights, () if not draw else plots)
        assert csv_text(insights)
        assert trials_text(insights)
    with Store(folder, create=True) as store:
        store.check({})
        keys = [trial.key for trial in store.trials()]
        store.retry_failed(keys)
        for trial in store.claim(owner_name(), keys):
            store.finish(owner_name(), trial.key, {"x": 1}, 1.0)


def fuzz(study, folder, cases, seed):
    content, trials = study
    random = np.random.default_rng(seed)
    ends = {"answer": 0, "sentence": 0}
    for number in range(cases):
        for path in folder.glob(f"{DATABASE}*"):
            path.unlink()
        kind = random.choice(4, p=(0.4, 0.1, 0.4, 0.1))
        changed = (flipped, cut)[kind](content, random) if kind < 2 else content
        (folder / DATABASE).write_bytes(changed)
        if kind >= 2:
            (edited, resealed)[kind - 2](folder, random)
        try:
            use(folder, trials, draw=number % 500 == 0)
            ends["answer"] += 1
        except EdgedigitsError as error:
            assert "\n" not in error.message
            ends["sentence"] += 1
    return ends


@pytest.mark.slow
def test_a_damaged_database_ends_in_a_sentence(study, tmp_path):
    ends = fuzz(study, tmp_path, 300, seed=1)
    assert min(ends.values()) > 20, ends


@pytest.mark.slow
def test_thousands_of_damaged_databases_end_in_a_sentence(study, tmp_path):
    ends = fuzz(study, tmp_path, MANY_CASES, seed=2)
    assert min(ends.values()) > MANY_CASES / 10, ends
