"""What only POSIX has is named in one module; with all of it hidden, as on Windows, the same work gets done."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

import edgedigits
from edgedigits import posix
from edgedigits.files import claims, exchange
from edgedigits.files.scratch import partial_folder

PACKAGE = Path(edgedigits.__file__).parent
SOURCES = sorted(path for path in PACKAGE.rglob("*.py") if "firmware_stub" not in path.parts)

HIDDEN = {
    "os": [
        "fork",
        "forkpty",
        "getuid",
        "geteuid",
        "getgid",
        "getpgid",
        "getppid",
        "killpg",
        "setsid",
        "sched_getaffinity",
        "sched_setaffinity",
        "mkfifo",
        "sysconf",
        "statvfs",
        "uname",
        "wait",
        "waitpid",
        "chown",
        "fchmod",
        "nice",
        "pread",
        "pwrite",
        "set_blocking",
        "umask",
        "O_NOFOLLOW",
        "O_NONBLOCK",
        "O_CLOEXEC",
        "O_DIRECTORY",
    ],
    "signal": [
        "SIGKILL",
        "SIGHUP",
        "SIGALRM",
        "SIGUSR1",
        "SIGUSR2",
        "SIGPIPE",
        "SIGCHLD",
        "alarm",
        "setitimer",
        "pthread_sigmask",
        "pthread_kill",
        "sigwait",
    ],
}
MODULES = ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "posix")
PRELUDE = f"""
import multiprocessing, os, signal, subprocess, sys
kept = [(module, name, getattr(module, name)) for module, names in ((os, {HIDDEN["os"]}), (signal, {HIDDEN["signal"]}))
        for name in names if hasattr(module, name)]
for module, name, _ in kept:
    delattr(module, name)
before, sys.modules["fcntl"] = sys.modules.get("fcntl"), None
import edgedigits.posix
assert not edgedigits.posix.HAS_LOCKS
del sys.modules["fcntl"]
if before is not None:
    sys.modules["fcntl"] = before
for module, name, value in kept:
    setattr(module, name, value)
"""


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module as it is on a system that has none of it."""
    with monkeypatch.context() as hidden:
        for module, names in ((os, HIDDEN["os"]), (signal, HIDDEN["signal"])):
            for name in names:
                hidden.delattr(module, name, raising=False)
        hidden.setitem(sys.modules, "fcntl", None)
        spec = importlib.util.spec_from_file_location("posix_elsewhere", posix.__file__)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    yield module


# Attributes and keywords that only POSIX has, wherever else they are written.
KEYWORDS = {"preexec_fn", "pass_fds", "process_group", "umask"}


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def named_in(path: Path) -> set[str]:
    """Return what a file names of what only POSIX has."""
    found = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found |= {f"{node.value.id}.{node.attr}"} if node.attr in HIDDEN.get(node.value.id, ()) else set()
        elif isinstance(node, ast.Import):
            found |= {name.name for name in node.names if name.name in MODULES}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module} if node.module in MODULES and not node.level else set()
        elif isinstance(node, ast.keyword) and node.arg in KEYWORDS:
            value = node.value.func if isinstance(node.value, ast.Call) else node.value
            found |= {node.arg} if not (isinstance(value, ast.Name) and hasattr(posix, value.id)) else set()
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("/proc/"):
            found.add(node.value)
    return found


def test_no_other_file_names_what_only_posix_has() -> None:
    named = {path.relative_to(PACKAGE).as_posix(): names for path in SOURCES if (names := named_in(path))}

    assert set(named) == {"posix.py"}
    assert {"fcntl", "signal.SIGKILL", "os.getpgid", "/proc/self/mountinfo"} <= named["posix.py"]


