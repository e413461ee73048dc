"""The board catalogue, and what fits on which board."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from edgedigits.devices.catalogue import Address, Clock, Size, Text, read_file, read_folder
from edgedigits.devices.cores import Core, known_core, load_cores
from edgedigits.devices.other_chips import find_other_chips, squeezed
from edgedigits.devices.stub import firmware_stub
from edgedigits.errors import ConfigError, closest
from edgedigits.extensions import extensions
from edgedigits.files.typed import Count

KIB = 1024


@dataclass(frozen=True, slots=True)
class Firmware:
    """What `firmware_stub/` has for a board.

    Attributes:
        notes: for the reader of the linker script.
        flash_at: where its flash begins.
        ram_at: where its RAM begins.
        uart: driver of its serial port, in `firmware_stub/`.
        drivers: its other sources.
        defines: macros that these want, as "NAME=VALUE".
        sources: what stands in for the sources of every firmware, for boards too small for those; empty for nothing.
        optimize: what compilers are told.
        linker_script: in place of its architecture's, in `firmware_stub/`; empty for that.
    """

    notes: Text
    flash_at: Address
    ram_at: Address
    uart: Text
    drivers: tuple[str, ...]
    defines: tuple[str, ...]
    sources: tuple[str, ...] = ()
    optimize: Text = "-O2"
    linker_script: Text = ""


@dataclass(frozen=True, slots=True)
class Board:
    """One board, with what a program on it can use; a file of `firmware_stub/boards/`.

    Attributes:
        name: what users call it, such as "nrf52840dk".
        title: the vendor's name.
        core: its processor core.
        flash_kib: KiB of flash.
        ram_kib: KiB of RAM.
        clock_mhz: the highest clock that the vendor allows, MHz.
        source: where the figures come from, starting with "vendor:".
        aliases: what it is called besides, and boards that take its firmware as it is.
        pyocd: name of the target in pyOCD; empty where there is none.
        avrdude: what avrdude is told of it; empty where that does not program it.
        tool: a sentence on what programs it, where none of these does; empty elsewhere.
        esptool: what esptool calls its chip; empty where that does not program it.
        uf2: of `UF2_CHIPS`, where it starts as a drive that takes UF2 files; else empty.
        qemu: machine of QEMU that emulates it; empty where there is none.
        qemu_serial: number of that machine's serial port on which the firmware talks.
        firmware: what `firmware_stub/` has for it; None for nothing.
        notes: for the reader of the file.
    """

    name: Text
    title: Text
    core: Core
    flash_kib: Size
    ram_kib: Size
    clock_mhz: Clock
    source: Text
    aliases: tuple[Text, ...] = ()
    pyocd: Text = ""
    avrdude: tuple[str, ...] = ()
    tool: Text = ""
    esptool: Text = ""
    uf2: Annotated[str, Meta(pattern="^(|rp2040|rp2350)$")] = ""
    qemu: Text = ""
    qemu_serial: Count = 0
    firmware: Firmware | None = None
    notes: Text = ""

    @property
    def flash(self) -> int:
        """Bytes of flash."""
        return self.flash_kib * KIB

    @property
    def ram(self) -> int:
        """Bytes of RAM."""
        return self.ram_kib * KIB

    def support(self) -> Firmware:
        """Return what `firmware_stub/` has for it.

        Raises:
            ConfigError: nothing; the hint lists the boards that it supports.
        """
        if self.firmware is None:
            names = ", ".join(name for name, other in load_boards().items() if other.firmware)
            raise ConfigError(f"firmware_stub does not support {self.name}.", hint=f"It supports {names}.")
        return self.firmware

    def linker_script(self) -> str:
        """Return the linker script of a program for it; raises ConfigError as `support`."""
        firmware = self.support()
        script = firmware.linker_script or self.core.architecture.linker_script
        text = (firmware_stub() / script).read_text(encoding="utf-8")
        values = {**asdict(firmware), "flash_kib": self.flash_kib, "ram_kib": self.ram_kib}
        for name, value in values.items():
            text = text.replace(f"@{name}@", str(value))
        return text


@dataclass(frozen=True, slots=True)
class Fit:
    """What is left on a board beside a program.

    Attributes:
        board: the board.
        flash_left: bytes of flash to spare; negative where the program is too big.
        ram_left: bytes of RAM to spare; negative where it needs more.
        unreadable: what of it the core cannot read, wherever it lies; empty for nothing.
    """

    board: Board
    flash_left: int
    ram_left: int
    unreadable: str = ""

    @property
    def fits(self) -> bool:
        """True when there is room for both, and all can be read."""
        return self.flash_left >= 0 and self.ram_left >= 0 and not self.unreadable


@lru_cache
def load_boards() -> Mapping[str, Board]:
    """Return the boards by name, the user's too; raises DataError and ConfigError as `read_boards`."""
    return read_boards(firmware_stub() / "boards")


def read_boards(folder: Path) -> dict[str, Board]:
    """Return the boards of a folder and the user's by name, those last that QEMU emulates.

    Raises:
        DataError: as `read_folder`.
        ConfigError: one of the user's is called as another is, or as `extensions`.
    """
    boards = read_folder(folder, Board, core=load_cores())
    for file in extensions("boards", ".json"):
        path, name = file.path, _plain(file.path.stem)
        if name in boards:
            raise ConfigError(f"{path}: there is another board {name} already.", hint="Give the file another name.")
        boards[name] = read_file(path, Board, name=name, core=load_cores())
    return dict(sorted(boards.items(), key=lambda item: item[1].qemu != ""))


def find_board(name: str) -> Board:
    """Return the board of that name or alias, upper or lower case, with or without what stands between its parts.

    Raises:
        ConfigError: there is none; says why where the chip is known, and the hint names the nearest or what to do.
    """
    boards, plain = load_boards().values(), squeezed(name)
    # A board's own name goes before what others are called besides.
    names = {squeezed(alias): board for board in boards for alias in board.aliases}
    names |= {squeezed(board.name): board for board in boards}
    if plain in names:
        return names[plain]
    if core := known_core(name):
        having = ", ".join(board.name for board in boards if board.core is core)
        raise ConfigError(f"There is no board '{name}': {core.name} is a core.", hint=f"Boards with it: {having}.")
    if other := find_other_chips(name):
        raise ConfigError(f"There is no board '{name}' ({other.title}): {other.why}.", hint=other.instead)
    meant = closest(plain, names)
    raise ConfigError(
        f"There is no board '{name}'.", hint=f"Did you mean '{names[meant].name}'?" if meant else _NO_SUCH
    )


_NO_SUCH = (
    "edgedigits boards lists those there are; simulate --core tells what an engine takes on the core of another, "
    "export writes it as a library for the tools of another, and edgedigits examples custom_board.json declares one."
)


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")
