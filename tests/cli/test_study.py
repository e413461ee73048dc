"""`edgedigits study` as a user sees it."""

from __future__ import annotations

import json
import subprocess
import sys

import pandas as pd
import pytest

from edgedigits.cli.main import main

GRID = """
[base.data]
source = "mnist-5k"
[base.model]
hidden = [8]
[base.training]
epochs = 1
[base.qat]
epochs = 1
[axes]
quantization = ["none", "qat"]
"""


@pytest.fixture
def grid(tmp_path):
    path = tmp_path / "my_grid.toml"
    path.write_text(GRID)
    return path


def run(capsys, *argv):
    code = main([*map(str, argv)])
    out, err = capsys.readouterr()
    return code, out, err


def test_dry_run_lists_the_trials_and_writes_nothing(grid, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, _ = run(capsys, "study", "run", grid, "--dry-run", "--json")
    facts = json.loads(out)
    assert code == 0
    assert [trial["label"] for trial in facts["trials"]] == ["quantization=none", "quantization=qat"]
    assert facts["trials"][1]["spec"]["config"]["qat"]["enabled"]
    assert facts["seconds"] > 0
    assert facts["how"].startswith("estimated")
    assert [path.name for path in tmp_path.iterdir()] == ["my_grid.toml"]


def test_dry_run_needs_no_extra_and_names_the_one_that_a_run_needs(grid, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "psutil", None)
    monkeypatch.setattr("edgedigits.cli.study.is_installed", lambda _: False)
    code, out, _ = run(capsys, "study", "run", grid, "--dry-run")
    assert code == 0
    assert out.splitlines()[-1] == "to run them: pip install 'edgedigits[study]'"


@pytest.mark.parametrize("plan", [["crossdata", "--data", "mnist-5k"], ["levers"]])
def test_a_dry_run_refuses_digits_that_are_not_there_as_a_run_would(plan, capsys):
    code, _, err = run(capsys, "study", "run", *plan, "--data", "absent.csv", "--dry-run")
    assert code == 3
    assert "absent.csv does not exist. Check its path." in err


def test_dry_run_of_the_table(capsys):
    code, out, _ = run(capsys, "study", "run", "report-table", "--dry-run", "--json")
    trials = json.loads(out)["trials"]
    assert code == 0
    # 60 cells in two columns, and the pruned ones of ours a second time with 80%.
    assert len(trials) == 60 + 60 + 25
    assert sum(trial["spec"]["iterations"] for trial in trials if trial["kind"] == "published") == 49_200


@pytest.mark.slow
def test_a_grid_runs_from_its_file_to_its_report(grid, capsys, tmp_path):
    folder = tmp_path / "out"
    code, out, err = run(capsys, "study", "run", grid, "--out", folder, "--jobs", "2", "--keep-builds", "--json")
    assert code == 0, err
    facts = json.loads(out)
    assert (facts["done"], facts["failed"], facts["total"]) == (2, 0, 2)
    code, out, _ = run(capsys, "study", "report", folder, "--json")
    assert code == 0
    assert any("quantization qat against none" in sentence for sentence in json.loads(out)["findings"]["sentences"])
    assert (folder / "report.html").is_file()
    assert {"figures", "variants", "effects", "pareto"} <= json.loads(out)["findings"].keys()
    table = pd.read_csv(folder / "results.csv").set_index("axis quantization")
    measured = ["accuracy", "val_accuracy", "float_accuracy", "mean_loss", "macro_precision", "macro_recall", "macro_f1",
                "bytes", "gzip_bytes", "ratio", "sparsity", "distinct", "latency_us", "train_seconds",
                *(f"{name}_{digit}" for name in ("precision", "recall", "f1", "loss") for digit in range(10))]  # fmt: skip
    assert table.loc[["none", "qat"], measured].notna().all(axis=None)
    assert table.loc["qat", ["engine_bytes", "engine_ram"]].notna().all()
    assert (table.loc["none", "ratio"], table.loc["none", "distinct"] > 256) == (1, True)
    (first, _) = map(json.loads, (folder / "trials.jsonl").read_text().splitlines())
    assert sum(map(sum, first["confusion"])) == table.loc["none", "images"]
    assert first["curves"]["float_val_accuracy"][0][0] == 1
    builds = sorted((folder / "builds").iterdir())
    assert len(builds) == 2
    code, out, _ = run(capsys, "compare", *builds, "--paired", "--json")
    assert code == 0
    comparison = json.loads(out)["comparison"]
    assert len(comparison["builds"]) == 2
    assert comparison["tests"][0]["p_value"] <= 1


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (("run", "none.toml"), 3, "no such file"),
        (("run", "report-table", "--settings", "0.1/400"), 2, "Did you mean '0.1/"),
        (("run", "report-table", "--columns", "publish"), 2, "Did you mean 'published'"),
        (("run", "report-table", "--iterations-scale", "2"), 2, "not a share"),
        (("run", "report-table", "--iterations-scale", "0.٣"), 2, "not a share"),
        (("run", "report-table", "--iterations-scale", "0.1_0"), 2, "not a share"),
        (("run", "report-table", "--seeds", "0"), 2, "not a number of at least 1"),
        (("report", "nowhere"), 3, "holds no study"),
    ],
)
def test_mistakes_are_one_sentence(argv, code, words, capsys):
    found, out, err = run(capsys, "study", *argv)
    assert found == code
    assert words in err
    assert "Traceback" not in err
    assert out == ""


def test_unknown_axes_are_named(tmp_path, capsys):
    path = tmp_path / "bad.toml"
    path.write_text('[axes]\nlos = ["mse"]\n')
    code, _, err = run(capsys, "study", "run", path, "--out", tmp_path / "out")
    assert code == 2
    assert "Did you mean 'loss'?" in err
    assert not (tmp_path / "out").exists()


def test_help_and_dry_run_import_no_tensorflow(grid):
    code = (
        "import sys; from edgedigits.cli.main import main; code = main(sys.argv[1:])\n"
        "assert 'tensorflow' not in sys.modules and 'distributed' not in sys.modules; sys.exit(code)"
    )
    subprocess.run(
        [sys.executable, "-c", code, "study", "run", str(grid), "--dry-run"], check=True, capture_output=True
    )
