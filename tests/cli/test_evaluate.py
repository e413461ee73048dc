"""`edgedigits evaluate` as a user meets it: text, JSON, exit codes, and mistakes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from argparse import ArgumentTypeError
from pathlib import Path

import numpy as np
import pytest

from edgedigits.cli import main as cli
from edgedigits.cli.evaluate import microseconds, percentage
from edgedigits.cli.flags import byte_count
from edgedigits.data.load import read_source
from edgedigits.data.shape import PIXELS
from edgedigits.model.reader import read_tflite
from edgedigits.scoring.interpreter import open_classifier
from edgedigits.scoring.metrics import classify
from edgedigits.scoring.oracle import oracle_outputs
from tests.tflite_builder import random_mlp


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with model.tflite and digits.npz, 100 random digits."""
    (tmp_path / "model.tflite").write_bytes(random_mlp(0, sizes=(784, 10)))
    pixels = np.random.default_rng(0).integers(0, 256, (100, PIXELS))
    header = ",".join(["label", *(f"pixel{index}" for index in range(PIXELS))])
    table = np.column_stack([np.arange(100) % 10, pixels])
    np.savetxt(tmp_path / "digits.csv", table, fmt="%d", delimiter=",", header=header, comments="")
    return tmp_path


def run(folder: Path, *flags: str) -> int:
    return cli.main(["evaluate", str(folder), "--data", str(folder / "digits.csv"), "--no-latency", *flags])


def test_the_text_tells_every_figure_on_one_screen(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "--split", "all") == 0

    text = capsys.readouterr().out
    for word in ("100 digits", "accuracy", "size", "arena", "precision", "tflm / litert-reference"):
        assert word in text
    assert len(text.splitlines()) < 40
    assert max(len(line) for line in text.splitlines() if str(folder) not in line) <= 110


def test_the_text_tells_each_source(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    black = ",".join("7" + "0" * PIXELS)
    (folder / "more.csv").write_text((folder / "digits.csv").read_text() + black + "\n")

    assert run(folder, "--data", str(folder / "more.csv"), "--split", "all") == 0
    assert re.search(
        r"^source    digits.csv \S+% of 100\nsource    more.csv \S+% of 101$", capsys.readouterr().out, re.M
    )


def test_json_is_one_object_with_the_same_figures(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "--split", "all", "--json") == 0

    facts = json.loads(capsys.readouterr().out)
    assert (facts["schema"], facts["status"], facts["failures"]) == (1, "ok", [])
    assert facts["evaluation"]["scores"]["count"] == 100
    assert facts["evaluation"]["size"]["raw"] == (folder / "model.tflite").stat().st_size


def test_the_accuracy_on_each_of_several_sources_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    head, *lines = (folder / "digits.csv").read_text().splitlines()
    both = [folder / "even.csv", folder / "ten.csv"]
    for path, some in zip(both, (lines[::2], lines[1::10]), strict=True):
        path.write_text("\n".join((head, *some)) + "\n")

    classifier = open_classifier(read_tflite(folder / "model.tflite"))
    digits = [read_source(str(path)).everything for path in both]
    right = [np.mean(classify(oracle_outputs(classifier, one.images, "litert")) == one.labels) for one in digits]

    named = ["--data", str(both[0]), "--data", str(both[1])]
    assert cli.main(["evaluate", str(folder), "--split", "all", "--no-latency", "--json", *named]) == 0

    facts = json.loads(capsys.readouterr().out)["evaluation"]
    assert facts["scores"]["count"] == 60
    assert [(one["name"], one["count"]) for one in facts["sources"]] == [("even.csv", 50), ("ten.csv", 10)]
    assert [one["accuracy"] for one in facts["sources"]] == right


def test_what_pixels_are_is_said_and_may_be_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "--split", "all") == 0
    assert "pixels    0 to 255 are 0 to 1, by the model's own input quantization" in capsys.readouterr().out

    assert run(folder, "--split", "all", "--input-range", "-1,1", "--json") == 0
    assert json.loads(capsys.readouterr().out)["evaluation"]["pixels"] == {
        "low": -1.0,
        "high": 1.0,
        "how": "by --input-range",
        "cut": 127,
    }

    (folder / "model.tflite").write_bytes(random_mlp(0, sizes=(784, 10), input_scale=np.float32(0.03)))
    assert run(folder, "--split", "all") == 2
    assert "holds 0 to 7.65, which fits no usual range of pixels" in capsys.readouterr().err


