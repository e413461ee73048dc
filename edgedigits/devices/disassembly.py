"""What the instructions of a program are: which a core lacks, and what they take, an estimate of cycles."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from edgedigits.devices.cores import Core, Span, Timing
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

_BRANCHES = {"b", "bl", "bx", "blx", "tbb", "tbh", "j", "jal", "jr", "jalr", "ret"}
_CONDITIONAL = re.compile(rf"cbn?z|b({_CONDITIONS})|b(eq|ne|lt|ge|le|gt)z|b(lt|ge|le|gt)u")
# The whole mnemonics of RISC-V, and how those of Arm begin.
_CLASSES = {
    "double": re.compile(r"(ldr|str)d"),
    "load": re.compile(r"ldr.*|l(b|bu|h|hu|w|wsp)"),
    "store": re.compile(r"str.*|s(b|h|w|wsp)"),
    "divide": re.compile(r"[su]div.*|(div|rem)u?"),
    "long": re.compile(r"[su]m(ul|la)ls?|mulh(u|su)?"),
    "accumulate": re.compile(r"ml[as]s?"),
    "multiply": re.compile(r"muls?"),
}


@dataclass(frozen=True, slots=True)
class CycleEstimate:
    """An estimate of the cycles of one inference, without flash wait states.

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


def estimate_cycles(image: Image, core: Core, executions: Mapping[int, int], images: int) -> CycleEstimate | None:
    """Estimate the cycles of one image from how often each instruction was executed; None for a core without timing.

    Args:
        image: the program.
        core: what it was compiled for.
        executions: address → executions, over all images.
        images: how many there were.
    """
    if core.timing is None or not executions:
        return None
    low = high = 0.0
    for instruction in disassemble(image, core):
        count = executions.get(instruction.address, 0)
        if count:
            least, most = _cycles(instruction.mnemonic.lower(), instruction.op_str, core.timing)
            low, high = low + count * least, high + count * most
    return CycleEstimate(low / images, high / images)


def _cycles(mnemonic: str, operands: str, timing: Timing) -> Span:
    name = mnemonic.removeprefix("c.").removesuffix(".w").removesuffix(".n")
    if name in ("push", "pop") or name.startswith(("ldm", "stm")):
        count, jumps = _registers(operands), "pc" in operands
        parts = zip(timing.several, timing.each, timing.refill, strict=True)
        least, most = (base + count * each + jumps * refill for base, each, refill in parts)
        return least, most
    if name in _BRANCHES:
        return timing.branch
    if _CONDITIONAL.fullmatch(name):
        return timing.conditional
    found = next((kind for kind, names in _CLASSES.items() if names.fullmatch(name)), "plain")
    span: Span = getattr(timing, found)
    return span


def _registers(operands: str) -> int:
    """Count the registers of a list such as "{r4, r5, r6, lr}" or "r0!, {r1 - r3}"."""
    inside = operands[operands.find("{") + 1 : operands.find("}")]
    return len([part for part in inside.split(",") if part.strip()])
