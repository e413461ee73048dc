"""`edgedigits inspect` as a user sees it."""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from edgedigits.cli import inspect as verb
from edgedigits.cli.main import main
from edgedigits.cli.outcome import Outcome
from edgedigits.errors import DataError
from edgedigits.model.fixed_point import Rounding
from edgedigits.model.refusals import Reason
from edgedigits.progress import SILENT
from tests.model.refusals import TABLE
from tests.test_reference import REFERENCE
from tests.tflite_builder import random_mlp

SCREEN_LINES = 24


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.tflite"
    path.write_bytes(random_mlp(1, (784, 32, 16, 10), softmax=True, density=0.1))
    return path


def inspect(path: Path, *flags: str) -> Outcome:
    parser = argparse.ArgumentParser()
    parser.add_argument("--verbose", action="store_true")
    verb.add_arguments(parser)
    return verb.run(parser.parse_args([str(path), *flags]), SILENT)


def printed(outcome: Outcome, width: int = 110) -> str:
    stream = io.StringIO()
    outcome.show(Console(file=stream, width=width, highlight=False))
    return stream.getvalue()


def write_model(folder: Path, **options: Any) -> Path:
    path = folder / "other.tflite"
    path.write_bytes(random_mlp(1, **{"sizes": (784, 32, 16, 10), **options}))
    return path


def test_one_screen_tells_what_is_in_a_model(model: Path) -> None:
    text = printed(inspect(model))
    assert len(text.splitlines()) <= SCREEN_LINES
    for fact in (
        "input     int8 [1, 784], scale 1/255, zero point -128",
        "output    int8 [1, 10], scale 1/256, zero point -128",
        "contract  met",
        "FULLY_CONNECTED+RELU",
        "int8 [32, 784]",
        f"{model.stat().st_size:,} bytes",
        "25,818 parameters",
        "25,760 MACs",
    ):
        assert fact in text


def test_payload_has_the_same_facts_as_json(model: Path) -> None:
    payload = json.loads(json.dumps(inspect(model).payload, allow_nan=False))
    assert payload["contract"] == {"holds": True, "violations": []}
    facts = payload["model"]
    assert (facts["parameters"], facts["macs"], facts["size"]) == (25_818, 25_760, model.stat().st_size)
    assert [layer["op"] for layer in facts["layers"]] == ["FULLY_CONNECTED"] * 3 + ["SOFTMAX"]
    assert facts["layers"][0]["weights"]["sparsity"] == pytest.approx(0.9, abs=0.02)
    assert "measured" in facts["obtained"]["sizes"]


def test_the_folder_of_a_build_stands_for_its_model(model: Path) -> None:
    assert inspect(model.parent).payload == inspect(model).payload


def test_a_folder_without_a_model_is_a_data_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no model\.tflite") as caught:
        inspect(tmp_path)
    assert "edgedigits build" in caught.value.hint


def test_somebody_elses_model_is_shown_and_no_failure(tmp_path: Path) -> None:
    outcome = inspect(write_model(tmp_path, float_model=True))
    assert outcome.failures == ()
    assert outcome.payload["contract"]["holds"] is False
    assert "contract  not met: its input is float32 [1, 784], expected int8 [1, n] (and 3 more)" in printed(outcome)


def test_it_is_told_whether_the_engine_can_run_a_model(model: Path, tmp_path: Path) -> None:
    ours, theirs = inspect(model), inspect(write_model(tmp_path, extra_op="EXP"))

    assert ours.payload["engine"] == {"runs": True, "refusal": ""}
    assert "engine    can run it: edgedigits compile" in printed(ours)
    why = "operator 3 (EXP), tensor 9 'dense_2/out': the engine has no such operator"
    assert theirs.payload["engine"] == {"runs": False, "refusal": why}
    assert f"engine    cannot run it: {why}" in printed(theirs)


@pytest.mark.parametrize("reason", TABLE, ids=lambda reason: reason.name)
def test_every_refused_model_can_be_looked_at(reason: Reason, tmp_path: Path) -> None:
    path = tmp_path / "theirs.tflite"
    path.write_bytes(TABLE[reason].make())

    outcome = inspect(path)

    assert printed(outcome)
    assert TABLE[reason].rounding is Rounding.TFLM or outcome.payload["engine"]["refusal"] == TABLE[reason].says


def test_per_channel_scales_are_a_count_and_a_range(tmp_path: Path) -> None:
    assert "32: 0.00625..0.01" in printed(inspect(write_model(tmp_path, per_channel=True)))


@pytest.mark.parametrize("width", [60, 80, 110, 200])
def test_no_line_of_a_table_is_wider_than_the_terminal(tmp_path: Path, width: int) -> None:
    text = printed(inspect(write_model(tmp_path, per_channel=True, io="uint8")), width)
    tables = text.split("\n\n")[1:3]
    assert tables[0].startswith("#")
    assert all(len(line.rstrip()) <= width for table in tables for line in table.splitlines())


def test_numbers_are_whole_on_eighty_columns(model: Path) -> None:
    text = printed(inspect(model), width=80)
    for number in ("25,088+128", "22,583 (90.0%)", "25,088"):
        assert number in text


def test_a_deep_model_is_cut_to_a_screen_unless_asked(tmp_path: Path) -> None:
    path = write_model(tmp_path, sizes=(784, *[4] * 29, 10))
    assert "and 18 more operators: -v lists all" in printed(inspect(path))
    assert "more operators" not in printed(inspect(path, "--verbose"))


def test_names_from_the_file_are_not_taken_for_markup(tmp_path: Path) -> None:
    text = printed(inspect(write_model(tmp_path, extra_op="[bold]Op[/]")))
    assert "[bold]Op[/]" in text
    assert "unknown" in text


def test_names_from_the_file_cannot_steer_the_terminal(tmp_path: Path) -> None:
    outcome = inspect(write_model(tmp_path, extra_op="\x1b[2J\nOp"))
    assert "?[2J?Op" in printed(outcome)
    assert "\x1b" not in str(outcome.payload["contract"]["violations"])


def test_importing_the_verb_is_instant() -> None:
    heavy = ("numpy", "rich", "ai_edge_litert", "tensorflow")
    code = f"import sys, edgedigits.cli.inspect; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_packings_are_listed_from_the_smallest_to_the_fastest(capsys):
    assert main(["inspect", str(REFERENCE), "--packings", "--json"]) == 0
    packings = json.loads(capsys.readouterr().out)["packings"]
    assert len(packings) >= 5
    assert [one["flash"] for one in packings] == sorted(one["flash"] for one in packings)
    assert packings[0]["encodings"] == ["stream"] * 3
    assert main(["inspect", str(REFERENCE), "--packings"]) == 0
    shown = capsys.readouterr().out
    assert all(f"{one['instructions']:,}" in shown for one in packings)