def opens_text(call: ast.Call) -> str:
    """Return the name of a call that opens, reads or writes text; empty for others."""
    method = isinstance(call.func, ast.Attribute)
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    owner = getattr(call.func.value, "id", "") if isinstance(call.func, ast.Attribute) else ""
    modes = [one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    if name == "Popen":
        return name if any(keyword.arg in ("text", "universal_newlines") for keyword in call.keywords) else ""
    if name == "open":
        return (
            ""
            if owner in ("os", "Image", "gzip", "archive", "webbrowser") or any("b" in mode for mode in modes)
            else name
        )
    return name if method and name in ("read_text", "write_text") else ""


def test_text_is_read_and_written_in_utf_8_wherever_this_runs() -> None:
    """The code page of Windows is another, and its line ends are."""
    wrong = []
    for path in SOURCES:
        for call in ast.walk(parsed(path)):
            if isinstance(call, ast.Call) and (name := opens_text(call)):
                needed = {"encoding", "newline"} if name == "write_text" else {"encoding"}
                if needed - {keyword.arg for keyword in call.keywords}:
                    wrong.append(f"{path.relative_to(PACKAGE)}:{call.lineno} {name}")

    assert wrong == []


def test_locks(tmp_path: Path, elsewhere: ModuleType) -> None:
    (tmp_path / "lock").touch()
    first, second = posix.open_plain(tmp_path / "lock"), posix.open_plain(tmp_path / "lock")

    assert posix.lock(first, wait=True) and posix.lock(second, wait=False) is False
    assert elsewhere.lock(second, wait=False) is None and elsewhere.lock(second, wait=True) is None
    os.close(second)
    posix.close_and_remove(first, tmp_path / "lock")
    (tmp_path / "lock").touch()
    third = elsewhere.open_plain(tmp_path / "lock")
    elsewhere.close_and_remove(third, tmp_path / "lock")
    assert not list(tmp_path.iterdir())
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(third)


def test_two_folders_change_names_in_one_step_or_not_at_all(tmp_path: Path, elsewhere: ModuleType) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    before = one.stat().st_ino

    assert not elsewhere.swap(one, other) and one.stat().st_ino == before
    if sys.platform == "linux":
        assert posix.swap(one, other) and other.stat().st_ino == before
        with pytest.raises(FileNotFoundError):
            posix.swap(one, tmp_path / "third")


def test_folders_are_exchanged_and_claimed_elsewhere_too(
    tmp_path: Path, elsewhere: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "swap", elsewhere.swap)
    for name in ("HAS_LOCKS", "close_and_remove", "is_own", "lock", "open_plain"):
        monkeypatch.setattr(claims, name, getattr(elsewhere, name))
    for name in ("new", "old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "word").write_text(name)

    exchange.exchange(tmp_path / "new", tmp_path / "old")
    assert (tmp_path / "old" / "word").read_text() == "new"

    (tmp_path / "out").mkdir()
    with partial_folder(tmp_path / "out", "a") as folder:
        (folder / "file").touch()
        assert not list(claims.abandoned(tmp_path / "out", "*"))
    assert not list((tmp_path / "out").iterdir())


def test_users_and_owners(tmp_path: Path, elsewhere: ModuleType) -> None:
    assert elsewhere.user_name() == "user" and posix.user_name() == str(os.getuid())
    assert elsewhere.is_own(Path("/").stat()) and posix.is_own(tmp_path.stat())


def test_cores(elsewhere: ModuleType) -> None:
    assert elsewhere.usable_cores() == tuple(range(os.cpu_count() or 1))
    assert elsewhere.pinned((0,)) is None and posix.pinned(()) is None
    assert 1 <= len(posix.usable_cores()) <= (os.cpu_count() or 1)


def test_mounts_are_told_by_linux_alone(elsewhere: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "mounts").write_text("1 2 0:1 / /a\\040b rw - x y z\n")
    monkeypatch.setattr(elsewhere, "_MOUNTS", tmp_path / "mounts")
    assert elsewhere.mounted() == {"/a b"}
    monkeypatch.setattr(elsewhere, "_MOUNTS", tmp_path / "none")
    assert elsewhere.mounted() == set()


def test_a_program_ends_also_without_groups(elsewhere: ModuleType) -> None:
    program = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])

    elsewhere.kill_group(program)

    assert program.wait(20) != 0 and not elsewhere.HAS_GROUPS


def test_how_a_process_ended() -> None:
    assert (posix.signal_of(-11), posix.signal_of(-9), posix.signal_of(-64)) == ("SIGSEGV", "SIGKILL", "SIGRTMAX")
    assert posix.signal_of(-99) == "signal 99" and posix.KILLED == -9


@pytest.mark.parametrize("system", ["posix", "elsewhere"])
def test_a_function_that_may_crash_is_tried_in_a_process_of_its_own(system: str, elsewhere: ModuleType) -> None:
    survives = (posix if system == "posix" else elsewhere).survives

    assert survives(len, "word", timeout_s=60)
    assert not survives(signal.raise_signal, signal.SIGKILL, timeout_s=60)
    assert not survives(time.sleep, 60, timeout_s=1)


def test_interrupts_are_held_back_where_they_can_be(elsewhere: ModuleType) -> None:
    with elsewhere.interrupts_held_back():
        assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    with posix.interrupts_held_back():
        assert signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    assert elsewhere.HANG_UP is None and elsewhere.KILLED is None


@pytest.fixture
def run_elsewhere(tmp_path: Path):
    """Runs a verb where the package, in every process, finds nothing that only POSIX has."""
    (tmp_path / "prelude").mkdir()
    (tmp_path / "prelude" / "sitecustomize.py").write_text(PRELUDE)
    path = os.pathsep.join([str(tmp_path / "prelude"), str(PACKAGE.parent)])

    def run(*arguments: str) -> dict:
        done = subprocess.run(
            [sys.executable, "-m", "edgedigits", *arguments, "--json"],
            cwd=tmp_path,
            # Processes with locks would sweep up what is here without.
            env={**os.environ, "PYTHONPATH": path, "TMPDIR": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.mark.slow
def test_a_build_is_evaluated_and_simulated_elsewhere(run_elsewhere) -> None:
    pytest.importorskip("ziglang")
    reference = str(PACKAGE.parent / "deploy" / "reference")
    digits = ("--data", "mnist-5k", "--split", "all")

    assert run_elsewhere("evaluate", reference, *digits, "--no-latency")["status"] == "ok"
    assert run_elsewhere("simulate", reference, *digits, "--images", "20")["status"] == "ok"


@pytest.mark.slow
def test_a_study_builds_elsewhere(run_elsewhere, tmp_path: Path) -> None:
    grid = '[base]\ndata = { source = "mnist-5k" }\nmodel = { hidden = [8] }\ntraining = { epochs = 1 }\n[axes]\nseed = [1, 2]'
    (tmp_path / "grid.toml").write_text(grid)

    facts = run_elsewhere("study", "run", "grid.toml", "--out", "out", "--jobs", "2", "--keep-builds")

    assert (facts["done"], facts["failed"]) == (2, 0)
    assert run_elsewhere("study", "report", "out")["status"] == "ok"
