"""What is stored is not trusted: a changed row is refused with a sentence, is never run, and never told as a finding."""

from __future__ import annotations

import json
import re
import sqlite3
from dataclasses import replace

import pytest

from edgedigits.config import DataConfig
from edgedigits.errors import DataError
from edgedigits.progress import SILENT
from edgedigits.study.findings.checked import check_trial
from edgedigits.study.report.write import write_report
from edgedigits.study.run import session
from edgedigits.study.run.cluster import Cluster
from edgedigits.study.run.data_source import describe
from edgedigits.study.run.database import DATABASE
from edgedigits.study.run.rows import seal_of
from edgedigits.study.run.session import Options, run_plan
from edgedigits.study.run.store import Store, owner_name
from tests.study.plans import small_plan
from tests.study.stand_ins import Client

DEEP = '{"a":' * 100_000 + "1" + "}" * 100_000
SPECS = [
    "json_set(spec, '$.iterations', 500)",
    "json_set(spec, '$.keep', '/etc')",
    "json_remove(spec, '$.rows')",
    "'no JSON'",
    "'null'",
    "'[]'",
    "'{\"label\": NaN}'",
    "'{\"label\": 1e999}'",
    "char(0)",
    "replace(printf('%.100000c', '[') || spec, 'x', 'y')",
]
"""Of a row that was not finished."""
ROWS = [
    *(f"spec = {value}" for value in SPECS),
    "key = '0123456789abcdef'",
    "kind = 'build'",
    "kind = 'nothing'",
    "number = 7",
    "seconds = 9.5",
    "result = '{\"dev_accuracy\": 1.0}'",
    "status = 'done'",
    "status = 'lost'",
    "seal = ''",
]
TABLES = [
    "DROP TABLE about",
    "DROP TABLE trials",
    "ALTER TABLE trials ADD COLUMN more TEXT",
    "ALTER TABLE trials RENAME COLUMN spec TO command",
    "CREATE TRIGGER run AFTER UPDATE ON trials BEGIN DELETE FROM trials; END",
    "CREATE VIEW endless AS WITH RECURSIVE n(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM n) SELECT x FROM n",
    "DROP TABLE about; CREATE VIEW about AS SELECT 'schema' AS name, '2' AS value",
    "DROP TABLE about; CREATE TABLE about (name, value); INSERT INTO about VALUES ('schema', '2')",
    "UPDATE about SET value = '1' WHERE name = 'schema'",
    "DELETE FROM about WHERE name = 'schema'",
]


class _OpenedError(Exception):
    """The study went as far as its cluster."""


@pytest.fixture(scope="module")
def digits():
    """What reading the digits of the studies gives."""
    return describe(DataConfig(source="mnist-5k"))


@pytest.fixture
def folder(digits, tmp_path, monkeypatch):
    """A study of two trials, of which none has run: its cluster cannot be opened."""

    def refuse(*_):
        raise _OpenedError

    monkeypatch.setattr(session, "describe", lambda *_: digits)
    monkeypatch.setattr(session, "open_cluster", refuse)
    with pytest.raises(_OpenedError):
        run_plan(small_plan(2), tmp_path, Options(jobs=1))
    return tmp_path


def edit(folder, statements):
    with sqlite3.connect(folder / DATABASE) as connection:
        connection.executescript(statements)
    connection.close()


def rows(folder):
    connection = sqlite3.connect(folder / DATABASE)
    found = connection.execute("SELECT * FROM trials ORDER BY number").fetchall()
    connection.close()
    return found


def run_again(folder):
    return run_plan(small_plan(2), folder, Options(jobs=1))


@pytest.mark.parametrize("change", ROWS)
def test_a_changed_row_is_refused_and_nothing_is_run(change, folder):
    edit(folder, f"UPDATE trials SET {change} WHERE number = 0")
    before = rows(folder)
    with pytest.raises(DataError, match=r"study\.sqlite was changed or is damaged: trial .*backup"):
        run_again(folder)
    with pytest.raises(DataError, match="was changed or is damaged"):
        write_report(folder, folder)
    assert rows(folder) == before


def test_deep_json_is_refused(folder):
    connection = sqlite3.connect(folder / DATABASE)
    key, number, kind = connection.execute("SELECT key, number, kind FROM trials WHERE number = 0").fetchone()
    connection.execute(
        "UPDATE trials SET spec = ?, seal = ? WHERE number = 0", (DEEP, seal_of(key, number, kind, DEEP))
    )
    connection.commit()
    connection.close()
    with pytest.raises(DataError, match="holds no JSON"):
        run_again(folder)


@pytest.mark.parametrize("change", TABLES)
def test_other_tables_are_refused(change, folder):
    edit(folder, change)
    for use in (run_again, lambda place: write_report(place, place)):
        with pytest.raises(DataError, match=r"is not the database of a study|study of another version"):
            use(folder)


@pytest.mark.parametrize("plan", ["'no JSON'", "'{}'", "'[1]'", "'[\"0123456789abcdef\"]'", "'null'"])
def test_a_plan_that_is_none_is_refused(plan, folder):
    edit(folder, f"UPDATE about SET value = {plan} WHERE name = 'plan'")
    with pytest.raises(DataError, match="was changed or is damaged: "):
        write_report(folder, folder)


