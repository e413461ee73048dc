"""Ctrl-C and SIGTERM in the verbs that run other programs: exit 130, no program left, no folder left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from edgedigits.devices.toolchain import zig_cache
from tests.devices.emitted_engine import write_emitted_engine
from tests.devices.tiny_engine import write_engine
from tests.tflite_builder import random_mlp

HANG = "\n    for (volatile int i = 0; ; i = i ^ 1) { }\n"
# In the place of pyOCD: starts a program, as pyOCD does for some probes, and never ends.
PYOCD = "import subprocess, sys\nsubprocess.run(['sleep', '60'])\n"


@pytest.fixture(scope="module")
def hanging(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build whose engine never returns."""
    folder = tmp_path_factory.mktemp("hanging")
    engine = write_emitted_engine(folder, random_mlp(5, sizes=(20, 4)), encodings=["rows"])
    source = engine.sources[0]
    start = "_invoke(const int8_t *input, int8_t *output, void *workspace)\n{"
    assert start in source.read_text()
    source.write_text(source.read_text().replace(start, start + HANG, 1))
    return folder


def processes_with(mark: str) -> dict[int, str]:
    """Return number → command of every process that inherited a variable of this value."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes():
                found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
    return found


def interrupt(arguments: list[str], folder: Path, number: int, ready: Callable[[dict[int, str]], bool]) -> None:
    """Start a verb, send it a signal when `ready` sees the processes it waits for, and check what it leaves."""
    (folder / "tmp").mkdir()
    mark = f"EDGEDIGITS_TEST={folder}"
    # The cache of zig is meant to stay.
    added = {"TMPDIR": str(folder / "tmp"), "EDGEDIGITS_TEST": str(folder), "ZIG_GLOBAL_CACHE_DIR": str(zig_cache())}
    path = f"{folder}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    with subprocess.Popen(
        [sys.executable, "-m", "edgedigits", *arguments],
        env={**os.environ, **added, "PYTHONPATH": path},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            end = time.monotonic() + 60
            while not ready(processes_with(mark)):
                assert process.poll() is None, process.stderr and process.stderr.read()
                assert time.monotonic() < end
                time.sleep(0.05)
            process.send_signal(number)
            _, said = process.communicate(timeout=50)
        finally:
            process.kill()
            if process.returncode is None:
                # What it leaves would go on for as long as the machine does.
                for left in processes_with(mark):
                    with suppress(ProcessLookupError):
                        os.kill(left, signal.SIGKILL)
    assert process.returncode == 130 and "interrupted" in said and "Traceback" not in said
    time.sleep(0.2)
    assert processes_with(mark) == {}
    assert list((folder / "tmp").iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_simulate_in_qemu(qemu: None, hanging: Path, tmp_path: Path, number: int) -> None:
    """QEMU, the engine on this machine and the interpreter all run then."""
    arguments = ["simulate", str(hanging), "--core", "cortex-m55", "--images", "5"]

    interrupt(arguments, tmp_path, number, lambda found: any("-icount" in command for command in found.values()))


@pytest.mark.slow
def test_simulate_in_unicorn(hanging: Path, tmp_path: Path) -> None:
    arguments = ["simulate", str(hanging), "--core", "cortex-m4", "--images", "5"]

    interrupt(
        arguments, tmp_path, signal.SIGINT, lambda found: any("host.exe" in command for command in found.values())
    )


@pytest.mark.slow
def test_device_in_qemu(qemu: None, tmp_path: Path, hanging: Path) -> None:
    arguments = ["device", str(hanging), "--port", "qemu:mps2-an386"]

    interrupt(arguments, tmp_path, signal.SIGINT, lambda found: any("-serial" in command for command in found.values()))


def test_flash(tmp_path: Path) -> None:
    write_engine(tmp_path / "engine", inputs=12, outputs=3)
    (tmp_path / "pyocd").mkdir()
    (tmp_path / "pyocd" / "__init__.py").touch()
    (tmp_path / "pyocd" / "__main__.py").write_text(PYOCD)
    arguments = ["flash", str(tmp_path), "--board", "nrf52840dk"]

    interrupt(arguments, tmp_path, signal.SIGINT, lambda found: any("sleep" in command for command in found.values()))
