"""`edgedigits build` as a user meets it: what it prints, what it refuses, and what Ctrl-C leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgedigits.cli.main import main
from edgedigits.data.export import write_csv

QUICK = ["--hidden", "12", "--epochs", "3", "--prune-epochs", "2", "--qat-epochs", "1", "--batch-size", "64"]


@pytest.fixture(scope="module")
def csv(few, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("digits") / "train.csv"
    write_csv(few.train, path)
    return path


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def command(*words: str, setup: str = "") -> subprocess.Popen[str]:
    """Start the program in a process of its own; `setup` is Python that runs before it."""
    code = f"{setup}\nimport sys\nfrom edgedigits.cli.main import main\nsys.exit(main())"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.Popen(
        [sys.executable, "-c", code, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def outcome(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=180)
    return process.returncode, out, err


def test_a_build_tells_what_matters_in_under_a_screen(csv):
    code, out, err = outcome(command("build", "--loss", "focal", "--qat", "--prune", "--data", str(csv), *QUICK))
    assert code == 0, err
    assert len(out.splitlines()) <= 40
    for word in (
        "450 train, 60 validation, 90 test",
        "float32",
        "int8",
        "precision",
        "recall",
        "zeros",
        "gzip",
        "p50",
        "deploy/focal-12-qat-prune",
        "edgedigits simulate deploy/focal-12-qat-prune",
    ):
        assert word in out, word
    # Nothing on stderr where it is not a terminal: no bars, no chatter of the libraries.
    assert err == ""


@pytest.mark.parametrize(
    ("flags", "note"),
    [
        ("--sparsity 0.9", "--sparsity has no effect without --prune."),
        ("--gamma 3 --loss mse", "--gamma has no effect without --loss focal."),
        (
            "--class-weights balanced --loss focal",
            "--class-weights has no effect without --loss weighted-cross-entropy.",
        ),
        (
            "--beta 0.9 --loss weighted-cross-entropy",
            "--beta has no effect without --class-weights effective-number.",
        ),
        ("--hinge one-vs-rest", "--hinge has no effect without --loss hinge."),
        ("--per-tensor --qat", "--per-tensor has no effect with --qat."),
    ],
)
def test_a_flag_that_does_nothing_is_told(flags, note, capsys):
    assert main(["build", "--data", "none.csv", *flags.split()]) == 3
    assert capsys.readouterr().err.startswith(f"note: {note}\n")


def test_json_is_the_whole_report_and_the_latency(csv, capsys):
    assert main(["build", "--data", str(csv), *QUICK, "--out", "b", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["status"], facts["folder"]) == ("ok", "b")
    assert facts["report"] == json.loads(Path("b/report.json").read_text())
    assert facts["latency"]["threads"] == 1


def test_flags_win_over_the_config_file(csv, capsys):
    Path("edgedigits.toml").write_text(
        f'[data]\nsource = "{csv}"\n[model]\nhidden = [12]\n[loss]\nname = "mse"\n[output]\nout = "b"\n'
        "[training]\nepochs = 3\nbatch_size = 64\nseed = 7\n"
    )
    assert main(["build", "--config", "edgedigits.toml", "--epochs", "2", "--quiet"]) == 0
    config = json.loads(Path("b/manifest.json").read_text())["config"]
    assert (config["loss"]["name"], config["training"]["epochs"], config["training"]["seed"]) == ("mse", 2, 7)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("when", ["Training", "Converting"])
def test_ctrl_c_leaves_nothing_half_made(csv, when):
    process = command("build", "--data", str(csv), "--hidden", "12", "--epochs", "60", "-v")
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith(when):
            break
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    code, out, err = outcome(process)
    assert (code, out) == (130, "")
    assert err.splitlines()[-1] == "edgedigits: interrupted; nothing half-made was left behind."
    assert not [path for path in Path().rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("prepare", "words", "message"),
    [
        (lambda: Path("b").write_text("x"), ["--out", "b"], "b is a file, expected a folder to write."),
        (lambda: Path("f").write_text("x"), ["--out", "f/b"], "f/b cannot be written: File exists (f)."),
        (lambda: None, ["--out", "/proc/b"], "/proc/b cannot be written:"),
        (lambda: None, ["--data", "no.csv"], "no.csv"),
        (lambda: None, ["--config", "no.toml"], "no.toml: no such file."),
    ],
    ids=["a file in the way", "a file as parent", "unwritable", "no data", "no config"],
)
def test_places_that_cannot_be_used_are_told_before_any_training(csv, prepare, words, message, capsys):
    prepare()
    begun = time.perf_counter()
    assert main(["build", "--data", str(csv), *QUICK, *words]) == 3
    assert time.perf_counter() - begun < 2
    err = capsys.readouterr().err
    assert message in err and "Traceback" not in err


def test_a_full_disk_ends_a_build_with_one_sentence_and_nothing_left(csv):
    # A limit on the size of files stands in for the disk: both fail the write in the middle.
    setup = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))"
    code, out, err = outcome(command("build", "--data", str(csv), *QUICK, "--out", "b", setup=setup))
    assert (code, out) == (3, "")
    assert "b cannot be written: File too large" in err and "Traceback" not in err
    assert not [path for path in Path().rglob("*") if path.is_file()]


def test_a_missing_library_is_named_with_the_command_that_brings_it(csv):
    setup = "import sys; sys.modules['tensorflow_model_optimization'] = None"
    code, _, err = outcome(command("build", "--data", str(csv), *QUICK, setup=setup))
    assert code == 4
    assert "tensorflow_model_optimization" in err and "pip install 'tensorflow==2.21.*'" in err


def test_keras_3_in_the_same_process_is_told(csv):
    setup = "import os; os.environ['TF_USE_LEGACY_KERAS'] = '0'\nimport tensorflow as tf; tf.keras.Model"
    code, _, err = outcome(command("build", "--data", str(csv), *QUICK, setup=setup))
    assert code == 4
    assert "TF-MOT needs Keras 2. Set TF_USE_LEGACY_KERAS=1 before TensorFlow is imported" in err
