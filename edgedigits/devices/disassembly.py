"""What the instructions of a program are: which a core lacks, and a cycle estimate for the Cortex-M4."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from edgedigits.devices.cores import Core
from edgedigits.devices.elf import Image
from edgedigits.errors import ToolMissingError

# Instructions of the DSP extension of Armv7E-M and Armv8-M: parallel, saturating and halfword arithmetic.
_DSP = re.compile(
    r"smlal?[bt][bt]|smul[bt][bt]|sm(la|ul)w[bt]|sml(ad|ald|sd|sld)x?|smu(ad|sd)x?"
    r"|smm(ul|la|ls)r?|umaal|[su]xta?b16|[su]xta[bh]"
    r"|(q|sh|uq|uh|s|u)(add|sub)(8|16)|(q|sh|uq|uh|s|u)(asx|sax)"
    r"|q(d?add|d?sub)|pkh(bt|tb)|sel|usada?8|ssat16|usat16"
)
_CONDITIONS = "eq|ne|cs|hs|cc|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le"

# Cycles of a Cortex-M4 without flash wait states: (least, most). Source: Arm, Cortex-M4 Technical Reference Manual,
# "Instruction set summary": a taken branch refills the pipeline in 1 to 3 cycles; a load takes 2, or 1 where it follows
# another load or store; a divide 2 to 12.
_BRANCH, _CONDITIONAL, _LOAD, _STORE, _DIVIDE, _PLAIN = (2, 4), (1, 4), (1, 2), (1, 2), (2, 12), (1, 1)


@dataclass(frozen=True, slots=True)
class CycleEstimate:
    """An estimate of the cycles of one inference on a Cortex-M4, without flash wait states.

    Attributes:
        low: when every load follows another and branches refill fast, or are not taken.
        high: when no load is paired and every branch is taken and refills slowly.
    """

    low: float
    high: float

    @property
    def middle(self) -> float:
        """Half-way between the two."""
        return (self.low + self.high) / 2


def disassemble(image: Image, core: Core) -> Iterator[Any]:
    """Yield the instructions of the image as capstone gives them; literals between them are left out.

    Raises:
        ToolMissingError: capstone is not installed.
    """
    try:
        import capstone
    except ImportError as error:
        raise ToolMissingError(
            "The package capstone is not installed.", hint="Install it: pip install 'edgedigits[mcu]'"
        ) from error
    if core.architecture.name == "riscv":
        decoder = capstone.Cs(capstone.CS_ARCH_RISCV, capstone.CS_MODE_RISCV32 | capstone.CS_MODE_RISCVC)
    else:
        version = capstone.CS_MODE_V8 if core.has_armv8 else 0
        decoder = capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS | version)
    for start, stop in image.code:
        for _, run, content in image.segments:
            if run <= start and stop <= run + len(content):
                yield from decoder.disasm(content[start - run : stop - run], start)


def dsp_instructions(image: Image, core: Core) -> tuple[str, ...]:
    """Return the instructions of the DSP extension in the image, such as "smlad r0, r1, r2, r3 at 0x00010080".

    Unicorn's Cortex-M3 executes them; the real one does not.
    """
    if core.architecture.name != "arm":
        return ()
    return tuple(
        f"{found.mnemonic} {found.op_str} at {found.address:#010x}"
        for found in disassemble(image, core)
        if _DSP.fullmatch(plain_mnemonic(found.mnemonic))
    )


def plain_mnemonic(mnemonic: str) -> str:
    """Return a mnemonic without width and condition: "smladne.w" → "smlad"."""
    bare = mnemonic.lower().removesuffix(".w").removesuffix(".n")
    without = re.sub(rf"({_CONDITIONS})$", "", bare)
    # "smlals" is no SMLA under condition LS of anything else: keep whichever of the two is an instruction.
    return without if _DSP.fullmatch(without) else bare


def estimate_m4_cycles(image: Image, core: Core, executions: Mapping[int, int], images: int) -> CycleEstimate:
    """Estimate the cycles of one image from how often each instruction was executed.

    Args:
        image: the program.
        core: what it was compiled for.
        executions: address → executions, over all images.
        images: how many there were.
    """
    low = high = 0.0
    for instruction in disassemble(image, core):
        count = executions.get(instruction.address, 0)
        if count:
            least, most = _cycles(instruction.mnemonic.lower(), instruction.op_str)
            low, high = low + count * least, high + count * most
    return CycleEstimate(low / images, high / images)


def _cycles(mnemonic: str, operands: str) -> tuple[int, int]:
    name = mnemonic.removesuffix(".w").removesuffix(".n")
    if name in ("push", "pop") or name.startswith(("ldm", "stm")):
        count = _registers(operands)
        refill = (1, 3) if "pc" in operands else (0, 0)
        return 1 + count + refill[0], 1 + count + refill[1]
    if name in ("b", "bl", "bx", "blx", "tbb", "tbh"):
        return _BRANCH
    if name.startswith(("cbz", "cbnz")) or re.fullmatch(rf"b({_CONDITIONS})", name):
        return _CONDITIONAL
    if name.startswith("ldrd") or name.startswith("strd"):
        return 2, 3
    if name.startswith("ldr"):
        return _LOAD
    if name.startswith("str"):
        return _STORE
    if name.startswith(("sdiv", "udiv")):
        return _DIVIDE
    return _PLAIN


def _registers(operands: str) -> int:
    """Count the registers of a list such as "{r4, r5, r6, lr}" or "r0!, {r1 - r3}"."""
    inside = operands[operands.find("{") + 1 : operands.find("}")]
    return len([part for part in inside.split(",") if part.strip()])
