"""0 differing bytes of 100,000: emitted engines against LiteRT and TensorFlow Lite Micro, on every core.

The images are the embedded 5,000 digits and their negatives: all of them on each core and with each toolchain, but most
models see a fourth of them there unless the tests are to be thorough. A short version runs always.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from edgedigits.data.digits import Splits
from edgedigits.devices.cores import find_core
from edgedigits.devices.simulate import simulate
from edgedigits.devices.stub import Engine
from edgedigits.model.fixed_point import Rounding
from edgedigits.model.reader import read_tflite
from edgedigits.scoring.interpreter import Classifier, open_classifier
from tests.cases import THOROUGH
from tests.devices.conftest import QEMU_CORES, UNICORN_CORES, toolchain_or_skip
from tests.devices.emitted_engine import write_emitted_engine
from tests.tflite_builder import random_mlp

pytest.importorskip("unicorn")

MODELS = {
    "dense": {"sizes": (784, 32, 16, 10)},
    "dense per channel": {"sizes": (784, 24, 10), "per_channel": True},
    "sparse": {"sizes": (784, 64, 32, 10), "density": 0.1},
    "sparse per channel, softmax": {"sizes": (784, 40, 10), "density": 0.15, "per_channel": True, "softmax": True},
}
Made = tuple[Engine, Classifier]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Made]:
    """Engine and interpreter by model and rounding."""
    known = {}
    for number, (name, options) in enumerate(MODELS.items()):
        model = random_mlp(60 + number, **options)
        classifier = open_classifier(read_tflite(model, f"{name}.tflite"))
        for rounding in Rounding:
            engine = write_emitted_engine(tmp_path_factory.mktemp("engine"), model, rounding=rounding)
            known[name, str(rounding)] = engine, classifier
    return known


@pytest.fixture(scope="module")
def images(splits_5k: Splits) -> np.ndarray:
    """uint8 (10000, 784)."""
    digits = np.concatenate([split.images for split in (splits_5k.train, splits_5k.validation, splits_5k.test)])
    return np.concatenate([digits, 255 - digits])


def check(made: Made, images: np.ndarray, core: str, toolchain: str, emulator: str, *, step: int = 1) -> None:
    target = find_core(core)
    images = images[:: step if target.has_multiplier else 20]  # products by addition take their time
    run = simulate(*made, images, target, toolchain_or_skip(toolchain, target), emulator=emulator)

    assert (run.differing, run.bytes) == (0, 10 * len(images))
    assert [other.differing for other in run.others] == [0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("model", "rounding"),
    [
        pytest.param(model, rounding, marks=[] if number % 3 == 0 else pytest.mark.slow)
        for number, (model, rounding) in enumerate(itertools.product(MODELS, Rounding))
    ],
)
def test_a_few_images_on_one_core(
    made: dict[tuple[str, str], Made], images: np.ndarray, model: str, rounding: str
) -> None:
    if rounding == "tflm":
        pytest.importorskip("tflite_micro")
    check(made[model, rounding], images[::100], "cortex-m4", "zig", "unicorn")


# Each core has every model and both roundings, each model has both on half of the cores.
ON_CORES = [
    (core, model, list(Rounding)[(row + column) % 2])
    for row, core in enumerate(UNICORN_CORES)
    for column, model in enumerate(MODELS)
]


@pytest.mark.slow(seconds=8)
@pytest.mark.parametrize(("core", "model", "rounding"), ON_CORES)
def test_unicorn(made: dict[tuple[str, str], Made], images: np.ndarray, core: str, model: str, rounding: str) -> None:
    whole = THOROUGH or UNICORN_CORES.index(core) % len(MODELS) == list(MODELS).index(model)
    check(made[model, rounding], images, core, "zig", "unicorn", step=1 if whole else 4)


@pytest.mark.slow
@pytest.mark.parametrize("toolchain", ["zig", "gcc"])
@pytest.mark.parametrize("model", ["dense per channel", "sparse"])
@pytest.mark.parametrize("core", QEMU_CORES)
def test_qemu(
    qemu: None, made: dict[tuple[str, str], Made], images: np.ndarray, core: str, model: str, toolchain: str
) -> None:
    check(made[model, "litert"], images, core, toolchain, "qemu")
