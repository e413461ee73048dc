"""`study run crossdata`: its plan, what is told of made-up trials, and one training run small."""

from __future__ import annotations

import json

import numpy as np
import pytest

from edgedigits.crossdata.chapter import crossdata_chapter
from edgedigits.crossdata.plan import ALL, STORED_AS, plan_crossdata
from edgedigits.crossdata.trial_kind import KIND
from edgedigits.data.digits import Digits
from edgedigits.data.load import read_source
from edgedigits.errors import ConfigError
from edgedigits.study.findings.frame import study_frame
from edgedigits.study.findings.insights import find_insights
from edgedigits.study.report.tables import DIGITS, study_tables
from tests.study.made_up import figures, trials_of

ACCURACY = {
    ("a.csv", "a.csv"): 0.98,
    ("a.csv", "b.csv"): 0.70,
    ("b.csv", "a.csv"): 0.80,
    ("b.csv", "b.csv"): 0.95,
    (ALL, "a.csv"): 0.97,
    (ALL, "b.csv"): 0.94,
}


@pytest.fixture(scope="module")
def plan():
    return plan_crossdata(source="a.csv + b.csv:3", seeds=3)


def trials(plan, **changed):
    """Trials whose accuracy is above and below what `ACCURACY` says by 0, 1 and 9 points: the median is by 1."""
    found = []
    for entry in plan.entries:
        more = (0.0, 0.01, 0.09)[entry.spec["values"]["seed"] - 1]
        place = entry.spec["train_on"], entry.spec["test_on"]
        found.append({**figures(ACCURACY[place] - more), **changed.get("-".join(place), {})})
    return trials_of(plan, found)


def test_a_cell_is_a_trial_and_those_of_one_training_are_a_group(plan):
    assert len(plan.entries) == 3 * 3 * 2
    groups = {}
    for entry in plan.entries:
        groups.setdefault(entry.group, []).append(entry.spec["test_on"])
        assert entry.data.source == "a.csv + b.csv:3" and entry.kind == STORED_AS
    assert list(groups) == [f"{name}/{seed}" for seed in (1, 2, 3) for name in ("a.csv", "b.csv", ALL)]
    assert all(tested == ["a.csv", "b.csv"] for tested in groups.values())
    assert len({json.dumps(entry.identity) for entry in plan.entries}) == len(plan.entries)
    other = plan_crossdata(source="a.csv + b.csv:2", seeds=3)
    assert other.entries[0].identity != plan.entries[0].identity


@pytest.mark.parametrize(
    ("source", "seeds", "sentence"),
    [
        ("", 1, "crossdata holds sources against each other, and --data names none. Give two or more: --data mnist --data mine.csv."),
        ("mnist", 1, "crossdata holds sources against each other, and --data names 1. Give two or more: --data mnist --data mine.csv."),
        ("mnist + mnist", 1, "mnist is named twice. Name it once; mnist:2 has its digits count twice."),
        ("mnist + a.csv:0", 1, "a.csv:0: the weight is 0, expected a number from 0.01 to 100. It says how many times a digit of this source counts."),
        ("mnist + a.csv", 50_000, "--seeds 50000 plans more than 100,000 trials. Take 16,666 or fewer."),
    ],
)  # fmt: skip
def test_what_cannot_be_planned(source, seeds, sentence):
    with pytest.raises(ConfigError) as caught:
        plan_crossdata(source=source, seeds=seeds)
    assert str(caught.value) == sentence


def test_the_table_has_medians_and_a_sentence_a_pair(plan):
    chapter = crossdata_chapter(study_frame(trials(plan)))
    assert chapter.table.head == ("trained on", "a.csv", "b.csv")
    assert chapter.table.rows == (("a.csv", "97.00", "69.00"), ("b.csv", "79.00", "94.00"), (ALL, "96.00", "93.00"))
    assert list(chapter.sentences) == [
        "Trained on a.csv alone, 69.00% on b.csv (median of 3 seeds): −25.00 points against one trained there; trained on "
        "all sources, +24.00 points on b.csv, and −1.00 on a.csv.",
        "Trained on b.csv alone, 79.00% on a.csv (median of 3 seeds): −18.00 points against one trained there; trained on "
        "all sources, +17.00 points on a.csv, and −1.00 on b.csv.",
    ]
    assert chapter.facts[0]["wins_back"] == pytest.approx(0.24)


def test_what_is_not_finished_is_a_gap_and_no_sentence(plan):
    some = [one for one in trials(plan) if one.spec["train_on"] == "a.csv"]
    chapter = crossdata_chapter(study_frame(some))
    assert chapter.table.rows[1:] == (("b.csv", "–", "–"), (ALL, "–", "–"))
    assert list(chapter.sentences) == ["Trained on a.csv alone, 69.00% on b.csv (median of 3 seeds)."]


def test_test_digits_that_a_training_learns_are_told(plan):
    chapter = crossdata_chapter(study_frame(trials(plan, **{"a.csv-b.csv": {"images": 9_990}})))
    assert chapter.sentences[2:] == [
        f"Trained on a.csv with seed {seed}, 10 of the 10,000 test digits of b.csv were left out: it learns them."
        for seed in (1, 2, 3)
    ]


@pytest.mark.parametrize("finished", [(ALL, "a.csv", "b.csv"), ("a.csv",)])
def test_its_report_can_be_written_however_far_it_is(finished, plan):
    insights = find_insights("crossdata", [one for one in trials(plan) if one.spec["train_on"] in finished])
    assert insights.chapter.title in insights.groups


def test_figures_of_digits_are_not_averaged_over_what_a_model_was_trained_on(plan):
    table = study_tables(find_insights("crossdata", trials(plan)))[f"{DIGITS}f1"]
    assert [row[0].split(":")[0] for row in table.rows] == [
        f"trained on {name}" for name in ("a.csv", "b.csv", ALL) for _ in range(2)
    ]


@pytest.mark.slow
def test_it_trains_once_and_tests_on_what_was_not_learned(few, tmp_path, monkeypatch):
    """Of b.npz all test digits are in a.npz as well, of c.npz 40 of 60."""
    monkeypatch.chdir(tmp_path)
    first, second = few.validation.take(np.arange(100)), few.validation.take(np.arange(100, 200))
    leaked, own = few.train.take(np.arange(40)), few.test.take(np.arange(20))
    for name, train, test in (
        ("a.npz", few.train, few.test.take(np.arange(20, 110))),
        ("b.npz", first, leaked),
        ("c.npz", second, Digits.joined([leaked, own])),
    ):
        np.savez(name, x_train=train.images, y_train=train.labels, x_test=test.images, y_test=test.labels)
    source = "a.npz + b.npz:2 + c.npz"
    entries = [one for one in plan_crossdata(source=source, seeds=1, epochs=2).entries if one.spec["train_on"] == ALL]
    answers = list(KIND.run(STORED_AS, [{"key": one.label, "spec": one.spec} for one in entries], read_source(source)))
    assert [one["key"] for one in answers] == [one.label for one in entries]
    a, b, c = answers
    assert b["error"] == (
        "Every test digit of b.npz is among those that all sources trains on: there is nothing to test on."
    )
    assert (a["result"]["images"], c["result"]["images"]) == (90, 20)
    assert sum(map(sum, c["result"]["confusion"])) == 20 and "float_accuracy" not in a["result"]
    json.dumps(answers, allow_nan=False)
