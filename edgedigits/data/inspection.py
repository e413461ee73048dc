"""Facts about a data set that decide whether a model trained on it will work on a device."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.contents import Contents
from edgedigits.data.digits import Digits, Splits
from edgedigits.data.load import divide, read_source
from edgedigits.data.shape import CLASSES, IMAGE_SIDE, PIXELS
from edgedigits.errors import DataError
from edgedigits.progress import SILENT, Progress

WHITE_ON_BLACK = "white on black"
BLACK_ON_WHITE = "black on white"
MIXED = "mixed"

NEAR_CONSTANT_RANGE = 32
"""An image whose brightest and darkest pixel are closer than this shows no digit."""

_CHUNK = 4096  # images at a time, so that floats of all of MNIST never exist at once
_CENTRE = (IMAGE_SIDE - 1) / 2
_AGREEMENT = 0.9
_OFF_CENTRE = 1.5  # pixels; MNIST's centres are 0.7 off, digits cut out by hand easily 3
_INK = 64  # above the darkest pixel of its image
_IMBALANCE = 3.0
_MNIST_BOX, _BOX_TOLERANCE = 20, 3  # pixels
_BORDER = np.flatnonzero(np.pad(np.zeros((IMAGE_SIDE - 2, IMAGE_SIDE - 2), bool), 1, constant_values=True))


@dataclass(frozen=True)
class PartFacts:
    """One split.

    Attributes:
        name: "train", "validation", "test" or "all".
        count: digits in it.
        per_class: digits of each class, ten numbers.
        duplicates: digits whose very pixels an earlier digit of the split has.
        near_constant: images that are all but one grey.
    """

    name: str
    count: int
    per_class: tuple[int, ...]
    duplicates: int
    near_constant: int


@dataclass(frozen=True)
class Overlap:
    """Digits of the split `second` whose very pixels occur in the split `first`."""

    first: str
    second: str
    count: int


@dataclass(frozen=True)
class DataFacts:
    """What `inspect_parts` found; counted over all digits.

    Attributes:
        source: name of the data set.
        note: one sentence on a fallback that was taken; may be empty.
        side: width and height of an image in pixels.
        parts: one entry for each split.
        overlaps: digits that two splits share, for each pair of splits.
        contradictions: images that occur under more than one label.
        lowest: smallest pixel value.
        highest: largest pixel value.
        mean_ink: mean pixel value on a scale from 0 (black) to 1 (white).
        white_on_black: share of images whose border is dark.
        polarity: "white on black", "black on white", or "mixed" where neither holds for nine of ten images.
        centre: mean column and row of the ink's centre of mass, in pixels; the middle is 13.5.
        off_centre: mean distance of the centre of mass from the middle, in pixels.
        box: median of the longer side of the ink's bounding box, in pixels; 20 in MNIST.
        findings: what is unusual, one sentence each.
    """

    source: str
    note: str
    side: int
    parts: tuple[PartFacts, ...]
    overlaps: tuple[Overlap, ...]
    contradictions: int
    lowest: int
    highest: int
    mean_ink: float
    white_on_black: float
    polarity: str
    centre: tuple[float, float]
    off_centre: float
    box: float
    findings: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """All digits."""
        return sum(part.count for part in self.parts)


def inspect_source(
    source: str,
    *,
    validation_fraction: float,
    test_fraction: float,
    seed: int,
    label_column: str = "",
    invert: bool = False,
    transpose: bool = False,
    progress: Progress = SILENT,
) -> DataFacts:
    """Read a source and count what is in it; its arguments are those of `load.load_splits`.

    Raises:
        DataError, ConfigError, ToolMissingError: as `load.read_source`.
    """
    contents = read_source(source, label_column=label_column, invert=invert, transpose=transpose, progress=progress)
    return inspect_contents(contents, validation_fraction=validation_fraction, test_fraction=test_fraction, seed=seed)


def inspect_contents(contents: Contents, *, validation_fraction: float, test_fraction: float, seed: int) -> DataFacts:
    """Count what is in a source, divided as a build would; undivided, and said so, where a build could not.

    Raises:
        ConfigError: the fractions or the seed are out of range.
    """
    try:
        splits = divide(contents, validation_fraction=validation_fraction, test_fraction=test_fraction, seed=seed)
    except DataError as error:
        facts = inspect_parts({"all": contents.everything}, contents.name, contents.note)
        return replace(facts, findings=(f"No build is possible: {error}", *facts.findings))
    return inspect_splits(splits)


def inspect_splits(splits: Splits) -> DataFacts:
    """Count what is in the three splits of a data set; see `inspect_parts`."""
    parts = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    return inspect_parts(parts, splits.source, splits.note)


def inspect_parts(parts: Mapping[str, Digits], source: str, note: str = "") -> DataFacts:
    """Count what is in a data set.

    Args:
        parts: digits by the name of the split; at least one digit in all.
        source: name of the data set.
        note: one sentence on a fallback that was taken.
    """
    seen = {name: [image.tobytes() for image in digits.images] for name, digits in parts.items()}
    sets = {name: set(images) for name, images in seen.items()}
    images = _joined(parts)
    share = dark_border_share(images)
    centre, off_centre, box = _geometry(images, invert=_polarity(share) == BLACK_ON_WHITE)
    facts = DataFacts(
        source=source,
        note=note,
        side=IMAGE_SIDE,
        parts=tuple(_part_facts(name, digits, len(sets[name])) for name, digits in parts.items()),
        overlaps=tuple(
            Overlap(first, second, sum(image in sets[first] for image in seen[second]))
            for first, second in combinations(parts, 2)
        ),
        contradictions=_contradictions(seen, parts),
        lowest=int(images.min()),
        highest=int(images.max()),
        mean_ink=float(images.mean(dtype=np.float64)) / 255,
        white_on_black=share,
        polarity=_polarity(share),
        centre=centre,
        off_centre=off_centre,
        box=box,
    )
    return replace(facts, findings=tuple(_findings(facts)))


def _part_facts(name: str, digits: Digits, distinct: int) -> PartFacts:
    spans = digits.images.max(axis=1) - digits.images.min(axis=1)
    per_class = np.bincount(digits.labels, minlength=CLASSES)
    return PartFacts(
        name,
        len(digits),
        tuple(per_class.tolist()),
        len(digits) - distinct,
        int((spans < NEAR_CONSTANT_RANGE).sum()),
    )


def _contradictions(seen: Mapping[str, list[bytes]], parts: Mapping[str, Digits]) -> int:
    """Distinct images that carry more than one label."""
    labelled = {
        (image, label)
        for name, images in seen.items()
        for image, label in zip(images, parts[name].labels.tolist(), strict=True)
    }
    return sum(labels > 1 for labels in Counter(image for image, _ in labelled).values())


def _joined(parts: Mapping[str, Digits]) -> NDArray[np.uint8]:
    return np.concatenate([digits.images for digits in parts.values()])


def _chunks(images: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    for start in range(0, len(images), _CHUNK):
        yield images[start : start + _CHUNK]


def dark_border_share(images: NDArray[np.uint8]) -> float:
    """Return the share of images that are white on black, among those that show anything.

    Each image is judged by itself: the median of its border, which a digit can touch but not fill, against
    the middle of its own range. So neither grey paper nor faint ink misleads.

    Args:
        images: uint8 (n, 784).
    """
    dark = shown = 0
    for chunk in _chunks(images):
        low, high = chunk.min(axis=1).astype(int), chunk.max(axis=1).astype(int)
        shows = high - low >= NEAR_CONSTANT_RANGE
        border = np.median(chunk[:, _BORDER], axis=1)
        dark += int(((border < (low + high) / 2) & shows).sum())
        shown += int(shows.sum())
    return dark / shown if shown else 1.0


def _polarity(share: float) -> str:
    if share >= _AGREEMENT:
        return WHITE_ON_BLACK
    return BLACK_ON_WHITE if share <= 1 - _AGREEMENT else MIXED


def _geometry(images: NDArray[np.uint8], *, invert: bool) -> tuple[tuple[float, float], float, float]:
    """Mean centre of mass (column, row), mean distance of it from the middle, and median box; in pixels."""
    rows, columns = np.divmod(np.arange(PIXELS), IMAGE_SIDE)
    places = np.stack([columns, rows], axis=1).astype(np.float32)
    centres, boxes = [], []
    for chunk in _chunks(images):
        light = 255 - chunk if invert else chunk
        ink = (light - light.min(axis=1, keepdims=True)).astype(np.float32)
        weight = ink.sum(axis=1)
        shows = weight > 0
        centres.append((ink[shows] @ places) / weight[shows, None])
        boxes.append(_longer_sides(np.greater_equal(ink[shows], _INK)))
    centre, box = np.concatenate(centres), np.concatenate(boxes)
    if not len(centre):
        return (_CENTRE, _CENTRE), 0.0, 0.0
    column, row = centre.mean(axis=0, dtype=np.float64).tolist()
    distance = np.hypot(*(centre - _CENTRE).T).mean(dtype=np.float64)
    return (column, row), float(distance), float(np.median(box))


def _longer_sides(inked: NDArray[np.bool_]) -> NDArray[np.int64]:
    square: NDArray[np.bool_] = inked.reshape(-1, IMAGE_SIDE, IMAGE_SIDE)
    sides = []
    for axis in (1, 2):
        lines = np.any(square, axis=axis)
        last = IMAGE_SIDE - lines[:, ::-1].argmax(axis=1)
        sides.append(np.where(lines.any(axis=1), last - lines.argmax(axis=1), 0))
    return np.maximum(*sides)


def _findings(facts: DataFacts) -> Iterator[str]:
    per_class = [sum(part.per_class[digit] for part in facts.parts) for digit in range(CLASSES)]
    missing = [str(digit) for digit, count in enumerate(per_class) if not count]
    if missing:
        yield f"No digit is labelled {', '.join(missing)}: the model will never answer so."
    elif max(per_class) > _IMBALANCE * min(per_class):
        yield (
            f"The classes are uneven, from {min(per_class):,} to {max(per_class):,} digits: consider "
            "--loss weighted-cross-entropy."
        )
    if facts.polarity == BLACK_ON_WHITE:
        yield "The digits are black on white, models expect white on black: switch --invert."
    elif facts.polarity == MIXED:
        yield f"Only {facts.white_on_black:.0%} of the digits are white on black: sort them apart."
    if facts.highest - facts.lowest < NEAR_CONSTANT_RANGE:
        yield f"All pixels are from {facts.lowest} to {facts.highest}: were they scaled to 0…1 or to 0…16?"
    if facts.off_centre > _OFF_CENTRE:
        yield (
            f"The ink's centre of mass is {facts.off_centre:.1f} pixels off the middle on average, in MNIST "
            "below 1: centre the digits the same way here and on the device."
        )
    if abs(facts.box - _MNIST_BOX) > _BOX_TOLERANCE:
        yield f"The digits are {facts.box:.0f} pixels large, MNIST's are {_MNIST_BOX}: do not mix them."
    yield from _findings_on_copies(facts)


def _findings_on_copies(facts: DataFacts) -> Iterator[str]:
    for overlap in facts.overlaps:
        if overlap.count:
            yield (
                f"{overlap.count:,} digits of {overlap.second} are in {overlap.first} as well: figures on "
                f"{overlap.second} will flatter."
            )
    duplicates = sum(part.duplicates for part in facts.parts)
    if duplicates:
        yield f"{duplicates:,} digits are exact copies of others of their split."
    if facts.contradictions:
        yield f"{facts.contradictions:,} images occur under more than one label."
    blank = sum(part.near_constant for part in facts.parts)
    if blank:
        yield f"{blank:,} images are all but one grey."
