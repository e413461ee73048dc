"""Which digits a model is tried on: never one that its build was trained on, unless asked for and said."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from edgedigits.data.digits import Digits
from edgedigits.data.export import write_csv
from edgedigits.data.load import read_source
from edgedigits.data.mnist import TEST_DIGEST
from edgedigits.data.symmetry import relaid, transpose
from edgedigits.errors import DataError
from edgedigits.scoring.record import training_record
from edgedigits.scoring.subject import find_subject
from edgedigits.scoring.subject_digits import load_for_all, load_subject_digits
from tests.scoring.recorded_build import REFERENCE, forget, write_build


@pytest.fixture(scope="module")
def digits(five_thousand: Digits) -> Digits:
    """200 real digits, 20 of each class."""
    return five_thousand.take(np.flatnonzero(np.arange(5000) % 25 == 0))


@pytest.fixture
def source(digits: Digits, tmp_path: Path) -> Path:
    """They as a CSV."""
    path = tmp_path / "digits.csv"
    write_csv(digits, path)
    return path


def _saved(path: Path, digits: Digits) -> str:
    np.savez(path, x=digits.images.reshape(-1, 28, 28), y=digits.labels)
    return str(path)


def test_the_build_s_own_test_split_is_taken_as_it_is(source: Path, tmp_path: Path) -> None:
    splits = write_build(tmp_path / "build", source)
    for named in ("", str(source), f"{source.parent}/./{source.name}"):
        chosen = load_subject_digits(find_subject(tmp_path / "build"), named)
        assert chosen.digits.digest == splits.test.digest
        assert (chosen.trained_on, chosen.note, chosen.findings) == (0, "", ())


@pytest.mark.parametrize("reading", [{}, {"invert": True}, {"transpose": True}, {"invert": True, "transpose": True}])
def test_digits_of_training_are_left_out_however_their_file_holds_them(
    reading: dict[str, bool], digits: Digits, source: Path, tmp_path: Path
) -> None:
    splits = write_build(tmp_path / "build", source)
    images = relaid(digits.images, transpose) if "transpose" in reading else digits.images
    images = 255 - images if "invert" in reading else images
    other = _saved(tmp_path / "other.npz", Digits(images, digits.labels))
    chosen = load_subject_digits(find_subject(tmp_path / "build"), other, **reading)
    # Of other.npz the build's fractions and seed give the same division: not one of its test digits was trained on.
    assert (chosen.trained_on, chosen.digits.digest) == (0, splits.test.digest)
    mixed = Digits(images, digits.labels).take(np.random.default_rng(0).permutation(200)[:170])
    seen = _saved(tmp_path / "seen.npz", mixed)
    chosen = load_subject_digits(find_subject(tmp_path / "build"), seen, **reading)
    known = {image.tobytes() for part in (splits.train, splits.validation) for image in part.images}
    assert not any(image.tobytes() in known for image in chosen.digits.images)
    assert chosen.trained_on > 10 and chosen.trained_on + len(chosen.digits) in (42, 43)
    assert chosen.note == (
        f"{chosen.trained_on} of the {chosen.trained_on + len(chosen.digits)} digits are ones that the build was trained "
        "on: left out."
    )
    assert chosen.origin.endswith(f", without {chosen.trained_on} that were trained on")


def test_all_keeps_them_and_says_so(source: Path, tmp_path: Path) -> None:
    splits = write_build(tmp_path / "build", source)
    seen = len(splits.train) + len(splits.validation)
    chosen = load_subject_digits(find_subject(tmp_path / "build"), split="all")
    assert (len(chosen.digits), chosen.trained_on) == (200, seen)
    assert chosen.note == f"{seen} of the 200 digits are ones that the build was trained on: figures flatter."


def test_where_every_digit_was_trained_on_there_is_nothing_to_test(
    digits: Digits, source: Path, tmp_path: Path
) -> None:
    splits = write_build(tmp_path / "build", source)
    only = _saved(tmp_path / "only.npz", splits.train)
    with pytest.raises(
        DataError, match=r"trained on every one of the .* digits of test split of only\.npz .*--split all"
    ):
        load_subject_digits(find_subject(tmp_path / "build"), only)
    assert load_subject_digits(find_subject(tmp_path / "build"), only, split="all").trained_on == len(splits.train)


def test_rows_that_a_source_repeats_are_counted_in_its_own_test_split(digits: Digits, tmp_path: Path) -> None:
    path = tmp_path / "twice.csv"
    write_csv(digits.take(np.arange(200).repeat(2)), path)
    splits = write_build(tmp_path / "build", path)
    chosen = load_subject_digits(find_subject(tmp_path / "build"))
    assert chosen.digits.digest == splits.test.digest
    assert 0 < chosen.trained_on < len(splits.test)
    assert "that the build was trained on: figures flatter." in chosen.note


def test_an_own_source_that_was_changed_is_another_source(digits: Digits, source: Path, tmp_path: Path) -> None:
    write_build(tmp_path / "build", source)
    write_csv(digits.take(np.random.default_rng(1).permutation(200)), source, force=True)
    chosen = load_subject_digits(find_subject(tmp_path / "build"))
    assert chosen.note.startswith("digits.csv was changed since the build; ") and chosen.note.endswith("left out.")
    assert chosen.trained_on + len(chosen.digits) == 50


def test_a_build_of_before_says_that_it_does_not_know(digits: Digits, source: Path, tmp_path: Path) -> None:
    write_build(tmp_path / "build", source)
    forget(tmp_path / "build")
    subject = find_subject(tmp_path / "build")
    own = load_subject_digits(subject)
    assert (own.trained_on, own.note) == (None, "")
    other = load_subject_digits(subject, _saved(tmp_path / "other.npz", digits.take(np.arange(199))))
    assert other.trained_on is None
    assert other.note.startswith(f"Whether some of these digits were trained on is not known of {tmp_path / 'build'};")


def test_a_file_from_elsewhere_is_trusted_with_the_test_set_of_mnist_alone(
    mnist_folder: Path, source: Path, tmp_path: Path
) -> None:
    subject = find_subject(Path(shutil.copy(REFERENCE, tmp_path / "elsewhere.tflite")))
    assert "is not known" in load_subject_digits(subject, str(source)).note
    assert "is not known" in load_subject_digits(subject, "mnist-5k").note
    for named in ("mnist", str(mnist_folder)):
        chosen = load_subject_digits(subject, named)
        assert (chosen.note, chosen.digits.digest) == ("", TEST_DIGEST)
    assert "is not known" in load_subject_digits(subject, "mnist", split="all").note


@pytest.mark.parametrize("content", [b"", b"abc", bytes(600)])
def test_a_record_that_is_not_the_build_s_is_refused(content: bytes, source: Path, tmp_path: Path) -> None:
    write_build(tmp_path / "build", source)
    (tmp_path / "build" / "training_digests.bin").write_bytes(content)
    with pytest.raises(
        DataError,
        match=r"training_digests\.bin is not the file that .*manifest\.json describes\. Build it again, or remove the file: ",
    ):
        load_subject_digits(find_subject(tmp_path / "build"))


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"stages": []}', '{"stages": [{"history": {"val_accuracy": "x"}}]}', "[" * 9999]
)
def test_a_damaged_report_costs_what_it_would_have_told(text: str, source: Path, tmp_path: Path) -> None:
    write_build(tmp_path / "build", source)
    (tmp_path / "build" / "report.json").write_text(text)
    record = training_record(find_subject(tmp_path / "build"))
    assert (record.test_digest, record.validation_accuracy) == ("", None)
    assert record.seen is not None
    assert load_subject_digits(find_subject(tmp_path / "build")).trained_on == 0


def test_what_is_unusual_is_said_once_and_names_the_flag(digits: Digits, source: Path, tmp_path: Path) -> None:
    said: list[str] = []

    class Heard:
        say = staticmethod(said.append)
        stage = None

    write_build(tmp_path / "build", source)
    dark = _saved(tmp_path / "dark.npz", Digits(255 - digits.images, digits.labels))
    chosen = load_subject_digits(find_subject(tmp_path / "build"), dark, progress=Heard)  # type: ignore[arg-type]
    sentence = "The digits are black on white, models expect white on black: read them with --invert."
    assert chosen.findings == (sentence,)
    assert said == [f"data: {sentence}"]
    twice = load_subject_digits(find_subject(tmp_path / "build"), invert=True)
    assert twice.findings[0].endswith("read them with --no-invert.")


def test_builds_are_compared_on_what_none_was_trained_on(digits: Digits, source: Path, tmp_path: Path) -> None:
    first = write_build(tmp_path / "a", source)
    write_build(tmp_path / "b", _saved(tmp_path / "b.npz", first.test.take(np.arange(len(first.test) - 8))))
    subjects = [find_subject(tmp_path / name) for name in "ab"]
    b_seen = training_record(subjects[1]).seen
    chosen = load_for_all(subjects)
    assert len(chosen.digits) == len(first.test) - len(b_seen)
    assert chosen.note == f"{len(b_seen)} of the 50 digits are ones that one of the builds was trained on: left out."
    (tmp_path / "c.npz").write_bytes(b"")
    write_build(tmp_path / "c", _saved(tmp_path / "c.npz", digits))
    assert load_for_all([subjects[0], find_subject(tmp_path / "c")]).note == ""
    write_build(tmp_path / "old", source)
    forget(tmp_path / "old")
    with pytest.raises(DataError, match=r"Which images .*old was trained on is not known\. Build it again\."):
        load_for_all([subjects[0], find_subject(tmp_path / "old")])


def test_builds_that_know_all_digits_leave_nothing_to_compare_on(source: Path, tmp_path: Path) -> None:
    first = write_build(tmp_path / "a", source)
    everything = np.concatenate([first.test.images, first.test.images, first.test.images])
    labels = np.concatenate([first.test.labels] * 3)
    write_build(tmp_path / "b", _saved(tmp_path / "b.npz", Digits(everything, labels)))
    chosen = load_for_all([find_subject(tmp_path / name) for name in "ab"])
    seen = 50 - len(chosen.digits)
    assert seen > 40
    only = _saved(tmp_path / "only.npz", first.train)
    chosen = load_for_all([find_subject(tmp_path / name) for name in "ab"], only)
    assert len(chosen.digits) == 0
    assert chosen.note.endswith("one of the builds was trained on: there is nothing left to test on.")


def test_the_digest_of_mnist_s_test_set(mnist_folder: Path) -> None:
    test = read_source("mnist").test
    assert test is not None and test.digest == TEST_DIGEST
