"""Facts about a data set that decide whether a model trained on it will work on a device."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.contents import Contents
from edgedigits.data.digits import Digits, SourceSplits, Splits
from edgedigits.data.facts import DataFacts, Overlap, PartFacts
from edgedigits.data.findings import BLACK_ON_WHITE, FAINT, GREY, MIXED, WHITE_ON_BLACK, findings
from edgedigits.data.ink import backgrounds, contrast, dark_border_share, geometry, near_constant, ranges
from edgedigits.data.leaks import leaks
from edgedigits.data.likeness import likeness
from edgedigits.data.load import Selection, divide
from edgedigits.data.mixture import WORDS, parts_of
from edgedigits.data.shape import CLASSES, IMAGE_SIDE
from edgedigits.data.split import Division
from edgedigits.errors import DataError
from edgedigits.progress import SILENT, Progress

SAMPLE = 2000
"""Images that polarity and place are judged by where digits are about to be used and not looked at."""

_AGREEMENT = 0.9


def inspect_contents(
    contents: Contents, *, reading: Mapping[str, Any] | None = None, **division: Unpack[Division]
) -> DataFacts:
    """Count what is in a source, divided as a build would; undivided, and said so, where a build could not.

    Raises:
        ConfigError: the fractions or the seed are out of range.
    """
    try:
        splits = divide(contents, **division)
    except DataError as error:
        facts = inspect_parts({"all": contents.everything}, contents.name, contents.note, reading=reading)
        return replace(facts, findings=(f"No build is possible: {error}", *facts.findings))
    if not splits.sources:
        return inspect_splits(splits, reading=reading)
    parts = {
        name: Digits.joined([getattr(one.splits, name) for one in splits.sources])
        for name in ("train", "validation", "test")
    }
    return replace(
        inspect_parts(parts, splits.source, splits.note), findings=tuple(_on_sources(splits.sources, sample=None))
    )


def inspect_splits(splits: Splits, *, reading: Mapping[str, Any] | None = None, sample: int | None = None) -> DataFacts:
    """Count what is in the three splits of a data set; see `inspect_parts`."""
    parts = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    return inspect_parts(parts, splits.source, splits.note, reading=reading, sample=sample)


def findings_on_splits(splits: Splits, reading: Mapping[str, Any], progress: Progress = SILENT) -> tuple[str, ...]:
    """Examine digits that are about to be trained on, each source by itself; say what is unusual, and return it."""
    if splits.sources:
        return _told(tuple(_on_sources(splits.sources, sample=SAMPLE)), progress)
    return _told(inspect_splits(splits, reading=reading, sample=SAMPLE).findings, progress)


def findings_on_contents(
    contents: Contents, reading: Mapping[str, Any], progress: Progress = SILENT
) -> tuple[str, ...]:
    """Examine a source that is about to be divided, in whatever ways; say what is unusual, and return it.

    Of several sources, each is examined by itself.
    """
    if contents.parts:
        of_each = zip(contents.parts, parts_of(contents), strict=True)
        found = [(part.name, findings_on_contents(one, part.reading)) for part, one in of_each]
        return _told(tuple(_named(name, finding) for name, findings in found for finding in findings), progress)
    parts = {name: part for name, part in (("train", contents.train), ("test", contents.test)) if part is not None}
    return _told(inspect_parts(parts, contents.name, contents.note, reading=reading, sample=SAMPLE).findings, progress)


def findings_on_selection(
    chosen: Selection, reading: Mapping[str, Any], progress: Progress = SILENT
) -> tuple[str, ...]:
    """Examine digits that are about to be tested on; say what is unusual, and return it."""
    parts = {chosen.split: chosen.digits}
    facts = inspect_parts(parts, chosen.source, chosen.note, reading=reading, training=False, sample=SAMPLE)
    return _told(facts.findings, progress)


def _told(found: tuple[str, ...], progress: Progress) -> tuple[str, ...]:
    for finding in found:
        progress.say(f"data: {finding}")
    return found


def _on_sources(sources: Sequence[SourceSplits], *, sample: int | None) -> Iterator[str]:
    """Yield what is unusual about each of several sources, and what one learns of the test digits of another."""
    for one in sources:
        for finding in inspect_splits(one.splits, reading=one.reading, sample=sample).findings:
            yield _named(one.name, finding)
    yield from leaks(sources)


def _named(source: str, finding: str) -> str:
    """Return a finding on one of several sources; what reads all of them otherwise is said of this one alone."""
    for word in WORDS:
        finding = finding.replace(f"with --{word}", f"with :{word} behind its name")
    return f"{source}: {finding}"


def inspect_parts(
    parts: Mapping[str, Digits],
    source: str,
    note: str = "",
    *,
    reading: Mapping[str, Any] | None = None,
    training: bool = True,
    sample: int | None = None,
) -> DataFacts:
    """Count what is in a data set, and say what is unusual about it: the one examination that every verb makes.

    Args:
        parts: digits by the name of the split; at least one digit in all.
        source: name of the data set.
        note: one sentence on a fallback that was taken.
        reading: how the source was read, as `DataConfig.reading` has it; findings name flags by it.
        training: the digits are there to be learnt from, and not only to test on.
        sample: images that polarity and place are judged by; None for all. The rest is always counted over all.
    """
    seen = {name: [image.tobytes() for image in digits.images] for name, digits in parts.items()}
    sets = {name: set(images) for name, images in seen.items()}
    digits = Digits.joined(list(parts.values()))
    looked_at = _sampled(digits.images, sample)
    share = dark_border_share(looked_at)
    centre, off_centre, box = geometry(looked_at, invert=_polarity(share) == BLACK_ON_WHITE)
    facts = DataFacts(
        source=source,
        note=note,
        side=IMAGE_SIDE,
        parts=tuple(_part_facts(name, part, len(sets[name]), sample) for name, part in parts.items()),
        overlaps=tuple(
            Overlap(first, second, sum(image in sets[first] for image in seen[second]))
            for first, second in combinations(parts, 2)
        ),
        contradictions=_contradictions(seen, parts),
        lowest=int(digits.images.min()),
        highest=int(digits.images.max()),
        mean_ink=float(digits.images.mean(dtype=np.float64)) / 255,
        white_on_black=share,
        polarity=_polarity(share),
        centre=centre,
        off_centre=off_centre,
        box=box,
        likeness=likeness(digits),
    )
    return replace(facts, findings=tuple(findings(facts, reading or {}, training=training)))


def _part_facts(name: str, digits: Digits, distinct: int, sample: int | None) -> PartFacts:
    spans = ranges(digits.images)
    clear = contrast(spans)
    highest = int(digits.images.max(initial=0))
    papers = backgrounds(_sampled(digits.images, sample), 255 if clear >= FAINT else highest)
    grey = papers >= max(1.0, GREY * clear / 255)
    per_class = np.bincount(digits.labels, minlength=CLASSES)
    return PartFacts(
        name=name,
        count=len(digits),
        per_class=tuple(per_class.tolist()),
        duplicates=len(digits) - distinct,
        near_constant=int(near_constant(spans, clear).sum()),
        lowest=int(digits.images.min(initial=255)),
        highest=highest,
        contrast=clear,
        background=round(float(np.median(papers[grey]))) if grey.any() else 0,
        grey=float(grey.mean()) if len(papers) else 0.0,
    )


def _sampled(images: NDArray[np.uint8], sample: int | None) -> NDArray[np.uint8]:
    return images if sample is None else images[:: max(1, -(-len(images) // sample))]


def _contradictions(seen: Mapping[str, list[bytes]], parts: Mapping[str, Digits]) -> int:
    """Distinct images that carry more than one label."""
    if len(set().union(*seen.values())) == sum(map(len, seen.values())):
        return 0
    labelled = {
        (image, label)
        for name, images in seen.items()
        for image, label in zip(images, parts[name].labels.tolist(), strict=True)
    }
    return sum(labels > 1 for labels in Counter(image for image, _ in labelled).values())


def _polarity(share: float) -> str:
    if share >= _AGREEMENT:
        return WHITE_ON_BLACK
    return BLACK_ON_WHITE if share <= 1 - _AGREEMENT else MIXED
