"""What users install holds the firmware's sources, the board catalogue and the counter, and finds them there."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from edgedigits.devices.stub import firmware_stub

pytest.importorskip("hatchling")

CHECKOUT = Path(__file__).parents[2]
SHOW = """
import sys; sys.path.insert(0, sys.argv[1])
from edgedigits.devices.boards import load_boards
from edgedigits.devices.counting import NATIVE_SOURCE
from edgedigits.devices.stub import firmware_stub
print(firmware_stub()); print(len(load_boards())); print(NATIVE_SOURCE.is_file())
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist of this checkout."""
    if not (CHECKOUT / "pyproject.toml").is_file():
        pytest.skip("these tests do not run in a checkout")
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True, timeout=120)
    return folder


def firmware_files() -> set[str]:
    stub = firmware_stub()
    return {path.relative_to(stub).as_posix() for path in stub.rglob("*") if path.is_file()}


def test_a_wheel_finds_its_firmware_inside_itself(built: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        wheel.extractall(tmp_path)

    command = [sys.executable, "-I", "-c", SHOW, str(tmp_path)]
    stub, boards, counter = subprocess.run(
        command, cwd=tmp_path, check=True, capture_output=True, text=True, timeout=60
    ).stdout.splitlines()

    assert Path(stub) == tmp_path / "edgedigits" / "firmware_stub"
    assert int(boards) >= 12 and counter == "True"
    here = {path.relative_to(stub).as_posix() for path in Path(stub).rglob("*") if path.is_file()}
    assert here == firmware_files()


def test_the_source_distribution_holds_the_firmware_too(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}

    assert {f"firmware_stub/{name}" for name in firmware_files()} <= names
