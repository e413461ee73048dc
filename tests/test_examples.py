"""The examples run as they are."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgedigits.cli.main import main
from edgedigits.cli.parsing import parse
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


def test_the_commands_that_the_grid_tells_are_commands() -> None:
    text = (ROOT / "edgedigits" / "examples" / "grid.toml").read_text(encoding="utf-8")
    commands = re.findall(r"edgedigits ([a-z]+ [a-z/. -][^,`\n]+)", text)
    assert [parse(command.split()).verb for command in commands] == ["study", "study", "report"]


def test_study_init_writes_the_smallest_grid(tmp_path: Path, capsys) -> None:
    assert main(["study", "init", "--out", str(tmp_path)]) == 0
    path = tmp_path / "grid.toml"
    assert f"next: edgedigits study run {path}" in capsys.readouterr().out
    assert path.read_bytes() == (ROOT / "edgedigits" / "examples" / "grid.toml").read_bytes()
    assert main(["study", "init", "--out", str(tmp_path)]) == 3
    assert "exists already" in capsys.readouterr().err


def _start(folder: Path, program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    command = [sys.executable, "-c", program]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=400)


def _copy_own(folder: Path) -> None:
    assert main(["examples", "custom_loss.py", "--out", str(folder / "mine" / "losses"), "--quiet"]) == 0
    assert main(["examples", "custom_board.json", "--out", str(folder / "mine" / "boards"), "--quiet"]) == 0


def test_a_loss_and_a_board_of_ones_own_are_in_help_axes_and_tables(tmp_path: Path) -> None:
    _copy_own(tmp_path)
    program = """
import sys
from edgedigits.cli.main import main
from edgedigits.config_file import make_config, parse_sections
from edgedigits.stages.catalogue import own_files
from edgedigits.study.plan.axes import find_axis
print(find_axis("q", "t").apply("0.5", "t"), find_axis("loss", "t").apply("generalized-cross-entropy", "t"))
print(*own_files(make_config(parse_sections({"loss": {"name": "generalized-cross-entropy", "q": 0.5}}, "t"))))
main(["boards", "--board", "custom_board"])
main(["build", "--help"])
assert "tensorflow" not in sys.modules
"""
    done = _start(tmp_path, program, EDGEDIGITS_EXTENSIONS="mine")
    assert done.returncode == 0, done.stderr[-2000:]
    said = done.stdout
    assert "({'loss': {'q': 0.5}}, 'int8') ({'loss': {'name': 'generalized-cross-entropy'}}, 'int8')" in said
    assert "\nlosses/custom_loss.py\n" in said and "ST NUCLEO-F446RE" in said and "--q N" in said


@pytest.mark.slow
@pytest.mark.tensorflow
def test_a_loss_of_ones_own_trains_and_the_manifest_repeats_it(
    tmp_path: Path, five_thousand: Digits, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    pytest.importorskip("ziglang")
    write_csv(five_thousand.take(np.random.default_rng(1).permutation(5000)[:600]), tmp_path / "few.csv")
    _copy_own(tmp_path)
    program = """
from edgedigits.cli.main import main
loss = "--loss generalized-cross-entropy --q 0.5"
words = f"build --data few.csv {loss} --hidden 8 --epochs 10 --batch-size 32 --augment none --out a"
assert main(words.split()) == 0
assert main("build --config a/manifest.json --out b".split()) == 0
assert main("flash a --board custom_board --out a.elf".split()) == 0
"""
    done = _start(tmp_path, program, EDGEDIGITS_EXTENSIONS="mine")
    assert done.returncode == 0, done.stderr[-2000:]
    assert "generalized-cross-entropy (q = 0.5) loss" in done.stdout and (tmp_path / "a.elf").is_file()
    report, manifest = (json.loads((tmp_path / "a" / f"{name}.json").read_text()) for name in ("report", "manifest"))
    assert report["evaluation"]["scores"]["accuracy"] > 0.6
    loss = (tmp_path / "mine" / "losses" / "custom_loss.py").read_bytes()
    assert manifest["extensions"] == {"losses/custom_loss.py": hashlib.sha256(loss).hexdigest()}
    assert (tmp_path / "a" / "manifest.json").read_bytes() == (tmp_path / "b" / "manifest.json").read_bytes()

    monkeypatch.chdir(tmp_path)
    for words in ("build --config a/manifest.json --out c", "compare a b"):
        assert main(words.split()) == 3
        assert "a/manifest.json: losses/custom_loss.py shaped this build, and lies in no" in capsys.readouterr().err


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
    done = _start(tmp_path, program)
    assert done.returncode == 0, done.stderr[-2000:]
    submitted = np.loadtxt(tmp_path / "submission.csv", delimiter=",", skiprows=1, dtype=int)
    assert submitted[:, 0].tolist() == list(range(1, 101))
    assert np.mean(submitted[:, 1] == asked.labels) > 0.85
