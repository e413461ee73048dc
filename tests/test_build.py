"""A build from end to end, small: what lands in the folder, that it keeps the contract, and that it repeats."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import edgedigits
from edgedigits import assemble
from edgedigits.api import BuildResult
from edgedigits.assemble import resolved
from edgedigits.cli.main import main
from edgedigits.compile import compile_model
from edgedigits.config import BuildConfig, EngineConfig, OutputConfig
from edgedigits.config_file import make_config, parse_sections
from edgedigits.data.digits import Digits
from edgedigits.data.export import write_csv
from edgedigits.data.named import OFFLINE_NOTE, UNUSABLE_NOTE
from edgedigits.data.symmetry import relaid, transpose
from edgedigits.errors import CheckFailedError, DataError, UnsupportedModelError
from edgedigits.model.contract import check_contract, dense_weights
from edgedigits.model.lowering import lower
from edgedigits.model.reader import read_tflite
from edgedigits.model.rounding_bound import rounding_bound
from edgedigits.scoring.record import training_record
from edgedigits.scoring.subject import find_subject
from edgedigits.scoring.subject_digits import load_subject_digits
from edgedigits.view import View
from tests.small_builds import COMPRESSIONS, SHORT, merged


@pytest.fixture(scope="module")
def csv(few, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("data") / "train.csv"
    everything = Digits(
        np.concatenate([few.train.images, few.validation.images, few.test.images]),
        np.concatenate([few.train.labels, few.validation.labels, few.test.labels]),
    )
    write_csv(everything, path)
    return path


def run(csv: Path, folder: Path, *tables: dict, **options) -> BuildResult:
    place = {"data": {"source": str(csv)}, "output": {"out": str(folder)}}
    return edgedigits.build(merged(SHORT, place, *tables), **options)


@pytest.fixture
def build(csv, tmp_path):
    """Make a build of the tables given in a folder "it" of its own."""

    def make(*tables: dict, **options) -> BuildResult:
        return run(csv, tmp_path / "it", *tables, **options)

    return make


class Builds(dict[str, BuildResult]):
    """One build of each compression, made when a test first looks at it."""

    def __init__(self, csv: Path, place: Path) -> None:
        super().__init__()
        self.csv, self.place = csv, place

    def __missing__(self, name: str) -> BuildResult:
        may_refuse = {"confidence": {"reject_error": 0.05}} if name == "qat+prune" else {}
        self[name] = run(self.csv, self.place / name, COMPRESSIONS[name], may_refuse)
        return self[name]


@pytest.fixture(scope="module")
def built(csv, tmp_path_factory) -> Builds:
    """Builds that are shared by the tests that only look at them."""
    return Builds(csv, tmp_path_factory.mktemp("builds"))


def files(folder: Path) -> dict[str, str]:
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


@pytest.mark.slow
@pytest.mark.parametrize("compression", ["post-training", "qat+prune"])
def test_a_build_repeats_byte_for_byte_from_its_manifest(built, compression, tmp_path):
    folder = built[compression].folder
    tables = json.loads((folder / "manifest.json").read_text())["config"]
    again = edgedigits.build(merged(tables, {"output": {"out": str(tmp_path / "again")}}))
    assert files(again.folder) == files(folder)


def test_the_note_on_a_fallback_is_kept_with_the_choices(few):
    config = BuildConfig(output=OutputConfig(note="Of my desk."))
    fallen_back = dataclasses.replace(few, source="mnist-5k", note=OFFLINE_NOTE)
    tables = resolved(config, fallen_back)
    again = make_config(parse_sections(json.loads(json.dumps(tables)), "manifest"))
    assert again.data.source == "mnist-5k" and again.output.note == f"Of my desk. {OFFLINE_NOTE}"
    assert resolved(again, dataclasses.replace(few, source="mnist-5k", note="")) == tables


@pytest.mark.slow
def test_the_check_that_the_readme_prints_holds_without_a_network_and_after_a_simulation(tmp_path, monkeypatch):
    """Builds 5,000 digits twice through the command line, as README.md says."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EDGEDIGITS_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    [build] = re.findall(r"^    edgedigits (build --config .*/manifest.json .*)$", readme, re.MULTILINE)
    [diff] = re.findall(r"^    (diff -r .*)$", readme, re.MULTILINE)
    few_epochs = ["--epochs", "2", "--prune-epochs", "1", "--qat-epochs", "1"]
    assert main(["build", "--loss", "focal", "--qat", "--prune", *few_epochs]) == 0
    assert main(["simulate", "deploy/focal-qat-prune", "--images", "5", "--report"]) == 0
    assert main(build.split()) == 0
    assert "deploy/again" in diff
    done = subprocess.run(diff.split(), capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
    assert UNUSABLE_NOTE in (tmp_path / "deploy" / "again" / "report.html").read_text()


@pytest.mark.slow
def test_what_a_build_sees_is_seen_by_everything_that_is_done_with_it(build, tmp_path, capsys):
    view = View(window=24, size=12, deskew=True, centre=True, bits=4)
    core = {"core": ["cortex-m0plus"]}
    made = build({"input": dataclasses.asdict(view), "engine": core}, COMPRESSIONS["qat+prune"])
    manifest = json.loads((made.folder / "manifest.json").read_text())
    assert manifest["config"]["engine"].items() >= core.items() and made.facts.engine.cycles.keys() == {"cortex-m0plus"}
    assert manifest["activity"] == [layer.activity for layer in made.facts.engine.layers]
    assert manifest["config"]["input"] == dataclasses.asdict(view)
    assert made.facts.evaluation.view == find_subject(made.folder).view() == view
    evaluated = edgedigits.evaluate(made.folder)
    assert evaluated.scores == made.facts.evaluation.scores
    assert view.remark in made.facts.evaluation.notes and view.remark in evaluated.notes
    compile_model(made.folder, tmp_path / "engine", EngineConfig(), "digits")
    for folder in (made.folder, tmp_path / "engine"):
        assert main(["simulate", str(folder), "--images", "40", "--json"]) == 0
        found = json.loads(capsys.readouterr().out)["simulation"]
        assert found["parity"]["differing_bytes"] == 0 and found["preprocess"]["view"] == dataclasses.asdict(view)
        assert not any(other["differing"] for other in found["parity"]["others"])
        assert main(["inspect", str(folder)]) == 0
        assert f"sees      {view}" in capsys.readouterr().out
    shutil.copy(made.folder / "model.tflite", tmp_path / "alone.tflite")
    with pytest.raises(UnsupportedModelError, match="has 144 elements, not 784. .* by its folder"):
        edgedigits.evaluate(tmp_path / "alone.tflite")


def test_the_folder_holds_every_artifact_and_the_manifest_their_digests(built):
    folder = built["qat+prune"].folder
    manifest = json.loads((folder / "manifest.json").read_text())
    digests = files(folder)
    del digests["manifest.json"]
    assert {name: facts["sha256"] for name, facts in manifest["files"].items()} == digests
    plain = {name for name in digests if not name.startswith("plots/")}
    assert plain == {
        "model.tflite",
        "model_float.tflite",
        "model_data.h",
        "tflm_resolver.h",
        "report.json",
        "report.html",
        "training_digests.bin",
        "engine/edgedigits_model.h",
        "engine/edgedigits_model.c",
        "engine/edgedigits_model.json",
        "engine/edgedigits_model_self_test.c",
        "engine/edgedigits_model_fit.c",
    }
    assert manifest["data"]["sizes"] == {"train": 750, "validation": 100, "test": 150}
    how = "by the model's own input quantization"
    assert manifest["data"]["pixels"] == {"low": 0.0, "high": 1.0, "how": how, "cut": 0}
    assert manifest["versions"]["tensorflow-model-optimization"] == "0.8.1"
    assert not list(folder.parent.glob(".*"))


@pytest.mark.parametrize(
    "compression",
    [pytest.param(name, marks=pytest.mark.slow) if name != "qat+prune" else name for name in COMPRESSIONS],
)
def test_every_compression_keeps_the_contract_and_its_zeros(built, compression):
    result = built[compression]
    graph = read_tflite(result.folder / "model.tflite")
    check_contract(graph)
    shares = [float(np.mean(tensor.data == 0)) for tensor in dense_weights(graph)]
    assert [operator.opcode for operator in graph.operators] == ["FULLY_CONNECTED"] * 3
    if "prune" in compression:
        assert min(shares[:2]) >= 0.8
    else:
        assert max(shares[:2]) < 0.2
    assert shares[2] < 0.2
    names = [stage.name for stage in result.facts.stages]
    assert names == [
        "float",
        *(["prune"] if "prune" in compression else []),
        *(["cluster"] if "cluster" in compression else []),
        *(["qat"] if "qat" in compression else []),
    ]
    most = [16 + (share > 0) for share in shares] if "cluster" in compression else [255] * 3
    assert all(len(np.unique(tensor.data)) <= top for tensor, top in zip(dense_weights(graph), most, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("compression", ["post-training", "qat"])
def test_softmax_is_deployed_when_asked_for_and_the_engine_as_chosen(build, compression):
    choices = {"engine": {"rounding": "tflm", "optimize": "size"}, "output": {"name": "digits"}}
    result = build({"model": {"softmax": True}}, choices, COMPRESSIONS[compression])
    graph = read_tflite(result.folder / "model.tflite")
    assert graph.operators[-1].opcode == "SOFTMAX"
    output = graph.tensors[graph.outputs[0]]
    assert (float(output.scale), output.zero_point) == (1 / 256, -128)
    assert result.facts.evaluation.outputs_are == "probabilities"
    assert result.facts.engine.softmax
    assert "softmax(output, 10u, " in (result.folder / "engine" / "digits.c").read_text()
    assert "AddSoftmax" in (result.folder / "tflm_resolver.h").read_text()
    report = json.loads((result.folder / "report.json").read_text())["engine"]
    assert (report["rounding"], report["optimize"]) == ("tflm", "size")
    assert report["weight_bytes"] == sum(layer["nbytes"] for layer in report["layers"])
    assert "rounding   tflm" in (result.folder / "engine" / "digits.h").read_text()
    assert {"engine/digits.h", "engine/digits.c", "engine/digits_self_test.c"} <= set(files(result.folder))


def test_when_the_engine_refuses_is_said_alike_everywhere(built):
    result = built["qat+prune"]
    folder, reject = result.folder, result.facts.confidence.reject
    manifest, report, engine = (
        json.loads((folder / name).read_text())
        for name in ("manifest.json", "report.json", "engine/edgedigits_model.json")
    )
    assert manifest["config"]["confidence"] == {"reject_error": 0.05}
    assert manifest["confidence"]["reject_margin"] == engine["reject_margin"] == reject.margin
    assert report["confidence"]["reject"]["margin"] == report["engine"]["reject_margin"] == reject.margin
    assert report["confidence"]["temperature"]["value"] == manifest["confidence"]["temperature"]
    header = (folder / "engine" / "edgedigits_model.h").read_text()
    assert f"#define EDGEDIGITS_MODEL_REJECT_MARGIN {reject.margin} " in header
    assert edgedigits.evaluate(folder).decisions == reject.test
    assert (folder / "plots" / "risk_coverage.svg").is_file()


def test_the_engine_is_in_the_report_and_zeros_take_no_flash(built):
    engine = built["qat+prune"].facts.engine
    assert (engine.rounding, engine.optimize, engine.prefix) == ("litert", "balanced", "edgedigits_model")
    assert engine.weight_bytes < 784 * 12 + 12 * 8 + 8 * 10


def test_the_engine_is_proven_on_every_test_image_and_beyond(built):
    proof = json.loads((built["qat+prune"].folder / "report.json").read_text())["engine"]["proof"]
    assert (proof["proven"], proof["oracle"], proof["note"]) == (True, "LiteRT, reference kernels", "")
    assert (proof["digits"], proof["random"]) == (150, 200)
    assert proof["extreme"] > 784
    assert proof["bytes"] == 10 * (proof["digits"] + proof["random"] + proof["extreme"])


@pytest.mark.parametrize("runtime", ["litert-default", "tflm"])
def test_runtimes_may_differ_by_what_rounding_explains_and_no_more(built, runtime):
    result = built["qat+prune"]
    graph = read_tflite(result.folder / "model.tflite")
    bound = rounding_bound(lower(graph))
    rows = {row.runtime: row for row in result.facts.evaluation.parity}

    def with_step(name: str, step: int, **changes):
        parity = (dataclasses.replace(rows[name], max_lsb=step),)
        return dataclasses.replace(result.facts.evaluation, parity=parity, **changes)

    assemble._check_parity(with_step(runtime, bound), graph)
    with pytest.raises(CheckFailedError, match=rf"{runtime} differs from litert-reference by {bound + 1} steps on a"):
        assemble._check_parity(with_step(runtime, bound + 1), graph)
    assemble._check_parity(with_step("keras-float", bound + 99), graph)
    assemble._check_parity(with_step(runtime, bound + 99, outputs_are="probabilities"), graph)


@pytest.mark.slow
def test_per_tensor_weights_are_there_for_old_runtimes(built, build):
    results = built["post-training"], build({"qat": {"per_tensor": True}})
    graphs = [read_tflite(result.folder / "model.tflite") for result in results]
    channels = [[len(tensor.scales) for tensor in dense_weights(graph)] for graph in graphs]
    assert channels == [[12, 8, 10], [1, 1, 1]]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("granularity", "shapes", "said"),
    [
        ("neurons", [(6, 784), (4, 6), (10, 4)], ("784-6-4-10", "trained as 784-12-8-10")),
        ("inputs", [(6, 392), (8, 6), (10, 8)], ("784-6-8-10", "reads 392 inputs, trained as 784-12-8-10")),
    ],
)
def test_whole_neurons_and_inputs_leave_the_file_and_the_build_says_so(csv, tmp_path, granularity, shapes, said):
    whole = {"enabled": True, "granularity": granularity, "sparsity": 0.5, "epochs": 2}
    tables = {name: table for name, table in SHORT.items() if name != "prune"}
    place = {"data": {"source": str(csv)}, "output": {"out": str(tmp_path / "it")}}
    result = edgedigits.build(
        merged(tables, place, {"prune": whole, "qat": {"enabled": True}, "model": {"softmax": True}})
    )
    graph = read_tflite(result.folder / "model.tflite")
    assert [weights.shape for weights in dense_weights(graph)] == shapes
    check_contract(graph)
    assert result.facts.first_layer.before.shape == result.facts.first_layer.after.shape == (6, 784)
    page = (result.folder / "report.html").read_text()
    assert all(words in page for words in (*said, f"What pruning took whole has left the file: {said[1]}."))
    again = main(["report", str(result.folder), "--out", str(result.folder.parent / "page.html")])
    assert again == 0 and all(words in (result.folder.parent / "page.html").read_text() for words in said)


@pytest.mark.slow
def test_a_network_without_hidden_layers_is_a_network(build):
    graph = read_tflite(build({"model": {"hidden": []}}, COMPRESSIONS["qat"]).folder / "model.tflite")
    assert len(graph.operators) == 1


def test_parity_names_every_runtime_and_keras(built):
    evaluation = built["qat+prune"].facts.evaluation
    rows = {row.runtime: row for row in evaluation.parity}
    assert {"litert-default", "keras-float", "keras"} <= set(rows)
    assert rows["litert-default"].max_lsb <= 1
    assert rows["keras"].changed_classes <= 1


@pytest.mark.slow
def test_an_existing_build_is_replaced_by_force_only_and_stays_until_the_new_one_is_whole(
    built, build, tmp_path, monkeypatch
):
    class Impatient:
        def say(self, message):
            pass

        def stage(self, title, total=None):
            raise KeyboardInterrupt

    folder = Path(shutil.copytree(built["qat+prune"].folder, tmp_path / "it"))
    old = files(folder)
    with pytest.raises(DataError, match="exists already. Choose another --out, or overwrite it with --force."):
        build()
    with pytest.raises(KeyboardInterrupt):
        build(force=True, progress=Impatient())
    with monkeypatch.context() as change, pytest.raises(CheckFailedError, match="than the -1 that rounding explains"):
        change.setattr(assemble, "rounding_bound", lambda _: -1)
        build({"training": {"epochs": 1}}, force=True)
    assert [path.name for path in tmp_path.iterdir()] == ["it"]
    assert files(folder) == old
    (folder / "NOTES.txt").touch()
    with pytest.raises(DataError, match="did not write: NOTES.txt."):
        build(force=True)
    (folder / "NOTES.txt").unlink()
    build({"training": {"epochs": 1, "seed": 7}}, force=True)
    assert json.loads((folder / "manifest.json").read_text())["config"]["training"]["seed"] == 7


def test_an_engine_never_takes_the_place_of_a_training(built):
    folder = built["qat+prune"].folder
    before = files(folder)
    with pytest.raises(DataError, match="holds a build, which no engine replaces. Choose another --out."):
        compile_model(folder, folder, EngineConfig(), "digits", force=True)
    assert files(folder) == before


def test_a_folder_that_is_no_build_is_never_replaced(build, tmp_path):
    (tmp_path / "it").mkdir()
    (tmp_path / "it" / "thesis.txt").write_text("years of work")
    with pytest.raises(DataError, match="exists and is not a build of edgedigits"):
        build(force=True)
    assert (tmp_path / "it" / "thesis.txt").read_text() == "years of work"


def test_nothing_is_left_of_a_build_that_fails(build, tmp_path):
    with pytest.raises(DataError):
        build({"data": {"source": str(tmp_path / "none.csv")}})
    assert not list(tmp_path.iterdir())


def test_a_result_shows_itself_in_a_notebook(built):
    page = built["qat+prune"]._repr_html_()
    assert "<table" in page and "%" in page


@pytest.mark.slow
def test_the_command_line_tells_everything_of_a_test_set_unlike_the_training_set(few, tmp_path, capsys):
    """Its digits are dark on light, and five of them are training digits. Flags win over the file of choices."""
    own = np.concatenate([few.test.images, few.train.images[:5]])
    np.savez(
        tmp_path / "two.npz",
        x_train=np.concatenate([few.train.images, few.validation.images]),
        y_train=np.concatenate([few.train.labels, few.validation.labels]),
        x_test=np.concatenate([255 - few.test.images, few.train.images[:5]]),
        y_test=np.concatenate([few.test.labels, few.train.labels[:5]]),
    )
    folder, choices = tmp_path / "it", tmp_path / "edgedigits.toml"
    choices.write_text(
        f'[data]\nsource = "{tmp_path / "two.npz"}"\n[model]\nhidden = [12, 8]\n[output]\nout = "{folder}"\n'
        '[training]\nepochs = 3\nbatch_size = 64\nseed = 7\n[loss]\nname = "mse"\n'
    )
    assert main(["build", "--config", str(choices), "--loss", "cross-entropy", "--epochs", "10", "--json"]) == 0
    out, said = capsys.readouterr()
    printed, report = json.loads(out), json.loads((folder / "report.json").read_text())
    assert (printed["status"], printed["folder"], printed["report"]) == ("ok", str(folder), report)
    assert printed["latency"]["threads"] == 1
    config = json.loads((folder / "manifest.json").read_text())["config"]
    assert (config["loss"]["name"], config["training"]["epochs"], config["training"]["seed"]) == (
        "cross-entropy",
        10,
        7,
    )
    seen = [
        "Only 80% of the digits are white on black: sort them apart.",
        "5 digits of test are in train as well: figures on test will flatter.",
    ]
    assert report["data"]["findings"] == seen
    assert all(f"data: {sentence}" in said for sentence in seen)
    advice = report["advice"]
    assert advice.startswith("The test digits were not prepared as the training digits were: of a sample of ")
    assert advice.endswith("once you invert the pictures of the test set.")
    page = (folder / "report.html").read_text()
    assert "What to know of the digits:" in page and all(one in page for one in (advice, *seen))
    record = training_record(find_subject(folder))
    assert record.knows(own).tolist() == [False] * len(few.test.images) + [True] * 5
    assert record.knows(few.validation.images).all() and record.knows(few.train.images).all()
    assert record.test_digest == load_subject_digits(find_subject(folder)).digits.digest


def test_a_build_of_good_digits_has_nothing_to_say_of_them(built):
    facts = built["qat+prune"].facts
    assert (facts.advice, facts.data.findings) == ("", ())
    assert "What to know of the digits" not in (built["qat+prune"].folder / "report.html").read_text()


@pytest.mark.slow
def test_what_a_build_did_on_reading_its_evaluation_does_again(few, tmp_path):
    lying = relaid(255 - few.train.images, transpose)
    np.savez(tmp_path / "lying.npz", x=lying, y=few.train.labels)
    reading = {"invert": True, "transpose": True}
    place = {"data": {"source": str(tmp_path / "lying.npz"), **reading}, "output": {"out": str(tmp_path / "it")}}
    result = edgedigits.build(merged(SHORT, place, {"training": {"epochs": 2}, "model": {"hidden": [8]}}))
    assert result.facts.data.findings == ()
    again = edgedigits.evaluate(result.folder)
    assert again.data_digest == result.facts.evaluation.data_digest
    assert again.scores.confusion == result.facts.evaluation.scores.confusion


@pytest.mark.slow
def test_a_build_of_several_sources_tells_each_apart(few, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("a.npz", x=few.train.images, y=few.train.labels)
    np.savez("b.npz", x=255 - few.test.images, y=few.test.labels)
    words = ["--data", "a.npz", "--data", "b.npz:2.5:invert", "--hidden", "8", "--epochs", "4", "--out", "it"]
    assert main(["build", *words]) == 0
    out = " ".join(capsys.readouterr().out.split())
    report = json.loads((tmp_path / "it" / "report.json").read_text())
    first, second = report["data"]["sources"]
    assert (first["name"], first["weight"], second["name"], second["weight"]) == ("a.npz", 1, "b.npz", 2.5)
    sizes = report["data"]["sizes"]
    assert sizes["test"] == first["sizes"]["test"] + second["sizes"]["test"]
    assert sizes["train"] == first["sizes"]["train"] + int(2.5 * second["sizes"]["train"])
    right = sum(one["test_accuracy"] * one["sizes"]["test"] for one in (first, second))
    assert right / sizes["test"] == pytest.approx(report["evaluation"]["scores"]["accuracy"])
    said = f"b.npz (counts 2.5 times) {second['test_accuracy']:.2%} of {second['sizes']['test']}"
    assert said in out and said in (tmp_path / "it" / "report.html").read_text()
    assert edgedigits.evaluate("it").data_digest == report["evaluation"]["data_digest"]
    assert edgedigits.evaluate("it", "./a.npz + b.npz:2.5:invert").data_digest == report["evaluation"]["data_digest"]
    assert main(["build", "--config", "it/manifest.json", "--out", "again"]) == 0
    assert (tmp_path / "again" / "model.tflite").read_bytes() == (tmp_path / "it" / "model.tflite").read_bytes()
