"""`edgedigits predict`: what a person types and sees; every digit is scored as the engine does, bad pictures are told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import edgedigits
from edgedigits.cli.main import main
from edgedigits.data.digits import Digits
from edgedigits.data.load import read_source
from edgedigits.data.photos.finding import digits_in
from edgedigits.data.photos.photo import open_photo
from edgedigits.data.seeing import see
from edgedigits.model.numpy_engine import run
from edgedigits.pictures.neighbours import nearest_digits
from edgedigits.pictures.predict import Reader, open_reader, read_picture
from edgedigits.pictures.sheet import render_sheet, write_sheet
from edgedigits.scoring.interpreter import run_litert
from edgedigits.scoring.oracle import engine_inputs
from edgedigits.view import View
from tests.data.other_hands import of_a_tablet
from tests.pictures.made_photos import Conditions, on_paper, photographed, right_of_photos
from tests.report.page_checker import assert_stands_alone, page_text
from tests.tflite_builder import random_mlp

REFERENCE = Path(__file__).parents[2] / "deploy" / "reference"
WRITTEN = of_a_tablet()  # 0 to 9 in turn, at the beginning


@pytest.fixture(scope="module")
def reader() -> Reader:
    return open_reader(REFERENCE)


@pytest.fixture(scope="module")
def row(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photo of ten digits in two rows, from 0 to 9."""
    path = tmp_path_factory.mktemp("photo") / "row.jpg"
    how = Conditions(degrees=3, shadow=0.3, noise=4, enlarged=4)
    Image.fromarray(photographed(on_paper(WRITTEN.images[:10], 5), how, np.random.default_rng(0))).save(path)
    return path


