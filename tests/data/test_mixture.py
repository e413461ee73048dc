"""Several sources as one: how they are written, what counts how often, and what one learns of another's test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgedigits.data.digits import Digits, SourceSplits, Splits
from edgedigits.data.export import HEADER
from edgedigits.data.inspection import findings_on_contents, findings_on_splits, inspect_contents
from edgedigits.data.leaks import leaks
from edgedigits.data.load import divide, load_splits, read_source, require_here, select
from edgedigits.data.mixture import Ingredient, ingredients_of, parts_of, written
from edgedigits.errors import AbsentDataError, ConfigError, DataError, EdgedigitsError
from tests.data.digit_files import csv_lines, write_idx, write_text

DIVISION = {"validation_fraction": 0.2, "test_fraction": 0.2, "seed": 7}


@pytest.fixture
def place(few: Digits, others: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with 60 digits in a.csv, and 20 others, dark on light, in b.csv."""
    monkeypatch.chdir(tmp_path)
    write_text(tmp_path / "a.csv", [HEADER, *csv_lines(few)])
    write_text(tmp_path / "b.csv", [HEADER, *csv_lines(Digits(255 - others.images, others.labels))])
    return tmp_path


# --- how they are written --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mnist", [Ingredient("mnist")]),
        ("mnist + mnist-5k:3", [Ingredient("mnist"), Ingredient("mnist-5k", 3.0)]),
        ("mnist +  x.csv:0.5:invert", [Ingredient("mnist"), Ingredient("x.csv", 0.5, ("invert",))]),
        ("x.csv:INVERT:Fit:2 + mnist", [Ingredient("x.csv", 2.0, ("invert", "fit")), Ingredient("mnist")]),
        ("x.csv:transpose", [Ingredient("x.csv", 1.0, ("transpose",))]),
        ("C:\\digits\\x.csv", [Ingredient("C:\\digits\\x.csv")]),
        ("x+y.csv", [Ingredient("x+y.csv")]),
        ("https://x.org:80/train.csv", [Ingredient("https://x.org:80/train.csv")]),
    ],
)
def test_sources_are_written_with_what_is_said_of_each(text: str, expected: list[Ingredient]) -> None:
    assert list(ingredients_of(text)) == expected
    assert ingredients_of(written(expected)) == tuple(expected)


@pytest.mark.parametrize("name", ["a + b.csv", "x.csv:3", "y:invert"])
def test_what_exists_under_the_whole_of_a_text_is_that_file(name: str, few: Digits, place: Path) -> None:
    write_text(place / name, [HEADER, *csv_lines(few)])
    assert ingredients_of(name) == (Ingredient(name),)


