"""What is told of the report's table, on made-up cells whose answers are known."""

from __future__ import annotations

import argparse
import json
import shlex
from dataclasses import replace

import pytest

from edgedigits.cli.config_flags import add_config_arguments, config_from_arguments
from edgedigits.reproduction.plan import plan_table
from edgedigits.reproduction.recipe import build_choices
from edgedigits.reproduction.report.findings import table_cells
from edgedigits.study.findings.choices import build_command
from edgedigits.study.findings.insights import find_insights
from edgedigits.study.report.pictures import study_pictures
from edgedigits.study.report.write import _plain
from tests.golden.compare import assert_golden
from tests.study.made_up import cell_result, table_trials, trials_of, varied_table


@pytest.fixture(scope="module")
def table():
    return table_trials()


def test_cells_of_the_table_have_a_command_too():
    for entry in plan_table(columns="edgedigits").entries:
        parser = argparse.ArgumentParser()
        add_config_arguments(parser)
        config = config_from_arguments(
            parser.parse_args(shlex.split(build_command(build_choices(entry.spec)))[2:]), None
        )
        assert config.qat.enabled == (entry.spec["family"] == "quantized")
        last = config.qat.epochs if config.qat.enabled else 0
        assert config.training.epochs + last == entry.spec["iterations"]
        assert config.qat.rate == 1.0 or not last


@pytest.mark.slow
def test_the_table_is_put_together(table):
    insights = find_insights("report-table", table)
    assert len(table_cells(insights.frame)) == 60
    assert all(cell.as_published == {0: cell.published, 1: cell.published} for cell in table_cells(insights.frame))
    assert all(cell.edgedigits == {0: 0.9, 1: 0.9} for cell in table_cells(insights.frame))
    assert all(cell.sparse in ({}, {0: 0.88, 1: 0.88}) for cell in table_cells(insights.frame))
    text = "\n".join(insights.sentences)
    assert "run again, collapses when quantized as it did there: its quantized cells reach 8.7 to 41.0%" in text
    assert "smaller run" not in text
    assert "quantized to int8, 30 cells differ from our float32 training of the same loss and setting by +0.00" in text
    assert "25 cells differ from our float32 training of the same loss and setting by −2.00 (one-hot at" in text
    assert "−3.50 on average, 95% interval −3.59 to −3.41 (2 seeds)." in text
    assert "compression pruned 80% against float32: −3.50 points of accuracy (95% interval" in text
    assert "from 8.7% to 90.0%, 81.3 points" in text


def test_what_did_not_collapse_is_not_said_to(table):
    """The words follow the figures: with 90% in every cell of the report's arithmetic nothing collapses."""
    fine = [
        replace(one, result={**one.result, "dev_accuracy": 0.9}) if one.kind == "published" else one for one in table
    ]
    sentences = find_insights("report-table", fine).sentences
    assert any("does not collapse when quantized" in sentence for sentence in sentences)
    assert not any("cuts gradients" in sentence for sentence in sentences)


def test_an_interval_goes_over_the_seeds_that_all_cells_have(table):
    """With one cell of seed 0 missing, that seed says nothing about the average of all cells."""
    missing = [one for one in table if one.kind != "table" or one.spec["loss"] != "mse" or one.spec["seed"] == 1]
    insights = find_insights("report-table", missing)
    assert any("quantized to int8, 30 cells" in one and one.endswith("(1 seed).") for one in insights.sentences)


def test_a_source_without_a_test_set_is_measured_on_the_dev_set(table):
    """The report's own train.csv has none: nothing is then called a figure of a test set."""
    names = ("accuracy", "confusion", *(f"class_{name}" for name in ("precision", "recall", "f1", "loss")))
    trials = []
    for one in table:
        result = dict(one.result)
        for prefix in ("", "float_", "setting_float_"):
            for name in names:
                value = result.pop(prefix + name, None)
                if value is not None:
                    result.setdefault(f"{prefix}dev_{name}", value)
        trials.append(replace(one, result=result))
    insights = find_insights("report-table", trials)
    assert all(cell.test == {} and len(cell.edgedigits) == 2 for cell in table_cells(insights.frame))
    assert any("quantized to int8, 30 cells differ" in sentence for sentence in insights.sentences)
    assert not any("test set" in sentence for sentence in insights.sentences)


def test_a_smaller_run_is_told():
    plan = plan_table(scale=0.05, rows=500)
    trials = trials_of(plan, [{**cell_result(entry.spec), "dev_images": 100} for entry in plan.entries])
    (first, *others) = find_insights("report-table", trials).sentences
    assert not any("published" in sentence for sentence in others)
    assert first == (
        "A smaller run than the report's, with 5% of the iterations and on a dev set of 100 digits: it does not compare "
        "with the published figures."
    )


def test_the_sentences_of_the_table_are_what_they_were():
    findings = _plain(find_insights("report-table", varied_table()).to_json())
    assert json.dumps(findings, allow_nan=False)
    assert_golden("findings_table.txt", "\n".join(findings["sentences"]) + "\n")


def test_the_reports_arithmetic_alone_has_its_pictures_and_nothing_to_compare(table):
    insights = find_insights("report-table", [one for one in table if one.kind == "published"])
    names = [plot.name for plot in study_pictures(insights)]
    assert names[0] == "report_table"
    assert {name.rpartition("_curve")[0] for name in names[1:]} == {""}
    assert (insights.effects, insights.recommendations) == ((), ())
