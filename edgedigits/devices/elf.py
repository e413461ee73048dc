"""Reads an ELF: what takes flash and RAM, by symbol; where its code is; what to load."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from edgedigits.errors import DataError, ToolMissingError

Kind = Literal["code", "constant", "data", "zeroed"]

_WRITE, _ALLOC, _EXECUTE = 1, 2, 4
MOST_BYTES, MOST_SECTIONS, MOST_SYMBOLS = 1 << 28, 1000, 1 << 18
MOST_CODE_SPAN = 1 << 26
"""Far more than a microcontroller's program has: of the file, of what is in it, from its first code to its last."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """One function or object.

    Attributes:
        name: as the linker knows it; local ones may appear twice.
        address: where it is; for Thumb functions without the lowest bit.
        size: bytes; 0 where the file does not say.
        kind: "code" and "constant" take flash; "data" takes flash and RAM; "zeroed" takes RAM.
    """

    name: str
    address: int
    size: int
    kind: Kind


@dataclass(frozen=True, slots=True)
class Footprint:
    """Bytes of a program, by section.

    Attributes:
        code: instructions and the literals between them.
        constants: weights, tables and other constants.
        data: variables with a start value; take flash and RAM.
        zeroed: variables that start at zero.
    """

    code: int
    constants: int
    data: int
    zeroed: int

    @property
    def flash(self) -> int:
        """Bytes of flash."""
        return self.code + self.constants + self.data

    @property
    def static_ram(self) -> int:
        """Bytes of RAM that are taken all the time; without stack and what a caller lends."""
        return self.data + self.zeroed


@dataclass(frozen=True, slots=True)
class Image:
    """An ELF as far as this toolkit needs it; made by `read_elf`.

    Attributes:
        path: the file.
        symbols: functions and objects, by address.
        segments: (load address, run address, bytes) of all that is loaded.
        code: (first address, one past the last) of stretches of instructions, without the literals between them.
        footprint: bytes by section.
        entry: address of the first instruction.
    """

    path: Path
    symbols: tuple[Symbol, ...]
    segments: tuple[tuple[int, int, bytes], ...]
    code: tuple[tuple[int, int], ...]
    footprint: Footprint
    entry: int

    def address(self, name: str) -> int:
        """Return the address of the symbol `name`.

        Raises:
            DataError: there is none.
        """
        for symbol in self.symbols:
            if symbol.name == name:
                return symbol.address
        raise DataError(f"{self.path.name} has no symbol {name}.", hint="Is it the engine of this build?")

    def biggest(self, count: int = 5, kinds: Iterable[Kind] = ("code", "constant", "data")) -> tuple[Symbol, ...]:
        """Return the `count` biggest symbols of these kinds, the biggest first; of several names for the same, one."""
        wanted = set(kinds)
        of_kind = {(one.address, one.size): one for one in self.symbols if one.kind in wanted and one.size}
        return tuple(sorted(of_kind.values(), key=lambda symbol: (-symbol.size, symbol.name))[:count])

    def function_at(self, address: int) -> str:
        """Return the name of the function that holds `address`, or an empty string."""
        for symbol in self.symbols:
            if symbol.kind == "code" and symbol.address <= address < symbol.address + max(symbol.size, 1):
                return symbol.name
        return ""


def read_elf(path: Path) -> Image:
    """Read a 32-bit ELF of Arm, RISC-V or AVR.

    Raises:
        ToolMissingError: pyelftools is not installed.
        DataError: not such a file, damaged, or larger than any microcontroller's program.
    """
    try:
        from elftools.common.exceptions import ELFError
        from elftools.elf.elffile import ELFFile
    except ImportError as error:
        raise ToolMissingError(
            "The package pyelftools is not installed.", hint="Install it: pip install 'edgedigits[mcu]'"
        ) from error
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ELFError(f"it is larger than {MOST_BYTES:,} bytes")
        with path.open("rb") as file:
            return _read(path, ELFFile(file))
    except Exception as error:  # pyelftools raises whatever a damaged file makes it stumble over
        reason = str(error) or type(error).__name__
        raise DataError(f"{path} cannot be read as an ELF: {reason[:200]}.", hint="Compile it again.") from error


def _read(path: Path, elf: Any) -> Image:
    if elf.elfclass != 32 or not elf.little_endian:
        raise ValueError("it is not a little-endian file of 32 bits")
    _check_count("sections", elf.num_sections(), MOST_SECTIONS)
    _check_count("segments", elf.num_segments(), MOST_SECTIONS)
    sections = list(elf.iter_sections())
    table = elf.get_section_by_name(".symtab")
    _check_count("symbols", table.num_symbols() if table else 0, MOST_SYMBOLS)
    entries = sorted(table.iter_symbols(), key=lambda entry: entry["st_value"]) if table else []
    code = tuple(_code_ranges(entries, sections))
    _check_count("bytes from its first code to its last", max(code)[1] - min(code)[0] if code else 0, MOST_CODE_SPAN)
    return Image(
        path=path,
        symbols=tuple(_symbols(entries, sections)),
        segments=tuple(_segments(elf)),
        code=code,
        footprint=_footprint(sections),
        entry=elf["e_entry"] & ~1,
    )


def _segments(elf: Any) -> Iterable[tuple[int, int, bytes]]:
    loaded = [segment for segment in elf.iter_segments("PT_LOAD") if segment["p_filesz"]]
    _check_count("bytes to load", sum(segment["p_filesz"] for segment in loaded), MOST_BYTES)
    for segment in loaded:
        content = segment.data()
        if len(content) != segment["p_filesz"]:
            raise ValueError("it ends before what it says it holds")
        yield segment["p_paddr"], segment["p_vaddr"], content


def _check_count(what: str, count: int, most: int) -> None:
    if count > most:
        raise ValueError(f"it has {count:,} {what}, more than {most:,}")


def _kind(section: Any) -> Kind:
    flags = section["sh_flags"]
    if section["sh_type"] == "SHT_NOBITS":
        return "zeroed"
    if flags & _EXECUTE:
        return "code"
    return "data" if flags & _WRITE else "constant"


def _symbols(entries: list[Any], sections: list[Any]) -> Iterable[Symbol]:
    for entry in entries:
        index = entry["st_shndx"]
        if entry["st_info"]["type"] not in ("STT_FUNC", "STT_OBJECT", "STT_NOTYPE") or not isinstance(index, int):
            continue
        if not entry.name or entry.name.startswith("$"):
            continue
        is_function = entry["st_info"]["type"] == "STT_FUNC"
        section = sections[index]
        # Constants that share a section with code, as in a firmware's .text, are constants all the same.
        kind = _kind(section)
        if kind == "code" and entry["st_info"]["type"] == "STT_OBJECT":
            kind = "constant"
        thumb = section["sh_flags"] & _EXECUTE and is_function
        yield Symbol(entry.name, entry["st_value"] & ~1 if thumb else entry["st_value"], entry["st_size"], kind)


def _code_ranges(entries: list[Any], sections: list[Any]) -> Iterable[tuple[int, int]]:
    """Follow the mapping symbols: $t, $a and $x start instructions, $d starts literals. AVR has none, all is code."""
    for index, section in enumerate(sections):
        if not section["sh_flags"] & _EXECUTE or section["sh_type"] == "SHT_NOBITS":
            continue
        marks = [
            (entry["st_value"], entry.name[1])
            for entry in entries
            if entry["st_shndx"] == index and entry.name[:2] in ("$t", "$a", "$x", "$d")
        ]
        end = section["sh_addr"] + section["sh_size"]
        marks = marks or [(section["sh_addr"], "x")]
        for (start, kind), (stop, _) in zip(marks, [*marks[1:], (end, "")], strict=True):
            if kind != "d" and stop > start:
                yield start, stop


def _footprint(sections: list[Any]) -> Footprint:
    totals: dict[Kind, int] = {"code": 0, "constant": 0, "data": 0, "zeroed": 0}
    for section in sections:
        if section["sh_flags"] & _ALLOC:
            totals[_kind(section)] += section["sh_size"]
    return Footprint(totals["code"], totals["constant"], totals["data"], totals["zeroed"])
