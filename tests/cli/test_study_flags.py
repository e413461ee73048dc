"""Flags of `edgedigits study run` that a plan does not read are refused, and too many trials at once."""

from __future__ import annotations

import json

import pytest

from edgedigits.cli.main import main


@pytest.fixture
def grid(tmp_path):
    path = tmp_path / "my.toml"
    path.write_text("[axes]\nseed = [1]\n")
    return path


def refused(capsys, *argv):
    assert main(["study", "run", *map(str, argv)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return err


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ("--seeds 3", "--seeds is of crossdata and levers and report-table, and {} is a study's file. Write seed = [1, 2, 3] under [axes]."),
        ("--seeds 1", "--seeds is of crossdata and levers and report-table"),
        ("--data mnist", '--data is of crossdata and levers and report-table, and {} is a study\'s file. Write source = "mnist" under [base.data].'),
        ("--rows 10", "--rows is of report-table"),
        ("--iterations-scale 0.1", "--iterations-scale is of report-table"),
        ("--settings x", "--settings is of report-table, and {} is a study's file. Write lr and epochs under [axes]."),
        ("--columns published", "--columns is of report-table"),
        ("--jobs 2 --scheduler tcp://host:8786", "--jobs is of this machine"),
        ("--threads 2 --scheduler tcp://host:8786", "--threads is of this machine"),
    ],
)  # fmt: skip
def test_flags_that_a_grid_does_not_read_are_refused_with_what_to_write_instead(flags, words, grid, capsys):
    assert words.format(grid) in refused(capsys, grid, *flags.split(), "--dry-run")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ("--keep-builds", "--keep-builds is of a study's file, and report-table makes no folders of builds."),
        ("--seeds 1000000", "--seeds 1000000 plans more than 100,000 trials. Take 689 seeds or fewer."),
        ("--seeds 10001 --columns published --settings 0.5/100", "Take 8,333 seeds or fewer."),
    ],
)
def test_what_the_table_does_not_read_or_cannot_hold_is_refused(flags, words, capsys):
    assert words in refused(capsys, "report-table", *flags.split(), "--dry-run")


def test_flags_of_the_table_choose_among_its_cells(capsys):
    argv = ["report-table", "--seeds", "2", "--rows", "500", "--settings", "0.5/100", "--columns", "published"]
    assert main(["study", "run", *argv, "--dry-run", "--json"]) == 0
    cells = [trial["spec"] for trial in json.loads(capsys.readouterr().out)["trials"]]
    assert {(cell["column"], cell["setting"], cell["rows"]) for cell in cells} == {("published", "0.5/100", 500)}
    assert [cell["seed"] for cell in cells] == [0] * 12 + [1] * 12


def test_one_trial_is_one_trial(grid, capsys):
    assert main(["study", "run", str(grid), "--dry-run"]) == 0
    assert "\n1 trial, about " in capsys.readouterr().out
