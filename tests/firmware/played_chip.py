"""A chip that no emulator at hand has: its core emulated by Unicorn, the registers that the firmware uses played here.

What is played was read from the vendors' manuals apart from the drivers. A byte passes only where clock, reset, pins and UART were
set as `Played.require` says; a status bit that is never there, or another address, ends in a firmware that hangs.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from edgedigits.devices.cores import Core
from edgedigits.devices.elf import Image

MOST_INSTRUCTIONS = 20_000_000
PERIPHERALS = {"arm": (0x40000000, 0x58100000), "riscv": (0x60000000, 0x60100000)}
MAPPED = {
    "arm": ((0x40000000, 1 << 24), (0x50000000, 1 << 24), (0x58000000, 1 << 20), (0xE0000000, 1 << 20)),
    "riscv": ((0x60000000, 1 << 20),),
}


@dataclass(frozen=True)
class Played:
    """The registers of a chip.

    Attributes:
        require: (address, mask, value) that must hold when the first byte is sent.
        come: register and bits that say that a byte has come.
        empty: bits of that register that say that none has.
        transmit: register that bytes are written to; or, with `memory`, the task that sends.
        receive: register that bytes are read from; 0 with `memory`.
        ready: address → bits that say that there is room to send, or that a clock or reset is done.
        reset: values after reset, where they are not 0.
        gone: event register that is set once a byte has gone; 0 for none.
        mirror: where flash shows a second time; 0 for nowhere.
        entry: bytes of flash before the first instruction, of a core that does not begin by a table of vectors.
        memory: registers that hold where in RAM a byte to send and one received lie, for a UART that goes there by itself.
    """

    require: tuple[tuple[int, int, int], ...]
    come: tuple[int, int]
    transmit: int
    empty: int = 0
    receive: int = 0
    ready: dict[int, int] = field(default_factory=dict)
    reset: dict[int, int] = field(default_factory=dict)
    gone: int = 0
    memory: tuple[int, int] | None = None
    mirror: int = 0
    entry: int = 0


class PlayedChip:
    """A `BoardLink`: what is written goes into the chip's UART, and the firmware runs until it waits for more."""

    name, emulated = "played chip", True

    def __init__(self, core: Core, image: Image, flash_at: int, ram_at: int, played: Played) -> None:
        import unicorn
        from unicorn import arm_const, riscv_const

        self._played, self._coming, self._said = played, bytearray(), bytearray()
        self._lies_there = self._starved = False
        kind, is_arm = core.architecture.name, core.architecture.name == "arm"
        modes = unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS if is_arm else unicorn.UC_MODE_RISCV32
        self._uc = uc = unicorn.Uc(unicorn.UC_ARCH_ARM if is_arm else unicorn.UC_ARCH_RISCV, modes)
        uc.ctl_set_cpu_model(getattr(arm_const if is_arm else riscv_const, core.unicorn_cpu))
        flashes = [flash_at] + [played.mirror] * bool(played.mirror)
        for start, size in (*((start, 1 << 20) for start in flashes), (ram_at, 1 << 20), *MAPPED[kind]):
            uc.mem_map(start, size)
        for load, _, content in image.segments:
            for start in flashes:
                uc.mem_write(load - flash_at + start, content)
        for address, value in played.reset.items():
            self._set(address, value)
        first, last = PERIPHERALS[kind]
        uc.hook_add(unicorn.UC_HOOK_MEM_READ, self._before_read, begin=first, end=last)
        uc.hook_add(unicorn.UC_HOOK_MEM_WRITE, self._before_write, begin=first, end=last)
        if is_arm:
            vectors = image.address("__flash_start")
            uc.reg_write(arm_const.UC_ARM_REG_SP, self._get(vectors))
            self._counter, self._next, self._thumb = arm_const.UC_ARM_REG_PC, self._get(vectors + 4), 1
        else:
            self._counter, self._next, self._thumb = riscv_const.UC_RISCV_REG_PC, flash_at + played.entry, 0
        self._run()

    def _get(self, address: int) -> int:
        return int.from_bytes(self._uc.mem_read(address, 4), "little")

    def _set(self, address: int, value: int) -> None:
        self._uc.mem_write(address, value.to_bytes(4, "little"))

    def _run(self) -> None:
        # Where it stopped it asks again. Whoever asks for room to send goes on; who waits for a byte says nothing more.
        said = -1
        while said != len(self._said):
            said, self._starved, self._asked = len(self._said), False, 0
            self._uc.emu_start(self._next | self._thumb, 0xFFFFFFFE, count=MOST_INSTRUCTIONS)
            self._next = self._uc.reg_read(self._counter)
            assert self._starved, f"the firmware hangs at {self._next:#x}"

    def _before_read(self, _uc, _access, address: int, _size, _value, _data) -> None:
        played = self._played
        if address in played.ready:
            self._set(address, self._get(address) | played.ready[address])
        if address == played.come[0]:
            self._tell_whether_one_came()
        if address == played.receive:
            self._set(address, self._coming.pop(0))

    def _tell_whether_one_came(self) -> None:
        (status, bits), played = self._played.come, self._played
        has = self._lies_there or bool(self._coming)
        wrong, right = (self._played.empty, bits) if has else (bits, self._played.empty)
        self._set(status, self._get(status) & ~wrong | right)
        self._asked += not has
        if not has and self._asked != 1:
            self._starved = True
            self._uc.emu_stop()
        if has and played.memory and not self._lies_there:
            self._uc.mem_write(self._get(played.memory[1]), bytes([self._coming.pop(0)]))
            self._lies_there = True

    def _before_write(self, _uc, _access, address: int, _size, value: int, _data) -> None:
        played = self._played
        if address == played.come[0] and value == 0:
            self._lies_there = False
        if address == played.transmit:
            self._check()
            self._said.append(self._uc.mem_read(self._get(played.memory[0]), 1)[0] if played.memory else value & 0xFF)
            if played.gone:
                self._set(played.gone, 1)

    def _check(self) -> None:
        for address, mask, wanted in () if self._said else self._played.require:
            found = self._get(address) & mask
            assert found == wanted, f"{address:#x} has {found:#x} of {mask:#x}, expected {wanted:#x}"

    def write(self, content: bytes) -> None:
        """Let the firmware read all of it, and answer."""
        self._coming += content
        self._run()

    def read(self, timeout_s: float) -> bytes:
        """Return what the firmware has said since."""
        said, self._said = bytes(self._said), bytearray()
        return said

    def close(self) -> None:
        """Nothing to let go of."""
