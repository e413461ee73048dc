"""Which code of an engine's `invoke` belongs to which of its steps.

Layers share their kernels, so instructions can only be counted by layer where it is known which layer called. The
engine's facts say how the line begins where each layer does; the compiler's debug information says which code came from
which line, also where it put one function into another.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from edgedigits.devices.stub import Engine


def step_by_address(elf: Path, engine: Engine) -> dict[int, int]:
    """Return address → number of the step, from 1, for the halfwords of `invoke`'s code; 0 is what comes before.

    Code whose line is unknown is left out: it belongs to whatever is executed before it. None is known where the source
    does not have the lines where the steps begin, or the compiler's debug information cannot be read.
    """
    starts = step_lines(engine)
    if not starts:
        return {}
    try:
        lines = _outermost_lines(elf, engine.run) or _outermost_lines(elf, engine.invoke)
    except Exception:  # pyelftools raises whatever a form that it does not know makes it stumble over
        return {}
    return {address: sum(line >= start for start in starts) for address, line in lines.items()}


def step_lines(engine: Engine) -> list[int]:
    """Return the line of the source where each step begins, counted from 1; none where one is not found."""
    text = engine.sources[0].read_text(encoding="utf-8", errors="replace")
    lines = [line.strip() for line in text.split("\n")]
    starts: list[int] = []
    for step in engine.facts.steps:
        try:
            starts.append(lines.index(step.begins, starts[-1] if starts else 0) + 1)
        except ValueError:
            return []
    return starts


def _outermost_lines(elf: Path, function: str) -> dict[int, int]:
    """Return address → line of `function` that the halfword there comes from; for an inlined function its call's."""
    from elftools.elf.elffile import ELFFile

    with elf.open("rb") as file:
        reader = ELFFile(file)
        if not reader.has_dwarf_info():
            return {}
        dwarf = reader.get_dwarf_info()
        for unit in dwarf.iter_CUs():
            die = next((die for die in unit.iter_DIEs() if _is_definition(die, function)), None)
            if die is not None:
                start, end = _ranges(dwarf, unit, die)[0]
                lines = dict(_line_table(dwarf, unit, start, end))
                for first, stop, line in _calls(dwarf, unit, die):
                    lines.update(dict.fromkeys(range(first, stop, 2), line))
                return lines
    return {}


def _is_definition(die: Any, function: str) -> bool:
    if die.tag != "DW_TAG_subprogram" or "DW_AT_low_pc" not in die.attributes:
        return False
    # Of a function that was also put into others, the name is in the description that all share.
    named = die.get_DIE_from_attribute("DW_AT_abstract_origin") if "DW_AT_abstract_origin" in die.attributes else die
    name = named.attributes.get("DW_AT_name")
    return name is not None and name.value == function.encode()


def _line_table(dwarf: Any, unit: Any, start: int, end: int) -> Iterator[tuple[int, int]]:
    states = [entry.state for entry in dwarf.line_program_for_CU(unit).get_entries() if entry.state is not None]
    for state, after in pairwise(states):
        # Line 0 is the compiler's own code; a sequence's end has no code.
        if not state.end_sequence and state.line and start <= state.address < end:
            yield from ((address, state.line) for address in range(state.address, min(after.address, end), 2))


def _calls(dwarf: Any, unit: Any, die: Any) -> Iterator[tuple[int, int, int]]:
    """Yield (first, stop, line of the call) of the functions that were put into `die` itself, at any place."""
    for child in die.iter_children():
        if child.tag == "DW_TAG_inlined_subroutine":
            line = child.attributes["DW_AT_call_line"].value
            yield from ((first, stop, line) for first, stop in _ranges(dwarf, unit, child))
        elif child.tag == "DW_TAG_lexical_block":
            yield from _calls(dwarf, unit, child)


def _ranges(dwarf: Any, unit: Any, die: Any) -> list[tuple[int, int]]:
    """Return the addresses of a piece of code: one range, or the list that its DW_AT_ranges points to."""
    low, high = die.attributes.get("DW_AT_low_pc"), die.attributes.get("DW_AT_high_pc")
    if low is not None and high is not None:
        size = 0 if high.form == "DW_FORM_addr" else low.value
        return [(low.value, high.value + size)]
    found = die.attributes.get("DW_AT_ranges")
    if found is None:
        return []
    base = unit.get_top_DIE().attributes.get("DW_AT_low_pc")
    start = base.value if base is not None else 0
    ranges = []
    for entry in dwarf.range_lists().get_range_list_at_offset(found.value, cu=unit):
        if hasattr(entry, "base_address"):
            start = entry.base_address
        else:
            offset = 0 if getattr(entry, "is_absolute", False) else start
            ranges.append((entry.begin_offset + offset, entry.end_offset + offset))
    return ranges
