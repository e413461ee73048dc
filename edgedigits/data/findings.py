"""What is unusual about digits, in sentences that each name a remedy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from edgedigits.data.facts import DataFacts, PartFacts
from edgedigits.data.shape import CLASSES

WHITE_ON_BLACK = "white on black"
BLACK_ON_WHITE = "black on white"
MIXED = "mixed"

FAINT = 128
"""Clear images of a range below this are faint or were scaled; MNIST's reach 255."""

GREY = 8
"""Paper this far from black is grey, where ink reaches 255; MNIST's is 0, and so is the border of nearly all scans."""

_MOST_ARE = 0.9
_WORTH_A_WORD = 0.1  # of the images
_OFF_CENTRE = 1.5  # pixels; MNIST's centres are 0.7 off, digits cut out by hand easily 3
_IMBALANCE = 3.0
_MNIST_BOX, _BOX_TOLERANCE = 20, 3  # pixels


def findings(facts: DataFacts, reading: Mapping[str, Any], *, training: bool) -> Iterator[str]:
    """Yield what is unusual, one sentence each, what weighs most first.

    Args:
        facts: the counts and measures.
        reading: how the source was read, as `DataConfig.reading` has it, so that a flag is named as it is to be now.
        training: the digits are there to be learnt from, and not only to test on.
    """
    yield from _on_pixels(facts, reading)
    yield from _on_likeness(facts, reading)
    yield from _on_classes(facts, training=training)
    yield from _on_place(facts)
    yield from _on_copies(facts)


def reading_flag(setting: str, reading: Mapping[str, Any]) -> str:
    """Return the flag that changes how a source is read: "--invert", or "--no-invert" where it was inverted.

    Args:
        setting: a yes-or-no field of `DataConfig`, such as "invert".
        reading: how the source was read, as `DataConfig.reading` has it.
    """
    return f"--{'no-' if reading.get(setting) else ''}{setting}"


def relabelling_words(shown: Mapping[int, int]) -> str:
    """Return "pictures of 3 are labelled 4, of 4 labelled 5, …" for a class shown by label."""
    pairs = sorted((digit, label) for label, digit in shown.items() if label != digit)
    words = [f"of {digit} {'are ' * (not place)}labelled {label}" for place, (digit, label) in enumerate(pairs[:3])]
    return f"pictures {', '.join(words)}{', …' if len(pairs) > len(words) else ''}"


def _on_pixels(facts: DataFacts, reading: Mapping[str, Any]) -> Iterator[str]:
    if facts.polarity == BLACK_ON_WHITE:
        yield (
            "The digits are black on white, models expect white on black: "
            f"read them with {reading_flag('invert', reading)}."
        )
    elif facts.polarity == MIXED:
        yield f"Only {facts.white_on_black:.0%} of the digits are white on black: sort them apart."
    for part in facts.parts:
        if 0 < part.contrast < FAINT:
            yield _on_contrast(part, f" of {part.name}" if len(facts.parts) > 1 else "")
    yield from _on_background(facts)
    blank = sum(part.near_constant for part in facts.parts)
    if blank:
        yield f"{_counted(blank, 'image')} {'is' if blank == 1 else 'are'} all but one grey."


def _on_background(facts: DataFacts) -> Iterator[str]:
    grey = [part for part in facts.parts if part.grey > _WORTH_A_WORD and part.contrast >= FAINT]
    told = grey[:1] if len(grey) == len(facts.parts) else grey
    for part in told:
        where = f" of {part.name}" if len(grey) < len(facts.parts) else ""
        inverted = ", once inverted," if facts.polarity == BLACK_ON_WHITE else ""
        share = "" if part.grey >= _MOST_ARE else f" in {part.grey:.0%} of the images"
        yield (
            f"The background{where} is {part.background}{inverted}{share}, MNIST's is 0: subtract it and stretch each "
            "image to 0…255."
        ).replace(",,", ",")


def _on_contrast(part: PartFacts, where: str) -> str:
    if part.highest >= FAINT:
        return (
            f"The ink{where} is faint, within a range of {part.contrast} in a clear image, MNIST's of 255: "
            "stretch each image to 0…255."
        )
    remedy = (
        f"multiply them by {255 / part.highest:.3g}"
        if part.lowest == 0 and part.grey <= _WORTH_A_WORD
        else "stretch them to that range"
    )
    return f"The pixels{where} go from {part.lowest} to {part.highest}, MNIST's from 0 to 255: {remedy}."


def _on_likeness(facts: DataFacts, reading: Mapping[str, Any]) -> Iterator[str]:
    likeness = facts.likeness
    if likeness is None:
        return
    so, now = f"{likeness.mended:.0%}", f"{likeness.agreement:.0%}"
    if likeness.symmetry is not None:
        setting = likeness.symmetry.setting
        remedy = f"read them with {reading_flag(setting, reading)}" if setting else likeness.symmetry.remedy
        yield (
            f"The digits look {likeness.symmetry.looks}: set right, {so} of a sample are nearest to MNIST's digits of "
            f"their label, as they are {now}; {remedy}."
        )
    elif likeness.relabelling:
        yield (
            f"The labels look wrong, {relabelling_words(likeness.relabelling)}: so read, {so} of a sample are nearest "
            f"to MNIST's digits of their label, as they are {now}; number the labels by what the pictures show."
        )
    elif likeness.doubtful:
        yield (
            f"Only {now} of a sample look like MNIST's digits of their label, in whatever way they lie: do the labels "
            "belong to these pictures?"
        )


def _on_classes(facts: DataFacts, *, training: bool) -> Iterator[str]:
    per_class = [sum(part.per_class[digit] for part in facts.parts) for digit in range(CLASSES)]
    missing = [str(digit) for digit, count in enumerate(per_class) if not count]
    if missing:
        meaning = "the model will never answer so" if training else "nothing is found out about them"
        yield f"No digit is labelled {', '.join(missing)}: {meaning}."
    elif training and max(per_class) > _IMBALANCE * min(per_class):
        yield (
            f"The classes are uneven, from {min(per_class):,} to {max(per_class):,} digits: consider "
            "--loss weighted-cross-entropy."
        )


def _on_place(facts: DataFacts) -> Iterator[str]:
    if facts.off_centre > _OFF_CENTRE:
        yield (
            f"The ink's centre of mass is {facts.off_centre:.1f} pixels off the middle on average, in MNIST "
            "below 1: centre the digits the same way here and on the device."
        )
    if facts.box and abs(facts.box - _MNIST_BOX) > _BOX_TOLERANCE:
        yield f"The digits are {facts.box:.0f} pixels large, MNIST's are {_MNIST_BOX}: do not mix them."


def _on_copies(facts: DataFacts) -> Iterator[str]:
    for overlap in facts.overlaps:
        if overlap.count:
            yield (
                f"{_counted(overlap.count, 'digit')} of {overlap.second} {'is' if overlap.count == 1 else 'are'} in "
                f"{overlap.first} as well: figures on {overlap.second} will flatter."
            )
    duplicates = sum(part.duplicates for part in facts.parts)
    if duplicates:
        one = duplicates == 1
        yield (
            f"{_counted(duplicates, 'digit')} {'is an exact copy of another' if one else 'are exact copies of others'} "
            f"of {'its' if one else 'their'} split."
        )
    if facts.contradictions:
        occurs = "occurs" if facts.contradictions == 1 else "occur"
        yield f"{_counted(facts.contradictions, 'image')} {occurs} under more than one label."


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' * (count != 1)}"
