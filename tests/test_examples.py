"""The examples run as they are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgedigits.cli.main import main
from edgedigits.data.digits import Digits
from edgedigits.data.export import write_csv
from edgedigits.examples import EXAMPLES

ROOT = Path(__file__).parents[1]


def test_every_example_is_listed_and_copied_and_what_is_there_stays(tmp_path: Path, capsys) -> None:
    assert main(["examples", "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out)["examples"]) == list(EXAMPLES)
    for name in EXAMPLES:
        assert main(["examples", name, "--out", str(tmp_path)]) == 0
        (tmp_path / name).write_text("mine")
        assert main(["examples", name, "--out", str(tmp_path)]) == 3
        assert "exists already" in capsys.readouterr().err
        assert (tmp_path / name).read_text() == "mine"
    assert main(["examples", "kagle.ipynb"]) == 2
    assert "Did you mean 'kaggle.ipynb'?" in capsys.readouterr().err


def test_the_grid_is_a_plan(tmp_path: Path, capsys) -> None:
    assert main(["examples", "grid.toml", "--out", str(tmp_path)]) == 0
    capsys.readouterr()
    assert main(["study", "run", str(tmp_path / "grid.toml"), "--dry-run", "--out", str(tmp_path / "s"), "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["trials"]) == 2 * 2 * 2 * 3


@pytest.mark.slow
@pytest.mark.tensorflow
def test_the_notebook_runs_from_csv_to_submission(tmp_path: Path, five_thousand: Digits) -> None:
    pytest.importorskip("unicorn")
    chosen = np.random.default_rng(1).permutation(5000)
    write_csv(five_thousand.take(chosen[:1500]), tmp_path / "train.csv")
    asked = five_thousand.take(chosen[1500:1600])
    write_csv(asked, tmp_path / "labelled.csv")
    rows = (tmp_path / "labelled.csv").read_text().splitlines()
    (tmp_path / "test.csv").write_text("\n".join(row.partition(",")[2] for row in rows) + "\n")
    assert main(["examples", "kaggle.ipynb", "--out", str(tmp_path), "--quiet"]) == 0
    cells = json.loads((tmp_path / "kaggle.ipynb").read_text(encoding="utf-8"))["cells"]
    program = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr[-2000:]
    submitted = np.loadtxt(tmp_path / "submission.csv", delimiter=",", skiprows=1, dtype=int)
    assert submitted[:, 0].tolist() == list(range(1, 101))
    assert np.mean(submitted[:, 1] == asked.labels) > 0.85