WEIGHT = "expected a number from 0.01 to 100. It says how many times a digit of this source counts."


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("mnist + x.csv:0", f"x.csv:0: the weight is 0, {WEIGHT}"),
        ("mnist + x.csv:-1", f"x.csv:-1: the weight is -1, {WEIGHT}"),
        ("mnist + x.csv:nan", f"x.csv:nan: the weight is nan, {WEIGHT}"),
        ("mnist + x.csv:inf", f"x.csv:inf: the weight is inf, {WEIGHT}"),
        ("mnist + x.csv:1e9", f"x.csv:1e9: the weight is 1e9, {WEIGHT}"),
        ("mnist + x.csv:2,5", f"x.csv:2,5: the weight is 2,5, {WEIGHT}"),
        ("x.csv:3", "A weight has no effect on a single source, x.csv:3. Leave it out."),
        ("mnist + x.csv:3:2", "x.csv:3:2 says the same twice behind its colons. Write x.csv:3."),
        ("mnist + x.csv:fit:fit", "x.csv:fit:fit says the same twice behind its colons. Write x.csv:3."),
        ("mnist + ", "One of several sources has no name. Write them as mnist + mine.csv:3."),
        ("mnist +  + x", "One of several sources has no name. Write them as mnist + mine.csv:3."),
        ("mnist + mnist:3", "mnist is named twice. Name it once; mnist:2 has its digits count twice."),
        ("x.csv + ./x.csv", "./x.csv is named twice. Name it once; ./x.csv:2 has its digits count twice."),
        ("auto + x.csv", "auto among several sources leaves open what it is. Name mnist or mnist-5k."),
    ],
)
def test_what_is_written_wrong(text: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ingredients_of(text)
    assert str(caught.value) == sentence


@given(st.text(st.sampled_from("abmnist.csv: +3-5kfitnv/\\"), max_size=30))
def test_whatever_is_written_is_sources_or_a_sentence(text: str) -> None:
    try:
        found = ingredients_of(text)
    except EdgedigitsError as error:
        assert error.message.endswith(".")
    else:
        assert len(found) == 1 or ingredients_of(written(found)) == found


# --- reading and dividing --------------------------------------------------------------------------


def test_each_source_is_read_and_divided_by_itself(few: Digits, others: Digits, place: Path) -> None:
    contents = read_source("a.csv + b.csv:invert")
    assert [one.everything.digest for one in parts_of(contents)] == [few.digest, others.digest]
    splits = divide(contents, **DIVISION)
    alone = [load_splits("a.csv", **DIVISION), load_splits("b.csv", invert=True, **DIVISION)]
    for part in ("train", "validation", "test"):
        together = sorted(image.tobytes() for one in alone for image in getattr(one, part).images)
        assert sorted(image.tobytes() for image in getattr(splits, part).images) == together
    for source, one in zip(splits.sources, alone, strict=True):
        rows = splits.test.take(source.rows)
        assert source.splits.digest == one.digest
        assert sorted(image.tobytes() for image in rows.images) == sorted(image.tobytes() for image in one.test.images)
    assert (splits.source, [one.name for one in splits.sources]) == ("a.csv + b.csv", ["a.csv", "b.csv"])


def test_flags_are_of_all_files_and_not_of_what_has_a_name(others: Digits, place: Path) -> None:
    named, file = parts_of(read_source("mnist-5k + b.csv", invert=True, label_column="label"))
    assert file.everything.digest == others.digest
    assert named.everything.digest == read_source("mnist-5k").everything.digest


def test_the_first_digits_of_a_split_are_a_fair_sample(place: Path) -> None:
    splits = load_splits("a.csv + b.csv:invert", **DIVISION)
    assert all(source.rows[0] < len(splits.test) // 2 for source in splits.sources)
    assert len(set(splits.train.labels[:30].tolist())) >= 8


@pytest.mark.parametrize(("weight", "most", "least"), [(3, 3, 3), (2.5, 3, 2), (0.5, 1, 0), (0.1, 1, 0)])
def test_a_weight_repeats_training_digits_alone(weight: float, most: int, least: int, place: Path) -> None:
    plain, weighted = (load_splits(f"b.csv:invert + a.csv{text}", **DIVISION) for text in ("", f":{weight}"))
    own = {image.tobytes() for image in plain.sources[1].splits.train.images}
    counts = [sum(image.tobytes() == one for image in weighted.train.images) for one in own]
    assert (max(counts), min(counts)) == (most, least) and sum(counts) == int(weight * len(own))
    assert weighted.test.digest == plain.test.digest and weighted.validation.digest == plain.validation.digest


def test_a_weight_that_leaves_nothing_or_does_not_fit(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"^b\.csv counts 0\.01 times: nothing of it is left\. Raise its weight\.$"):
        load_splits("a.csv + b.csv:0.01", **DIVISION)
    monkeypatch.setattr("edgedigits.data.mixture.MOST_BYTES", 784 * 100)
    with pytest.raises(DataError, match="by their weights 1,236 training digits are more than fit"):
        load_splits("a.csv + b.csv:100", **DIVISION)


def test_a_source_with_a_test_set_keeps_it_and_others_are_divided(few: Digits, others: Digits, place: Path) -> None:
    write_idx(write_idx(place / "set", few), others, "t10k")
    splits = load_splits("b.csv:invert + ./set", **DIVISION)
    assert splits.sources[1].splits.test.digest == others.digest
    assert len(splits.sources[0].splits.test) == 4 and len(splits.test) == 24
    chosen = select(read_source("b.csv:invert + ./set"), "test", **DIVISION)
    assert chosen.digits.digest == splits.test.digest


@pytest.mark.parametrize("split", ["test", "all"])
@pytest.mark.parametrize("second", ["./b.csv:invert", "./set"])
def test_each_digit_is_told_of_which_source_it_is(
    split: str, second: str, few: Digits, others: Digits, place: Path
) -> None:
    """Also where one of them holds nothing but a test set, so that no build could have been of them."""
    write_idx(place / "set", others, "t10k")
    sources = ["a.csv", second]

    chosen = select(read_source(" + ".join(sources)), split, **DIVISION)

    for source, (_, own) in zip(sources, chosen.sources.items(), strict=True):
        alone = select(read_source(source), split, **DIVISION).digits
        assert sorted(map(bytes, chosen.digits.images[own])) == sorted(map(bytes, alone.images))
    assert sum(chosen.sources.values()).tolist() == [1] * len(chosen.digits)


def test_a_mixture_that_cannot_be_read(few: Digits, place: Path) -> None:
    write_text(place / "again.csv", [HEADER, *csv_lines(few)])
    with pytest.raises(DataError) as caught:
        read_source("a.csv + again.csv")
    assert str(caught.value) == (
        "a.csv and again.csv hold the same digits. Name one of them; again.csv:2 has its digits count twice."
    )
    with pytest.raises(DataError, match=r"^gone\.csv does not exist"):
        read_source("a.csv + gone.csv")
    write_idx(place / "only", few.take(np.arange(9)), "t10k")
    with pytest.raises(DataError, match="only holds a test set only, nothing to train on"):
        load_splits("a.csv + ./only", **DIVISION)
    write_text(place / "ten.csv", [HEADER, *csv_lines(few)[:-1], "10" + ",0" * 784])
    with pytest.raises(DataError, match="ten.csv, line 61: the label is 10, expected 0 to 9"):
        read_source("a.csv + ten.csv")


def test_sources_of_one_name_are_told_apart_by_their_places(few: Digits, others: Digits, place: Path) -> None:
    for name, digits in (("x", few), ("y", others)):
        (place / name).mkdir()
        write_text(place / name / "digits.csv", [HEADER, *csv_lines(digits)])
    assert read_source("x/digits.csv + y/digits.csv").name == "x/digits.csv + y/digits.csv"


def test_every_file_of_a_manifest_must_be_here(place: Path) -> None:
    require_here("mnist + a.csv:3 + b.csv", place / "manifest.json")
    with pytest.raises(AbsentDataError, match=r"names the digits c\.csv, seen from where its build was called"):
        require_here("mnist + a.csv:3 + c.csv", place / "manifest.json")


# --- findings --------------------------------------------------------------------------------------


def test_what_is_unusual_is_said_of_each_source(five_thousand: Digits, place: Path) -> None:
    write_text(
        place / "dark.csv", [HEADER, *csv_lines(Digits(255 - five_thousand.images[::20], five_thousand.labels[::20]))]
    )
    contents = read_source("a.csv + dark.csv")
    for found in (findings_on_splits(divide(contents, **DIVISION), {}), findings_on_contents(contents, {})):
        assert (
            "dark.csv: The digits are black on white, models expect white on black: read them with :invert behind its "
            "name." in found
        )
        assert not any(one.startswith("a.csv: The digits") for one in found)
    contents = read_source("a.csv + dark.csv:3:invert")
    assert not any("black on white" in one for one in findings_on_splits(divide(contents, **DIVISION), {}))


def test_sources_whose_labels_disagree_are_told_apart(five_thousand: Digits, place: Path) -> None:
    chosen = five_thousand.take(np.arange(0, 5000, 20))
    write_text(place / "off.csv", [HEADER, *csv_lines(Digits(chosen.images, (chosen.labels + 1) % 10))])
    found = findings_on_splits(divide(read_source("a.csv + off.csv"), **DIVISION), {})
    (told,) = (one for one in found if "labels look wrong" in one)
    assert told.startswith("off.csv: The labels look wrong, pictures of 0 are labelled 1, of 1 labelled 2")


def test_digits_that_one_learns_and_another_is_tested_on_are_told(few: Digits, others: Digits, place: Path) -> None:
    both = Digits.joined([few.take(np.arange(0, 60, 2)), others])
    write_text(place / "c.csv", [HEADER, *csv_lines(both)])
    contents = read_source("a.csv + c.csv")
    splits = divide(contents, **DIVISION)
    learned = {
        image.tobytes() for part in ("train", "validation") for image in getattr(splits.sources[0].splits, part).images
    }
    count = sum(image.tobytes() in learned for image in splits.sources[1].splits.test.images)
    assert 1 < count < 10
    for found in (findings_on_splits(splits, {}), inspect_contents(contents, **DIVISION).findings):
        assert (
            f"{count} of the 10 test digits of c.csv are in a.csv as well, which learns them: figures on c.csv will flatter."
            in found
        )


def test_pictures_that_are_nearly_those_that_another_learns_are_told(few: Digits, others: Digits, place: Path) -> None:
    """As where somebody stored the digits of another set as photographs."""
    darker = Digits(few.images // 4 * 3, few.labels)
    write_text(place / "c.csv", [HEADER, *csv_lines(Digits.joined([darker.take(np.arange(0, 60, 2)), others]))])
    contents = read_source("a.csv + c.csv")
    splits = divide(contents, **DIVISION)
    learned = {
        (image // 4 * 3).tobytes()
        for part in ("train", "validation")
        for image in getattr(splits.sources[0].splits, part).images
    }
    count = sum(image.tobytes() in learned for image in splits.sources[1].splits.test.images)
    assert 1 < count < 10
    expected = (
        f"{count} of the 10 test digits of c.csv are nearly the same as in a.csv, which learns them: "
        "figures on c.csv will flatter."
    )
    for found in (findings_on_splits(splits, {}), inspect_contents(contents, **DIVISION).findings):
        assert [one for one in found if "nearly the same" in one and "of c.csv" in one] == [expected]


def test_a_few_near_copies_of_many_test_digits_are_told(five_thousand: Digits, place: Path) -> None:
    """Where what learns them is small."""
    darker = five_thousand.take(np.arange(0, 5000, 500))
    own = Digits(255 - darker.images[:, ::-1], darker.labels)
    near = Digits(darker.images // 4 * 3, darker.labels)
    sources = [
        SourceSplits(name, 1.0, Splits(one, one.take(np.arange(0)), one, name, ""), np.arange(0), {})
        for name, one in (("small", Digits.joined([own, near])), ("large", five_thousand))
    ]
    assert "10 of the 5,000 test digits of large are nearly the same as in small, which" in "\n".join(leaks(sources))


def test_repeated_digits_are_no_copies(place: Path) -> None:
    found = inspect_contents(read_source("a.csv:3 + b.csv:2:invert"), **DIVISION)
    assert found.count == 80 and all(part.duplicates == 0 for part in found.parts)
