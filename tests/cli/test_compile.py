"""`edgedigits compile` as a user meets it: the folder, the table, and models that it refuses."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgedigits.cli.main import main
from edgedigits.data.digits import Digits
from edgedigits.data.export import HEADER
from tests.data.digit_files import csv_lines, write_text
from tests.model.one_layer import layer
from tests.tflite_builder import random_mlp

ROOT = Path(__file__).parents[2]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "theirs.tflite"
    path.write_bytes(random_mlp(7, (784, 20, 10), density=0.2))
    return path


def contents(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_the_folder_holds_engine_self_test_and_model(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main(["compile", str(model), "--out", str(out), "--prefix", "digits", "--quiet"]) == 0

    engine = {f"engine/digits{end}" for end in (".h", ".c", "_self_test.c", "_fit.c", ".json")}
    assert contents(out) == engine | {"model.tflite", "manifest.json"}
    assert (out / "model.tflite").read_bytes() == model.read_bytes()
    assert set(json.loads((out / "manifest.json").read_text())["files"]) == contents(out) - {"manifest.json"}


def test_the_table_names_layer_encoding_bytes_and_instructions(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compile", str(model), "--out", str(tmp_path / "out"), "--optimize", "speed"]) == 0

    text = capsys.readouterr().out
    for words in (
        "layer",
        "encoding",
        "bytes",
        "instructions",
        "784-18",
        "18-10",
        "2 dead neurons",
        "workspace",
        "estimate",
    ):
        assert words in text
    assert f"next     edgedigits simulate {tmp_path / 'out'}" in text


def test_a_limit_that_no_packing_keeps_is_told(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    limit = ("--optimize", "size", "--most-instructions", "5")
    assert main(["compile", str(model), "--out", str(tmp_path / "out"), *limit]) == 0
    assert "beyond   5 instructions: no packing for size keeps that; " in capsys.readouterr().out


def test_json_adds_up(model: Path, tmp_path: Path, five_thousand: Digits, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", str(model), "--out", str(tmp_path / "out"), "--rounding", "tflm", "--json"]) == 0

    facts = json.loads(capsys.readouterr().out)["engine"]
    assert facts["rounding"] == "tflm" and facts["optimize"] == "balanced"
    assert facts["weight_bytes"] == sum(layer["nbytes"] for layer in facts["layers"])
    assert facts["instructions"] == sum(layer["instructions"] for layer in facts["layers"])
    assert facts["how"]["instructions"].endswith("active inputs of each layer measured on 1,000 images of mnist-5k")
    # As of all classes: the first two of mnist-5k, 0 and 1, have less ink.
    ink = float((five_thousand.images > 0).mean())
    assert facts["measured_on"] == 1000 and facts["layers"][0]["activity"] == pytest.approx(ink, abs=0.005)
    activity = json.loads((tmp_path / "out" / "manifest.json").read_text())["activity"]
    assert activity == [layer["activity"] for layer in facts["layers"]]
    assert "rounding   tflm" in (tmp_path / "out" / "engine" / "edgedigits_model.h").read_text()


def test_the_proof_is_told_printed_and_kept(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", str(model), "--out", str(tmp_path / "out")]) == 0

    text = capsys.readouterr().out
    assert "proven   20,670 output bytes equal to LiteRT, reference kernels, 2.3" in text
    assert "867 extreme and 200 random inputs, 1,000 digits" in text
    proof = json.loads((tmp_path / "out" / "manifest.json").read_text())["proof"]
    assert (proof["proven"], proof["bytes"], proof["digits"]) == (True, 20_670, 1000)


def test_what_could_not_be_proven_is_said_everywhere(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgedigits.scoring.tflm.find_spec", lambda _: None)
    assert main(["compile", str(model), "--out", str(tmp_path / "out"), "--rounding", "tflm", "--json"]) == 0

    said = capsys.readouterr()
    proof = json.loads(said.out)["engine"]["proof"]
    assert proof["proven"] is False and "pip install 'edgedigits[tflm]'" in proof["note"]
    assert "The engine was not proven against TensorFlow Lite Micro" in said.err
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["proof"] == proof


def test_a_file_that_the_interpreter_refuses_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An operator's version says what it may mean: of one that LiteRT does not know nothing can be proven."""
    path = tmp_path / "theirs.tflite"
    path.write_bytes(layer(version=99)())

    assert main(["compile", str(path), "--out", str(tmp_path / "out")]) == 5
    message = capsys.readouterr().err
    assert "theirs.tflite: LiteRT refuses the model: " in message and "version '99'" in message
    assert not (tmp_path / "out").exists()


