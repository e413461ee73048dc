"""The report of a study is written whole, with every picture that its trials allow."""

from __future__ import annotations

import pandas as pd
import pytest

from edgedigits.errors import DataError
from edgedigits.study.findings.insights import find_insights
from edgedigits.study.report import write
from edgedigits.study.report.page import render_study
from edgedigits.study.report.pictures import study_pictures
from edgedigits.study.report.write import write_report
from edgedigits.study.run.store import Store, owner_name
from tests.files.full_disk import fill_disk


@pytest.mark.parametrize("count", [pytest.param(count, marks=pytest.mark.slow) for count in (1, 12, 85)])
def test_a_report_can_be_had_at_any_moment_of_a_run(count, table, tmp_path):
    """Cells come in the order in which their trainings end: first the float32 ones of the shortest setting."""
    one_seed = [one for one in table if one.spec["seed"] == 0]
    order = sorted(
        one_seed, key=lambda one: (one.kind != "table", one.spec["iterations"], one.spec["family"] != "classical")
    )
    insights = find_insights("report-table", order[:count])
    plots = study_pictures(insights)
    assert "<h1>" in render_study(insights, plots)


@pytest.mark.parametrize("room", [0, 1, 3, 4])
def test_a_full_disk_leaves_no_report_and_no_folder(room, grid, tmp_path, monkeypatch):
    with Store(tmp_path / "st", create=True) as store:
        store.add((trial.key, trial.kind, trial.spec) for trial in grid)
        store.claim(owner_name(), [trial.key for trial in grid])
        for trial in grid:
            store.finish(owner_name(), trial.key, trial.result, trial.seconds)
    (picture, *_) = study_pictures(find_insights("grid", grid))
    monkeypatch.setattr(write, "study_pictures", lambda insights: [picture])
    fill_disk(monkeypatch, room)
    with pytest.raises(DataError, match=r"rp cannot be written: No space left on device\. Choose another --out\."):
        write_report(tmp_path / "st", tmp_path / "full" / "rp")
    assert [path.name for path in tmp_path.iterdir()] == ["st"]


@pytest.mark.parametrize("name", ["grid", pytest.param("report-table", marks=pytest.mark.slow)])
def test_a_report_is_written_whole_with_every_picture(name, grid, table, tmp_path):
    with Store(tmp_path, create=True) as store:
        store.set_about("study", name)
        trials = grid if name == "grid" else table
        store.add((trial.key, trial.kind, trial.spec) for trial in trials)
        store.claim(owner_name(), [trial.key for trial in trials])
        for trial in trials:
            store.finish(owner_name(), trial.key, trial.result, trial.seconds)
    written = write_report(tmp_path, tmp_path / "report", formats=("latex", "csv"))
    page = (tmp_path / "report" / "report.html").read_text()
    assert page.count("<svg") == len(list((tmp_path / "report" / "plots").glob("*.svg")))
    assert "<script" not in page
    assert written.files[-2:] == (tmp_path / "report" / "tables", tmp_path / "report" / "plots")
    tables = tmp_path / "report" / "tables"
    texts = {path.stem for path in tables.glob("*.tex")}
    assert {path.stem for path in tables.glob("*.csv")} == texts | {"captions"}
    assert {"matrix", "effects", "front_bytes", "variants", "digits_recall"} <= texts
    assert set(pd.read_csv(tables / "captions.csv")["table"]) == texts
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert all(sentence.split(" (")[0].split("'")[0] in page for sentence in written.sentences)
    rows = pd.read_csv(tmp_path / "report" / "results.csv")
    assert len(rows) == len(trials)
    assert {"accuracy", "recall_0", "f1_9", "loss", "compression", "seed"} <= set(rows.columns)
    pictures = {path.stem for path in (tmp_path / "report" / "plots").glob("*.png")}
    expected = {"recall", "pareto_bytes", "pareto_engine_bytes", "pareto_instructions"}
    expected |= {"effects"}
    expected |= {"curves", "confusion_QAT"} if name == "grid" else {"report_table", "curve_05_100", "sparsity_0_1_500"}
    assert expected <= pictures
