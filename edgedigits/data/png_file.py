"""One PNG file, of 28×28 pixels unless any size will do, checked chunk by chunk before Pillow decodes it.

Pillow forgives much that changes the picture: it fills rows that are not there with black, cuts 16 bits to 8 and
pads palettes. Here the file's own checksums and sizes have to add up. What does not bear on the picture (times,
texts, colour profiles, what follows the end) is neither read nor passed on.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.geometry import MOST_SIDE
from edgedigits.data.impostors import impostor_hint
from edgedigits.data.reading import opened
from edgedigits.data.shape import IMAGE_SIDE
from edgedigits.errors import DataError

SIGNATURE = b"\x89PNG\r\n\x1a\n"

MOST_FILE_BYTES = 1 << 22
"""A picture of 28×28 pixels has some hundred bytes; some programs add a thumbnail or a profile."""

_HEADER = struct.Struct(">IIBBBBB")  # width, height, depth, colour, compression, filter, interlace
_GREY, _RGB, _PALETTE, _GREY_ALPHA, _RGB_ALPHA = 0, 2, 3, 4, 6
_CHANNELS = {_GREY: 1, _RGB: 3, _PALETTE: 1, _GREY_ALPHA: 2, _RGB_ALPHA: 4}
_DEPTHS = {_GREY: (1, 2, 4, 8, 16), _PALETTE: (1, 2, 4, 8)}
_DEPTHS_ELSE = (8, 16)
# The seven passes of an interlaced picture: first column and row, steps between columns and rows.
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_CRITICAL = (b"IHDR", b"PLTE", b"IDAT", b"IEND")


@dataclass(frozen=True)
class _Picture:
    """What makes up the pixels: the header's fields, palette, transparency, and compressed rows."""

    header: tuple[int, ...]
    palette: bytes
    transparency: bytes
    rows: bytes

    @property
    def depth(self) -> int:
        return self.header[2]

    @property
    def colour(self) -> int:
        return self.header[3]


class _DamagedError(Exception):
    """The file does not keep to the format; the text says how."""


def read_png(path: Path, *, any_size: bool = False) -> NDArray[np.uint8]:
    """Read a picture; colours become grey.

    Args:
        path: the file.
        any_size: it may have sides of up to `MOST_SIDE`, and not of 28 only.

    Returns:
        uint8 (height, width).

    Raises:
        DataError: it is no PNG, damaged, of another size, animated, transparent, or has 16 bits a channel.
    """
    with opened(path) as stored:
        large = os.fstat(stored.fileno()).st_size > MOST_FILE_BYTES
        content = stored.read(len(SIGNATURE) if large else -1)
    if content.startswith(SIGNATURE[:4]) and not content.startswith(SIGNATURE):
        raise DataError(f"{path} was changed on its way, as when a PNG file is sent as text.", hint="Copy it again.")
    if not content.startswith(SIGNATURE):
        raise DataError(f"{path} is not a PNG file.", hint=_foreign_hint(content))
    if large:
        raise DataError(f"{path} is larger than {MOST_FILE_BYTES >> 20} MiB.", hint="Save the picture alone.")
    try:
        picture = _parse(content, path, any_size=any_size)
        return _decode(picture, path)
    except (_DamagedError, OSError, SyntaxError, ValueError) as error:
        raise DataError(f"{path} is a damaged PNG file: {error}.", hint="Save or copy it again.") from None


