"""What every verb says of digits that a model does not expect: on stderr what is seen, on stdout what would help."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import edgedigits
from edgedigits.cli.main import main
from edgedigits.data.digits import Digits
from edgedigits.data.symmetry import SYMMETRIES, relaid, transpose
from tests.scoring.recorded_build import REFERENCE, write_build

pytestmark = pytest.mark.slow

BUILD = REFERENCE.parent
SEEN_DARK = "data: The digits are black on white, models expect white on black: read them with --invert.\n"


@pytest.fixture
def some(five_thousand: Digits) -> Digits:
    """200 real digits, 20 of each class."""
    return five_thousand.take(np.arange(0, 5000, 25))


def _npz(path: Path, images: np.ndarray, labels: np.ndarray) -> str:
    np.savez(path, x=np.ascontiguousarray(images, np.uint8), y=labels)
    return str(path)


def _evaluate(path: Path | str, data: str, *flags: str) -> int:
    return main(["evaluate", str(path), "--data", data, "--no-latency", "--split", "all", *flags])


def test_evaluate_sees_dark_digits_and_names_the_flag(some: Digits, tmp_path: Path, capsys) -> None:
    dark = _npz(tmp_path / "dark.npz", 255 - some.images, some.labels)
    assert _evaluate(BUILD, dark) == 0
    out, err = capsys.readouterr()
    assert err == SEEN_DARK
    assert "are right as they were read, and" in (words := " ".join(out.split())) and "with --invert." in words
    assert _evaluate(BUILD, dark, "--invert", "--json") == 0
    out, err = capsys.readouterr()
    assert err == "" and json.loads(out)["evaluation"]["scores"]["accuracy"] > 0.95


def test_evaluate_sees_emnist_s_orientation(some: Digits, tmp_path: Path, capsys) -> None:
    lying = _npz(tmp_path / "lying.npz", 255 - relaid(some.images, transpose), some.labels)
    assert _evaluate(BUILD, lying, "--json") == 0
    out, err = capsys.readouterr()
    assert err.count("data: ") == 2 and "--invert.\n" in err and "--transpose.\n" in err
    facts = json.loads(out)
    assert facts["evaluation"]["notes"][0].endswith("with --invert --transpose.")
    assert [f"data: {finding}" for finding in facts["data_findings"]] == err.splitlines()
    assert _evaluate(BUILD, lying, "--invert", "--transpose", "--json") == 0
    assert json.loads(capsys.readouterr().out)["evaluation"]["scores"]["accuracy"] > 0.95


@pytest.mark.parametrize(
    ("change", "seen", "helps"),
    [
        (lambda x, y: (x > 127, y), "multiply them by 255.", "once you multiply the pixels by 255."),
        (lambda x, y: (relaid(x, SYMMETRIES[1].apply), y), "look mirrored", "once you mirror the pictures left to right."),
    ],
)  # fmt: skip
def test_evaluate_names_what_no_flag_mends(change, seen: str, helps: str, some: Digits, tmp_path: Path, capsys) -> None:
    stranger = shutil.copy(REFERENCE, tmp_path / "stranger.tflite")
    assert _evaluate(stranger, _npz(tmp_path / "bad.npz", *change(some.images, some.labels))) == 0
    out, err = capsys.readouterr()
    assert seen in err and helps in " ".join(out.split())


def test_good_digits_are_worth_no_word(some: Digits, tmp_path: Path, capsys) -> None:
    good = _npz(tmp_path / "good.npz", some.images, some.labels)
    assert _evaluate(BUILD, good) == 0
    out, err = capsys.readouterr()
    assert err == "" and "are right as they were read" not in out and "does not help" not in out


def test_evaluate_leaves_out_what_the_build_was_trained_on(some: Digits, tmp_path: Path, capsys) -> None:
    source = _npz(tmp_path / "own.npz", some.images, some.labels)
    write_build(tmp_path / "build", source)
    shuffled = some.take(np.random.default_rng(0).permutation(200)[:180])
    other = _npz(tmp_path / "other.npz", shuffled.images, shuffled.labels)
    words = ["evaluate", str(tmp_path / "build"), "--data", other, "--no-latency"]
    assert main([*words, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    left = facts["evaluation"]["scores"]["count"]
    assert facts["trained_on"] > 20 and facts["trained_on"] + left == 45
    assert facts["evaluation"]["data"] == f"test split of other.npz (seed 5), without {45 - left} that were trained on"
    assert facts["evaluation"]["notes"][0] == facts["data_note"]
    assert facts["data_note"] == f"{45 - left} of the 45 digits are ones that the build was trained on: left out."
    seen = write_build(tmp_path / "again", source).train
    words[3] = _npz(tmp_path / "seen.npz", seen.images, seen.labels)
    assert main(words) == 3
    assert "trained on every one of the" in capsys.readouterr().err
    assert main([*words, "--split", "all"]) == 0
    assert "that the build was trained on: figures flatter." in " ".join(capsys.readouterr().out.split())


def test_the_label_column_that_a_refusal_recommends_is_taken(some: Digits, tmp_path: Path, capsys) -> None:
    np.savetxt(tmp_path / "d.csv", np.c_[some.images, some.labels], fmt="%d", delimiter=",")
    assert _evaluate(BUILD, str(tmp_path / "d.csv"), "--label-column", "last", "--json") == 0
    assert json.loads(capsys.readouterr().out)["evaluation"]["scores"]["accuracy"] > 0.95


def test_make_csv_says_what_is_unusual(some: Digits, tmp_path: Path, capsys) -> None:
    dark = _npz(tmp_path / "dark.npz", 255 - some.images, some.labels)
    assert main(["data", "make-csv", dark, "--out", str(tmp_path / "dark.csv")]) == 0
    assert SEEN_DARK in capsys.readouterr().err
    assert main(["data", "make-csv", dark, "--out", str(tmp_path / "light.csv"), "--invert", "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == "" and json.loads(out)["findings"] == []


def test_a_notebook_that_hears_no_progress_finds_all_in_the_notes(some: Digits, tmp_path: Path, capsys) -> None:
    lying = _npz(tmp_path / "lying.npz", relaid(some.images, transpose), some.labels)
    notes = edgedigits.evaluate(BUILD, lying, split="all").notes
    assert notes[0].endswith("with --transpose.") and any("look transposed" in note for note in notes)
    assert capsys.readouterr() == ("", "")


def test_simulate_holds_classes_against_labels(some: Digits, tmp_path: Path, capsys) -> None:
    pytest.importorskip("unicorn")
    pytest.importorskip("ziglang")
    dark = _npz(tmp_path / "dark.npz", 255 - some.images, some.labels)
    words = ["simulate", str(BUILD), "--data", dark, "--split", "all", "--images", "60"]
    assert main([*words, "--report", str(tmp_path / "out"), "--json"]) == 0
    out, err = capsys.readouterr()
    facts = json.loads(out)
    assert err == SEEN_DARK and facts["accuracy"] < 0.3
    assert facts["notes"][0].endswith("with --invert.") and facts["data_findings"] == [SEEN_DARK[6:-1]]
    page = (tmp_path / "out" / "simulate.html").read_text()
    assert "What to know of the inputs:" in page and "with --invert." in page and SEEN_DARK[6:-1] in page
    assert main([*words, "--invert"]) == 0
    out, err = capsys.readouterr()
    assert err == "" and "accuracy      " in out and "with --" not in out


def test_a_device_that_does_badly_gets_the_same_advice(qemu: None, some: Digits, tmp_path: Path, capsys) -> None:
    pytest.importorskip("ziglang")
    dark = _npz(tmp_path / "dark.npz", 255 - some.images, some.labels)
    words = ["device", str(BUILD), "--port", "qemu:mps2-an386", "--data", dark, "--split", "all", "--images", "10"]
    assert main(words) == 0
    out, err = capsys.readouterr()
    assert SEEN_DARK in err and "with --invert.\n" in out
