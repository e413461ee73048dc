"""Thousands of sound, odd and damaged sources of a few digits, made by seed: nothing in them is anybody's data.

Each family is a function of a random generator and a folder. It writes one source and returns a `Case`, which says
what a reader owes: the digits themselves where nothing but the spelling changed; the digits or a refusal where
checksums or an oracle can tell; digits or a refusal, whichever, where the file became another one.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgedigits.data.digits import Digits
from edgedigits.data.export import HEADER
from tests.data import png_maker
from tests.data.digit_files import csv_lines, idx_images, idx_labels

Rng = np.random.Generator
Bytes = bytes


@dataclass(frozen=True)
class Case:
    """One source.

    Attributes:
        source: what to read.
        truth: the only digits that a reader may give; None where no one knows.
        sound: whether it must give them.
    """

    source: Path
    truth: Digits | None
    sound: bool


def make_digits(rng: Rng, count: int) -> Digits:
    """Digits with a black border, as real ones have, so that a CSV without header can tell its label."""
    images = np.zeros((count, 28, 28), np.uint8)
    values = rng.integers(0, 256, (count, 20, 20))
    images[:, 4:24, 4:24] = np.where(rng.random((count, 20, 20)) < 0.5, 0, values)
    return Digits(images.reshape(count, 784), rng.permutation(10)[:count].astype(np.uint8))


def pick(rng: Rng, choices):
    return choices[int(rng.integers(len(choices)))]


def damaged(rng: Rng, content: Bytes) -> Bytes:
    """`content` with some bytes changed, left out, put in, doubled, or with its end cut off."""
    for _ in range(int(rng.integers(1, 4))):
        place = int(rng.integers(len(content) + 1)) if len(content) else 0
        # Headers and trailers are short, so half of all damage goes there.
        if rng.random() < 0.5:
            place = min(place % 64, len(content)) if rng.random() < 0.7 else max(0, len(content) - place % 128)
        length = int(rng.integers(1, 9)) if rng.random() < 0.8 else int(rng.integers(1, 2000))
        junk = pick(
            rng, (rng.bytes(length), b"\xff" * length, b"\0" * length, b"\n" * length, b'"', b",", b"-", b"9" * length)
        )
        kind = int(rng.integers(6))
        if kind == 0 and place < len(content):
            content = content[:place] + bytes([content[place] ^ (1 << int(rng.integers(8)))]) + content[place + 1 :]
        elif kind == 1:
            content = content[:place] + content[place + length :]
        elif kind == 2:
            content = content[:place] + junk + content[place:]
        elif kind == 3:
            content = content[:place] + junk + content[place + len(junk) :]
        elif kind == 4:
            content = content[:place] + content[max(0, place - length) :]
        else:
            content = content[:place]
    return content


# --- CSV -------------------------------------------------------------------------------------------

_PIXEL_NAMES: tuple[Callable[[int], str], ...] = (
    lambda index: f"pixel{index}",
    lambda index: str(index),
    lambda index: f"p{index + 1}",
    lambda index: f"px_{index}",
    lambda index: f"V{index + 1}",
    lambda index: f"{index // 28 + 1}x{index % 28 + 1}",
)
_LABEL_NAMES = (
    "label",
    "Label",
    " LABEL ",
    "labels",
    "Class ",
    "class",
    "target",
    "digit",
    "y",
    '"label"',
    "what_it_is",
)
_SPELLINGS = ("{}", "{}", " {}", "{}\t", "{}.0", "{}.", "+{}", "00{}", '"{}"', ' "{}"', "{}e0", "{}.000E+00")


def spelled_csv(rng: Rng, digits: Digits) -> Bytes:
    """The same digits in one of the many ways to write a CSV."""
    at = pick(rng, (0, 0, 784, int(rng.integers(785))))
    lines = [
        ",".join(pick(rng, _SPELLINGS).format(cell) for cell in line.split(",")) if rng.random() < 0.3 else line
        for line in csv_lines(digits, label_at=at)
    ]
    if at or rng.random() < 0.7:
        names = list(map(pick(rng, _PIXEL_NAMES), range(784)))
        names.insert(at, pick(rng, _LABEL_NAMES))
        lines.insert(0, ",".join(names))
    elif rng.random() < 0.2:
        lines.insert(0, ",".join(map(str, range(785))))
    if rng.random() < 0.1:
        lines.insert(0, "sep=,")
    end = pick(rng, ("\n", "\r\n", "\r", "\n\n", "\n \n"))
    text = pick(rng, ("", "", "\ufeff", "\n")) + end.join(lines) + pick(rng, ("", end, end * 3))
    return text.encode()


def _csv_oracle(content: Bytes) -> Digits | None:
    """What a file below the header of Kaggle holds, by the plainest means; None where it is not digits alone."""
    lines = [line for line in re.split(rb"\r\n|\n|\r", content) if line.strip(b" \t")]
    rows = [line.split(b",") for line in lines[1:]]
    if lines[:1] != [HEADER.encode()] or not rows or not all(cell.isdigit() for row in rows for cell in row):
        return None
    if {len(row) for row in rows} != {785} or not all(int(cell) < 256 for row in rows for cell in row):
        return None
    table = np.array([[int(cell) for cell in row] for row in rows], np.uint8)
    return Digits(table[:, 1:], table[:, 0]) if table[:, 0].max() < 10 else None


def csv_case(rng: Rng, folder: Path) -> Case:
    """A CSV: spelled otherwise, packed and damaged, damaged, edited by cells and lines, or no CSV at all."""
    digits = make_digits(rng, int(rng.integers(1, 5)))
    path = folder / "x.csv"
    plain = "\n".join([HEADER, *csv_lines(digits)]).encode()
    kind = int(rng.integers(5))
    if kind == 0:
        content = spelled_csv(rng, digits)
        path.write_bytes(gzip.compress(content, 1) if rng.random() < 0.2 else content)
        return Case(path, digits, True)
    if kind == 1:
        packed = gzip.compress(plain, 1)
        path.write_bytes(damaged(rng, packed))
        # Where damage takes the gzip magic away, what is left is another file.
        return Case(path, digits if path.read_bytes()[:4] == packed[:4] else None, False)
    if kind == 2:
        content = damaged(rng, plain)
    elif kind == 3:
        content = _edited_csv(rng, plain)
    else:
        junk = pick(
            rng,
            (rng.bytes(3000), bytes(rng.integers(32, 127, 5000, np.uint8)), b"," * 5000, b"\n" * 5000, b"0," * 5000),
        )
        content = pick(rng, (b"", plain)) + junk
    path.write_bytes(content)
    return Case(path, _csv_oracle(content), False)


def _edited_csv(rng: Rng, plain: Bytes) -> Bytes:
    rows = [line.split(b",") for line in plain.split(b"\n")]
    for _ in range(int(rng.integers(1, 4))):
        row, column = int(rng.integers(len(rows))), int(rng.integers(785))
        cell = pick(
            rng, (b"256", b"-1", b"", b"True", b"nan", b"1e2", b'"', b'"1', b"0x7", b"1_0", b"\xe9", b"7" * 300, b"0.5")
        )
        match int(rng.integers(6)):
            case 0:
                rows[row][column : column + 1] = [cell]
            case 1:
                rows[row][column : column + 1] = []
            case 2:
                rows[row][column:column] = [cell]
            case 3:
                rows.insert(row, rows[int(rng.integers(len(rows)))][:])
            case 4:
                rows[row] = rows[row] + rows[-1]
            case _:
                del rows[row]
        if not rows or not all(len(cells) > column for cells in rows):
            break
    return b"\n".join(b",".join(cells) for cells in rows)


# --- IDX -------------------------------------------------------------------------------------------

_IDX_NAMES = (
    ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    ("q-digits-train-images-idx3-ubyte", "q-digits-train-labels-idx1-ubyte"),
    ("TRAIN-IMAGES.IDX3-UBYTE", "TRAIN-LABELS.IDX1-UBYTE"),
    ("images.idx", "labels.idx"),
    ("train_images.bin", "train_labels.bin"),
)
_CODES = {0x08: ">u1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def _retyped(rng: Rng, content: Bytes) -> Bytes:
    """The same numbers of another type."""
    start = 4 + 4 * content[3]
    code = pick(rng, tuple(_CODES))
    numbers = np.frombuffer(content, np.uint8, offset=start).astype(_CODES[code])
    return bytes([0, 0, code, content[3]]) + content[4:start] + numbers.tobytes()


def idx_case(rng: Rng, folder: Path) -> Case:
    """A pair of IDX files: named or typed otherwise, packed and damaged, or damaged in the header."""
    digits = make_digits(rng, int(rng.integers(1, 6)))
    contents = [idx_images(digits.images), idx_labels(digits.labels)]
    names, kind, hit = pick(rng, _IDX_NAMES), int(rng.integers(4)), int(rng.integers(2))
    truth: Digits | None = digits
    if kind == 0:
        contents = [_retyped(rng, content) if rng.random() < 0.5 else content for content in contents]
        contents = [gzip.compress(content, 1) if rng.random() < 0.3 else content for content in contents]
    elif kind == 1:
        packed = gzip.compress(contents[hit], 1)
        contents[hit] = damaged(rng, packed)
        truth = digits if contents[hit][:4] == packed[:4] else None
    elif kind == 2:
        place = int(rng.integers(4 + 4 * contents[hit][3]))
        contents[hit] = contents[hit][:place] + rng.bytes(1) + contents[hit][place + 1 :]
        truth = None
    else:
        contents[hit] = damaged(rng, contents[hit])
        truth = None
    for name, content in zip(names, contents, strict=True):
        (folder / name).write_bytes(content)
    return Case(folder, truth, kind == 0)


# --- npz -------------------------------------------------------------------------------------------

_KEYS = (("x_train", "y_train"), ("X", "Y"), ("images", "labels"), ("data", "target"), ("train_images", "train_labels"))
_NPY_HEADERS = (
    b"{'descr': '|u1', 'fortran_order': True, 'shape': (%d, 28, 28), }",
    b"{'descr': '<f8', 'fortran_order': False, 'shape': (%d, 784), }",
    b"{'descr': '|O', 'fortran_order': False, 'shape': (%d, 784), }",
    b"{'descr': '|u1', 'fortran_order': False, 'shape': (%d, -784), }",
    b"{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999, %d), }",
    b"{'descr': '|S784', 'fortran_order': False, 'shape': (%d,), }",
    b"{'descr': [('a', '|u1', 784)], 'fortran_order': False, 'shape': (%d,), }",
    b"{'descr': 'M8[s]', 'fortran_order': False, 'shape': (%d, 98), }",
    b"{'shape': (%d, 784)",
    b"[" * 900 + b"%d",
)


def npz_case(rng: Rng, folder: Path) -> Case:
    """An archive: typed, shaped and named otherwise, damaged, or whole with a member that is not."""
    digits = make_digits(rng, int(rng.integers(1, 6)))
    path = folder / "x.npz"
    kind = int(rng.integers(3))
    types = (np.uint8, np.int16, ">i4", np.int64, np.float32, np.float64, np.uint64)
    shape = pick(rng, ((-1, 784), (-1, 28, 28), (-1, 28, 28, 1), (-1, 1, 28, 28)))
    images = digits.images.astype(pick(rng, types)).reshape(shape)
    labels = digits.labels.astype(pick(rng, types)).reshape(pick(rng, ((-1,), (-1, 1))))
    if rng.random() < 0.3:
        images = np.asfortranarray(images)
    save = pick(rng, (np.savez, np.savez_compressed))
    save(path, **dict(zip(pick(rng, _KEYS), (images, labels), strict=True)))
    if kind == 0:
        return Case(path, digits, True)
    if kind == 1:
        path.write_bytes(damaged(rng, path.read_bytes()))
        return Case(path, digits, False)
    header = pick(rng, _NPY_HEADERS) % len(digits) + b"\n"
    member = b"\x93NUMPY" + bytes([int(rng.integers(1, 5)), 0]) + struct.pack("<H", len(header)) + header
    with zipfile.ZipFile(path, "w", pick(rng, (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED, zipfile.ZIP_LZMA))) as archive:
        start = member if rng.random() < 0.8 else pick(rng, (b"", rng.bytes(200)))
        archive.writestr("x.npy", start + digits.images.tobytes())
        stored = io.BytesIO()
        np.save(stored, digits.labels)
        archive.writestr("y.npy", stored.getvalue())
    return Case(path, None, False)


# --- PNG -------------------------------------------------------------------------------------------


def png_case(rng: Rng, folder: Path) -> Case:
    """A folder with one picture: of any form, damaged, or put together of chunks with true checksums."""
    digits = make_digits(rng, 1)
    colour, depth = pick(rng, png_maker.FORMS)
    image = png_maker.coarse(digits.images, depth)
    truth = Digits(image, np.array([3], np.uint8))
    filters = tuple(rng.integers(0, 5, int(rng.integers(1, 6))).tolist())
    more = pick(rng, (b"", png_maker.chunk(b"tIME", rng.bytes(7)), png_maker.chunk(b"zTXt", rng.bytes(30))))
    content = png_maker.png(
        image,
        colour,
        depth,
        filters=filters,
        interlace=bool(rng.integers(2)),
        before=more,
        parts=int(rng.integers(1, 4)),
    )
    kind = int(rng.integers(3))
    if kind == 1:
        content = damaged(rng, content)
    elif kind == 2:
        content = _rechunked(rng, content)
    (folder / "3").mkdir()
    (folder / "3" / "x.png").write_bytes(content)
    return Case(folder, truth if kind < 2 else None, kind == 0)


def _rechunked(rng: Rng, content: Bytes) -> Bytes:
    """Chunks changed, left out, doubled or put elsewhere, each with its true checksum."""
    chunks, place = [], 8
    while place < len(content):
        length = int.from_bytes(content[place : place + 4])
        chunks.append((content[place + 4 : place + 8], content[place + 8 : place + 8 + length]))
        place += 12 + length
    for _ in range(int(rng.integers(1, 3))):
        index = int(rng.integers(len(chunks)))
        kind, data = chunks[index]
        match int(rng.integers(6)):
            case 0:
                chunks[index] = kind, damaged(rng, data)
            case 1:
                chunks.insert(int(rng.integers(len(chunks) + 1)), (kind, data))
            case 2:
                del chunks[index]
            case 3:
                chunks[index] = pick(rng, (b"IDAT", b"PLTE", b"tRNS", b"IEND", b"IHDR", b"acTL", b"ABCD")), data
            case 4 if kind == b"IDAT":
                chunks[index] = kind, zlib.compress(bytes(int(rng.integers(0, 3000))))
            case _:
                chunks.append(chunks.pop(index))
        if not chunks:
            break
    return png_maker.SIGNATURE + b"".join(png_maker.chunk(kind, data) for kind, data in chunks)


# --- USPS and optdigits ----------------------------------------------------------------------------

_PARTS = (b"1:", b":", b" ", b",", b"nan", b"inf", b"1e999", b"-1e-3", b"257:1", b"\x0b", b"\xe9", b"\n", b"1_0", b"")


def small_case(rng: Rng, folder: Path) -> Case:
    """A file of USPS or optdigits: packed and damaged, damaged, or with a word of it exchanged."""
    usps, rows = rng.random() < 0.5, []
    for _ in range(int(rng.integers(1, 4))):
        if usps:
            cells = [f"{place}:{value:.3g}" for place, value in enumerate(rng.uniform(-1, 1, 256), 1)]
            rows.append(" ".join([str(rng.integers(1, 11)), *cells]))
        else:
            rows.append(",".join(map(str, [*rng.integers(0, 17, 64), rng.integers(10)])))
    content, path = "\n".join(rows).encode(), folder / ("usps" if usps else "optdigits.tra")
    match int(rng.integers(4)):
        case 0:
            path.write_bytes(content)
            return Case(path, None, True)
        case 1:
            content = damaged(rng, pick(rng, (gzip.compress, bz2.compress, lzma.compress))(content))
        case 2:
            content = damaged(rng, content)
        case _:
            words = re.split(rb"([ ,])", content)
            words[int(rng.integers(len(words)))] = pick(rng, _PARTS)
            content = b"".join(words)
    path.write_bytes(content)
    return Case(path, None, False)


FAMILIES: dict[str, Callable[[Rng, Path], Case]] = {
    "csv": csv_case,
    "idx": idx_case,
    "npz": npz_case,
    "png": png_case,
    "small": small_case,
}


def make_case(family: str, seed: int, folder: Path) -> Case:
    """Write the source number `seed` of a family into `folder`, of which nothing else is left."""
    for old in folder.iterdir():
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    return FAMILIES[family](np.random.default_rng([*family.encode(), seed]), folder)
