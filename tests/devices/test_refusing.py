"""An engine's refusals on an emulated core, on this machine and on a board are held against Python's, byte for byte."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from edgedigits.devices.cores import find_core
from edgedigits.devices.device import Device
from edgedigits.devices.device_report import check_report, examine_device
from edgedigits.devices.gates import Limits, check_simulation
from edgedigits.devices.simulate import simulate
from edgedigits.devices.simulation import Simulation
from edgedigits.devices.stub import Engine, find_engine
from edgedigits.errors import CheckFailedError, DataError
from edgedigits.model.reader import read_tflite
from edgedigits.scoring.interpreter import Classifier, open_classifier
from edgedigits.scoring.oracle import oracle_outputs
from edgedigits.scoring.reject import decide, decisions
from tests.devices.conftest import toolchain_or_skip
from tests.devices.emitted_engine import write_emitted_engine
from tests.devices.test_device_report import Board
from tests.tflite_builder import random_mlp

pytest.importorskip("unicorn")

M4 = find_core("cortex-m4")
MODEL, MARGIN = random_mlp(2, sizes=(784, 10)), 20
CHECK = f"classify on the emulated core, which refuses below a margin of {MARGIN}"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return write_emitted_engine(tmp_path_factory.mktemp("refusing"), MODEL, reject_margin=MARGIN)


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return open_classifier(read_tflite(MODEL, "model.tflite"))


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (40, 784)).astype(np.uint8)


def run(engine: Engine, classifier: Classifier, images: np.ndarray) -> Simulation:
    return simulate(engine, classifier, images, M4, toolchain_or_skip("zig", M4))


def changed(engine: Engine, folder: Path, name: str, old: str, new: str) -> Engine:
    """The engine with one text of one file changed."""
    shutil.copytree(engine.folder.parent, folder)
    file = folder / "engine" / name
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    return find_engine(folder)


def test_every_decision_of_the_core_is_held_against_python(
    engine: Engine, classifier: Classifier, images: np.ndarray
) -> None:
    result = run(engine, classifier, images)

    scores = oracle_outputs(classifier, images, "litert")
    assert 0 < decisions(scores, np.zeros(40, int), MARGIN).refused < 40, "some are refused and some are not"
    (check,) = [other for other in result.others if other.what == CHECK]
    assert (check.images, check.bytes, check.differing) == (48, 96, 0)
    assert check.against == "class, refusal and margin by the oracle's scores"
    assert check_simulation(result, Limits()) == ()


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("edgedigits_model.c", "distance < EDGEDIGITS", "distance <= EDGEDIGITS"),
        ("edgedigits_model.h", f"REJECT_MARGIN {MARGIN} ", f"REJECT_MARGIN {MARGIN + 1} "),
        ("edgedigits_model.json", f'"reject_margin": {MARGIN}', f'"reject_margin": {MARGIN + 1}'),
    ],
    ids=["one step too many", "another margin in the header", "another margin in the facts"],
)
def test_a_decision_that_is_wrong_is_found(
    name: str, old: str, new: str, engine: Engine, classifier: Classifier, tmp_path: Path
) -> None:
    """An image whose lead is the margin itself tells all three."""
    many = np.random.default_rng(1).integers(0, 256, (2000, 784)).astype(np.uint8)
    scores = oracle_outputs(classifier, many, "litert")
    edge = many[decide(scores, MARGIN) != decide(scores, MARGIN + 1)][:5]
    assert len(edge) > 0
    wrong = changed(engine, tmp_path / "it", name, old, new)

    try:
        failures = check_simulation(run(wrong, classifier, edge), Limits())
    except CheckFailedError as error:  # This machine has the same C and the margin of its header.
        assert name == "edgedigits_model.c" and "its classify gives another class" in error.message
    else:
        assert any("of the classify on the emulated core" in one for one in failures)


def test_a_board_that_refuses_is_believed_only_where_it_should(
    engine: Engine, classifier: Classifier, images: np.ndarray
) -> None:
    scores = oracle_outputs(classifier, images, "litert")
    should, labels = decide(scores, MARGIN), scores.argmax(axis=1)
    told = {number: {"class": str(given)} for number, given in enumerate(should)}

    report = examine(engine, classifier, images, labels, Board(engine, MODEL, told))

    assert (report.accuracy, report.refused, report.misclassified) == (1.0, int(np.sum(should == 10)), 0)
    assert check_report(report) == ()
    report = examine(engine, classifier, images, labels, Board(engine, MODEL))
    assert report.misclassified == np.sum(should == 10)
    assert "got a class on the device that its own outputs do not give" in check_report(report)[0]


def examine(engine: Engine, classifier: Classifier, images: np.ndarray, labels: np.ndarray, board: Board):
    return examine_device(Device(board, timeout_s=0.05), engine, classifier, images, labels, "litert")


@pytest.mark.parametrize("margin", [0, 256, -1, 1.5, "9", True])
def test_facts_with_another_margin_than_can_be_are_refused(margin: object, engine: Engine, tmp_path: Path) -> None:
    shutil.copytree(engine.folder.parent, tmp_path / "it")
    file = tmp_path / "it" / "engine" / "edgedigits_model.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "reject_margin": margin}))
    with pytest.raises(DataError, match="reject_margin is .*, expected .*. Build or compile"):
        find_engine(tmp_path / "it")
