"""The board catalogue, and what fits on which board."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from edgedigits.devices.cores import CORES, Core
from edgedigits.errors import ConfigError, nearest

CATALOGUE = Path(__file__).with_name("boards.toml")
KIB = 1024


@dataclass(frozen=True, slots=True)
class Board:
    """One board, with what a program on it can use.

    Attributes:
        name: what users call it, such as "nrf52840dk".
        title: the vendor's name.
        core: its processor core.
        flash: bytes of flash.
        ram: bytes of RAM.
        clock_mhz: the highest clock that the vendor allows, MHz.
        source: where the figures come from, starting with "vendor:".
        pyocd: name of the target in pyOCD; empty where there is none.
        qemu: machine of QEMU that emulates it; empty where there is none.
        firmware: whether `firmware_stub/` supports it.
    """

    name: str
    title: str
    core: Core
    flash: int
    ram: int
    clock_mhz: float
    source: str
    pyocd: str = ""
    qemu: str = ""
    firmware: bool = False


@dataclass(frozen=True, slots=True)
class Fit:
    """What is left on a board beside a program.

    Attributes:
        board: the board.
        flash_left: bytes of flash to spare; negative where the program is too big.
        ram_left: bytes of RAM to spare; negative where it needs more.
    """

    board: Board
    flash_left: int
    ram_left: int

    @property
    def fits(self) -> bool:
        """True when there is room for both."""
        return self.flash_left >= 0 and self.ram_left >= 0


@lru_cache
def load_boards(path: Path = CATALOGUE) -> dict[str, Board]:
    """Return the boards by name, in the order of the catalogue.

    Raises:
        ConfigError: the catalogue has an unknown key or core, or lacks a key; the message names the board.
    """
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    return {name: _board(name, table) for name, table in tables.items()}


def _board(name: str, table: dict[str, object]) -> Board:
    rest = dict(table)
    try:
        core = CORES[str(rest.pop("core"))]
        flash, ram = int(str(rest.pop("flash_kib"))) * KIB, int(str(rest.pop("ram_kib"))) * KIB
        return Board(name=name, core=core, flash=flash, ram=ram, **rest)  # type: ignore[arg-type]
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"Board '{name}' of the catalogue is not valid: {error}.", hint="Compare another.") from error


def find_board(name: str) -> Board:
    """Return the board of that name, upper or lower case.

    Raises:
        ConfigError: there is none; the hint names the nearest.
    """
    boards = load_boards()
    plain = name.lower().replace("_", "-")
    if plain not in boards:
        raise ConfigError(f"There is no board '{name}'.", hint=nearest(plain, boards))
    return boards[plain]
