"""Several sources as one, written `mnist + mine.csv:3:invert`: how they are named, what counts how often.

Behind a source may stand its weight, and words on how it alone is read. Each is divided by itself, so that each has
test digits of its own; a weight says how many times a training digit of it counts, by repeating rows: of 2.5 every
other row stands there thrice. Validation and test hold every digit once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.contents import Contents, Part
from edgedigits.data.digits import Digits, SourceSplits, Splits
from edgedigits.data.named import NAMES
from edgedigits.data.reading import MOST_BYTES, exists
from edgedigits.data.shape import PIXELS
from edgedigits.errors import ConfigError, DataError, shown
from edgedigits.files.paths import user_path
from edgedigits.options import JOINT

WORDS = ("invert", "transpose", "fit")
"""What may be said behind a source of how it alone is read, as flags say it of all files."""
LEAST_WEIGHT, MOST_WEIGHT = 0.01, 100.0

_BEHIND = re.compile(r"(.+):([-+]?[0-9.][^:/\\]*|[-+]?(?:nan|inf(?:inity)?)|" + "|".join(WORDS) + ")", re.IGNORECASE)


@dataclass(frozen=True)
class Ingredient:
    """A source of several.

    Attributes:
        source: its path or name.
        weight: how many times a training digit of it counts.
        words: of `WORDS`.
    """

    source: str
    weight: float = 1.0
    words: tuple[str, ...] = ()

    def __str__(self) -> str:
        weight = f"{self.weight:g}" if self.weight != 1 else ""
        return ":".join(filter(None, (self.source, weight, *self.words)))

    @property
    def key(self) -> str:
        """What is the same for the same source, however its path is written."""
        return self.source if self.source in NAMES else str(user_path(self.source).resolve())

    def reading(self, **flags: Any) -> dict[str, Any]:
        """Return how it is read: by its own words, and where it is a file by the flags for all.

        Args:
            flags: as `load.read_source` takes them; the name of a column is of CSVs only.
        """
        is_file = self.source not in NAMES
        found = {name: value for name, value in flags.items() if is_file and value}
        if ".csv" not in self.source.lower():
            found.pop("label_column", None)
        return found | dict.fromkeys(self.words, True)


def ingredients_of(source: str) -> tuple[Ingredient, ...]:
    """Return the sources that a text names; what exists under the whole of it is that one.

    Raises:
        ConfigError: a weight is none, a source is named twice, or a single one has a weight.
    """
    if _is_there(source):
        return (Ingredient(source),)
    found = tuple(_ingredient(part.strip()) for part in source.split(JOINT))
    if len(found) == 1:
        if found[0].weight != 1:
            raise ConfigError(f"A weight has no effect on a single source, {shown(source, 200)}.", hint="Leave it out.")
        return found
    for place, one in enumerate(found):
        if one.source == "auto":
            raise ConfigError("auto among several sources leaves open what it is.", hint="Name mnist or mnist-5k.")
        if one.key in (other.key for other in found[:place]):
            raise ConfigError(
                f"{shown(one.source, 200)} is named twice.",
                hint=f"Name it once; {shown(one.source, 200)}:2 has its digits count twice.",
            )
    return found


def written(ingredients: Sequence[Ingredient]) -> str:
    """Return sources as `ingredients_of` reads them."""
    return JOINT.join(map(str, ingredients))


def mixed(ingredients: Sequence[Ingredient], contents: Sequence[Contents], **flags: Any) -> Contents:
    """Return sources that were read as one, whose parts are told apart.

    Args:
        ingredients: what they are.
        contents: the digits of each.
        flags: how all were read.

    Raises:
        DataError: two of them hold the same digits.
    """
    named: dict[str, str] = {}
    for one, found in zip(ingredients, contents, strict=True):
        digest = found.everything.digest
        if digest in named:
            raise DataError(
                f"{named[digest]} and {one.source} hold the same digits.",
                hint=f"Name one of them; {one.source}:2 has its digits count twice.",
            )
        named[digest] = one.source
    several = len({found.name for found in contents}) < len(contents)
    names = [one.source if several else found.name for one, found in zip(ingredients, contents, strict=True)]
    parts = tuple(
        Part(name, one.weight, _count(found.train), _count(found.test), one.reading(**flags))
        for name, one, found in zip(names, ingredients, contents, strict=True)
    )
    train, test = (
        Digits.joined(digits) if (digits := [one for one in every if one is not None]) else None
        for every in ([found.train for found in contents], [found.test for found in contents])
    )
    notes = [f"{name}: {found.note}" for name, found in zip(names, contents, strict=True) if found.note]
    return Contents(train, test, JOINT.join(names), " ".join(notes), parts=parts)


def parts_of(contents: Contents) -> list[Contents]:
    """Return each source of several with the digits of its own."""
    found, trained, tested = [], 0, 0
    for part in contents.parts:
        train, test = _slice(contents.train, trained, part.train), _slice(contents.test, tested, part.test)
        found.append(Contents(train, test, part.name))
        trained, tested = trained + part.train, tested + part.test
    return found


def joined_splits(contents: Contents, divided: Sequence[Splits], seed: int) -> Splits:
    """Return the splits of several sources as one, each in an order that the seed shuffles, weights counted.

    Args:
        contents: of the sources.
        divided: the splits of each.
        seed: of the order, so that the first digits of a split are a fair sample.

    Raises:
        DataError: with their weights they would not fit, or a weight leaves none of a source.
    """
    counted = [_counted(one.train, part) for part, one in zip(contents.parts, divided, strict=True)]
    if sum(map(len, counted)) * PIXELS > MOST_BYTES:
        raise DataError(
            f"{contents.name}: by their weights {sum(map(len, counted)):,} training digits are more than fit.",
            hint="Lower the weights: what counts is how they stand to each other.",
        )
    train, validation, test = (
        Digits.joined(parts) for parts in (counted, [one.validation for one in divided], [one.test for one in divided])
    )
    order = _shuffled(len(test), seed)
    of_source = np.repeat(np.arange(len(divided)), [len(one.test) for one in divided])[order]
    return Splits(
        train.take(_shuffled(len(train), seed)),
        validation.take(_shuffled(len(validation), seed)),
        test.take(order),
        contents.name,
        contents.note,
        tuple(
            SourceSplits(part.name, part.weight, one, np.flatnonzero(of_source == place), part.reading)
            for place, (part, one) in enumerate(zip(contents.parts, divided, strict=True))
        ),
    )


def _is_there(source: str) -> bool:
    if source in NAMES or (JOINT not in source and not _BEHIND.fullmatch(source)):
        return True
    return exists(user_path(source))


def _ingredient(text: str) -> Ingredient:
    name, weights, words = text, list[str](), list[str]()
    while (match := _BEHIND.fullmatch(name)) and not exists(user_path(name)):
        name, said = match[1], match[2].lower()
        (words if said in WORDS else weights).insert(0, said)
    if not name.strip():
        raise ConfigError("One of several sources has no name.", hint=f"Write them as mnist{JOINT}mine.csv:3.")
    if len(weights) > 1 or len(set(words)) < len(words):
        raise ConfigError(f"{shown(text, 200)} says the same twice behind its colons.", hint=f"Write {name}:3.")
    return Ingredient(name, _weight(weights[0], text) if weights else 1.0, tuple(words))


def _weight(said: str, text: str) -> float:
    try:
        weight = float(said)
    except ValueError:
        weight = 0.0
    if not LEAST_WEIGHT <= weight <= MOST_WEIGHT:  # NaN is never
        raise ConfigError(
            f"{shown(text, 200)}: the weight is {shown(said, 40)}, expected a number from {LEAST_WEIGHT:g} to "
            f"{MOST_WEIGHT:g}.",
            hint="It says how many times a digit of this source counts.",
        )
    return weight


def _counted(train: Digits, part: Part) -> Digits:
    """Return each digit as often as it counts; of a weight that is not whole some once more than others."""
    share = Fraction(repr(float(part.weight)))  # from the decimal text, so that no rounding decides
    ends = np.arange(len(train) + 1) * share.numerator // share.denominator
    if not ends[-1]:
        raise DataError(f"{part.name} counts {part.weight:g} times: nothing of it is left.", hint="Raise its weight.")
    return train.take(np.repeat(np.arange(len(train)), np.diff(ends)))


def _shuffled(count: int, seed: int) -> NDArray[np.intp]:
    # NumPy promises the raw stream of a bit generator for good, not what Generator.permutation makes of it.
    return np.argsort(np.random.PCG64(seed).random_raw(count), kind="stable")


def _slice(digits: Digits | None, start: int, count: int) -> Digits | None:
    if digits is None or not count:
        return None
    return Digits(digits.images[start : start + count], digits.labels[start : start + count])


def _count(digits: Digits | None) -> int:
    return 0 if digits is None else len(digits)
