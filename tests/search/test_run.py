"""A search is resumed where it ended, however it ended, and gives the same again."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from edgedigits.devices.gates import Limits
from edgedigits.errors import CheckFailedError, ConfigError, DataError
from edgedigits.progress import SILENT
from edgedigits.search.memory import JOURNAL, RANDOM_FIRST
from edgedigits.search.run import _entry, search
from edgedigits.search.space import Space
from edgedigits.search.trial_kind import FLOORS, GIVEN_UP
from edgedigits.study.run.database import DATABASE
from edgedigits.study.run.store import Store
from tests.search.made_up import CHOICES, answered, on, searched

MANY = replace(CHOICES, trials=RANDOM_FIRST + 2)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        on(patch, answered)
        return searched(tmp_path_factory.mktemp("search") / "s", MANY)


def test_another_seed_gives_other_trials(uninterrupted, tmp_path, monkeypatch):
    """The same seed gives the same, as the tests below have it."""
    on(monkeypatch, answered)
    base = {**CHOICES.base, "training": {"seed": 2}}
    assert searched(tmp_path, replace(CHOICES, base=base))[4:] != uninterrupted[4:8]


def test_the_recipes_come_first(uninterrupted):
    budgets = [values["budget_constants"] for _, _, values in uninterrupted[:4]]
    assert budgets == [7168, 3584, 1792, 896]


@pytest.mark.parametrize(
    ("constants", "copies", "epochs"), [(900, 12, 120), (8192, 16, 100), (12_288, 16, 100), (27_648, 16, 100)]
)
def test_no_trial_is_as_patient_as_a_build_of_its_own(constants, copies, epochs):
    """Nor does each train a teacher first."""
    point = next(Space(320, constants, 10**6).first_points())
    told = _entry(point, CHOICES).spec["config"]
    assert (told["training"]["augment_copies"], told["joint"]["epochs"]) == (copies, epochs)
    assert told["distill"]["teacher"] == ""


@pytest.mark.parametrize("at", [1, RANDOM_FIRST + 1])
@pytest.mark.slow
def test_an_interrupted_search_goes_on_as_it_would_have(at, uninterrupted, tmp_path, monkeypatch):
    runs = []

    def work(trials):
        runs.append(trials)
        if len(runs) == at:
            raise KeyboardInterrupt
        return answered(trials)

    client = on(monkeypatch, work)
    with pytest.raises(KeyboardInterrupt):
        searched(tmp_path, MANY)
    with Store(tmp_path, create=False) as store:
        assert {trial.status for trial in store.trials()} <= {"done", "waiting"}
    client.work = answered
    assert searched(tmp_path, MANY) == uninterrupted


@pytest.mark.slow
def test_a_search_of_some_trials_and_then_of_more_is_one_of_many_and_half_a_line_of_its_journal_is_cut_off(
    uninterrupted, tmp_path, monkeypatch
):
    client = on(monkeypatch, answered)
    searched(tmp_path, replace(MANY, trials=6))
    with (tmp_path / JOURNAL).open("a") as journal:
        journal.write('{"op_code":5,"worker_id":"abc","tri')
    assert searched(tmp_path, MANY) == uninterrupted
    client.work = None
    assert searched(tmp_path, MANY) == uninterrupted


@pytest.mark.slow
def test_a_lost_journal_is_made_again_and_nothing_runs_twice(uninterrupted, tmp_path, monkeypatch):
    client = on(monkeypatch, answered)
    searched(tmp_path, replace(MANY, trials=RANDOM_FIRST))
    (tmp_path / JOURNAL).unlink()
    ran = []
    client.work = lambda trials: [*answered(trials), *(ran.append(one["key"]) or {} for one in trials)]
    assert searched(tmp_path, MANY) == uninterrupted
    assert len(ran) == 2


@pytest.mark.parametrize("content", [b"not JSON\n{}\n", b'{"op_code":99}\n', b"\xff\xfe\n\n", b"[1]\n[2]\n"])
def test_a_damaged_journal_is_named_and_stays(content, tmp_path, monkeypatch):
    on(monkeypatch, answered)
    searched(tmp_path, replace(CHOICES, trials=2))
    (tmp_path / JOURNAL).write_bytes(content)
    with pytest.raises(DataError, match=rf"{JOURNAL} was changed or is damaged .* Move it away"):
        searched(tmp_path)
    assert (tmp_path / JOURNAL).read_bytes() == content


def test_a_lost_database_is_told(tmp_path, monkeypatch):
    on(monkeypatch, answered)
    searched(tmp_path, replace(CHOICES, trials=2))
    (tmp_path / DATABASE).unlink()
    with pytest.raises(DataError, match="has 0 finished trials, and Optuna's journal beside it tells of 2"):
        searched(tmp_path)


def test_a_time_shorter_than_one_trial_is_told_and_its_trial_given_back(tmp_path, monkeypatch):
    client = on(monkeypatch, answered, after=30.0)
    with pytest.raises(CheckFailedError, match=r"No trial was finished in 0 s; one takes about .*longer --time"):
        searched(tmp_path, replace(CHOICES, seconds=0.01))
    assert len(client.cancelled) == 1
    client.after = 0.0
    assert searched(tmp_path, replace(CHOICES, trials=1))[0][:2] == (0, "done")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"limits": Limits(flash=4096, instructions=60_000)}, "--max-flash 8192, and this is 4096"),
        ({"limits": Limits(flash=8192)}, "--max-instructions 60000, and this is none"),
        ({"core": "cortex-m0plus"}, "--core cortex-m4, and this is cortex-m0plus"),
        ({"base": {"data": {"source": "mnist-5k"}}}, r'\[training\] {"seed": 1}, and this is none'),
    ],
)
def test_a_folder_of_another_search_is_refused(changed, words, tmp_path, monkeypatch):
    on(monkeypatch, answered)
    searched(tmp_path, replace(CHOICES, trials=1))
    with pytest.raises(DataError, match=f"was started with {words}"):
        searched(tmp_path, replace(CHOICES, **changed))


def test_a_folder_that_is_being_searched_is_refused(tmp_path, monkeypatch):
    def work(trials):
        with pytest.raises(DataError, match="is being searched by another process"):
            search(CHOICES, tmp_path, SILENT)
        return answered(trials)

    on(monkeypatch, work)
    assert len(searched(tmp_path, replace(CHOICES, trials=1))) == 1


def test_what_fails_is_passed_over(tmp_path, monkeypatch):
    def work(trials):
        if trials[0]["spec"]["config"]["budget"]["constants"] == 3584:
            return [{"key": trials[0]["key"], "seconds": 1.0, "error": "boom"}]
        return answered(trials)

    on(monkeypatch, work)
    assert [status for _, status, _ in searched(tmp_path)] == ["done", "failed", *["done"] * 6]


def test_a_trial_is_told_what_others_reached_that_cost_no_more(tmp_path, monkeypatch):
    """And that is no part of what is stored, which does not depend on the others."""
    floors = {}

    def work(trials):
        config = json.dumps(trials[0]["spec"]["config"]["budget"])
        floors[config] = trials[0]["spec"][FLOORS]
        return (
            [{"key": trials[0]["key"], "seconds": 1.0, "result": {GIVEN_UP: "given up"}}]
            if len(floors) == 2
            else answered(trials)
        )

    on(monkeypatch, work)
    _, trials = search(CHOICES, tmp_path, SILENT)
    assert list(floors.values())[:2] == [[], []]
    assert any(floors.values())
    assert all(FLOORS not in trial.spec for trial in trials)
    assert GIVEN_UP in trials[1].result


@pytest.mark.slow
def test_several_at_a_time_find_as_much(tmp_path, monkeypatch):
    on(monkeypatch, answered, after=0.01, slots=3)
    assert [status for _, status, _ in searched(tmp_path)] == ["done"] * 8


def test_limits_in_which_nothing_fits_are_refused(tmp_path):
    choices = replace(CHOICES, limits=Limits(flash=1200))
    with pytest.raises(ConfigError, match=r"--max-flash is 1,200 B, in which nothing fits: .* Take 1,344 B or more"):
        search(choices, tmp_path / "s", SILENT)
    assert not (tmp_path / "s").exists()


@pytest.mark.slow
def test_what_came_out_shapes_what_is_tried_once_enough_has(uninterrupted, tmp_path, monkeypatch):
    def worse(trials):
        for answer in (answers := answered(trials)):
            answer["result"]["val_accuracy"] = 1.0 - answer["result"]["val_accuracy"]
        return answers

    on(monkeypatch, worse)
    others = searched(tmp_path, MANY)
    assert others[:RANDOM_FIRST] == uninterrupted[:RANDOM_FIRST]
    assert others[RANDOM_FIRST:] != uninterrupted[RANDOM_FIRST:]
