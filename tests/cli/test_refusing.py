"""`--reject-error`'s outcome as users of the other verbs meet it: evaluate, inspect, compile, simulate."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgedigits.cli.main import main
from tests.scoring.recorded_build import write_build

MARGIN = 16
CONFIDENCE = {"temperature": 0.5706, "temperature_steps": 4.82, "reject_margin": MARGIN, "reject_error": 0.005}


def say(folder: Path, **confidence: Any) -> None:
    """Write what the manifest of a build says of its confidence."""
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "confidence": confidence}))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("refusing") / "build"
    write_build(folder, "mnist-5k")
    say(folder, **CONFIDENCE)
    return folder


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A build that a test may change."""
    write_build(tmp_path / "build", "mnist-5k")
    return tmp_path / "build"


@pytest.fixture
def things(tmp_path: Path) -> Path:
    pictures = np.random.default_rng(0).integers(0, 256, (50, 28, 28)).astype(np.uint8)
    (tmp_path / "things").write_bytes(struct.pack(">IIII", 0x803, 50, 28, 28) + pictures.tobytes())
    return tmp_path / "things"


def test_evaluate_counts_what_is_refused_of_digits_and_of_other_things(
    shared: Path, things: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(shared), "--no-latency", "--json", "--non-digits", str(things)]) == 0
    found = json.loads(capsys.readouterr().out)["evaluation"]
    decisions, (refusals,) = found["decisions"], found["refusals"]
    assert decisions["images"] == found["scores"]["count"] and 0 < decisions["refused"] < decisions["images"] / 2
    right = round(found["scores"]["accuracy"] * decisions["images"])
    assert decisions["wrong"] < (decisions["images"] - right) / 2
    assert (refusals["kind"], refusals["images"]) == ("things", 50) and 0 < refusals["refused"] <= 50

    assert main(["evaluate", str(shared), "--no-latency", "--non-digits", str(things)]) == 0
    text = capsys.readouterr().out
    assert f"refused   {decisions['refused']:,} of {decisions['images']:,} digits (" in text
    assert f"refused   {refusals['refused']} of 50 (" in text and "of things" in text


def test_a_model_that_refuses_nothing_is_asked_in_vain(
    build: Path, things: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(build), "--non-digits", str(things)]) == 2
    said = capsys.readouterr().err
    assert (
        "build refuses nothing, digits or not: it has no margin. Build it with --reject-error, such as 0.005." in said
    )

    assert main(["evaluate", str(build), "--non-digits-transpose"]) == 2
    assert "--non-digits-transpose has no effect without --non-digits." in capsys.readouterr().err


def test_what_is_no_file_of_pictures_is_told_before_anything_is_measured(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "letters.csv").write_text("a,b\n")
    for name, words in (("letters.csv", "is no IDX file of images"), ("nowhere", "nowhere")):
        assert main(["evaluate", str(shared), "--non-digits", str(tmp_path / name)]) == 3
        assert words in capsys.readouterr().err


@pytest.mark.parametrize("margin", [0, 256, 1.5, "16", None, [16]])
def test_a_manifest_with_another_margin_than_can_be_is_told(
    margin: object, build: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    say(build, reject_margin=margin)
    for verb in (["evaluate", "--no-latency"], ["inspect"], ["compile", "--out", str(build.parent / "out")]):
        assert main([*verb, str(build)]) == 3
        assert "manifest.json is damaged: confidence.reject_margin is " in capsys.readouterr().err
    assert not (build.parent / "out").exists()


def test_inspect_says_temperature_and_margin(shared: Path, build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(shared)]) == 0
    text = capsys.readouterr().out
    assert "certainty softmax of the int8 logits / 4.82, for probabilities that can be believed" in text
    assert "refuses   what leads by less than 16 steps; wished at most 0.005 of the accepted wrong" in text
    assert main(["inspect", str(shared), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["confidence"] == CONFIDENCE

    assert main(["inspect", str(build)]) == 0
    text = capsys.readouterr().out
    assert "certainty" not in text and "refuses" not in text


def test_an_engine_compiled_of_a_build_refuses_what_the_build_does(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("unicorn")
    assert main(["compile", str(shared), "--out", str(tmp_path / "out")]) == 0
    assert "refuses  what leads by less than 16 steps, as its build does" in capsys.readouterr().out
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["confidence"] == CONFIDENCE
    assert "_REJECT_MARGIN 16 " in (tmp_path / "out" / "engine" / "edgedigits_model.h").read_text()

    words = ["--data", "mnist-5k", "--images", "60"]
    assert main(["simulate", str(tmp_path / "out"), *words, "--split", "all"]) == 0
    text = capsys.readouterr().out
    assert "equal too: classify on the emulated core, which refuses below a margin of 16, 136 bytes" in text
    assert "refused       " in text and "of 60 digits (" in text
