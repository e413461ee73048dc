"""`edgedigits compare` on reports as builds write them."""

from __future__ import annotations

import copy
import json
import shutil

import numpy as np
import pytest

from edgedigits.cli.main import main
from edgedigits.config_file import make_config, to_tables
from edgedigits.report.compare import Comparison, compare_builds
from edgedigits.report.compare_page import render_comparison
from edgedigits.report.paired import Flip, mcnemar
from tests.report.conftest import build_facts
from tests.scoring.recorded_build import write_build
from tests.tflite_builder import random_mlp

CHOICES = {"model": {"hidden": (10,)}, "loss": {"name": "mse"}, "qat": {"enabled": True}}
FACTS = build_facts(epochs=1, parity=()).to_json()


def write(folder, accuracy, size, digest="d", engine=None):
    """Write a report as a build does, with these figures, of 400 weights with 100 zeros."""
    folder.mkdir()
    facts = copy.deepcopy(FACTS)
    evaluation, layers = facts["evaluation"], facts["model"]["layers"]
    evaluation |= {"float_accuracy": 0.95, "data_digest": digest}
    evaluation["scores"] |= {"accuracy": accuracy, "macro_f1": accuracy}
    for one in evaluation["scores"]["per_class"]:
        one["recall"] = accuracy
    evaluation["size"] |= {"raw": size, "gzip": size // 2}
    layers[0]["weights"]["count"], layers[0]["weights"]["tensor"]["shape"] = 400, [10, 40]
    facts["model"] |= {"zeros": 100, "layers": [layers[0], layers[1] | {"weights": None}]}
    facts |= {"config": to_tables(make_config(CHOICES)), "stages": [], "engine": engine and facts["engine"] | engine}
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
    assert "784-10" in out, "the widths of the file"


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


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        ("config", {}, "config is {}, expected an object of length >= 1."),
        ("config", {"qat": {"enabled": "yes"}}, "config: [qat] enabled is 'yes', expected true or false."),
        ("config.model.hidden", 5000, "config: [model] hidden is 5000, expected layer widths from 1 to 4096"),
        ("config.loss.name", None, "config: [loss] name is None, expected one of "),
        ("config.loss", "mse", "config[...] is {'budget'"),
        ("engine", [1], "engine is [1], expected an object or null."),
        ("engine.weight_bytes", -1, "engine.weight_bytes is -1, expected an integer >= 0."),
        ("engine.layers", [{}], "engine.layers[0].name is missing."),
        ("evaluation", [], "evaluation is [], expected an object."),
        ("evaluation", {}, "evaluation.model is missing."),
        ("evaluation.scores.accuracy", "x", "evaluation.scores.accuracy is 'x', expected a number."),
        ("evaluation.scores.accuracy", float("nan"), "evaluation.scores.accuracy is nan, expected a number >= 0.0."),
        ("evaluation.scores.accuracy", 2, "evaluation.scores.accuracy is 2, expected a number <= 1.0."),
        ("evaluation.scores.macro_f1", -0.5, "evaluation.scores.macro_f1 is -0.5, expected a number >= 0.0."),
        ("evaluation.scores.per_class", FACTS["evaluation"]["scores"]["per_class"][:9], ", expected a list of length >= 10."),
        ("evaluation.scores.per_class", [3] * 10, "evaluation.scores.per_class[0] is 3, expected an object."),
        ("evaluation.scores.confusion", [[1, "x"]], "evaluation.scores.confusion[0][1] is 'x', expected an integer."),
        ("evaluation.size.raw", 1.5, "evaluation.size.raw is 1.5, expected an integer."),
        ("evaluation.size.raw", True, "evaluation.size.raw is True, expected an integer."),
        ("evaluation.size.gzip", 10**400, "expected an integer <= 9007199254740992."),
        ("evaluation.arena", 7, "evaluation.arena is 7, expected an object or null."),
        ("model.layers", {}, "model.layers is {}, expected a list."),
        ("model.zeros", 500, "it has 500 zeros among 400 weights."),
        ("data.sizes", {"train": "many"}, "data.sizes[...] is {'train': 'many'}, expected an integer."),
        ("versions", None, "versions is None, expected an object."),
    ],
)  # fmt: skip
@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_a_damaged_report_is_told_by_its_place(place, value, words, flags, builds, capsys):
    path = builds[0] / "report.json"
    facts = inner = json.loads(path.read_text())
    *outer, last = place.split(".")
    for key in outer:
        inner = inner[key]
    inner[last] = value
    path.write_text(json.dumps(facts))
    assert main(["compare", *map(str, builds), *flags]) == 3
    out, err = capsys.readouterr()
    assert f"{path} is not the report of a build: " in err
    assert words in err
    assert err.count("\n") == 1
    if flags:
        assert words in json.loads(out)["error"]["message"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "is not the report of a build: it is [], expected an object."),
        ("null", "is not the report of a build: it is None, expected an object."),
        ("{}", "is not the report of a build: name is missing."),
        ("{", "cannot be read: "),
        ("[" * 100_000, "cannot be read: "),
        ("1" * 5000, "cannot be read: "),
    ],
)
def test_a_report_that_is_no_object_is_told(text, words, builds, capsys):
    (builds[0] / "report.json").write_text(text)
    assert main(["compare", *map(str, builds)]) == 3
    assert words in capsys.readouterr().err


