"""Intel HEX, read again by its definition."""

from __future__ import annotations

import pytest

from edgedigits.devices.intel_hex import to_hex


def read_again(text: str) -> dict[int, int]:
    """Return byte by address; asserts each record's length and sum, and that nothing follows the end."""
    upper, found, ended = 0, dict[int, int](), False
    for line in text.splitlines():
        assert line[0] == ":" and not ended
        record = bytes.fromhex(line[1:])
        count, address, kind, content = record[0], record[1] << 8 | record[2], record[3], record[4:-1]
        assert count == len(content) <= 16 and sum(record) % 256 == 0
        if kind == 4:
            upper = int.from_bytes(content, "big") << 16
        elif kind == 0:
            assert address + count <= 1 << 16
            found |= {upper + address + i: byte for i, byte in enumerate(content)}
        ended = kind == 1
    assert ended
    return found


@pytest.mark.parametrize(
    "segments",
    [
        [(0, bytes(range(40)))],
        [(0x0800_0000, b"abc"), (0x0800_FFF8, bytes(range(32)))],
        [(0x1_FFFF, b"12"), (0, b"first")],
        [],
    ],
)
def test_what_is_read_again_is_what_was_written(segments: list[tuple[int, bytes]]) -> None:
    expected = {start + i: byte for start, content in segments for i, byte in enumerate(content)}

    assert read_again(to_hex(segments)) == expected


def test_a_record_is_as_the_format_has_it() -> None:
    """A length, an address, a kind, the bytes, and what makes the sum of all 0."""
    assert to_hex([(0x30, bytes.fromhex("02337A"))]).splitlines() == [":0300300002337A1E", ":00000001FF"]