def _foreign_hint(content: bytes) -> str:
    known = impostor_hint(content)
    return f"{known.partition(':')[0]}: save it again as PNG." if known else "Save it again as PNG."


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and data of each chunk up to the end, checksums proven."""
    place = len(SIGNATURE)
    while True:
        length = int.from_bytes(content[place : place + 4])
        kind, data = content[place + 4 : place + 8], content[place + 8 : place + 8 + length]
        end = place + 12 + length
        if end > len(content):
            raise _DamagedError("it ends before its last chunk")
        if zlib.crc32(kind + data) != int.from_bytes(content[end - 4 : end]):
            raise _DamagedError(f"the checksum of its chunk {kind!r} is wrong")
        yield kind, data
        if kind == b"IEND":
            return
        place = end


def _parse(content: bytes, path: Path, *, any_size: bool) -> _Picture:
    chunks = _chunks(content)
    first = next(chunks)
    if first[0] != b"IHDR" or len(first[1]) != _HEADER.size:
        raise _DamagedError("it does not begin with a header")
    header = _HEADER.unpack(first[1])
    _require_plain(header, path, any_size=any_size)
    kept: dict[bytes, list[bytes]] = {b"IHDR": [first[1]]}
    for (before, _), (kind, data) in pairwise(chain([first], chunks)):
        if kind == b"acTL":
            raise DataError(f"{path} is an animation.", hint="Save one picture a file.")
        if kind[:1].isupper() and kind not in _CRITICAL:
            raise _DamagedError(f"its chunk {kind!r} is unknown")
        if kind in kept and kind in _CRITICAL and not (kind == before == b"IDAT"):
            raise _DamagedError(f"its chunk {kind!r} comes again")
        kept.setdefault(kind, []).append(data)
    joined = {kind: b"".join(parts) for kind, parts in kept.items()}
    picture = _Picture(header, joined.get(b"PLTE", b""), joined.get(b"tRNS", b""), joined.get(b"IDAT", b""))
    _require_whole(picture)
    return picture


def _require_plain(header: tuple[int, ...], path: Path, *, any_size: bool) -> None:
    width, height, depth, colour, compression, filtering, interlace = header
    if not any_size and (width, height) != (IMAGE_SIDE, IMAGE_SIDE):
        raise DataError(
            f"{path} is {width}×{height} pixels, expected {IMAGE_SIDE}×{IMAGE_SIDE}.",
            hint="Read it with --fit, which scales the digit to fit 20×20 and centres it by its mass on 28×28.",
        )
    if not (0 < width <= MOST_SIDE and 0 < height <= MOST_SIDE):
        raise DataError(
            f"{path} is {width:,}×{height:,} pixels, expected 1 to {MOST_SIDE:,} a side.", hint="Cut the digit out."
        )
    if depth not in _DEPTHS.get(colour, _DEPTHS_ELSE) or colour not in _CHANNELS:
        raise _DamagedError(f"there is no colour type {colour} of {depth} bits")
    if compression or filtering or interlace > 1:
        raise _DamagedError("its header names an unknown method")
    if depth > 8:
        raise DataError(f"{path} has {depth} bits a channel, expected 8 at most.", hint="Save it as 8-bit grey.")


def _require_whole(picture: _Picture) -> None:
    """Check that there are as many bytes of everything as the header promises."""
    expected = _raw_bytes(picture)
    stream = zlib.decompressobj()
    try:
        raw = stream.decompress(picture.rows, expected + 1)
    except zlib.error as error:
        raise _DamagedError(str(error)) from None
    if len(raw) <= expected and not stream.eof:
        raise _DamagedError("its pixels are cut off")
    if len(raw) != expected:
        raise _DamagedError(f"its pixels take {len(raw):,} bytes, expected {expected:,}")
    colours, rest = divmod(len(picture.palette), 3)
    if picture.colour == _PALETTE and (rest or not 1 <= colours <= 1 << picture.depth):
        raise _DamagedError("its palette has a wrong size")
    known = {_GREY: (2,), _RGB: (6,), _PALETTE: range(1, colours + 1)}.get(picture.colour, ())
    if picture.transparency and len(picture.transparency) not in known:
        raise _DamagedError("its transparency has a wrong size")


def _raw_bytes(picture: _Picture) -> int:
    """Bytes of the rows before compression, each with the number of its filter in front."""
    (whole_width, whole_height), bits = picture.header[:2], picture.depth * _CHANNELS[picture.colour]
    passes = _PASSES if picture.header[-1] else ((0, 0, 1, 1),)
    total = 0
    for column, row, across, down in passes:
        width, height = -(-(whole_width - column) // across), -(-(whole_height - row) // down)
        total += height * (1 + -(-width * bits // 8)) * (width > 0)  # a pass of no columns has no rows
    return total


def _decode(picture: _Picture, path: Path) -> NDArray[np.uint8]:
    from PIL import Image

    with Image.open(io.BytesIO(_rewritten(picture)), formats=["PNG"]) as stored:
        image: Image.Image = stored
        image.load()
        if image.mode == "P":
            _, highest = image.getextrema()
            if highest >= len(picture.palette) // 3:  # type: ignore[operator]  # of one band, numbers
                raise _DamagedError("a pixel has a colour that its palette has not")
        if picture.transparency or picture.colour in (_GREY_ALPHA, _RGB_ALPHA):
            image = image.convert("RGBA")
            if image.getchannel("A").getextrema() != (255, 255):
                raise DataError(f"{path} is transparent in places.", hint="Flatten it onto a plain background.")
        return np.asarray(image.convert("L"), np.uint8)


def _rewritten(picture: _Picture) -> bytes:
    """The same picture with nothing in its file that does not make up the pixels."""
    transparency = picture.transparency
    if picture.colour == _GREY and picture.depth in (2, 4) and transparency:
        # Pillow compares this grey with pixels that it has stretched to 8 bits.
        grey = int.from_bytes(transparency) * 255 // ((1 << picture.depth) - 1)
        transparency = grey.to_bytes(2)
    parts = {b"IHDR": _HEADER.pack(*picture.header), b"PLTE": picture.palette, b"tRNS": transparency}
    chunks = [(kind, data) for kind, data in parts.items() if data]
    chunks += [(b"IDAT", picture.rows), (b"IEND", b"")]
    return SIGNATURE + b"".join(
        len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4) for kind, data in chunks
    )