def test_every_figure_says_how_it_was_obtained(builds, capsys):
    assert main(["compare", *map(str, builds), "--json"]) == 0
    comparison = json.loads(capsys.readouterr().out)["comparison"]
    assert {*comparison["builds"][0]["figures"], "recall"} == set(comparison["how"])
    assert all(how.startswith(("measured: ", "estimated: ")) for how in comparison["how"].values())
    assert main(["compare", *map(str, builds)]) == 0
    out = capsys.readouterr().out
    assert "accuracy, macro F1, recall (measured: model.tflite" in out
    assert "arrays of the C engine (measured: weights, biases and tables" in out
    assert "RAM of TFLM" not in out


def paired(folder, accuracy, source, model=b""):
    """A build that a report can be read of and a model run, trained on `source`."""
    splits = write_build(folder, source, model=model)
    facts = json.loads((write(folder.with_name(f"{folder.name}-report"), accuracy, 1000) / "report.json").read_text())
    facts["evaluation"]["data_digest"] = splits.test.digest
    (folder / "report.json").write_text(json.dumps(facts))
    return splits


def test_paired_builds_run_on_what_none_was_trained_on(five_thousand, tmp_path, capsys):
    some = five_thousand.take(np.arange(0, 5000, 25))
    np.savez(tmp_path / "a.npz", x=some.images, y=some.labels)
    first = paired(tmp_path / "a", 0.9, tmp_path / "a.npz")
    half = first.test.take(np.arange(40))
    np.savez(tmp_path / "b.npz", x=half.images, y=half.labels)
    paired(tmp_path / "b", 0.8, tmp_path / "b.npz")
    words = ["compare", str(tmp_path / "a"), str(tmp_path / "b"), "--paired"]
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["comparison"]
    assert found["tests"][0]["count"] == 50 - 30 and found["tests"][0]["p_value"] == 1.0
    assert "images that none of the builds tested was trained on" in found["how"]["p_value"]
    assert found["notes"][-1] == "30 of the 50 digits are ones that one of the builds was trained on: left out."
    np.savez(tmp_path / "c.npz", x=first.train.images, y=first.train.labels)
    assert main([*words, "--data", str(tmp_path / "c.npz")]) == 0
    out = capsys.readouterr().out
    assert "McNemar" not in out and "one of the builds was trained on: there is nothing left to test on." in out
    assert main([*words, "--invert"]) == 0
    assert "The digits are black on white" in capsys.readouterr().err


def test_the_page_shows_what_flips(five_thousand, tmp_path, capsys):
    some = five_thousand.take(np.arange(0, 5000, 25))
    np.savez(tmp_path / "d.npz", x=some.images, y=some.labels)
    for name, model in (("a", b""), ("b", random_mlp(1, (784, 10)))):
        paired(tmp_path / name, 0.9, tmp_path / "d.npz", model)
    (tmp_path / "b" / "report.html").touch()
    page = tmp_path / "compared.html"
    words = ["compare", str(tmp_path / "a"), str(tmp_path / "b"), "--html", str(page)]
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    (test,), text = found["comparison"]["tests"], page.read_text()
    assert found["page"] == str(page) and "flips" not in found["comparison"]
    assert test["lost"] > 30 > test["gained"] and test["count"] == 50
    assert text.count('<img src="data:image/png;base64,') == test["gained"] + test["lost"]
    assert f"Lost: {test['lost']} images" in text and "they differ (McNemar, p = " in text
    assert '<a href="b/report.html">' in text and '<a href="a/report.html">' not in text
    assert "<script" not in text and 'href="#flips-1"' in text and 'id="flips-1"' in text
    assert main(words) == 3
    assert f"{page} exists already." in capsys.readouterr().err
    assert page.read_text() == text
    assert main([*words[:3], "--force"]) == 2