def test_a_row_that_is_gone_is_missed_in_a_report(folder):
    edit(folder, "DELETE FROM trials WHERE number = 0")
    with pytest.raises(DataError, match="1 of its trials are missing"):
        write_report(folder, folder)


def reseal(folder, **changes):
    """Change the spec of the first trial as somebody would who knows how rows are sealed; return its key."""
    with Store(folder, create=False) as store:
        trial = store.trials()[0]
        spec = json.dumps({**trial.spec, **changes})
        with store._transaction() as connection:
            seal = seal_of(trial.key, trial.number, trial.kind, spec)
            connection.execute("UPDATE trials SET spec = ?, seal = ? WHERE key = ?", (spec, seal, trial.key))
        return trial.key


def test_another_spec_under_the_same_key_is_refused_whoever_sealed_it(folder):
    key = reseal(folder, iterations=500)
    with pytest.raises(DataError, match=f"trial {key} is stored as another than the plan's"):
        run_again(folder)


def test_what_runs_is_the_plan_and_not_what_is_stored(folder, monkeypatch):
    """Another label, or a place to write to, makes no other trial: the stored one is not used."""
    reseal(folder, label="other", keep="/etc", source="/etc/passwd")
    plan, ran = small_plan(2), []

    def work(trials):
        ran.extend(trials)
        return [{"key": trial["key"], "result": {"dev_accuracy": 0.5}, "seconds": 1.0} for trial in trials]

    class Opened:
        def __enter__(self):
            return Cluster(Client(work), 1, 1, "a stand-in")

        def __exit__(self, *_):
            pass

    monkeypatch.setattr(session, "open_cluster", lambda *_: Opened())
    assert run_plan(plan, folder, Options(jobs=1), SILENT).done == 2
    assert [trial["spec"] for trial in ran] == [entry.spec for entry in plan.entries]


def test_a_row_that_is_changed_while_it_runs_gets_no_result(folder):
    with Store(folder, create=False) as store:
        key = store.trials()[0].key
        store.claim(owner_name(), [key])
        edit(folder, "UPDATE trials SET spec = json_set(spec, '$.iterations', 9) WHERE number = 0")
        for end in (
            lambda: store.finish(owner_name(), key, {"x": 1}, 1.0),
            lambda: store.fail(owner_name(), key, "", 1.0),
        ):
            with pytest.raises(DataError, match="is not as it was stored"):
                end()


FIGURES = {"dev_accuracy": 0.5, "dev_confusion": [[1] * 10] * 10, "curves": {"dev": [[1, 0.5]]}}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("dev_accuracy", "0.5", "dev_accuracy is '0.5', expected a number from 0 to 1"),
        ("dev_accuracy", 1.5, "dev_accuracy is 1.5, expected a number from 0 to 1"),
        ("bytes", -1, "bytes is -1, expected a number from 0"),
        ("flash", True, "flash is True, expected a number"),
        ("dev_confusion", [[1] * 10] * 9, "expected 10 rows"),
        ("confusion", 3, "expected a list"),
        ("class_f1", [0.5] * 9, "expected a list of 10"),
        ("class_f1", [None] * 10, "expected a number"),
        ("curves", {"dev": [[1, 2, 3]]}, "expected a list of 2"),
        ("curves", [], "expected a table"),
        ("engine_note", "\x1b[2J", "expected a text"),
    ],
)
def test_figures_that_no_trial_has_are_refused(name, value, words, folder):
    with Store(folder, create=False) as store:
        for trial in store.trials():
            store.claim(owner_name(), [trial.key])
            store.finish(owner_name(), trial.key, {**FIGURES, name: value}, 1.0)
    with pytest.raises(DataError, match="of this study is none that edgedigits has made") as raised:
        write_report(folder, folder)
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (("label",), 3, "its label is 3, expected a text"),
        (("scored",), "uint8", "scored is 'uint8', expected int8 or float32"),
        (("values",), [], "values is [], expected a table"),
        (("config", "loss", "name"), None, "loss.name is None, expected a text"),
        (("config", "training", "seed"), True, "training.seed is True, expected an integer"),
        (("config", "levels"), {"weight_bits": "4"}, "levels.weight_bits is '4', expected an integer"),
        (("config", "joint"), 2, "joint is 2, expected a table"),
        (("config", "joint"), {"enabled": 1}, "joint.enabled is 1, expected true or false"),
        (("config", "prune", "sparsity"), 1.5, "prune.sparsity is 1.5, expected a number from 0 to 1"),
        (("config", "prune", "enabled"), 1, "prune.enabled is 1, expected true or false"),
        (("config", "qat", "enabled"), "yes", "qat.enabled is 'yes', expected true or false"),
    ],
)
def test_choices_that_no_build_has_are_refused(place, value, words, grid):
    trial = replace(grid[0], spec=json.loads(json.dumps(grid[0].spec)))
    check_trial(trial, (), ())
    *tables, name = place
    spec = trial.spec
    for table in tables:
        spec = spec[table]
    spec[name] = value
    with pytest.raises(DataError, match=re.escape(words)):
        check_trial(trial, (), ())