def refusing(folder: Path, margin: int) -> Path:
    """Return a copy of the reference whose engine refuses below a lead."""
    folder.mkdir()
    shutil.copy(REFERENCE / "model.tflite", folder)
    manifest = json.loads((REFERENCE / "manifest.json").read_text())
    manifest["confidence"] |= {"reject_margin": margin, "reject_error": 0.01}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_a_photo_is_read_and_shown(row: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sheet = tmp_path / "sheet.html"
    assert main(["predict", str(REFERENCE), str(row), "--sheet", str(sheet)]) == 0
    out = capsys.readouterr().out
    reading = edgedigits.predict(REFERENCE, row)
    assert [len(one) for one in reading.rows] == [5, 5]
    assert all(f"reads  {one}" in out for one in reading.rows) and "this build refuses nothing" in out
    page = sheet.read_text()
    assert_stands_alone(page)
    assert page.count("<rect") == 10 and all(one in page_text(page) for one in reading.rows)
    assert f"leads {reading.digits[0].second} by {reading.digits[0].lead} steps" in page_text(page)
    assert reading._repr_html_().count("<img") == 10
    assert reading.plot().size[0] > 100 and len(repr(reading)) < 4000, "its pixels are for eyes"


def test_the_sheet_can_be_one_picture(reader: Reader, row: Path, tmp_path: Path) -> None:
    reading, path = read_picture(reader, open_photo(row)), tmp_path / "sheet.png"
    write_sheet("reference", [reading, reading], path)
    drawing = np.asarray(Image.open(path).convert("RGB")).astype(int)
    assert drawing.shape[1] == 900
    blue = (drawing[..., 2] - drawing[..., 0] > 60).any(axis=1)
    np.testing.assert_array_equal(blue[: len(blue) // 2], blue[len(blue) // 2 :], "boxes and reasons of either picture")
    assert blue.any()


def test_json_has_scores_reasons_and_places(row: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(REFERENCE), str(row), "--json", "--check-digit", "luhn"]) in (0, 1)
    (facts,) = json.loads(capsys.readouterr().out)["pictures"]
    assert facts["ink"] == "dark" and len(facts["passes"]) == len(facts["rows"]) == 2
    for one in facts["digits"]:
        scores = np.array(one["scores"])
        assert one["digit"] == scores.argmax() and one["lead"] == np.sort(scores)[-1] - np.sort(scores)[-2]
        assert scores[one["second"]] == np.sort(scores)[-2] and one["state"] == "accepted"
        assert sum(one["probabilities"]) == pytest.approx(1, abs=1e-4)
        assert one["probability"] == pytest.approx(max(one["probabilities"]), abs=1e-6)
        assert np.shape(one["seen"]) == np.shape(one["influence"]) == (28, 28)
        assert 0 <= one["box"]["left"] < one["box"]["left"] + one["box"]["width"] <= facts["width"]


def test_probabilities_are_by_the_temperature_of_the_build(reader: Reader, row: Path) -> None:
    steps = 4.82  # of the manifest
    for one in read_picture(reader, open_photo(row)).digits:
        scores = one.scores.astype(float)
        powers = np.exp((scores - scores.max()) / steps)
        np.testing.assert_allclose(one.probabilities, powers / powers.sum(), atol=2e-3)


def test_scores_are_those_of_the_tflite(reader: Reader, row: Path) -> None:
    images = np.stack([one.image for one in digits_in(open_photo(row)).digits])
    by_litert = run_litert(reader.engine.classifier, images, kernels=("reference",))["reference"]
    np.testing.assert_array_equal([one.scores for one in read_picture(reader, open_photo(row)).digits], by_litert)


def test_a_build_is_fed_as_it_was_trained(tmp_path: Path, row: Path) -> None:
    """Upright by moments, centred, averaged, in few levels: what its view says, behind the same straightening."""
    view = View(window=24, size=12, deskew=True, centre=True, bits=4)
    (tmp_path / "model.tflite").write_bytes(random_mlp(5, (144, 8, 10)))
    stated = {"window": 24, "size": 12, "deskew": True, "centre": True, "bits": 4}
    (tmp_path / "manifest.json").write_text(json.dumps({"config": {"input": stated}}))
    reader, photo = open_reader(tmp_path), open_photo(row)
    images = np.stack([one.image for one in digits_in(photo).digits])
    digits = read_picture(reader, photo).digits
    np.testing.assert_array_equal([one.seen.ravel() for one in digits], see(view, images))
    np.testing.assert_array_equal(
        [one.scores for one in digits], run(reader.engine.network, engine_inputs(reader.engine.classifier, images))
    )


def test_what_the_engine_refuses_is_a_question_mark(
    tmp_path: Path, row: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    accepting = edgedigits.predict(REFERENCE, row)
    margin = int(np.median([one.lead for one in accepting.digits]))
    reading = edgedigits.predict(refusing(tmp_path / "some", margin), row)
    assert [one.refused for one in reading.digits] == [one.lead < margin for one in accepting.digits]
    assert reading.text.count("?") == sum(one.refused for one in reading.digits) > 0
    assert "refused; its best is" in page_text(render_sheet("some", [reading]))
    assert main(["predict", str(refusing(tmp_path / "all", 255)), str(row)]) == 1
    assert "the engine refuses all that was found" in capsys.readouterr().err


def test_expectations_are_held_against_what_is_read(row: Path, capsys: pytest.CaptureFixture[str]) -> None:
    read = "".join(edgedigits.predict(REFERENCE, row).rows)
    command = ["predict", str(REFERENCE), str(row), "--quiet"]
    assert main([*command, "--expect", read]) == 0
    other = str((int(read[0]) + 1) % 10) + read[1:]
    assert main([*command, "--expect", other]) == 1
    assert f"9 of 10 digits are as expected: {read}, not {other}." in capsys.readouterr().err
    assert main([*command, "--expect", read[1:]]) == 1
    assert "9 digits were expected, 10 were found" in capsys.readouterr().err
    assert main([*command, "--check-digit", "ean13"]) == 1
    assert capsys.readouterr().err.count("does not pass ean13") == 2


def test_ink_at_the_edge_and_ink_of_something_else_is_told(reader: Reader) -> None:
    picture = np.full((90, 200), 255, np.uint8)
    picture[:60, 40:46] = picture[20:60, 80:86] = picture[25:65, 100:140] = picture[25:65, 150:190] = 0
    assert read_picture(reader, open_photo(picture)).notes == (
        "Digit 1 touches the edge of the picture: a part may be missing.",
        "Most of its ink is no digit: is this a picture of digits?",
    )


def test_the_nearest_training_digits_are_the_nearest() -> None:
    random = np.random.default_rng(0)
    digits = Digits(random.integers(0, 256, (5000, 784)).astype(np.uint8), np.zeros(5000, np.uint8))
    images = digits.images[[4321, 7]].copy()
    images[:, 0] ^= 1
    found = nearest_digits(digits, images, 3)
    assert [one[0].index for one in found] == [4321, 7]
    apart = np.sqrt(((digits.images.astype(float) - images[0]) ** 2).mean(axis=1))
    assert [one.distance for one in found[0]] == pytest.approx(np.sort(apart)[:3].tolist())


def _no_digits(folder: Path) -> Path:
    (folder / "model.tflite").write_bytes(random_mlp(5, (30, 8, 10)))
    return folder / "model.tflite"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("{reference} none.png", 3, "none.png does not exist"),
        ("{reference} {folder}", 3, "is a folder, expected a file"),
        ("{reference} {text}", 3, "text.png is not a picture"),
        ("{reference} {blank}", 3, "blank.png: nothing stands out from its paper. Give a picture of digits"),
        ("{no_digits} {row}", 5, "has 30 elements, not 784"),
        ("{no_build} {row}", 3, "does not exist"),
        ("{reference} {row} --check-digit lunh", 2, "Did you mean 'luhn'?"),
        ("{reference} {row} --expect 12a", 2, "is not a row of digits"),
        ("{reference} {row} {row} --expect 1", 2, "--expect says what one picture reads"),
        ("{reference} {row} --sheet a.pdf", 2, "is not the name of a page or a drawing"),
        ("{reference} {row} --sheet {text}.html --force --nearest 21", 2, "more than the 20"),
        ("{reference} {row} --force", 2, "--force has no effect without --sheet"),
        ("{model} {row} --nearest 2", 2, "does not say what it was trained on"),
    ],
)
def test_a_mistake_is_a_sentence(
    words: str, code: int, message: str, row: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.png").write_text("no picture")
    Image.new("L", (50, 40), 200).save(tmp_path / "blank.png")
    shutil.copy(REFERENCE / "model.tflite", tmp_path / "alone.tflite")
    places = {
        **{"reference": REFERENCE, "row": row, "folder": tmp_path, "text": tmp_path / "text.png"},
        **{"blank": tmp_path / "blank.png", "no_digits": _no_digits(tmp_path), "no_build": tmp_path / "none"},
        "model": tmp_path / "alone.tflite",
    }
    assert main(["predict", *words.format(**places).split(), "--quiet"]) == code
    err = capsys.readouterr().err
    assert message in err and len(err.splitlines()) == 1


def test_photos_cost_little_accuracy(reader: Reader, five_thousand: Digits) -> None:
    clean, read = right_of_photos(reader, five_thousand, 20, seed=0)
    assert clean - read <= 2


@pytest.mark.slow
def test_two_hundred_photos_cost_three_points_at_most(reader: Reader, mnist_folder: Path) -> None:
    """Noise, shadow, ±15°, thicker and thinner pens, either polarity, of test digits that nobody trained on."""
    test = read_source(str(mnist_folder)).test
    assert test is not None
    clean, read = right_of_photos(reader, test, 200, seed=0)
    assert clean - read <= 0.03 * 200


@pytest.mark.slow
def test_the_nearest_training_digits_look_alike(row: Path, mnist_folder: Path) -> None:
    (reading,) = [edgedigits.predict(REFERENCE, row, nearest=3)]
    assert all(len(one.nearest) == 3 for one in reading.digits)
    assert np.mean([one.nearest[0].label == one.digit for one in reading.digits]) >= 0.8
