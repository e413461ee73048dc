"""Finding a model and the digits that its build held out."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgedigits.data.load import load_splits
from edgedigits.data.shape import PIXELS
from edgedigits.errors import ConfigError, DataError
from edgedigits.files.claims import claim
from edgedigits.scoring.subject import find_subject
from edgedigits.scoring.subject_digits import load_subject_digits

FRACTIONS = {"validation_fraction": 0.2, "test_fraction": 0.3}


def _transposed(images: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return images.reshape(-1, 28, 28).transpose(0, 2, 1).reshape(-1, PIXELS)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A CSV of 200 different digits, 20 of each class."""
    pixels = np.random.default_rng(0).integers(0, 256, (200, PIXELS))
    table = np.column_stack([np.arange(200) % 10, pixels])
    path = tmp_path / "digits.csv"
    header = ",".join(["label", *(f"pixel{index}" for index in range(PIXELS))])
    np.savetxt(path, table, fmt="%d", delimiter=",", header=header, comments="")
    return path


@pytest.fixture
def build(tmp_path: Path, source: Path) -> Path:
    """A build's folder: model, float twin, manifest."""
    folder = tmp_path / "build"
    folder.mkdir()
    (folder / "model.tflite").touch()
    (folder / "model_float.tflite").touch()
    config = {"data": {"source": str(source), **FRACTIONS}, "training": {"seed": 5}}
    (folder / "manifest.json").write_text(json.dumps({"schema": 1, "config": config}))
    return folder


def test_a_folder_is_a_model_with_its_twin_and_manifest(build: Path) -> None:
    subject = find_subject(build)

    assert subject.model == build / "model.tflite"
    assert subject.float_twin == build / "model_float.tflite"
    assert subject.manifest == build / "manifest.json"


def test_a_model_that_is_not_the_one_its_manifest_describes_is_told(build: Path) -> None:
    facts = {"schema": 1, "config": {}, "files": {"model.tflite": {"bytes": 3, "sha256": sha256(b"abc").hexdigest()}}}
    (build / "manifest.json").write_text(json.dumps(facts))
    (build / "model.tflite").write_bytes(b"abc")
    assert find_subject(build).manifest is not None

    (build / "model.tflite").write_bytes(b"abd")
    with pytest.raises(DataError, match=r"model.tflite is not the file that .*manifest.json describes: its SHA-256 is"):
        find_subject(build)


def test_the_model_inside_a_build_is_that_build(build: Path) -> None:
    assert find_subject(build / "model.tflite") == find_subject(build)


def test_any_other_file_stands_alone(build: Path) -> None:
    subject = find_subject(build / "model_float.tflite")

    assert (subject.float_twin, subject.manifest) == (None, None)


def test_a_missing_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.tflite does not exist"):
        find_subject(tmp_path / "nowhere.tflite")


def test_a_folder_without_a_model_points_to_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "mnist.tflite").touch()

    with pytest.raises(DataError, match=r"holds no model\.tflite\. Did you mean .*mnist\.tflite\?"):
        find_subject(tmp_path)


def test_the_test_split_is_the_one_the_build_held_out(build: Path, source: Path) -> None:
    splits = load_splits(str(source), seed=5, **FRACTIONS)
    chosen = load_subject_digits(find_subject(build))

    assert chosen.digits.digest == splits.test.digest
    trained_on = {image.tobytes() for image in splits.train.images}
    assert not any(image.tobytes() in trained_on for image in chosen.digits.images)


def test_naming_the_builds_own_source_keeps_its_split(build: Path, source: Path) -> None:
    assert (
        load_subject_digits(find_subject(build), str(source)).digits.digest
        == load_subject_digits(find_subject(build)).digits.digest
    )


def test_all_is_every_digit_of_the_source(build: Path) -> None:
    assert len(load_subject_digits(find_subject(build), split="all").digits) == 200


def test_inversion_is_asked_for_or_the_builds_own(build: Path) -> None:
    subject = find_subject(build)
    plain = load_subject_digits(subject).digits
    asked = load_subject_digits(subject, invert=True).digits
    manifest = json.loads((build / "manifest.json").read_text())
    manifest["config"]["data"]["invert"] = True
    (build / "manifest.json").write_text(json.dumps(manifest))
    own = load_subject_digits(subject).digits

    assert np.array_equal(asked.images, 255 - plain.images)
    assert np.array_equal(own.images, asked.images)


@pytest.mark.parametrize(("name", "turn"), [("invert", lambda x: 255 - x), ("transpose", _transposed)])
def test_what_the_build_did_on_reading_can_be_undone_and_is_not_done_to_other_sources(
    name: str, turn: Any, build: Path, source: Path, tmp_path: Path
) -> None:
    manifest = json.loads((build / "manifest.json").read_text())
    plain = load_subject_digits(find_subject(build)).digits.images
    manifest["config"]["data"][name] = True
    (build / "manifest.json").write_text(json.dumps(manifest))
    subject = find_subject(build)
    assert np.array_equal(load_subject_digits(subject).digits.images, turn(plain))
    assert np.array_equal(load_subject_digits(subject, f"{source.parent}/./{source.name}").digits.images, turn(plain))
    assert np.array_equal(load_subject_digits(subject, **{name: False}).digits.images, plain)
    other = tmp_path / "other.csv"
    other.write_bytes(source.read_bytes())
    assert np.array_equal(load_subject_digits(subject, str(other)).digits.images, plain)


def test_a_manifest_of_another_kind_is_refused(build: Path) -> None:
    (build / "manifest.json").write_text('{"config": {"dataa": {}}}')

    with pytest.raises(ConfigError, match="Did you mean 'data'"):
        load_subject_digits(find_subject(build))


def test_digits_that_lie_where_the_build_was_called_are_asked_for(build: Path, source: Path, monkeypatch) -> None:
    facts = json.loads((build / "manifest.json").read_text())
    facts["config"]["data"]["source"] = source.name
    (build / "manifest.json").write_text(json.dumps(facts))
    monkeypatch.chdir(build)
    with pytest.raises(DataError, match="names the digits digits.csv, seen from where its build was called: not here."):
        load_subject_digits(find_subject(build))
    monkeypatch.chdir(source.parent)
    assert len(load_subject_digits(find_subject(build)).digits) == 60


def test_a_build_that_a_killed_run_moved_aside_is_found_again(build: Path) -> None:
    with claim(build.parent, f".{build.name}.", ".part", target=build.name) as made:
        aside = made.path.with_name(made.path.name + ".old")
        build.rename(aside)
        (made.path / "of the new build").touch()
    assert find_subject(build).model == build / "model.tflite"
    assert not aside.exists()
