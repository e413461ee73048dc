"""What `data inspect` finds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgedigits.data.contact_sheet import PER_CLASS, write_contact_sheet
from edgedigits.data.contents import Contents
from edgedigits.data.digits import Digits
from edgedigits.data.inspection import (
    BLACK_ON_WHITE,
    MIXED,
    WHITE_ON_BLACK,
    dark_border_share,
    inspect_contents,
    inspect_parts,
    inspect_source,
)
from edgedigits.errors import DataError
from tests.data.digit_files import write_idx

DIVISION = {"validation_fraction": 0.1, "test_fraction": 0.15, "seed": 42}


def _joined(*parts: Digits) -> Digits:
    return Digits(np.concatenate([part.images for part in parts]), np.concatenate([part.labels for part in parts]))


def test_real_digits_have_nothing_unusual(five_thousand: Digits) -> None:
    facts = inspect_source("mnist-5k", **DIVISION)
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
    assert facts.findings == ("The digits are black on white, models expect white on black: switch --invert.",)
    assert (facts.centre, facts.box) == (upright.centre, upright.box)


@pytest.mark.parametrize(("paper", "ink"), [(0, 255), (40, 120), (120, 200), (0, 40)])
def test_polarity_is_judged_within_each_image_s_own_range(paper: int, ink: int, few: Digits) -> None:
    scaled = (paper + few.images.astype(float) / 255 * (ink - paper)).astype(np.uint8)
    noisy = (scaled + np.random.default_rng(0).integers(0, 6, scaled.shape)).clip(0, 255).astype(np.uint8)
    assert dark_border_share(noisy) == 1.0
    assert dark_border_share(255 - noisy) == 0.0


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
        "1 digits of test are in train as well: figures on test will flatter.",
        "3 digits are exact copies of others of their split.",
    )


def test_one_image_under_two_labels_is_told(few: Digits) -> None:
    relabelled = Digits(few.images[:1], (few.labels[:1] + 1).astype(np.uint8))
    facts = inspect_parts({"train": few, "test": relabelled}, "x")
    assert facts.contradictions == 1
    assert "1 images occur under more than one label." in facts.findings


def test_blank_images_are_counted(few: Digits) -> None:
    facts = inspect_parts({"all": _joined(few, Digits(np.full((2, 784), 9, np.uint8), np.zeros(2, np.uint8)))}, "x")
    assert facts.parts[0].near_constant == 2
    assert "2 images are all but one grey." in facts.findings


def test_blank_images_alone() -> None:
    facts = inspect_parts({"all": Digits(np.zeros((3, 784), np.uint8), np.arange(3, dtype=np.uint8))}, "x")
    assert (facts.centre, facts.box) == ((13.5, 13.5), 0)
    assert "All pixels are from 0 to 0: were they scaled to 0…1 or to 0…16?" in facts.findings


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
    facts = inspect_source(str(write_idx(tmp_path / "only", others, "t10k")), **DIVISION)
    assert [(part.name, part.count) for part in facts.parts] == [("all", 20)]
    assert facts.findings[0].startswith("No build is possible: only holds a test set only, nothing to train on.")
    facts = inspect_contents(Contents(others.take(np.arange(3)), None, "few.csv"), **DIVISION)
    assert facts.findings[0].startswith("No build is possible: few.csv holds 3 digits, at least 10 are needed.")


# --- contact sheet --------------------------------------------------------------------------------


def test_the_contact_sheet_shows_twenty_digits_a_class(five_thousand: Digits, tmp_path: Path) -> None:
    path = tmp_path / "sheet.png"
    write_contact_sheet(five_thousand, "mnist-5k: 5,000 digits", path)
    with Image.open(path) as image:
        sheet = np.asarray(image)
    white_on_black = five_thousand.images[0].reshape(28, 28).repeat(2, axis=0).repeat(2, axis=1)
    tiles = np.lib.stride_tricks.sliding_window_view(sheet, (56, 56))
    first_row = tiles[76, 100 : 100 + PER_CLASS * 60 : 60]
    assert (first_row[0] == white_on_black).all()
    assert len({tile.tobytes() for tile in first_row}) == PER_CLASS


def test_the_contact_sheet_is_the_same_each_time_and_never_overwrites(few: Digits, tmp_path: Path) -> None:
    path = tmp_path / "sheet.png"
    write_contact_sheet(few, "few", path)
    before = path.read_bytes()
    with pytest.raises(DataError, match=r"sheet\.png exists already\. Choose another name"):
        write_contact_sheet(few, "few", path)
    write_contact_sheet(few, "few", path, force=True)
    assert path.read_bytes() == before


def test_a_class_without_digits_leaves_its_row_empty(few: Digits, tmp_path: Path) -> None:
    write_contact_sheet(few.take(np.arange(50)), "few", tmp_path / "sheet.png")
    assert (tmp_path / "sheet.png").stat().st_size > 1000
