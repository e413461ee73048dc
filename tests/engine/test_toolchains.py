"""The engine under every compiler and flag that people build it with, and under cppcheck's rules of MISRA C."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgedigits.devices.cores import find_core
from edgedigits.devices.simulate import simulate_inputs
from edgedigits.devices.stub import find_engine
from edgedigits.engine.source import render_engine
from edgedigits.model.lowering import lower
from edgedigits.model.numpy_engine import run
from edgedigits.model.packing import use
from edgedigits.model.reader import read_tflite
from edgedigits.model.weights import ENCODINGS
from tests.devices.conftest import toolchain_or_skip
from tests.engine.compilers import C_COMPILERS, STRICT, available, compile_and_run
from tests.engine.test_packaging import OTHERS, engine, engine_of_every_encoding, write_flat
from tests.model.oracles import hard_inputs
from tests.tflite_builder import random_mlp

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


@pytest.mark.emulation
@pytest.mark.parametrize(
    ("name", "flags"),
    [
        ("cortex-m0plus", "-ffixed-r9"),
        ("cortex-m0plus", "-flto"),
        ("cortex-m0plus", "-fPIC"),
        ("cortex-m0plus", "-ffixed-r9 -flto -fPIC"),
        ("cortex-m4", "-ffixed-r9 -flto -fPIC"),
    ],
)
def test_a_register_of_the_platform_late_optimization_and_code_of_any_place_change_no_byte(
    name: str, flags: str, tmp_path: Path
) -> None:
    """One network by lists and pairs: the kernels in assembly, which name registers."""
    core = find_core(name)
    gcc = toolchain_or_skip("gcc", core)
    network = lower(read_tflite(random_mlp(5, (784, 14, 12, 10), density=0.4)))
    write_flat(tmp_path, render_engine(network, use(network, ("lists8", "pairs", "pairs_apart")), "digits"))
    inputs = hard_inputs(784)
    for level in ("-O2", "-Os"):
        told = replace(gcc, command=(*gcc.command, *flags.split()))
        found = simulate_inputs(find_engine(tmp_path), inputs, core, told, optimize=level)
        np.testing.assert_array_equal(found.outputs, run(network, inputs))


@pytest.mark.parametrize("encoding", ["pairs", "lists8", "lists4"])
def test_a_core_with_dsp_that_runs_arm_instructions_gets_c(encoding: str, tmp_path: Path) -> None:
    gcc = available(["arm-none-eabi-gcc"])[0]
    write_flat(tmp_path, engine_of_every_encoding(encoding, 0)[1])
    [source] = (path for path in tmp_path.glob("*.c") if "self_test" not in path.name)
    command = [gcc, "-mcpu=cortex-r5", "-marm", "-std=c99", "-O2", "-ffreestanding", *STRICT, "-c", str(source)]
    compiled = subprocess.run([*command, "-o", str(tmp_path / "engine.o")], capture_output=True, text=True, timeout=60)
    assert compiled.returncode == 0, compiled.stderr


XTENSA_START = """
    .section .reset, "ax"
    .global _start
_start:
    movi    a1, 0x601
    slli    a1, a1, 20
    call0   main
    mov     a3, a2
    movi    a2, 1
    simcall
"""
"""At the reset of QEMU's LX106: a stack that ends at 0x60100000, then the exit with what main returns."""
XTENSA_SCRIPT = """
MEMORY { ROM (rx) : ORIGIN = 0x50000000, LENGTH = 4M  RAM (rw) : ORIGIN = 0x60000000, LENGTH = 1M }
SECTIONS {
    .text : { *(.reset) *(.literal .literal.* .text .text.*) *(.rodata .rodata.*) } > ROM
    .data : { *(.data .data.*) *(.bss .bss.*) *(COMMON) } > RAM
}
ENTRY(_start)
"""
XTENSA_ROM = """
#include <stdint.h>
int64_t __muldi3(int64_t left, int64_t right);
uint32_t __udivsi3(uint32_t dividend, uint32_t divisor);

int64_t __muldi3(int64_t left, int64_t right) {
    uint64_t product = 0;
    for (uint32_t bit = 0; bit < 64u; ++bit) {
        product += (((uint64_t)right >> bit) & 1u) != 0u ? (uint64_t)left << bit : 0u;
    }
    return (int64_t)product;
}

uint32_t __udivsi3(uint32_t dividend, uint32_t divisor) {
    uint32_t quotient = 0, rest = 0;
    for (uint32_t bit = 32; bit-- > 0u;) {
        rest = (rest << 1) | ((dividend >> bit) & 1u);
        quotient |= rest >= divisor ? 1u << bit : 0u;
        rest -= rest >= divisor ? divisor : 0u;
    }
    return quotient;
}
"""
"""What that chip has in ROM, and its compiler's library therefore lacks."""


@pytest.mark.emulation
@pytest.mark.parametrize("flags", ["-O2", "-Os -mforce-l32"])
def test_engines_of_every_encoding_are_exact_on_the_core_of_an_esp8266(
    flags: str, every_encoding: Path, tmp_path: Path
) -> None:
    """With -mforce-l32 no byte is loaded but as part of its word, as that chip's flash wants it."""
    gcc = available(["xtensa-lx106-elf-gcc"])[0]
    qemu = available(["qemu-system-xtensa"])[0]
    (tmp_path / "start.S").write_text(XTENSA_START)
    (tmp_path / "rom.c").write_text(XTENSA_ROM)
    (tmp_path / "script.ld").write_text(XTENSA_SCRIPT)
    parts = [ROOT / "firmware_stub/src/memory.c", tmp_path / "start.S", tmp_path / "rom.c"]
    sources = [*sorted(every_encoding.glob("*.c")), *parts]
    program = str(tmp_path / "program.elf")
    freestanding = ["-std=c99", "-ffreestanding", "-nostdlib", "-mlongcalls", "-T", str(tmp_path / "script.ld")]
    command = [gcc, *flags.split(), *freestanding, *STRICT, *map(str, sources), "-lgcc", "-o", program]
    compiled = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert compiled.returncode == 0, compiled.stderr
    machine = [qemu, "-M", "sim", "-cpu", "lx106", "-semihosting", "-display", "none", "-monitor", "none"]
    subprocess.run([*machine, "-serial", "none", "-kernel", program], timeout=60, check=True)
    if "-mforce-l32" in flags:
        said = subprocess.run(["xtensa-lx106-elf-objdump", "-d", program], capture_output=True, text=True, check=True)
        assert set(re.findall(r"\bl(?:8|16|32)\w*", said.stdout)) == {"l32i", "l32r"}


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
