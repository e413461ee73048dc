"""A teacher from its choices to its folder, and a build that is distilled from it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import edgedigits
from edgedigits.cli.main import main
from edgedigits.config_file import make_choices, read_config_file, to_tables
from edgedigits.data.export import write_csv
from edgedigits.progress import SILENT
from edgedigits.teachers.choices import LessonsConfig, NetworkConfig, TeacherConfig
from edgedigits.teachers.make import make_teacher
from edgedigits.teachers.networks import build_network, ensemble
from edgedigits.training.keras_env import set_seed


@pytest.fixture(scope="module")
def csv(few, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("digits") / "train.csv"
    write_csv(few.train, path)
    return path


@pytest.fixture(scope="module")
def made(csv, tmp_path_factory) -> edgedigits.api.TeacherResult:
    """A CNN that saw 450 digits a few times."""
    return edgedigits.teacher(tables(csv, tmp_path_factory.mktemp("made") / "teacher", epochs=4))


def tables(csv: Path, out: Path, epochs: int, **teacher: object) -> dict:
    return {
        "data": {"source": str(csv)},
        "teacher": {"out": str(out), **teacher},
        "training": {"epochs": epochs, "batch_size": 64, "augment": "none"},
    }


def test_a_teachers_folder_says_what_it_is_and_how_well_it_does(made):
    assert sorted(path.name for path in made.folder.iterdir()) == [
        *("manifest.json", "teacher.keras", "training_digests.bin", "validation_digests.bin"),
    ]
    manifest = json.loads((made.folder / "manifest.json").read_text())
    assert (manifest["kind"], manifest["config"]["teacher"]["kind"]) == ("teacher", "cnn")
    assert "out" not in manifest["config"]["teacher"] and manifest["config"]["training"]["learning_rate"] == 0.003
    assert manifest["scores"] == json.loads(json.dumps(made.facts.to_json()))
    assert manifest["scores"]["digits"] == {"train": 450, "validation": 60, "test": 90}
    assert set(manifest["versions"]) >= {"edgedigits", "tensorflow", "tf-keras"}
    assert made.facts.outputs_are == "logits" and made.facts.parameters == 63_450
    assert made.facts.score.validation > 0.5 and "<b>cnn</b>" in made._repr_html_()


def test_digits_that_it_learned_are_not_held_out_by_a_build_of_another_seed(made, csv, capsys):
    words = ["--data", str(csv), "--distill", str(made.folder), "--seed", "7", "--out", "never"]
    assert main(["build", *words]) == 3
    assert "digits of the validation split, on which no figure would count." in capsys.readouterr().err
    assert not Path("never").exists()


@pytest.mark.slow
def test_an_ensemble_is_told_with_its_members_and_repeats(csv, tmp_path):
    chosen = tables(csv, tmp_path / "one", 20, kind="ensemble", members=2, hidden=[12])
    one = edgedigits.teacher(chosen)
    assert one.facts.outputs_are == "probabilities" and one.facts.parameters == 2 * (785 * 12 + 13 * 10)
    assert len(one.facts.members) == 2 and 0.5 < one.facts.mean.validation <= 1 and "their mean" in one._repr_html_()
    told = read_config_file(one.folder / "manifest.json", TeacherConfig)
    told["teacher"]["out"] = str(tmp_path / "again")
    again = edgedigits.teacher(make_choices(told, TeacherConfig))
    for path in one.folder.iterdir():
        assert path.read_bytes() == (again.folder / path.name).read_bytes(), path.name


@pytest.mark.slow
def test_a_build_is_distilled_and_says_from_what(made, csv, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    short = ["--hidden", "8", "--epochs", "3", "--batch-size", "64"]
    assert main(["build", "--data", str(csv), *short, "--distill", str(made.folder), "--out", "b"]) == 0
    said = capsys.readouterr().out
    assert "cross-entropy, distilled (T = 2, a = 0.7) loss" in said and f"teacher   {made.folder}: " in said
    report = json.loads(Path("b/report.json").read_text())
    assert report["teacher"]["test_accuracy"] == pytest.approx(made.facts.score.test)
    assert report["config"]["distill"] == {"teacher": str(made.folder), "temperature": 2.0, "weight": 0.7}
    assert "What the stages were distilled from" in Path("b/report.html").read_text()


def test_a_teacher_is_replaced_with_force_only_and_never_by_another_kind(made, csv, capsys):
    words = ["--data", str(csv), "--out", str(made.folder)]
    assert main(["teacher", *words]) == 3
    assert "exists already. Choose another --out, or overwrite it with --force." in capsys.readouterr().err
    assert main(["build", *words, "--force"]) == 3
    assert "holds a teacher, which no build replaces." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("teacher --members 3", "--members has no effect without --kind ensemble."),
        ("teacher --kind ensemble --of cnn --hidden 9", "--hidden has no effect without --of mlp."),
        ("teacher --hidden 9", "--hidden has no effect without --kind ensemble."),
        ("teacher --kind tree", "--kind is 'tree', expected one of cnn, ensemble."),
        ("build --distill-weight 0.5", "--distill-weight has no effect without --distill TEACHER."),
        ("build --label-smoothing 0.1 --loss mse", "[training] label_smoothing does not go with the loss mse, which counts no log p."),
        ("build --distill nowhere --data mnist-5k", "nowhere does not exist."),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_told_before_any_training(words, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(words.split()) in (2, 3)
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_an_ensemble_says_the_mean_of_its_members(few):
    set_seed(1)
    networks = [build_network(NetworkConfig(kind="ensemble", hidden=(5,))) for _ in range(3)]
    pixels = few.test.images[:20].astype(np.float32) / 255
    said = [np.exp(network(pixels).numpy()) for network in networks]
    expected = np.mean([one / one.sum(axis=1, keepdims=True) for one in said], axis=0)
    assert ensemble(networks)(pixels).numpy() == pytest.approx(expected, abs=1e-6)


def test_defaults_are_of_the_kind_of_network():
    assert [TeacherConfig(teacher=one).epochs for one in (NetworkConfig(), NetworkConfig(kind="ensemble"))] == [10, 60]
    assert to_tables(TeacherConfig())["teacher"] == {"kind": "cnn", "members": 5, "of": "mlp", "hidden": (32, 16)}


@pytest.mark.slow
def test_a_cnn_learns_and_repeats(few, tmp_path):
    config = TeacherConfig(training=LessonsConfig(epochs=6, batch_size=50))
    made = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        made.append(make_teacher(config, few, tmp_path / name, SILENT))
    assert made[0] == made[1] and made[0].score.validation > 0.8 and made[0].parameters == 63_450
    assert (tmp_path / "a/teacher.keras").read_bytes() == (tmp_path / "b/teacher.keras").read_bytes()


@pytest.mark.slow
def test_ctrl_c_leaves_nothing_half_made(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-m", "edgedigits", "teacher", "--data", "mnist-5k", "--epochs", "300", "-v"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=environment)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("Training"):
            break
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130
    assert said.splitlines()[-1] == "edgedigits: interrupted; nothing half-made was left behind."
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