def test_of_many_flips_the_first_are_shown_and_all_are_counted(builds, tmp_path):
    (tmp_path / "<b>").mkdir()
    beside = builds[1].rename(tmp_path / "<b>" / "b")
    plain = compare_builds([builds[0], beside])
    pixels = np.zeros((28, 28), np.uint8)
    flips = tuple(Flip(str(beside), number, 3, 3, 5, pixels) for number in range(70))
    test = mcnemar(str(beside), np.zeros(100, bool), np.arange(100) < 70)
    text = render_comparison(Comparison(plain.builds, plain.best, (test,), ("careful",), flips), tmp_path)
    assert "Lost: 70 images, the first 60" in text and "Gained: 0 images" in text
    assert text.count("<img ") == 60 and "<b>/b" not in text and "careful" in text
    assert "<b>92.00%</b>" in text and "<b>90.00%</b>" not in text


FORGOTTEN = {
    "its record is gone": ["training_digests.bin"],
    "its manifest is gone": ["manifest.json"],
    "both are gone": ["training_digests.bin", "manifest.json"],
}


@pytest.fixture(scope="module")
def three_builds(five_thousand, tmp_path_factory):
    """Folders of builds a, b and c, trained on parts of the same 200 digits."""
    place = tmp_path_factory.mktemp("builds")
    some = five_thousand.take(np.arange(0, 5000, 25))
    for name, rows in (("a", np.arange(200)), ("b", np.arange(40)), ("c", np.arange(60))):
        np.savez(place / f"{name}.npz", x=some.take(rows).images, y=some.take(rows).labels)
        paired(place / name, 0.9, place / f"{name}.npz")
    return place


@pytest.mark.parametrize("gone", FORGOTTEN.values(), ids=FORGOTTEN)
@pytest.mark.parametrize(
    ("whose", "tested"),
    [("a", []), *(pytest.param(*one, marks=pytest.mark.slow) for one in (("b", ["c"]), ("c", ["b"])))],
)
@pytest.mark.parametrize("source", [[], ["--data", "mnist-5k"]], ids=["own", "other"])
def test_there_is_no_verdict_on_a_build_whose_training_images_are_not_known(
    source, whose, tested, gone, three_builds, tmp_path, capsys
):
    folders = [shutil.copytree(three_builds / name, tmp_path / name) for name in "abc"]
    for name in gone:
        (tmp_path / whose / name).unlink()
    words = ["compare", *map(str, folders), "--paired", *source]
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["comparison"]
    assert [test["folder"] for test in found["tests"]] == [str(tmp_path / one) for one in tested]
    assert ("p_value" in found["how"]) == bool(found["tests"])
    what = "nothing is tested against it" if whose == "a" else "it is not tested"
    note = f"Which images {tmp_path / whose} was trained on is not known, so {what}: build it again."
    assert note in found["notes"]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert f"note: {note}" in out
    assert out.count("McNemar, p = ") == len(found["tests"])
    assert ("none of the builds tested was trained on" in out) == bool(found["tests"])
    assert f"{tmp_path / whose} against" not in out


@pytest.mark.parametrize(("flags", "named"), [(["--data", "x"], "--data"), (["--label-column", "y"], "--label-column")])
def test_how_digits_are_read_is_asked_of_those_that_read_some(flags, named, builds, capsys):
    assert main(["compare", *map(str, builds), *flags]) == 2
    assert f"{named} is of --paired: without it, no digits are read. Add --paired." in capsys.readouterr().err


def test_mcnemar_counts_images_that_only_one_gets_right():
    first = np.array([True] * 90 + [False] * 10)
    other = np.array([True] * 88 + [False] * 2 + [True] * 9 + [False])
    found = mcnemar("x", other, first)
    assert (found.count, found.gained, found.lost) == (100, 9, 2)
    # Two-sided binomial test of 9 in 11: 2·(1 + 11 + 55)/2¹¹.
    assert found.p_value == pytest.approx(2 * 67 / 2048)
    assert mcnemar("x", first, first).p_value == 1.0
