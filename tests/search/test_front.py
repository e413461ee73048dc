"""The front of a search holds what no other beats, the report says it, and its commands make the same builds again."""

from __future__ import annotations

import csv
import json
import shlex
import sys
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgedigits.cli.config_flags import config_from_arguments
from edgedigits.cli.main import main
from edgedigits.cli.parsing import parse
from edgedigits.config_file import to_tables
from edgedigits.devices.gates import Limits
from edgedigits.progress import SILENT
from edgedigits.search.front import Candidate, front_of
from edgedigits.search.report.write import CSV, JSON, PAGE, result_of, write_search
from edgedigits.search.run import _entry, search
from edgedigits.search.space import Numbers, space_within
from edgedigits.study.findings.choices import build_command
from edgedigits.study.report.write import PICTURES
from tests.report.page_checker import assert_stands_alone, check_page, page_text
from tests.search.made_up import CHOICES, LIMITS, answered, on

LIMIT = Limits(flash=3, instructions=3)


def candidate(number, accuracy, flash, instructions):
    return Candidate(number, {}, accuracy / 10, 0.0, flash, float(instructions), "")


@given(st.lists(st.tuples(*[st.integers(1, 5)] * 3), max_size=12))
def test_every_build_within_the_limits_is_on_the_front_or_beaten_by_one_that_is(figures):
    candidates = [candidate(number, *some) for number, some in enumerate(figures)]
    front = front_of(candidates, LIMIT)
    assert all(one.keeps(LIMIT) and not any(other.beats(one) for other in candidates) for one in front)
    for one in candidates:
        equal = [(other.val_accuracy, other.flash, other.instructions) for other in front]
        assert (
            not one.keeps(LIMIT)
            or (one.val_accuracy, one.flash, one.instructions) in equal
            or any(other.beats(one) for other in front)
        )
    assert [one.flash for one in front] == sorted(one.flash for one in front)


def points():
    choices = space_within(16_384, 50_000).choices
    return st.fixed_dictionaries(
        {
            name: st.integers(choice.low, choice.high) if isinstance(choice, Numbers) else st.sampled_from(choice)
            for name, choice in choices.items()
        }
    )


@settings(max_examples=25, deadline=None)
@given(points())
def test_every_point_is_a_build_that_its_command_makes_again(point):
    entry = _entry(point, CHOICES)
    verb, *words = shlex.split(build_command(entry.spec["config"]))[1:]
    again = to_tables(config_from_arguments(parse([verb, *words]), None))
    assert {name: again[name] for name in entry.spec["config"]} == entry.spec["config"]


@pytest.mark.parametrize("flash", [1344, 2048, 8192, 65_536])
def test_the_recipes_are_points_of_the_space(flash):
    space = space_within(flash, None)
    recipes = list(space.first_points())
    assert recipes
    for point in recipes:
        for name, choice in space.choices.items():
            inside = choice.low <= point[name] <= choice.high if isinstance(choice, Numbers) else point[name] in choice
            assert inside, (name, point[name])


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        on(patch, answered)
        _, trials = search(CHOICES, folder := tmp_path_factory.mktemp("search"), SILENT)
    return result_of(folder.name, "cortex-m4", LIMITS, trials)


def test_page_json_and_csv_tell_the_same(result, tmp_path):
    files = write_search(result, tmp_path)
    assert sorted(path.name for path in files) == sorted((PAGE, JSON, CSV, PICTURES))
    facts = json.loads((tmp_path / JSON).read_text())
    rows = list(csv.DictReader((tmp_path / CSV).read_text().splitlines()))
    assert len(rows) == len(facts["trials"]) == 8
    assert {row["number"] for row in rows if row["on_front"] == "1"} == {str(one["number"]) for one in facts["front"]}
    page = (tmp_path / PAGE).read_text()
    check_page(page)
    assert_stands_alone(page)
    for one in facts["front"]:
        assert one["command"] in page_text(page)
    write_search(result, tmp_path)


def test_the_front_is_within_the_limits(result):
    assert result.front
    assert all(one.flash <= LIMITS.flash and one.instructions <= LIMITS.instructions for one in result.front)


def test_a_study_s_report_does_not_take_the_place_of_a_search_s(tmp_path, monkeypatch, capsys):
    on(monkeypatch, answered)
    search(replace(CHOICES, trials=1), tmp_path, SILENT)
    assert main(["study", "report", str(tmp_path)]) == 3
    assert "This is the folder of a search, whose report `edgedigits search` writes." in capsys.readouterr().err


BAD = [
    ("--time 0", 2, "'0' is not a time; write it like 90s, 30m or 2h"),
    ("--time soon", 2, "'soon' is not a time"),
    ("--trials 0", 2, "'0' is not a number of at least 1"),
    ("--max-flash 1K", 2, "--max-flash is 1,024 B, in which nothing fits"),
    ("--max-instructions 100", 2, "--max-instructions is 100, in which nothing fits"),
    ("--max-instructions few", 2, "'few' is not a number of instructions"),
    ("--core z80", 2, "There is no core 'z80'"),
    ("--board zx81", 2, "There is no board 'zx81'"),
    ("--board rp2040 --core cortex-m4", 2, "rp2040 has a cortex-m0plus, not a cortex-m4"),
    ("--data nowhere", 3, "nowhere"),
    ("--epochs few", 2, "--epochs is 'few', expected an integer"),
]


@pytest.mark.parametrize(("argv", "code", "words"), BAD, ids=[argv for argv, *_ in BAD])
def test_bad_input_is_told_and_leaves_nothing(argv, code, words, tmp_path, capsys):
    assert main(["search", "--out", str(tmp_path / "s"), "--data", "mnist-5k", *argv.split()]) == code
    assert words in capsys.readouterr().err
    assert not (tmp_path / "s").exists()


def test_without_optuna_the_command_that_installs_it_is_told(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert main(["search", "--out", str(tmp_path / "s")]) == 4
    assert "pip install 'edgedigits[search]'" in capsys.readouterr().err


def test_limits_that_nothing_keeps_exit_with_1_and_tell_the_nearest(tmp_path, capsys, monkeypatch):
    def slow(trials):
        answers = answered(trials)
        answers[0]["result"]["instructions"] *= 2
        return answers

    on(monkeypatch, slow)
    argv = ["search", "--out", str(tmp_path), "--data", "mnist-5k", "--trials", "2", "--max-instructions", "9k"]
    assert main(argv) == 1
    assert "No build keeps the limits. The nearest takes" in capsys.readouterr().err
