"""`edgedigits simulate` as a user meets it: text, JSON, exit codes, and mistakes."""

from __future__ import annotations

import json
import subprocess
import sys
from argparse import ArgumentTypeError
from pathlib import Path

import numpy as np
import pytest

import edgedigits
from edgedigits.cli import main as cli
from edgedigits.cli.flags import image_count, instruction_count
from tests.devices.emitted_engine import write_emitted_engine
from tests.devices.tiny_engine import write_engine
from tests.tflite_builder import random_mlp

pytest.importorskip("unicorn")
pytest.importorskip("ziglang")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with model.tflite, engine/ and digits.csv, 100 random digits."""
    path = tmp_path_factory.mktemp("build")
    write_emitted_engine(path, random_mlp(0, sizes=(784, 10)))
    pixels = np.random.default_rng(0).integers(0, 256, (100, 784))
    header = ",".join(["label", *(f"pixel{index}" for index in range(784))])
    table = np.column_stack([np.arange(100) % 10, pixels])
    np.savetxt(path / "digits.csv", table, fmt="%d", delimiter=",", header=header, comments="")
    return path


def run(folder: Path, *flags: str) -> int:
    return cli.main(["simulate", str(folder), "--data", str(folder / "digits.csv"), "--split", "all", *flags])


def test_the_text_tells_every_figure(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "--board", "nrf52840dk") == 0

    text = capsys.readouterr().out
    assert "every byte equal: 1,000 output bytes of 100 images against LiteRT" in text
    assert "equal too: preprocess on the emulated core, with invert and without" in text
    assert "pixels        0 to 255 are 0 to 1, by the model's own input quantization" in text
    for word in ("instructions", "flash", "RAM", "stack", "biggest", "estimate", "64 MHz", "zig", "unicorn", "left"):
        assert word in text


def test_an_engine_of_other_pixels_than_said_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "--images", "5", "--input-range", "0,255") == 1
    said = capsys.readouterr().err
    assert "takes pixels 0 to 255 for 0 to 1, and they are 0 to 255, by --input-range; 254 of 256 lie beyond" in said
    assert "Compile it again with --input-range 0,255." in said


@pytest.mark.parametrize(
    "core", [*(pytest.param(core, marks=pytest.mark.slow) for core in ("m0plus", "m7")), "rv32imc"]
)
def test_other_cores(folder: Path, capsys: pytest.CaptureFixture[str], core: str) -> None:
    assert run(folder, "--core", core, "--images", "20", "--json") == 0

    facts = json.loads(capsys.readouterr().out)["simulation"]
    assert facts["parity"]["differing_bytes"] == 0 and facts["images"] == 20
    assert facts["cycles"]["low"] < facts["cycles"]["high"] and facts["cycles"]["how"].startswith("estimated")


def test_the_engines_folder_itself_will_do(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["simulate", str(folder / "engine"), "--data", str(folder / "digits.csv"), "--images", "5"]) == 0


def test_the_same_from_python(folder: Path) -> None:
    done = edgedigits.simulate(folder, str(folder / "digits.csv"), split="all", core="m3", board="bluepill", images=7)

    assert (done.run.core, done.run.images, done.run.differing) == ("cortex-m3", 7, 0)
    assert done.board is not None and done.board.name == "bluepill"
    card = done._repr_html_()
    assert "every byte equal" in card and f"{done.run.instructions.mean:,.0f} an image" in card


@pytest.mark.slow
def test_a_report_is_written_once(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ("--images", "5", "--report", str(tmp_path / "out"), "--json")
    assert run(folder, *flags) == 0

    facts = json.loads(capsys.readouterr().out)
    stored = json.loads((tmp_path / "out" / "simulate.json").read_text())
    assert stored["simulation"] == facts["simulation"]
    assert "LiteRT, reference kernels" in (tmp_path / "out" / "simulate.html").read_text()
    assert run(folder, *flags) == 3
    assert "overwrite it with --force" in capsys.readouterr().err
    assert run(folder, *flags, "--force") == 0


def test_limits_end_with_exit_code_1_and_the_biggest_symbols(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ("--images", "5", "--max-flash", "4K", "--max-ram", "256", "--max-instructions", "5k", "--json")
    assert run(folder, *flags) == 1

    said = capsys.readouterr()
    facts = json.loads(said.out)
    assert facts["status"] == "failed" and len(facts["failures"]) == 3
    assert "edgedigits_model_layer1_weights 7,840 B" in said.err


def test_an_engine_that_is_not_exact_fails(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_engine(tmp_path)

    code = cli.main(
        ["simulate", str(tmp_path), "--model", str(folder), "--data", str(folder / "digits.csv"), "--split", "all"]
    )

    assert code == 1
    assert "output bytes differ from LiteRT" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "code", "words"),
    [
        (["--core", "cortex-m4f"], 2, "Did you mean 'cortex-m4'"),
        (["--board", "nrf52480dk"], 2, "Did you mean 'nrf52840dk'"),
        (["--board", "bluepill", "--core", "m4"], 2, "bluepill has a cortex-m3, not a cortex-m4"),
        (["--toolchain", "keil"], 2, "invalid choice"),
        (["--optimize", "fast"], 2, "Write it like O2"),
        (["--images", "0"], 2, "not a number of images"),
        (["--core", "m55", "--emulator", "unicorn"], 2, "--emulator qemu"),
    ],
)
def test_mistakes_are_told_with_their_remedy(
    folder: Path, capsys: pytest.CaptureFixture[str], flags: list[str], code: int, words: str
) -> None:
    assert run(folder, *flags) == code
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("package", "words"),
    [("ziglang", "The compiler zig"), ("unicorn", "The emulator unicorn"), ("elftools", "pyelftools")],
)
def test_a_missing_package_names_the_extra(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], package: str, words: str
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)

    assert run(folder, "--images", "2") == 4
    said = capsys.readouterr().err
    assert words in said and "pip install 'edgedigits[mcu]'" in said


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--toolchain", "gcc"], "apt-get install gcc-arm-none-eabi), or use --toolchain zig"),
        (["--toolchain", "gcc", "--core", "rv32imc"], "riscv64-unknown-elf-gcc, the GCC for rv32imc, is not installed"),
        (["--toolchain", "gcc", "--core", "rv32imc"], "apt-get install gcc-riscv64-unknown-elf"),
        (["--emulator", "qemu"], "apt-get install qemu-system-arm"),
        (["--core", "m55"], "apt-get install qemu-system-arm"),
    ],
)
def test_a_missing_program_names_its_package(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    flags: list[str],
    words: str,
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert run(folder, "--images", "2", *flags) == 4
    assert words in capsys.readouterr().err


def test_an_engine_of_an_earlier_model_is_told(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The header holds the digest of the model: no need to run anything."""
    (tmp_path / "newer.tflite").write_bytes(random_mlp(1, sizes=(784, 10)))

    assert run(folder, "--model", str(tmp_path / "newer.tflite")) == 1
    said = capsys.readouterr().err
    assert "edgedigits_model.h was made from another model (SHA-256 " in said and "newer.tflite" in said


