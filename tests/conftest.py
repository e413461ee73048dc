"""What every test may use: a few hundred of the embedded 5,000 digits, and QEMU where it is at hand."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Before NumPy is imported: products of small matrices take ten times as long where two threads wait for a busy core.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Tests are of what is shipped.
os.environ.pop("EDGEDIGITS_EXTENSIONS", None)

import numpy as np
import pytest
from hypothesis import settings

from edgedigits.data.digits import Digits, Splits
from edgedigits.data.load import load_splits
from edgedigits.data.named import read_mnist_5k
from tests.kinds import dearest_first, may_load_tensorflow

# Where the tests run in the background of a shell, interrupts are ignored, and so they would be by the programs under test.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# In CI the same examples every time, and no example fails because the machine was busy.
settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
if os.environ.get("CI"):
    settings.load_profile("ci")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Not even import a file of tests that may load TensorFlow, where such tests are not wanted."""
    unwanted = "not tensorflow" in config.option.markexpr and collection_path.suffix == ".py"
    return True if unwanted and may_load_tensorflow(collection_path) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what may load TensorFlow, and what starts a board in QEMU; what takes longest comes first."""
    for item in items:
        if may_load_tensorflow(item.path):
            item.add_marker("tensorflow")
        if "qemu" in getattr(item, "fixturenames", ()):
            item.add_marker("emulation")
    items[:] = dearest_first(items)


@pytest.fixture(scope="session")
def five_thousand() -> Digits:
    """mnist-5k: 500 real digits of each class, sorted by class."""
    digits = read_mnist_5k().train
    assert digits is not None
    return digits


@pytest.fixture(scope="session")
def mnist_folder() -> Path:
    """The full MNIST; a test that asks for it is skipped where EDGEDIGITS_DATA does not lead to it."""
    named = Path(os.environ.get("EDGEDIGITS_DATA", "nowhere"))
    for folder in (named, named / "mnist"):
        if (folder / "train-images-idx3-ubyte.gz").exists() or (folder / "train-images-idx3-ubyte").exists():
            return folder
    pytest.skip("needs the full MNIST: EDGEDIGITS_DATA is to name the folder that holds mnist/")


@pytest.fixture(scope="session")
def splits_5k() -> Splits:
    """mnist-5k as a build divides it."""
    return load_splits("mnist-5k", validation_fraction=0.1, test_fraction=0.15, seed=42)


@pytest.fixture(scope="session")
def few(splits_5k: Splits) -> Splits:
    """600 training, 200 validation and 200 test digits."""
    first = np.arange(200)
    return Splits(
        splits_5k.train.take(np.arange(600)),
        splits_5k.validation.take(first),
        splits_5k.test.take(first),
        "few",
    )


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A Chromium that is installed, driven by Playwright; skips where one of them is absent."""
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or pytest.skip("needs chromium")
    with playwright.sync_playwright() as browsers:
        yield browsers.chromium.launch(executable_path=chromium, args=["--no-sandbox"])


@pytest.fixture
def qemu() -> None:
    """Skip where QEMU is absent."""
    for program in ("qemu-system-arm", "qemu-system-riscv32"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
