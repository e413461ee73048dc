"""Makes PNG files of 28×28 pixels by hand, in every colour type, depth, filter and order of rows that there is."""

from __future__ import annotations

import zlib

import numpy as np

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB, PALETTE, GREY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
FORMS = (
    *((GREY, depth) for depth in (1, 2, 4, 8)),
    *((PALETTE, depth) for depth in (1, 2, 4, 8)),
    *((colour, 8) for colour in (RGB, GREY_ALPHA, RGB_ALPHA)),
)
PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)


def header(
    width: int = 28,
    height: int = 28,
    depth: int = 8,
    colour: int = GREY,
    *,
    methods: bytes = b"\0\0",
    interlace: int = 0,
) -> bytes:
    return chunk(
        b"IHDR", width.to_bytes(4) + height.to_bytes(4) + bytes([depth, colour]) + methods + bytes([interlace])
    )


def levels(depth: int) -> int:
    """How many greys a depth tells apart, from black to white."""
    return 1 << depth


def coarse(image: np.ndarray, depth: int) -> np.ndarray:
    """`image` with as many greys as the depth has, evenly from 0 to 255."""
    steps = levels(depth) - 1
    return (image.astype(int) * steps // 255 * 255 // steps).astype(np.uint8)


def palette_of(depth: int) -> bytes:
    """A grey palette, white first."""
    steps = levels(depth) - 1
    return b"".join(bytes([255 - index * 255 // steps] * 3) for index in range(levels(depth)))


def _samples(image: np.ndarray, colour: int, depth: int) -> np.ndarray:
    """(28, 28, channels), numbers of `depth` bits."""
    level = image.astype(int) * (levels(depth) - 1) // 255
    opaque = np.full_like(level, levels(depth) - 1)
    channels = {
        GREY: [level],
        PALETTE: [levels(depth) - 1 - level],
        RGB: [level] * 3,
        GREY_ALPHA: [level, opaque],
        RGB_ALPHA: [level, level, level, opaque],
    }
    return np.stack(channels[colour], axis=-1)


def _packed(row: np.ndarray, depth: int) -> bytes:
    """One row of samples as bytes, the first sample in the highest bits."""
    numbers = row.reshape(-1)
    if depth == 16:
        return numbers.astype(">u2").tobytes()
    bits = (numbers[:, None] >> np.arange(depth - 1, -1, -1)) & 1
    return np.packbits(bits.astype(np.uint8).reshape(-1)).tobytes()


def _filtered(kind: int, row: bytes, above: bytes, step: int) -> bytes:
    """A row behind one of the five filters, of which `step` is the distance to the pixel on the left."""
    now, up = np.frombuffer(row, np.uint8).astype(int), np.frombuffer(above, np.uint8).astype(int)
    left = np.concatenate([np.zeros(step, int), now])[: len(now)]
    corner = np.concatenate([np.zeros(step, int), up])[: len(now)]
    guess = left + up - corner
    nearest = np.where(
        (abs(guess - left) <= abs(guess - up)) & (abs(guess - left) <= abs(guess - corner)),
        left,
        np.where(abs(guess - up) <= abs(guess - corner), up, corner),
    )
    predicted = (np.zeros_like(now), left, up, (left + up) // 2, nearest)[kind]
    return bytes([kind]) + ((now - predicted) & 255).astype(np.uint8).tobytes()


def raw_rows(
    image: np.ndarray, colour: int = GREY, depth: int = 8, *, filters: tuple[int, ...] = (0,), interlace: bool = False
) -> bytes:
    """The rows of a picture before compression; `filters` are taken in turn."""
    samples = _samples(image.reshape(28, 28), colour, depth)
    step = max(1, samples.shape[-1] * depth // 8)
    rows, count = b"", 0
    for column, row, across, down in PASSES if interlace else ((0, 0, 1, 1),):
        above = b""
        for line in samples[row::down, column::across]:
            packed = _packed(line, depth)
            rows += _filtered(filters[count % len(filters)], packed, above or bytes(len(packed)), step)
            above, count = packed, count + 1
    return rows


def png(
    image: np.ndarray,
    colour: int = GREY,
    depth: int = 8,
    *,
    filters: tuple[int, ...] = (0,),
    interlace: bool = False,
    before: bytes = b"",
    parts: int = 1,
) -> bytes:
    """A picture of an image whose greys the depth has; `before` are chunks ahead of the pixels, in `parts` chunks."""
    rows = zlib.compress(raw_rows(image, colour, depth, filters=filters, interlace=interlace))
    cut = -(-len(rows) // parts)
    pixels = b"".join(chunk(b"IDAT", rows[start : start + cut]) for start in range(0, len(rows), cut))
    palette = chunk(b"PLTE", palette_of(depth)) if colour == PALETTE else b""
    head = header(depth=depth, colour=colour, interlace=int(interlace))
    return SIGNATURE + head + palette + before + pixels + chunk(b"IEND")
