"""The processor cores that the engine is compiled for and proven on, and the flags that compilers want for them."""

from __future__ import annotations

from dataclasses import dataclass

from edgedigits.errors import ConfigError, nearest


@dataclass(frozen=True, slots=True)
class Core:
    """One processor core.

    Attributes:
        name: what users call it, such as "cortex-m4".
        architecture: "arm" or "riscv".
        zig_target: value of `-target` for `zig cc`.
        zig_cpu: value of `-mcpu` for `zig cc`.
        gcc_flags: what selects the core in GCC.
        unicorn_cpu: name of the CPU model's constant in Unicorn; empty where Unicorn has none.
        qemu_board: name in the board catalogue of a machine that QEMU emulates and that runs this core's code;
            empty where there is none.
        has_dsp: SMLAD and its like exist.
        has_vectors: MVE exists.
    """

    name: str
    architecture: str
    zig_target: str
    zig_cpu: str
    gcc_flags: tuple[str, ...]
    unicorn_cpu: str = ""
    qemu_board: str = ""
    has_dsp: bool = False
    has_vectors: bool = False

    @property
    def zig_flags(self) -> tuple[str, ...]:
        """What selects the core in `zig cc`."""
        # Far addresses of firmware: flash and RAM lie more than 2 GiB apart.
        model = ("-mcmodel=medany",) if self.architecture == "riscv" else ()
        return ("-target", self.zig_target, f"-mcpu={self.zig_cpu}", *model)


def _cortex_m(number: str, qemu_board: str, *, features: str = "", dsp: bool = False) -> Core:
    return Core(
        name=f"cortex-m{number}",
        architecture="arm",
        zig_target="thumb-freestanding-eabi",
        zig_cpu=f"cortex_m{number}{features}",
        gcc_flags=(f"-mcpu=cortex-m{number}", "-mthumb", "-mfloat-abi=soft"),
        # Unicorn has no M0+; the M0 has the same instructions.
        unicorn_cpu="UC_CPU_ARM_CORTEX_M0" if number == "0plus" else f"UC_CPU_ARM_CORTEX_M{number}",
        qemu_board=qemu_board,
        has_dsp=dsp,
    )


CORES: dict[str, Core] = {
    core.name: core
    for core in (
        # QEMU's only ARMv6-M machine has 16 KiB of RAM; the M3 executes the same code and is told to trap what
        # an M0+ could not do (unaligned access).
        _cortex_m("0plus", "mps2-an385"),
        _cortex_m("3", "mps2-an385"),
        _cortex_m("4", "mps2-an386", dsp=True),
        _cortex_m("7", "mps2-an500", dsp=True),
        _cortex_m("33", "mps2-an505", features="+dsp", dsp=True),
        Core(
            name="cortex-m55",
            architecture="arm",
            zig_target="thumb-freestanding-eabihf",
            zig_cpu="cortex_m55+mve",
            gcc_flags=("-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard"),
            qemu_board="mps3-an547",
            has_dsp=True,
            has_vectors=True,
        ),
        Core(
            name="rv32imc",
            architecture="riscv",
            zig_target="riscv32-freestanding-none",
            zig_cpu="generic_rv32+m+c",
            gcc_flags=("-march=rv32imc", "-mabi=ilp32", "-mcmodel=medany"),
            unicorn_cpu="UC_CPU_RISCV32_ANY",
            qemu_board="qemu-rv32",
        ),
    )
}


def find_core(name: str) -> Core:
    """Return the core of that name; "m4" and "cortex_m4" are understood too.

    Raises:
        ConfigError: there is none; the hint names the nearest.
    """
    plain = name.lower().replace("_", "-").replace("+", "plus")
    for candidate in (plain, f"cortex-{plain}"):
        if candidate in CORES:
            return CORES[candidate]
    raise ConfigError(f"There is no core '{name}'.", hint=nearest(plain, CORES))
