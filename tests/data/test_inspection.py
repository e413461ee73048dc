"""What `data inspect` finds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgedigits.data.contents import Contents
from edgedigits.data.digits import Digits
from edgedigits.data.findings import BLACK_ON_WHITE, MIXED, WHITE_ON_BLACK
from edgedigits.data.ink import dark_border_share
from edgedigits.data.inspection import (
    SAMPLE,
    inspect_contents,
    inspect_parts,
    inspect_splits,
)
from edgedigits.data.load import load_splits, read_source
from edgedigits.data.symmetry import relaid, transpose
from tests.data.digit_files import write_idx

DIVISION = {"validation_fraction": 0.1, "test_fraction": 0.15, "seed": 42}


def _joined(*parts: Digits) -> Digits:
    return Digits(np.concatenate([part.images for part in parts]), np.concatenate([part.labels for part in parts]))


def test_real_digits_have_nothing_unusual(five_thousand: Digits) -> None:
    facts = inspect_contents(read_source("mnist-5k"), **DIVISION)
    assert facts.findings == ()
    assert (facts.count, facts.side, facts.lowest, facts.highest) == (5000, 28, 0, 255)
    assert [part.per_class for part in facts.parts] == [(375,) * 10, (50,) * 10, (75,) * 10]
    assert facts.mean_ink == pytest.approx(five_thousand.images.mean() / 255)
    assert (facts.polarity, facts.box) == (WHITE_ON_BLACK, 20)
    assert facts.centre == pytest.approx((14, 14), abs=0.05)


def test_inverted_digits_are_noticed_and_measured_the_same(five_thousand: Digits) -> None:
    upright = inspect_parts({"all": five_thousand}, "x")
    facts = inspect_parts({"all": Digits(255 - five_thousand.images, five_thousand.labels)}, "x")
    assert facts.polarity == BLACK_ON_WHITE
    assert facts.findings == ("The digits are black on white, models expect white on black: read them with --invert.",)
    assert (facts.centre, facts.box) == (upright.centre, upright.box)


@pytest.mark.parametrize(("paper", "ink"), [(0, 255), (40, 120), (120, 200), (0, 40)])
def test_polarity_is_judged_within_each_image_s_own_range(paper: int, ink: int, few: Digits) -> None:
    scaled = (paper + few.images.astype(float) / 255 * (ink - paper)).astype(np.uint8)
    noisy = (scaled + np.random.default_rng(0).integers(0, 6, scaled.shape)).clip(0, 255).astype(np.uint8)
    assert dark_border_share(noisy) == 1.0
    assert dark_border_share(255 - noisy) == 0.0


@pytest.mark.parametrize(("highest", "factor"), [(1, "255"), (16, "15.9"), (100, "2.55"), (127, "2.01")])
@pytest.mark.parametrize("dark", [False, True])
def test_pixels_of_another_scale_are_told_and_measured_the_same(
    highest: int, factor: str, dark: bool, five_thousand: Digits
) -> None:
    scaled = np.rint(five_thousand.images / 255 * highest).astype(np.uint8)
    facts = inspect_parts({"all": Digits(highest - scaled if dark else scaled, five_thousand.labels)}, "x")
    scale = f"The pixels go from 0 to {highest}, MNIST's from 0 to 255: multiply them by {factor}."
    polarity = "The digits are black on white, models expect white on black: read them with --invert."
    assert facts.findings == ((polarity, scale) if dark else (scale,))
    assert facts.box == 20


def test_a_split_of_another_scale_and_faint_ink_are_told(five_thousand: Digits) -> None:
    faint = Digits((150 + five_thousand.images // 4).astype(np.uint8), five_thousand.labels)
    assert inspect_parts({"all": faint}, "x").findings == (
        "The ink is faint, within a range of 63 in a clear image, MNIST's of 255: stretch each image to 0…255.",
    )
    bits = Digits((five_thousand.images > 127).astype(np.uint8), five_thousand.labels)
    assert inspect_parts({"train": five_thousand, "test": bits}, "x").findings == (
        "The pixels of test go from 0 to 1, MNIST's from 0 to 255: multiply them by 255.",
    )


@pytest.fixture(scope="module")
def five_hundred(five_thousand: Digits) -> Digits:
    return five_thousand.take(np.arange(0, 5000, 10))


SUBTRACT = "MNIST's is 0: subtract it and stretch each image to 0…255."
POLARITY = "The digits are black on white, models expect white on black: read them with --invert."


def _framed(images: np.ndarray) -> np.ndarray:
    """The middle 20×20 pixels on grey, the rest black."""
    square = (images * 0.6 + 80).reshape(-1, 28, 28)
    return np.pad(square[:, 4:24, 4:24], ((0, 0), (4, 4), (4, 4))).reshape(-1, 784)


def _noisy(images: np.ndarray) -> np.ndarray:
    return np.minimum(255, images + np.random.default_rng(0).integers(0, 61, images.shape)).astype(np.uint8)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        *(
            (lambda images, grey=grey: images + float(grey), (f"The background is {grey}, {SUBTRACT}",))
            for grey in (10, 20, 30, 40, 60, 100)
        ),
        (lambda images: images * 0.6 + 60, (f"The background is 60, {SUBTRACT}",)),
        (_framed, (f"The background is 80, {SUBTRACT}",)),
        (lambda images: 215.0 - images, (POLARITY, f"The background is 40, once inverted, {SUBTRACT}")),
        (lambda images: images + 60.0 * (np.arange(len(images)) % 7 < 3)[:, None],
         (f"The background is 60 in 43% of the images, {SUBTRACT}",)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("sample", [None, 100])
def test_a_background_that_is_not_black_is_told(change, found, sample: int | None, five_hundred: Digits) -> None:
    images = np.clip(np.rint(change(five_hundred.images)), 0, 255).astype(np.uint8)
    assert (
        inspect_parts({"all": Digits(images, five_hundred.labels)}, "x", sample=sample).findings[: len(found)] == found
    )


def test_a_noisy_background_is_told_by_its_median(five_hundred: Digits) -> None:
    found = inspect_parts({"all": Digits(_noisy(five_hundred.images), five_hundred.labels)}, "x").findings
    assert found[0] in [f"The background is {grey}, {SUBTRACT}" for grey in (29, 30, 31)]


def test_a_background_of_one_split_or_of_all_is_told_once(five_hundred: Digits) -> None:
    grey = Digits(np.maximum(five_hundred.images, 40), five_hundred.labels)
    found = inspect_parts({"train": five_hundred, "test": grey}, "x").findings
    assert found[0] == f"The background of test is 40, {SUBTRACT}"
    found = inspect_parts({"train": grey, "test": grey.take(np.arange(0, 500, 9))}, "x").findings
    assert found[0] == f"The background is 40, {SUBTRACT}"
    assert not any("background" in one for one in found[1:])


@pytest.mark.parametrize(
    "change",
    [
        lambda images: np.clip(images + np.random.default_rng(0).normal(0, 5, images.shape), 0, 255),
        lambda images: images + 7 * (images < 8),
        lambda images: images // 16,
        lambda images: images > 127,
        lambda images: 1 - (images > 127),
        lambda images: 255 - images,
        lambda images: np.where(np.arange(len(images))[:, None] % 12 == 0, np.maximum(images, 60), images),
    ],
)
def test_backgrounds_that_are_black_enough_are_not_worth_a_word(change, five_hundred: Digits) -> None:
    images = change(five_hundred.images).astype(np.uint8)
    found = inspect_parts({"all": Digits(images, five_hundred.labels)}, "x").findings
    assert not any("background" in one for one in found)


def test_faint_ink_on_a_grey_background_is_not_to_be_multiplied(five_hundred: Digits) -> None:
    images = five_hundred.images // 4 + np.random.default_rng(0).integers(0, 30, five_hundred.images.shape)
    found = inspect_parts({"all": Digits(images.astype(np.uint8), five_hundred.labels)}, "x").findings
    assert found[0] == "The pixels go from 0 to 92, MNIST's from 0 to 255: stretch them to that range."


@pytest.mark.parametrize("sample", [None, 500])
def test_transposed_and_inverted_digits_get_the_flag_for_each(sample: int | None, five_thousand: Digits) -> None:
    lying = Digits(relaid(255 - five_thousand.images, transpose), five_thousand.labels)
    found = inspect_parts({"all": lying}, "x", sample=sample).findings
    assert found[0].endswith("read them with --invert.")
    assert found[1] == (
        "The digits look transposed, with rows for columns: set right, 78% of a sample are nearest to MNIST's digits of "
        "their label, as they are 14%; read them with --transpose."
    )
    assert len(found) == 2
    read_so = {"invert": True, "transpose": True}
    found = inspect_parts({"all": lying}, "x", reading=read_so, sample=sample).findings
    assert [one.rpartition(" ")[2] for one in found] == ["--no-invert.", "--no-transpose."]


def test_shifted_labels_and_strange_pictures_are_told(five_thousand: Digits) -> None:
    shifted = Digits(five_thousand.images, ((five_thousand.labels + 1) % 10).astype(np.uint8))
    (found,) = inspect_parts({"all": shifted}, "x").findings
    assert found.startswith("The labels look wrong, pictures of 0 are labelled 1, of 1 labelled 2, of 2 labelled 3, …:")
    mixed = Digits(five_thousand.images, np.random.default_rng(0).permutation(five_thousand.labels))
    (found,) = inspect_parts({"all": mixed}, "x").findings
    assert found.endswith(
        "look like MNIST's digits of their label, in whatever way they lie: do the labels belong to these pictures?"
    )


def test_what_is_only_tested_on_is_not_told_how_to_be_trained_on(five_thousand: Digits) -> None:
    uneven = five_thousand.take(np.arange(400, 4500))
    found = inspect_parts({"test": uneven}, "x", training=False).findings
    assert found == ("No digit is labelled 9: nothing is found out about them.",)
    assert inspect_parts({"test": five_thousand.take(np.arange(400, 5000))}, "x", training=False).findings == ()


def test_the_canonical_mnist_is_not_worth_a_word(mnist_folder: Path) -> None:
    splits = load_splits("mnist", **DIVISION)
    assert inspect_splits(splits, sample=SAMPLE).findings == ()
    assert inspect_parts({"test": splits.test}, "mnist", training=False, sample=SAMPLE).findings == ()


def test_mixed_polarity_is_told(few: Digits) -> None:
    half = _joined(few, Digits(255 - few.images, few.labels))
    facts = inspect_parts({"all": half}, "x")
    assert facts.polarity == MIXED
    assert "Only 50% of the digits are white on black: sort them apart." in facts.findings


def test_copies_within_and_across_splits_are_counted(few: Digits, others: Digits) -> None:
    train = _joined(few, few.take(np.array([0, 0, 1])))
    test = _joined(others, few.take(np.array([5])))
    facts = inspect_parts({"train": train, "test": test}, "x")
    assert [part.duplicates for part in facts.parts] == [3, 0]
    assert [(o.first, o.second, o.count) for o in facts.overlaps] == [("train", "test", 1)]
    assert facts.findings == (
        "1 digit of test is in train as well: figures on test will flatter.",
        "3 digits are exact copies of others of their split.",
    )


def test_one_image_under_two_labels_is_told(few: Digits) -> None:
    relabelled = Digits(few.images[:1], (few.labels[:1] + 1).astype(np.uint8))
    facts = inspect_parts({"train": few, "test": relabelled}, "x")
    assert facts.contradictions == 1
    assert "1 image occurs under more than one label." in facts.findings


def test_blank_images_are_counted(few: Digits) -> None:
    facts = inspect_parts({"all": _joined(few, Digits(np.full((2, 784), 9, np.uint8), np.zeros(2, np.uint8)))}, "x")
    assert facts.parts[0].near_constant == 2
    assert "2 images are all but one grey." in facts.findings


def test_blank_images_alone() -> None:
    facts = inspect_parts({"all": Digits(np.zeros((3, 784), np.uint8), np.arange(3, dtype=np.uint8))}, "x")
    assert (facts.centre, facts.box) == ((13.5, 13.5), 0)
    assert facts.findings[0] == "3 images are all but one grey."


def test_digits_off_centre_and_of_another_size_are_told(few: Digits) -> None:
    moved = np.roll(few.images.reshape(-1, 28, 28), (-3, -4), axis=(1, 2)).reshape(-1, 784)
    facts = inspect_parts({"all": Digits(moved, few.labels)}, "x")
    assert facts.centre == pytest.approx((10, 11), abs=0.1)
    assert facts.findings[0].startswith("The ink's centre of mass is 4.2 pixels off the middle on average")
    small = np.zeros((60, 28, 28), np.uint8)
    small[:, 7:21, 7:21] = few.images.reshape(-1, 28, 28)[:, ::2, ::2]
    facts = inspect_parts({"all": Digits(small.reshape(-1, 784), few.labels)}, "x")
    assert facts.findings == ("The digits are 10 pixels large, MNIST's are 20: do not mix them.",)


def test_missing_and_uneven_classes_are_told(five_thousand: Digits) -> None:
    without = five_thousand.take(np.flatnonzero((five_thousand.labels != 3) & (five_thousand.labels != 8)))
    facts = inspect_parts({"all": without}, "x")
    assert facts.findings == ("No digit is labelled 3, 8: the model will never answer so.",)
    uneven = five_thousand.take(np.arange(100, 5000))
    assert inspect_parts({"all": uneven}, "x").findings == ()
    uneven = five_thousand.take(np.arange(400, 5000))
    assert inspect_parts({"all": uneven}, "x").findings == (
        "The classes are uneven, from 100 to 500 digits: consider --loss weighted-cross-entropy.",
    )


def test_a_source_that_no_build_could_use_is_inspected_all_the_same(others: Digits, tmp_path: Path) -> None:
    facts = inspect_contents(read_source(str(write_idx(tmp_path / "only", others, "t10k"))), **DIVISION)
    assert [(part.name, part.count) for part in facts.parts] == [("all", 20)]
    assert facts.findings[0].startswith("No build is possible: only holds a test set only, nothing to train on.")
    facts = inspect_contents(Contents(others.take(np.arange(3)), None, "few.csv"), **DIVISION)
    assert facts.findings[0].startswith("No build is possible: few.csv holds 3 digits, at least 10 are needed.")