def test_of_several_models_one_must_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_engine(tmp_path)
    for name in ("a.tflite", "b.tflite"):
        (tmp_path / name).write_bytes(b"x")

    assert cli.main(["simulate", str(tmp_path)]) == 3
    assert "holds several models: a.tflite, b.tflite. Name the engine's with --model FILE." in capsys.readouterr().err


def test_the_float_twin_is_not_taken_for_a_missing_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_emitted_engine(tmp_path, random_mlp(0, sizes=(784, 10)))
    (tmp_path / "model.tflite").rename(tmp_path / "model_float.tflite")

    for path in (tmp_path, tmp_path / "engine"):
        assert cli.main(["simulate", str(path)]) == 3
        assert f"{path} holds an engine but no model.tflite" in capsys.readouterr().err


def test_folders_without_what_is_needed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["simulate", str(tmp_path / "nowhere")]) == 3
    assert cli.main(["simulate", str(tmp_path)]) == 3
    assert "holds no engine" in capsys.readouterr().err

    write_engine(tmp_path)
    assert cli.main(["simulate", str(tmp_path)]) == 3
    assert "--model FILE" in capsys.readouterr().err


def test_numbers() -> None:
    assert (instruction_count("20000"), instruction_count("20k"), instruction_count("1M")) == (20000, 20000, 1000000)
    assert (instruction_count("1.5k"), instruction_count("20,000")) == (1500, 20000)
    assert image_count("10") == 10
    for wrong in ("", "0", "-3", "many", "1.5", "1.5b"):
        with pytest.raises(ArgumentTypeError):
            instruction_count(wrong)


def test_nothing_heavy_is_imported_before_the_verb_runs() -> None:
    code = "import sys, edgedigits.cli.simulate, edgedigits.cli.boards; sys.exit('numpy' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
