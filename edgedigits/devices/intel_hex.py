"""Intel HEX, which programmers of AVR take, and drives of boards such as the micro:bit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

_WIDTH = 16
_DATA, _END, _UPPER = 0, 1, 4
_PAGE = 1 << 16


def to_hex(segments: Sequence[tuple[int, bytes]]) -> str:
    """Return a program as Intel HEX: records of 16 bytes, with the upper half of addresses wherever that changes.

    Args:
        segments: address and bytes of each piece, below 2³².
    """
    return "\n".join([*_records(segments), _record(_END, 0, b"")]) + "\n"


def _records(segments: Sequence[tuple[int, bytes]]) -> Iterator[str]:
    upper = 0
    for start, content in sorted(segments):
        at = start
        while at < start + len(content):
            if at // _PAGE != upper:
                upper = at // _PAGE
                yield _record(_UPPER, 0, upper.to_bytes(2, "big"))
            # No record goes beyond its 64 KiB.
            count = min(_WIDTH, _PAGE - at % _PAGE)
            yield _record(_DATA, at % _PAGE, content[at - start :][:count])
            at += count


def _record(kind: int, address: int, content: bytes) -> str:
    record = bytes([len(content), address >> 8, address & 0xFF, kind]) + content
    return f":{record.hex()}{-sum(record) & 0xFF:02x}".upper()