def test_the_same_model_gives_the_same_bytes(model: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert main(["compile", str(model), "--out", str(tmp_path / name), "--quiet"]) == 0
    for name in contents(tmp_path / "one"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_it_is_replaced_by_force_only(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["compile", str(model), "--out", str(tmp_path / "out"), "--quiet"]
    assert main(command) == 0
    assert main(command) == 3
    assert "exists already" in capsys.readouterr().err
    assert main([*command, "--force"]) == 0
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.txt").write_text("years of work")
    assert main(["compile", str(model), "--out", str(tmp_path / "thesis"), "--force"]) == 3
    assert (tmp_path / "thesis" / "thesis.txt").exists()


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (random_mlp(1, (20, 10), extra_op="EXP"), 5, ["operator 1 (EXP)", "tensor", "no such operator"]),
        (random_mlp(1, (20, 10), float_model=True), 5, ["(FULLY_CONNECTED)", "float32", "full-integer quantization"]),
        (random_mlp(1, (20, 10))[:700], 3, ["theirs.tflite"]),
        (b"", 3, ["theirs.tflite"]),
        (b"\x89PNG\r\n", 3, ["theirs.tflite"]),
    ],
    ids=["unsupported operator", "float model", "truncated", "empty", "another format"],
)
def test_what_cannot_be_compiled_leaves_nothing(
    content: bytes, code: int, words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "theirs.tflite"
    path.write_bytes(content)

    assert main(["compile", str(path), "--out", str(tmp_path / "out")]) == code

    message = capsys.readouterr().err
    assert all(word in message for word in words), message
    assert "Traceback" not in message
    assert [entry.name for entry in tmp_path.iterdir()] == ["theirs.tflite"]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--prefix", "int"], "is a keyword of C"),
        (["--optimize", "fast"], "invalid choice: 'fast'"),
        (["--rounding", "double"], "invalid choice: 'double'"),
        (["--most-instructions", "9k"], "--most-instructions has no effect without --optimize size"),
        (["--core", "m99"], "There is no core 'm99'. Known: atmega328p, "),
        (["--core", "cortex-m55"], "take on cortex-m55 is not known: nothing can be chosen for it. Take one of atmega"),
        (["--core", "m4", "--optimize", "size"], "--core has no effect without --optimize speed or balanced"),
    ],
)
def test_wrong_choices(
    flags: list[str], words: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compile", str(model), "--out", str(tmp_path / "out"), *flags]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_engine_is_packed_by_the_cycles_of_the_cores_that_it_is_for(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Pairs are for cores that multiply two at a time; instructions are told beside the cycles."""
    out, cores = tmp_path / "out", ["--core", "m0plus,rv32imc", "--core", "m3"]
    assert main(["compile", str(model), "--out", str(out), "--optimize", "speed", *cores, "--json"]) == 0
    layers = json.loads(capsys.readouterr().out)["engine"]["layers"]
    assert "pairs" not in {one["encoding"] for one in layers}
    for one in layers:
        assert [*one["cycles"]] == ["cortex-m0plus", "rv32imc", "cortex-m3"]
        assert min(one["cycles"].values()) > one["instructions"]

    stored = json.loads((out / "manifest.json").read_text())["config"]["engine"]
    assert stored["core"] == ["m0plus", "rv32imc", "m3"]
    assert main(["inspect", str(out)]) == 0
    assert "packed    by the cycles of m0plus, rv32imc, m3\n" in capsys.readouterr().out


def test_a_shorter_list_takes_less_workspace_and_is_kept_in_the_manifest(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = {}
    for room in ([], ["--list-room", "16"]):
        out = tmp_path / f"out{len(room)}"
        assert main(["compile", str(model), "--out", str(out), "--optimize", "speed", *room, "--json"]) == 0
        taken[len(room)] = json.loads(capsys.readouterr().out)["engine"]["workspace_bytes"]
        stored = json.loads((out / "manifest.json").read_text())["config"]["engine"]
        assert stored.get("list_room") == (16 if room else None)
    assert taken[0] - taken[2] == (64 - 16) * 8


def test_what_is_packed_for_a_core_is_to_be_simulated_there(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["compile", str(model), "--out", str(out), "--core", "m0+", "--core", "m3"]) == 0
    assert capsys.readouterr().out.endswith(f"edgedigits simulate {out} --core cortex-m0plus\n")


def test_a_board_in_place_of_a_core_is_told_its_core(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compile", str(model), "--out", str(tmp_path / "out"), "--core", "uno"]) == 2
    assert "Arduino Uno R3 (ATmega328P) is a board: --core atmega328p is its core." in capsys.readouterr().err


def test_a_core_that_cannot_read_the_constants_is_told_of_and_nothing_is_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = tmp_path / "large.tflite", tmp_path / "out"
    path.write_bytes(random_mlp(7, (900, 50, 3)))
    assert main(["compile", str(path), "--out", str(out), "--core", "atmega2560"]) == 1
    said = capsys.readouterr().err
    assert "does not fit atmega2560: edgedigits_model_layer1_" in said and "build --budget-constants 32700" in said
    assert not out.exists()


def test_what_was_never_measured_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = tmp_path / "no_digits.tflite", tmp_path / "out"
    path.write_bytes(random_mlp(7, (9, 5, 3)))
    assert main(["compile", str(path), "--out", str(out)]) == 0
    assert "how many inputs are active was never measured: 18% of the pixels, half of" in capsys.readouterr().out
    assert "activity" not in json.loads((out / "manifest.json").read_text())

    assert main(["compile", str(path), "--out", str(tmp_path / "two"), "--data", "mnist-5k"]) == 2
    said = capsys.readouterr().err
    assert "no_digits.tflite takes no 28×28 digits, and so none of mnist-5k. Leave out --data." in said
    assert not (tmp_path / "two").exists()


def test_activity_is_measured_on_digits_of_ones_own(
    model: Path, tmp_path: Path, five_thousand: Digits, capsys: pytest.CaptureFixture[str]
) -> None:
    some = five_thousand.take(np.arange(40))
    write_text(tmp_path / "mine.csv", [HEADER, *csv_lines(Digits(255 - some.images, some.labels))])
    data, out = ["--data", str(tmp_path / "mine.csv")], tmp_path / "out"

    assert main(["compile", str(model), "--out", str(out), "--invert"]) == 2
    assert "--invert has no effect without --data" in capsys.readouterr().err
    assert main(["compile", str(model), "--out", str(out), *data, "--invert"]) == 0
    assert "active inputs of each layer measured on 40 images of mine.csv" in capsys.readouterr().out
    activity = json.loads((out / "manifest.json").read_text())["activity"]
    assert activity[0] == pytest.approx((some.images > 0).mean(), abs=1e-4)


def test_what_pixels_are_is_printed_stored_and_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A model with Rescaling(1/255) inside, and one whose quantization says nothing."""
    theirs, odd = tmp_path / "theirs.tflite", tmp_path / "odd.tflite"
    theirs.write_bytes(random_mlp(7, (784, 20, 10), input_scale=np.float32(1)))
    odd.write_bytes(random_mlp(7, (784, 20, 10), input_scale=np.float32(0.0059), input_zero_point=-59))

    assert main(["compile", str(theirs), "--out", str(tmp_path / "out")]) == 0
    said = "0 to 255 are 0 to 255, by the model's own input quantization"
    assert f"pixels   {said}" in capsys.readouterr().out
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["data"]["pixels"] == {
        "low": 0.0,
        "high": 255.0,
        "how": "by the model's own input quantization",
        "cut": 0,
    }
    facts = json.loads((tmp_path / "out" / "engine" / "edgedigits_model.json").read_text())
    assert facts["pixels"] == {"low": 0.0, "high": 255.0, "raw": True, "portions": True} and facts["classes"] == 10
    source = (tmp_path / "out" / "engine" / "edgedigits_model.c").read_text()
    assert "input[i] = (int8_t)(pixel - 128);" in source
    assert "to the model 0 to 255" in (tmp_path / "out" / "engine" / "edgedigits_model.h").read_text()

    assert main(["compile", str(odd), "--out", str(tmp_path / "odd")]) == 2
    assert "fits no usual range of pixels. Say what pixels 0 and 255 are" in capsys.readouterr().err
    assert not (tmp_path / "odd").exists()
    assert main(["compile", str(odd), "--out", str(tmp_path / "odd"), "--input-range", "-0.3,0.9", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["engine"]["pixels"]["low"] == -0.3
    # The folder remembers.
    assert main(["compile", str(tmp_path / "odd"), "--out", str(tmp_path / "again")]) == 0
    assert "pixels   0 to 255 are -0.3 to 0.9, by --input-range" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("1,0", "are no range"),
        ("0,1e39", "are farther from 0"),
        ("0,٣", "is no range"),
        ("0,1_0", "is no range"),
        ("nan,1", "are no range"),
        ("0", "is no range; write it like"),
        ("0,1,2", "is no range"),
    ],
)
def test_a_range_that_is_none(
    value: str, words: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compile", str(model), "--out", str(tmp_path / "out"), "--input-range", value]) == 2
    assert words in capsys.readouterr().err


def test_what_takes_no_digits_has_no_range(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sine = tmp_path / "sine.tflite"
    sine.write_bytes(random_mlp(7, (1, 8, 1), input_scale=np.float32(0.0245), input_zero_point=3))
    assert main(["compile", str(sine), "--out", str(tmp_path / "out"), "--input-range", "0,1"]) == 2
    assert "takes no 28×28 digits, and so no pixels. Leave out --input-range." in capsys.readouterr().err
    assert main(["compile", str(sine), "--out", str(tmp_path / "out")]) == 0
    assert "it has quantize and dequantize instead" in capsys.readouterr().out
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["data"] == {}


def test_a_missing_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", str(tmp_path / "none.tflite"), "--out", str(tmp_path / "out")]) == 3
    assert "does not exist" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    [
        {"softmax": True},
        *(
            pytest.param(options, marks=pytest.mark.slow)
            for options in (
                {},
                {"io": "float32", "per_channel": True},
                {"input_shape": (1, 28, 28), "keras_flatten": True, "dynamic_batch": True},
            )
        ),
    ],
    ids=str,
)
def test_what_was_compiled_can_be_simulated(
    options: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if find_spec("unicorn") is None or find_spec("ziglang") is None:
        pytest.skip("the extra mcu is not installed")
    model, digits = tmp_path / "theirs.tflite", tmp_path / "digits.csv"
    model.write_bytes(random_mlp(3, (784, 12, 10), **options))
    random = np.random.default_rng(0)
    rows = np.column_stack([np.arange(30) % 10, random.integers(0, 256, (30, 784)) * (random.random((30, 784)) < 0.3)])
    header = ",".join(["label", *(f"pixel{index}" for index in range(784))])
    np.savetxt(digits, rows, fmt="%d", delimiter=",", header=header, comments="")
    assert main(["compile", str(model), "--out", str(tmp_path / "out"), "--quiet"]) == 0
    capsys.readouterr()

    assert main(["simulate", str(tmp_path / "out"), "--data", str(digits), "--split", "all"]) == 0
    assert "every byte equal: 300 output bytes of 30 images" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("sizes", "options"),
    [
        ((64, 3), {}),
        ((20, 7, 1), {"io": "float32", "input_scale": 0.05, "input_zero_point": 3}),
        ((37, 40, 16, 5), {"io": "uint8", "softmax": True, "per_channel": True, "density": 0.2}),
        ((784, 12, 3), {}),
    ],
    ids=str,
)
def test_what_takes_no_digits_is_simulated_on_random_inputs(
    sizes: tuple[int, ...], options: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if find_spec("unicorn") is None or find_spec("ziglang") is None:
        pytest.skip("the extra mcu is not installed")
    model, out = tmp_path / "theirs.tflite", tmp_path / "out"
    model.write_bytes(random_mlp(3, sizes, **options))
    assert main(["compile", str(model), "--out", str(out), "--quiet"]) == 0

    assert main(["simulate", str(out), "--json"]) == 0

    facts = json.loads(capsys.readouterr().out)
    parity = facts["simulation"]["parity"]
    assert facts["data"] == "200 random inputs, seed 0" and facts["simulation"]["inputs"] == "200 random inputs"
    assert (parity["differing_bytes"], parity["bytes"]) == (0, 200 * sizes[-1])
    assert [(other["what"], other["images"], other["differing"]) for other in parity["others"]] == [
        ("emulated core, extreme inputs", 8, 0),
        ("host C", 208, 0),
        ("NumPy engine", 208, 0),
    ]
    assert main(["simulate", str(out), "--images", "20"]) == 0
    assert f"every byte equal: {20 * sizes[-1]} output bytes of 20 random inputs" in capsys.readouterr().out
    assert main(["simulate", str(out), "--data", "mnist-5k"]) == 5, "digits are for those who take digits"


def test_an_engine_of_a_build_still_knows_which_digits_that_was_trained_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The 5,000 digits are all images of MNIST's training set, which the committed build was trained on."""
    out = tmp_path / "out"
    assert main(["compile", str(ROOT / "deploy" / "reference"), "--out", str(out), "--quiet"]) == 0
    assert (out / "training_digests.bin").read_bytes() == (ROOT / "deploy/reference/training_digests.bin").read_bytes()
    assert main(["evaluate", str(out), "--data", "mnist-5k"]) == 3
    assert "was trained on every one of the 750 digits" in capsys.readouterr().err
    (out / "training_digests.bin").write_bytes(b"damaged")
    assert main(["compile", str(out), "--out", str(tmp_path / "other")]) == 3
    assert "training_digests.bin is not the file that" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()
