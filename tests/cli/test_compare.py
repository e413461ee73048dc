"""`edgedigits compare` on reports as builds write them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from edgedigits.cli.main import main
from edgedigits.study.compare import compare_builds, mcnemar

CONFIG = {
    "model": {"hidden": [10]},
    "loss": {"name": "mse"},
    "prune": {"enabled": False, "sparsity": 0.8},
    "qat": {"enabled": True},
}


def write(folder, accuracy, size, digest="d", engine=None):
    folder.mkdir()
    recall = [{"recall": accuracy} for _ in range(10)]
    facts = {
        "config": CONFIG,
        "evaluation": {
            "scores": {"accuracy": accuracy, "macro_f1": accuracy, "per_class": recall},
            "size": {"raw": size, "gzip": size // 2},
            "float_accuracy": 0.95,
            "data_digest": digest,
            "arena": None,
        },
        "model": {"zeros": 100, "layers": [{"weights": {"count": 400}}, {"weights": None}]},
        "engine": engine,
    }
    (folder / "report.json").write_text(json.dumps(facts))
    return folder


@pytest.fixture
def builds(tmp_path):
    engine = {"weight_bytes": 10, "bias_bytes": 5, "table_bytes": 1, "instructions": 700}
    return [write(tmp_path / "a", 0.9, 1000, engine=engine), write(tmp_path / "b", 0.92, 2000)]


def test_builds_stand_side_by_side(builds):
    found = compare_builds(builds)
    assert [build.figures["accuracy"] for build in found.builds] == [0.9, 0.92]
    assert found.builds[0].figures["engine_bytes"] == 16
    assert found.builds[0].figures["sparsity"] == 0.25
    assert found.builds[1].figures["engine_bytes"] is None
    assert found.best == {
        "accuracy": (str(builds[1]),),
        "macro_f1": (str(builds[1]),),
        "bytes": (str(builds[0]),),
        "gzip_bytes": (str(builds[0]),),
    }
    assert found.notes == ()


def test_different_test_images_are_pointed_out(builds, tmp_path):
    assert "different images" in compare_builds([builds[0], write(tmp_path / "c", 0.8, 1, digest="other")]).notes[0]


def test_the_table_is_printed(builds, capsys):
    assert main(["compare", *map(str, builds)]) == 0
    out = capsys.readouterr().out
    assert "90.00%" in out
    assert "recall of 9" in out
    assert "784-10-10" in out


@pytest.mark.parametrize(
    ("names", "code", "words"),
    [
        (["a"], 2, "two builds or more"),
        (["a", "a"], 2, "named twice"),
        (["a", "nowhere"], 3, "holds no report.json"),
    ],
)
def test_mistakes_are_told(names, code, words, builds, capsys):
    folder = builds[0].parent
    assert main(["compare", *(str(folder / name) for name in names)]) == code
    assert words in capsys.readouterr().err


def test_a_damaged_report_is_told(builds, capsys):
    (builds[1] / "report.json").write_text('{"config": {}}')
    assert main(["compare", *map(str, builds)]) == 3
    assert "not the report of a build" in capsys.readouterr().err


def test_mcnemar_counts_images_that_only_one_gets_right():
    first = np.array([True] * 90 + [False] * 10)
    other = np.array([True] * 88 + [False] * 2 + [True] * 9 + [False])
    found = mcnemar("x", other, first)
    assert (found.gained, found.lost) == (9, 2)
    # Two-sided binomial test of 9 in 11: 2·(1 + 11 + 55)/2¹¹.
    assert found.p_value == pytest.approx(2 * 67 / 2048)
    assert mcnemar("x", first, first).p_value == 1.0
