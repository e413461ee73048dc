"""DSP instructions are recognised, and the cycle estimate brackets what the manual says of known code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edgedigits.devices.cores import find_core
from edgedigits.devices.disassembly import _cycles, dsp_instructions, estimate_cycles, plain_mnemonic
from edgedigits.devices.elf import Image, read_elf
from edgedigits.devices.emulator_unicorn import run_unicorn
from edgedigits.devices.engine_elf import compile_engine
from edgedigits.devices.stub import Engine, find_engine
from edgedigits.devices.toolchain import Program, compile_program
from edgedigits.errors import CheckFailedError
from tests.devices.conftest import toolchain_or_skip
from tests.devices.tiny_engine import random_inputs, write_engine

pytest.importorskip("capstone")

M4 = find_core("cortex-m4")
DSP = """
    smlad smladx smlald smlaldx smlsd smlsld smuad smuadx smusd smlabb smlatt smlawb smlawt smulbb smultb smulwb smlalbb
    sxtb16 uxtb16 sxtab16 sxtab uxtah qadd qsub qdadd qadd8 sadd16 uqsub8 pkhbt pkhtb sel usad8 usada8 ssat16 usat16
    smmul smmulr smmla smmls umaal uadd8 shadd8 sasx smladne smlad.w sxtb16.w smlabbeq
"""
OTHERS = """
    smull umull smlal umlal mul mla mls sxtb uxth sxth ssat usat add sub adds subs ldrsb sdiv it ittt lsl sbc cbz b bls
    blo asr uadd smullne ldrb.w
"""


@pytest.mark.parametrize("mnemonic", DSP.split())
def test_dsp_instructions_are_known(tmp_path: Path, mnemonic: str) -> None:
    from edgedigits.devices.disassembly import _DSP

    assert _DSP.fullmatch(plain_mnemonic(mnemonic))


@pytest.mark.parametrize("mnemonic", OTHERS.split())
def test_others_are_not_taken_for_dsp(mnemonic: str) -> None:
    from edgedigits.devices.disassembly import _DSP

    assert not _DSP.fullmatch(plain_mnemonic(mnemonic))


def test_dsp_code_on_a_core_without_it_is_refused(tmp_path: Path) -> None:
    """Assembled behind the compiler's back, as by a kernel that asks for the wrong macro."""
    word = "0xFB21, 0x3002"  # smlad r0, r1, r2, r3
    write_engine(tmp_path, extra=f'__asm volatile(".inst.w 0x{word.replace("0x", "").replace(", ", "")}" ::: "r0");')
    engine = find_engine(tmp_path)
    m3, m4 = find_core("cortex-m3"), M4

    image = compile_engine(toolchain_or_skip("zig", m4), m4, engine, tmp_path)
    assert dsp_instructions(image, m4)[0].startswith("smlad r0, r1, r2, r3 at 0x")
    with pytest.raises(CheckFailedError, match="cortex-m3 holds 1 instructions that the core lacks: smlad"):
        compile_engine(toolchain_or_skip("zig", m3), m3, engine, tmp_path)


def test_plain_c_holds_no_dsp(tiny: Engine, compiled: Callable[..., Image]) -> None:
    assert dsp_instructions(compiled(tiny, "cortex-m3"), find_core("cortex-m3")) == ()
    assert dsp_instructions(compiled(tiny, "rv32imc"), find_core("rv32imc")) == ()


@pytest.mark.parametrize(
    ("mnemonic", "operands", "cycles"),
    [
        ("adds", "r0, r0, #1", (1, 1)),
        ("smlad", "r0, r1, r2, r3", (1, 1)),
        ("ldr.w", "r0, [r1]", (1, 2)),
        ("ldrd", "r0, r1, [r2]", (2, 3)),
        ("ldm", "r0!, {r1, r2, r3}", (4, 4)),
        ("push", "{r4, lr}", (3, 3)),
        ("pop", "{r4, pc}", (4, 6)),
        ("bne", "#0x10", (1, 4)),
        ("b.w", "#0x10", (2, 4)),
        ("bl", "#0x10", (2, 4)),
        ("cbz", "r0, #0x10", (1, 4)),
        ("bics", "r0, r1", (1, 1)),
        ("sdiv", "r0, r0, r1", (2, 12)),
    ],
)
def test_costs_by_class(mnemonic: str, operands: str, cycles: tuple[int, int]) -> None:
    assert M4.timing is not None and _cycles(mnemonic, operands, M4.timing) == cycles


@pytest.mark.parametrize(
    ("core", "mnemonic", "operands", "cycles"),
    [
        ("cortex-m0plus", "ldrb", "r0, [r1]", (2, 2)),
        ("cortex-m0plus", "pop", "{r4, pc}", (5, 5)),
        ("cortex-m0plus", "beq", "#0x10", (1, 2)),
        ("cortex-m3", "mla", "r0, r1, r2, r3", (2, 2)),
        ("cortex-m3", "smull", "r0, r1, r2, r3", (3, 5)),
        ("cortex-m3", "mul", "r0, r1, r2", (1, 1)),
        ("rv32imc", "c.lw", "a0, 0(a1)", (2, 2)),
        ("rv32imc", "sb", "a0, 0(a1)", (2, 2)),
        ("rv32imc", "c.bnez", "a0, 0x10", (1, 3)),
        ("rv32imc", "bgeu", "a0, a1, 0x10", (1, 3)),
        ("rv32imc", "c.jr", "ra", (2, 2)),
        ("rv32imc", "mulh", "a0, a1, a2", (2, 4)),
        ("rv32imc", "slli", "a0, a1, 2", (1, 1)),
    ],
)
def test_other_cores_take_other_times(core: str, mnemonic: str, operands: str, cycles: tuple[int, int]) -> None:
    timing = find_core(core).timing
    assert timing is not None and _cycles(mnemonic, operands, timing) == cycles


def test_the_estimate_brackets_the_instructions(tiny: Engine, compiled: Callable[..., Image]) -> None:
    image, inputs = compiled(tiny), random_inputs(5)
    run = run_unicorn(M4, image, tiny, inputs)

    estimate = estimate_cycles(image, M4, run.executions, len(inputs))

    assert estimate is not None
    mean = float(run.instructions.mean())
    assert mean <= estimate.low <= estimate.middle <= estimate.high <= 4 * mean


def test_literals_in_code_are_not_disassembled(tmp_path: Path) -> None:
    """A literal that looks like SMLAD must not be taken for one."""
    source = tmp_path / "a.c"
    source.write_text('int start(void) { int x; __asm volatile("ldr %0, =0x3002FB21" : "=r"(x)); return x; }')
    script = Path(__file__).parents[2] / "firmware_stub" / "harness" / "function.ld"
    m3 = find_core("cortex-m3")
    program = Program([source], tmp_path / "a.elf", script.read_text(), "start")

    image = read_elf(compile_program(toolchain_or_skip("zig", m3), m3, program))

    assert b"\x21\xfb\x02\x30" in b"".join(content for _, _, content in image.segments)
    assert dsp_instructions(image, m3) == ()
