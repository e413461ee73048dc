"""Writes digits in every form that a source can have, for the tests of this folder."""

from __future__ import annotations

import gzip
import struct
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from edgedigits.data.digits import Digits
from edgedigits.errors import EdgedigitsError


def idx_images(images: np.ndarray) -> bytes:
    return struct.pack(">IIII", 0x803, len(images), 28, 28) + images.tobytes()


def idx_labels(labels: np.ndarray) -> bytes:
    return struct.pack(">II", 0x801, len(labels)) + labels.tobytes()


def write_idx(folder: Path, digits: Digits, prefix: str = "train", *, packed: bool = False, dot: str = "-") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    contents = {
        f"{prefix}-images{dot}idx3-ubyte": idx_images(digits.images),
        f"{prefix}-labels{dot}idx1-ubyte": idx_labels(digits.labels),
    }
    for name, content in contents.items():
        if packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (folder / name).write_bytes(content)
    return folder


def write_pngs(folder: Path, digits: Digits, mode: str = "L") -> Path:
    for index, (pixels, label) in enumerate(zip(digits.images, digits.labels, strict=True)):
        (folder / str(label)).mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(pixels.reshape(28, 28)).convert(mode)
        image.save(folder / str(label) / f"{index:05}.png")
    return folder


def csv_lines(digits: Digits, *, label_at: int = 0) -> list[str]:
    return list(_csv_lines(digits, label_at))


@lru_cache(maxsize=8)  # Most tests begin with the same few digits.
def _csv_lines(digits: Digits, label_at: int) -> list[str]:
    rows = []
    for pixels, label in zip(digits.images.tolist(), digits.labels.tolist(), strict=True):
        cells = [str(pixel) for pixel in pixels]
        cells.insert(label_at, str(label))
        rows.append(",".join(cells))
    return rows


def write_text(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def told(error: EdgedigitsError, folder: Path) -> str:
    """Message and hint as a user who works in `folder` reads them."""
    return str(error).replace(f"{folder}/", "")
