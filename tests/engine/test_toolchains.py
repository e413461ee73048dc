"""The engine under every compiler and flag that people build it with, and under cppcheck's rules of MISRA C."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from edgedigits.devices.cores import find_core
from edgedigits.devices.simulate import simulate_inputs
from edgedigits.devices.stub import find_engine
from edgedigits.model.numpy_engine import run
from edgedigits.model.weights import ENCODINGS
from tests.devices.conftest import toolchain_or_skip
from tests.engine.compilers import C_COMPILERS, available, compile_and_run
from tests.engine.test_packaging import OTHERS, engine, engine_of_every_encoding, write_flat
from tests.model.oracles import hard_inputs

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
LEVELS = ("-O0", "-O1", "-O2", "-O3", "-Os", "-Oz")
FLAGS = ("-flto", "-fPIC", "-funsigned-char", "-fno-omit-frame-pointer", "-fwrapv", "-ftrapv")
CORES = ("cortex-m0plus", "cortex-m4", "rv32imc")


@pytest.fixture(scope="module")
def every_encoding(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program whose exit code is the self-tests of engines of every encoding, and of one that reads pixels."""
    folder = tmp_path_factory.mktemp("engines")
    sources = [engine_of_every_encoding(one.name, number)[1] for number, one in enumerate(ENCODINGS)] + [engine()]
    write_flat(folder, *sources)
    most = max(source.workspace_bytes for source in sources)
    includes = "".join(f'#include "{source.prefix}.h"\n' for source in sources)
    calls = " | ".join(f"{source.prefix}_self_test(memory)" for source in sources)
    program = f"int main(void) {{ static uint32_t memory[{-(-most // 4)}]; return {calls}; }}\n"
    (folder / "main.c").write_text(includes + program)
    return folder


@pytest.mark.parametrize("flags", [*LEVELS, *(f"-O2 {flag}" for flag in FLAGS)])
@pytest.mark.parametrize("compiler", C_COMPILERS)
def test_engines_of_every_encoding_are_exact_without_a_warning(
    compiler: str, flags: str, every_encoding: Path, tmp_path: Path
) -> None:
    available([compiler])
    sources = sorted(every_encoding.glob("*.c"))
    compile_and_run(compiler, ["-std=c99", *flags.split()], sources, tmp_path)  # raises unless it exits with 0


@pytest.mark.emulation
@pytest.mark.parametrize("level", ("-O0", "-O1", "-O3", "-Oz"))
@pytest.mark.parametrize("name", CORES)
@pytest.mark.parametrize("toolchain", ["zig", "gcc"])
def test_every_level_is_exact_on_cores(toolchain: str, name: str, level: str, tmp_path: Path) -> None:
    core = find_core(name)
    compiler = toolchain_or_skip(toolchain, core)
    for number, encodings in enumerate(("lists8", "fields", "pairs")):
        network, source = engine_of_every_encoding(encodings, number)
        write_flat(folder := tmp_path / encodings, source)
        inputs = hard_inputs(network.inputs)
        found = simulate_inputs(find_engine(folder), inputs, core, compiler, optimize=level)
        np.testing.assert_array_equal(found.outputs, run(network, inputs))


def deviations() -> set[str]:
    """Return the rules that firmware_stub/README.md names with a reason."""
    text = (ROOT / "firmware_stub" / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([0-9][0-9., ]*) \| .+ \|$", text, re.MULTILINE)
    return {rule for row in rows for rule in row.split(", ")}


def test_cppcheck_finds_the_rules_of_misra_that_are_named_and_no_others(tmp_path: Path) -> None:
    if not shutil.which("cppcheck"):
        pytest.skip("needs cppcheck")
    sources = [engine_of_every_encoding(one.name, number)[1] for number, one in enumerate(ENCODINGS)]
    write_flat(tmp_path, engine(), engine(OTHERS, "second"), *sources)
    names = sorted(
        path.name for path in tmp_path.glob("*.c") if not path.name.startswith("net_") or "self" not in path.name
    )
    checks = ("--enable=warning,style,performance,portability", "--addon=misra", "--std=c99", "--quiet", "-j2")
    done = subprocess.run(
        ["cppcheck", *checks, "--template={id}", *names], cwd=tmp_path, capture_output=True, text=True, timeout=600
    )
    found = set(done.stderr.split())
    rules = {one.removeprefix("misra-c2012-") for one in found if one.startswith("misra-c2012-")}
    assert rules == deviations()
    # What is no rule of MISRA: shifts of a negative number, which the README names under 10.1.
    assert {one for one in found if not one.startswith("misra")} <= {"shiftTooManyBitsSigned", "shiftTooManyBits"}