def test_latency_is_measured_unless_told_not_to(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.main(["evaluate", str(folder), "--data", str(folder / "digits.csv"), "--threads", "2", "--json"])

    assert code == 0
    latency = json.loads(capsys.readouterr().out)["evaluation"]["latency"]
    assert (latency["threads"], latency["kernels"]) == (2, "default")


def test_a_broken_limit_fails_with_exit_code_1(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "--max-size", "1K", "--min-accuracy", "100") == 1

    said = capsys.readouterr().err
    assert "accuracy" in said and "more than the 1,024 allowed" in said


def test_a_broken_limit_is_in_the_json_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "--max-size", "1K", "--json") == 1

    facts = json.loads(capsys.readouterr().out)
    assert facts["status"] == "failed" and len(facts["failures"]) == 1


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"", 3, "empty"),
        (b"\x1c\0\0\0TFL3" + bytes(range(256)) * 4, 3, "damaged"),
        (random_mlp(0, sizes=(100, 10)), 5, "100 elements, not 784"),
        (random_mlp(0, extra_op="NOVELTY"), 5, "NOVELTY"),
    ],
)
def test_models_that_cannot_be_evaluated(
    folder: Path, capsys: pytest.CaptureFixture[str], content: bytes, code: int, words: str
) -> None:
    (folder / "model.tflite").write_bytes(content)

    assert run(folder) == code
    said = capsys.readouterr().err
    assert words in said and "model.tflite" in said and "Traceback" not in said


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--min-accuracy", "good"], "'good' is not a percentage; write it like 97.5% or 0.975"),
        (["--min-accuracy", "150%"], "'150%' is not a percentage"),
        (["--max-size", "16 bananas"], "write it like 16384 or 16K"),
        (["--max-latency", "50"], "Drop one of them"),
        (["--threads", "0"], "from 1 to 256"),
        (["--split", "train"], "train"),
    ],
)
def test_mistakes_are_told_with_their_remedy(
    folder: Path, capsys: pytest.CaptureFixture[str], flags: list[str], words: str
) -> None:
    assert run(folder, *flags) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "share"),
    [
        *[("97.5", 0.975), ("97.5%", 0.975), ("0.975", 0.975), (".5", 0.5), ("100 %", 1.0), ("0", 0.0)],
        *[("1", 1.0), ("1%", 0.01), ("0.5%", 0.005), ("99.9%", 0.999)],
    ],
)
def test_percentages(text: str, share: float) -> None:
    assert percentage(text) == pytest.approx(share)


@pytest.mark.parametrize(
    ("text", "count"),
    [("16384", 16384), ("16K", 16384), ("16KiB", 16384), ("1.5k", 1536), ("2 MiB", 2 << 20)],
)
def test_sizes(text: str, count: int) -> None:
    assert byte_count(text) == count


@pytest.mark.parametrize(("text", "time"), [("50", 50), ("50us", 50), ("50µs", 50), ("50 μs", 50), ("0.05ms", 50)])
def test_times(text: str, time: float) -> None:
    assert microseconds(text) == pytest.approx(time)


@pytest.mark.parametrize("text", ["-1", "101", "nan", "inf", "", "%", "-1%", "97%%", "9_7", "٩٧"])
def test_what_is_no_percentage(text: str) -> None:
    with pytest.raises(ArgumentTypeError):
        percentage(text)


@pytest.mark.parametrize("text", ["-1", "0", "0.2", "16Q", "", "K"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ArgumentTypeError):
        byte_count(text)


def test_nothing_heavy_is_imported_before_the_verb_runs() -> None:
    code = "import sys, edgedigits.cli.evaluate; sys.exit('numpy' in sys.modules or 'rich' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
