"""What a teacher learned is not what its student is judged on."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from edgedigits.build_folder import TEACHER, TEACHER_MODEL, WATCHED_DIGITS, Manifest, write_manifest
from edgedigits.config import BuildConfig, DistillationConfig, TrainingConfig
from edgedigits.data.digits import Digits, Splits
from edgedigits.errors import DataError
from edgedigits.teachers.record import find_model, findings_on_teacher, write_record


def of_teacher(place: Path | str, seed: int = 42) -> BuildConfig:
    return BuildConfig(distill=DistillationConfig(teacher=str(place)), training=TrainingConfig(seed=seed))


@pytest.fixture
def folder(few, tmp_path) -> Path:
    """The folder of a teacher on `few`, whose model nobody opens."""
    made = tmp_path / "teacher"
    made.mkdir()
    (made / TEACHER_MODEL).write_bytes(b"a model")
    write_record(few, made)
    write_manifest(made, Manifest(kind=TEACHER))
    return made


def taking(few: Splits, **parts: Digits) -> Splits:
    return dataclasses.replace(few, **parts)


def joined(*parts: Digits) -> Digits:
    return Digits(np.concatenate([one.images for one in parts]), np.concatenate([one.labels for one in parts]))


def test_the_same_splits_are_taken_without_a_word(few, folder):
    assert findings_on_teacher(of_teacher(folder), few) == []
    assert findings_on_teacher(of_teacher(folder / TEACHER_MODEL), few) == []
    assert findings_on_teacher(BuildConfig(), few) == []


@pytest.mark.parametrize("split", ["validation", "test"])
def test_digits_that_the_teacher_learned_are_not_held_out(few, folder, split):
    known = few.train.take(np.arange(7))
    student = taking(few, train=few.train.take(np.arange(7, 600)), **{split: joined(getattr(few, split), known)})
    with pytest.raises(DataError, match=f"knows 7 of the 207 digits of the {split} split") as caught:
        findings_on_teacher(of_teacher(folder), student)
    assert caught.value.hint.endswith("edgedigits teacher --data auto --seed 42")


def test_digits_that_the_teacher_was_watched_on_are_no_test_but_may_be_validation(few, folder):
    assert findings_on_teacher(of_teacher(folder), taking(few, train=few.train.take(np.arange(300)))) == []
    with pytest.raises(DataError, match="knows 200 of the 200 digits of the test split"):
        findings_on_teacher(of_teacher(folder), taking(few, test=few.validation))


def test_copies_that_the_student_learns_itself_are_no_reason(few, folder):
    copies = joined(few.validation, few.train.take(np.arange(3)))
    assert findings_on_teacher(of_teacher(folder), taking(few, validation=copies)) == []


def test_of_a_file_from_elsewhere_nobody_knows(few, tmp_path):
    (tmp_path / "mine.keras").write_bytes(b"")
    [finding] = findings_on_teacher(of_teacher(tmp_path / "mine.keras"), few)
    assert finding.startswith("Nobody knows which digits the teacher ")


def test_a_teacher_is_named_by_its_seed(folder):
    assert of_teacher(f"{folder}-{{seed}}", seed=7).teacher == f"{folder}-7"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / TEACHER_MODEL).write_bytes(b"another"), "teacher.keras is not the file that its manifest.json describes. Train the teacher again."),
        (lambda folder: (folder / TEACHER_MODEL).unlink(), "teacher.keras cannot be read: No such file or directory."),
        (lambda folder: (folder / "manifest.json").unlink(), "is no teacher: it holds no manifest.json. Give a folder that `edgedigits teacher` wrote"),
        (lambda folder: write_manifest(folder, Manifest()), "holds a build, expected a teacher. Give a folder that `edgedigits teacher` wrote"),
        (lambda folder: (folder / "manifest.json").write_text("{"), "is no teacher: its manifest.json was not written by this tool."),
    ],
    ids=["changed", "gone", "no manifest", "a build", "no JSON"],
)  # fmt: skip
def test_a_folder_that_is_not_as_it_was_left_is_refused(folder, spoil, message):
    spoil(folder)
    with pytest.raises(DataError) as caught:
        find_model(str(folder))
    assert message in str(caught.value)


def test_what_it_learned_must_be_as_it_was_written_down(few, folder):
    (folder / WATCHED_DIGITS).write_bytes(b"")
    with pytest.raises(DataError, match="validation_digests.bin is not the file that its manifest.json describes"):
        findings_on_teacher(of_teacher(folder), few)
    assert json.loads((folder / "manifest.json").read_text())["kind"] == "teacher"


def test_a_place_where_nothing_is_is_told():
    with pytest.raises(
        DataError, match=r"nowhere does not exist\. Give a folder that `edgedigits teacher` wrote, or a"
    ):
        find_model("nowhere")
