"""What a device did is judged by every byte and class, with labels and without; another engine is told beforehand."""

from __future__ import annotations

import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgedigits.devices.device import Device, Identity
from edgedigits.devices.device_report import check_identity, check_report, examine_device
from edgedigits.devices.stub import Engine
from edgedigits.errors import CheckFailedError, DataError
from edgedigits.model.lowering import lower
from edgedigits.model.numpy_engine import run as run_numpy
from edgedigits.model.reader import read_tflite
from edgedigits.scoring.any_model import open_any, random_codes
from edgedigits.scoring.interpreter import open_classifier
from tests.devices.emitted_engine import write_emitted_engine
from tests.devices.test_device import line
from tests.tflite_builder import random_mlp

DIGIT_MODEL, OTHER_MODEL = random_mlp(2, sizes=(784, 10)), random_mlp(3, sizes=(20, 3))


class Board:
    """Firmware with a model's engine, as a port object; `spoil` changes what it answers to an image."""

    name, emulated = "a board", False

    def __init__(
        self, engine: Engine, model: bytes, spoil: dict[int, dict[str, str]] | None = None, **told: str
    ) -> None:
        self._network, self._waiting, self._number = lower(read_tflite(model)), b"", 0
        sizes = f"input={engine.facts.input.size} output={engine.facts.output.size} workspace=8 tick_hz=2000 selftest=0"
        self._id = f"ok id protocol=1 model=x {sizes}" + "".join(f" {name}={value}" for name, value in told.items())
        self._spoil = spoil or {}

    def write(self, content: bytes) -> None:
        for asked in content.decode().splitlines():
            self._waiting += line(self._answer(asked)) if asked else b""

    def _answer(self, asked: str) -> str:
        if not asked.startswith("run "):
            return self._id if asked == "id" else "ok crc flash=0badcafe bytes=4096"
        image = bytes.fromhex(asked[4:])
        (output,) = run_numpy(self._network, np.frombuffer(image, np.int8)[None])
        facts = {"class": str(output.argmax()), "ticks": str(100 + self._number), "output": output.tobytes().hex()}
        facts |= self._spoil.get(self._number, {})
        self._number += 1
        words = " ".join(f"{name}={value}" for name, value in facts.items() if value)
        return f"ok run {words} received={zlib.crc32(image):08x}"

    def read(self, timeout_s: float) -> bytes:
        content, self._waiting = self._waiting, b""
        return content

    def close(self) -> None:
        pass


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return write_emitted_engine(tmp_path_factory.mktemp("digits"), DIGIT_MODEL)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return write_emitted_engine(tmp_path_factory.mktemp("other"), OTHER_MODEL)


def examine(engine: Engine, images: np.ndarray, labels: np.ndarray | None, board: Board) -> Any:
    classifier = open_classifier(read_tflite(DIGIT_MODEL, "digits.tflite"))
    return examine_device(Device(board, timeout_s=0.05), engine, classifier, images, labels, "litert")


def pictures(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 784)).astype(np.uint8)


def test_every_byte_class_and_tick_is_counted(digits: Engine) -> None:
    images = pictures(20)
    outputs = run_numpy(lower(read_tflite(DIGIT_MODEL)), (images ^ 128).view(np.int8))
    labels = outputs.argmax(axis=1).copy()
    labels[:5] = (labels[:5] + 1) % 10
    wrong_byte, wrong_class = outputs[7].copy(), (outputs[3].argmax() + 1) % 10
    wrong_byte[outputs[7].argmin()] += 1
    spoil = {7: {"output": wrong_byte.tobytes().hex()}, 3: {"class": str(wrong_class)}}

    report = examine(digits, images, labels, Board(digits, DIGIT_MODEL, spoil))

    assert (report.images, report.bytes, report.differing, report.misclassified) == (20, 200, 1, 1)
    assert report.accuracy == (15 + (wrong_class == labels[3])) / 20
    assert (report.mean_us, report.most_us) == (pytest.approx(109.5 * 500), pytest.approx(119 * 500))
    assert report.how == "measured: firmware at a board, its own clock of 2,000 ticks a second"
    assert check_report(report) == (
        "1 of 200 output bytes differ from LiteRT, reference kernels.",
        "1 images got a class on the device that its own outputs do not give.",
    )
    assert check_report(replace(report, differing=0, misclassified=0)) == ()


def test_without_labels_parity_is_proven_and_no_accuracy_is_told(digits: Engine) -> None:
    report = examine(digits, pictures(4), None, Board(digits, DIGIT_MODEL))

    assert (report.accuracy, report.differing, report.bytes, report.misclassified) == (None, 0, 40, 0)
    assert report.to_json()["accuracy"] is None


def test_a_model_that_classifies_nothing(other: Engine) -> None:
    board = Board(other, OTHER_MODEL, {number: {"class": ""} for number in range(30)})

    report = examine_device(
        Device(board, timeout_s=0.05), other, open_any(read_tflite(OTHER_MODEL)), random_codes(30, 20), None, "litert"
    )

    assert (report.accuracy, report.differing, report.bytes, report.misclassified) == (None, 0, 90, 0)


def test_digits_without_classes_are_an_error(digits: Engine) -> None:
    board = Board(digits, DIGIT_MODEL, {1: {"class": ""}})

    with pytest.raises(DataError, match="a board does not say which class an image has"):
        examine(digits, pictures(3), np.zeros(3, np.int64), board)


def test_an_engine_of_other_sizes_is_told_before_anything_is_sent(digits: Engine, other: Engine) -> None:
    with pytest.raises(
        DataError, match="a board runs x of 20 inputs and 3 outputs, and edgedigits_model.h has 784 and 10"
    ):
        examine(digits, pictures(3), None, Board(other, OTHER_MODEL))


def test_an_engine_of_another_model_is_told_by_its_digest(digits: Engine) -> None:
    assert len(digits.facts.model_sha256) == 64
    examine(digits, pictures(1), None, Board(digits, DIGIT_MODEL, digest=digits.facts.model_sha256[:8]))

    with pytest.raises(
        CheckFailedError, match=rf"another model \(SHA-256 0badcafe…\) than .* \({digits.facts.model_sha256[:8]}…\)"
    ):
        examine(digits, pictures(1), None, Board(digits, DIGIT_MODEL, digest="0badcafe"))


def test_a_digest_that_one_side_does_not_tell_is_no_reason_to_refuse(digits: Engine) -> None:
    identity = Identity("x", 784, 10, 0, 1000, 0, 0, 1, digest="0badcafe")

    check_identity("a board", replace(identity, digest=""), digits)
    check_identity("a board", identity, replace(digits, facts=replace(digits.facts, model_sha256="")))
    with pytest.raises(CheckFailedError):
        check_identity("a board", identity, digits)


def test_the_firmware_tells_the_digest(digits: Engine) -> None:
    header = (digits.folder / digits.header).read_text()

    assert f"_MODEL_DIGEST 0x{digits.facts.model_sha256[:8]}u " in header
    assert Path(digits.folder / "edgedigits_model.json").is_file()
