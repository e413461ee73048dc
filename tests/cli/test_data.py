"""`edgedigits data`, as a user types it."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from edgedigits.cli import main as command_line
from edgedigits.errors import EXIT_DATA, EXIT_INTERRUPTED, EXIT_USAGE

INSPECT = ("data", "inspect", "mnist-5k")


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _run(*words: str) -> int:
    return command_line.main(words)


def test_inspect_fits_one_screen(capsys) -> None:
    assert _run(*INSPECT) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 24 and max(map(len, lines)) <= command_line.WIDTH_WHEN_PIPED
    text = "\n".join(lines)
    assert "mnist-5k: 5,000 digits of 28×28 pixels from 0 to 255" in text
    assert "Nothing unusual was found." in text
    assert [line.split()[:3] for line in lines if line.strip().startswith(("train", "validation", "test"))] == [
        ["train", "3750", "375"],
        ["validation", "500", "50"],
        ["test", "750", "75"],
    ]


@pytest.mark.parametrize(
    "words",
    [
        (*INSPECT, "--json"),
        ("data", "--json", "inspect", "mnist-5k"),
        ("data", "inspect", "--json", "mnist-5k"),
    ],
)
def test_json_is_taken_in_every_place(words: tuple[str, ...], capsys) -> None:
    assert _run(*words) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["schema"], told["status"], told["data"]["count"]) == (1, "ok", 5000)
    assert told["division"] == {"validation_fraction": 0.1, "test_fraction": 0.15, "seed": 42}
    assert told["sheet"] is None
    assert len(told["data"]["digest"]) == 64


def test_quiet_says_nothing(capsys) -> None:
    assert _run(*INSPECT, "--quiet") == 0
    assert tuple(capsys.readouterr()) == ("", "")


def test_a_sheet_is_written_on_request_and_never_overwritten(capsys) -> None:
    assert _run(*INSPECT) == 0
    assert list(Path().iterdir()) == []
    assert _run(*INSPECT, "--sheet") == 0
    assert [path.name for path in Path().iterdir()] == ["contact-sheet.png"]
    assert "Contact sheet: contact-sheet.png" in capsys.readouterr().out
    assert _run(*INSPECT, "--sheet") == EXIT_DATA
    assert "contact-sheet.png exists already." in capsys.readouterr().err
    assert _run(*INSPECT, "--sheet", "--force") == 0
    assert _run(*INSPECT, "--sheet", "other.png") == 0


def test_a_sheet_that_is_no_png_is_refused(capsys) -> None:
    assert _run("data", "inspect", "mnist-5k", "--sheet", "train.csv") == EXIT_USAGE
    expected = "--sheet train.csv is not the name of a PNG. Put SOURCE first, or name it contact-sheet.png."
    assert expected in capsys.readouterr().err


def test_a_csv_that_is_made_can_be_inspected(capsys) -> None:
    assert _run("data", "make-csv", "mnist-5k", "--out", "t.csv.gz", "--split", "test", "--seed", "7", "--json") == 0
    made = json.loads(capsys.readouterr().out)
    assert (made["count"], made["split"], made["origin"]) == (750, "test", "test split of mnist-5k (seed 7)")
    assert made["bytes"] == Path("t.csv.gz").stat().st_size
    assert _run("data", "inspect", "t.csv.gz", "--json") == 0
    assert json.loads(capsys.readouterr().out)["data"]["digest"] == made["digest"]


def test_make_csv_says_what_it_wrote_and_never_overwrites(capsys) -> None:
    words = ("data", "make-csv", "mnist-5k", "--out", "[red]t.csv")
    assert _run(*words, "--split", "validation") == 0
    assert capsys.readouterr().out == "[red]t.csv: 500 digits, 0.9 MB (validation split of mnist-5k (seed 42))\n"
    assert _run(*words) == EXIT_DATA
    assert "[red]t.csv exists already." in capsys.readouterr().err
    assert _run(*words, "--force", "--quiet") == 0


def test_inverted_digits_are_found_and_mended(capsys) -> None:
    assert _run(*INSPECT, "--invert") == 0
    assert "black on white" in capsys.readouterr().out
    assert _run("data", "make-csv", "mnist-5k", "--out", "dark.csv", "--invert", "--quiet") == 0
    assert _run("data", "inspect", "dark.csv", "--invert") == 0
    assert "Nothing unusual was found." in capsys.readouterr().out


def test_transposed_digits_are_mended(capsys) -> None:
    assert _run("data", "make-csv", "mnist-5k", "--out", "lying.csv", "--transpose", "--quiet") == 0
    assert _run("data", "inspect", "lying.csv", "--transpose", "--json") == 0
    upright = json.loads(capsys.readouterr().out)["data"]["digest"]
    assert _run(*INSPECT, "--json") == 0
    assert json.loads(capsys.readouterr().out)["data"]["digest"] == upright


@pytest.mark.parametrize(
    "verb",
    [("build",), ("evaluate",), ("simulate",), ("device",), ("compare",), ("data", "inspect"), ("data", "make-csv")],
)
def test_every_verb_that_reads_digits_has_the_same_flags_for_it(verb: tuple[str, ...], capsys) -> None:
    assert command_line.main([*verb, "--help"]) == 0
    text = capsys.readouterr().out
    for flag in ("--label-column", "--invert, --no-invert", "--transpose, --no-transpose"):
        assert flag in text


def test_every_option_of_a_build_is_taken(capsys) -> None:
    np.savetxt("d.csv", np.c_[np.zeros((40, 784)), np.arange(40) % 10], fmt="%d", delimiter=",")
    words = ("data", "inspect", "d.csv", "--label-column", "last", "--validation-fraction", "0.25")
    assert _run(*words, "--test-fraction", "0.25", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [part["count"] for part in told["data"]["parts"]] == [20, 10, 10]


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (
            ("inspect", "mnits"),
            EXIT_DATA,
            "There is no source 'mnits', neither by name nor as a file. Did you mean 'mnist'?",
        ),
        (("inspect", "train.csv"), EXIT_DATA, "train.csv does not exist. Check its path."),
        (("inspect", "mnist-5k", "--seed", "x"), EXIT_USAGE, "--seed is 'x', expected an integer"),
        (
            ("inspect", "mnist-5k", "--validation-fraction", "0.9"),
            EXIT_USAGE,
            "--validation-fraction is '0.9'",
        ),
        (("inspect",), EXIT_USAGE, "the following arguments are required: SOURCE"),
        (("inspct", "x"), EXIT_USAGE, "invalid choice: 'inspct'"),
        (("make-csv", "mnist-5k"), EXIT_USAGE, "the following arguments are required: --out"),
        (("make-csv", "mnist-5k", "--out", "t.txt"), EXIT_USAGE, "t.txt is not the name of a CSV."),
        (
            ("make-csv", "mnist-5k", "--out", "a/t.csv"),
            EXIT_DATA,
            "there is no folder a. Make the folder first.",
        ),
        ((), EXIT_USAGE, "the following arguments are required: ACTION"),
    ],
)
def test_mistakes_are_one_sentence(words: tuple[str, ...], code: int, sentence: str, capsys) -> None:
    assert _run("data", *words) == code
    out, err = capsys.readouterr()
    assert out == "" and sentence in err and len(err.splitlines()) == 1
    assert _run("data", *words, "--json") == code
    told = json.loads(capsys.readouterr().out)
    assert told["status"] == "error"
    assert sentence in f"{told['error']['message']} {told['error']['hint']}"


def test_a_fallback_is_said(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("EDGEDIGITS_DATA", str(tmp_path))
    assert _run("data", "inspect", "auto") == 0
    out, err = capsys.readouterr()
    assert "EDGEDIGITS_DATA leads to no usable MNIST files: the 5,000 real digits of mnist-5k were used." in out
    assert "Using mnist-5k" in err


def test_nothing_heavy_is_imported_before_the_verb_runs() -> None:
    code = "import sys, edgedigits.cli.data; print([m for m in ('numpy', 'pandas', 'PIL', 'rich') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found == "[]\n"


def test_an_interruption_leaves_nothing_half_made(tmp_path: Path) -> None:
    code = "from edgedigits.cli import main; raise SystemExit(main.main())"
    root = Path(importlib.import_module("edgedigits").__path__[0]).parent
    words = ["data", "make-csv", "mnist-5k", "--out", "t.csv.gz"]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words],
        env={**os.environ, "PYTHONPATH": str(root)},
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 20
    while not list(tmp_path.glob(".t.csv.gz.*.part")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == EXIT_INTERRUPTED, err
    assert b"interrupted" in err
    assert list(tmp_path.iterdir()) == []
