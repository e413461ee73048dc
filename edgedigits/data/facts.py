"""What an examination of digits counts and measures: `inspection.py` fills it in, `findings.py` says it in words."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from edgedigits.data.likeness import Likeness


@dataclass(frozen=True)
class PartFacts:
    """One split.

    Attributes:
        name: "train", "validation", "test" or "all".
        count: digits in it.
        per_class: digits of each class, ten numbers.
        duplicates: digits whose very pixels an earlier digit of the split has.
        near_constant: images that are all but one grey.
        lowest: smallest pixel value.
        highest: largest pixel value.
        contrast: range of a clear image, 0…255; see `ink.contrast`.
        background: median paper of the images whose paper is not black once they are white on black; 0 where all are.
        grey: share of those images.
    """

    name: str
    count: int
    per_class: tuple[int, ...]
    duplicates: int
    near_constant: int
    lowest: int
    highest: int
    contrast: int
    background: int
    grey: float


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
        likeness: how far a sample looks like its labels; None where there is too little to go by.
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
    likeness: Likeness | None = None
    findings: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """All digits."""
        return sum(part.count for part in self.parts)

    def to_json(self) -> dict[str, Any]:
        """Return the same as JSON values."""
        facts = {**asdict(replace(self, likeness=None)), "count": self.count}
        if self.likeness is not None:
            symmetry = self.likeness.symmetry
            facts["likeness"] = asdict(replace(self.likeness, symmetry=None))
            facts["likeness"]["symmetry"] = symmetry.looks if symmetry else None
        return facts
