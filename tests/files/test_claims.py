"""Temporary folders: what a running process works on stays, what a killed one left goes."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from edgedigits import api
from edgedigits.data.writing import replacing
from edgedigits.errors import DataError
from edgedigits.files.claims import LOCK_SUFFIX, abandoned, claim
from edgedigits.files.scratch import check_scratch, own_temporary_files, partial_folder, scratch

ROOT = Path(__file__).parents[2]
HOLD = """
import sys
from pathlib import Path
from edgedigits.files.scratch import partial_folder, scratch
with scratch("test") as one, partial_folder(Path(sys.argv[1]), "digits.csv") as other:
    (one / "file").write_text("x")
    (other / "file").write_text("x")
    print(one.name, other.name, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def temporary(tmp_path, monkeypatch) -> Path:
    """The system's place for temporary files, empty."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    return tmp_path / "tmp"


def test_what_a_killed_process_left_goes_and_what_a_running_one_has_stays(temporary, tmp_path):
    (tmp_path / "out").mkdir()

    def names() -> set[str]:
        places = (temporary, tmp_path / "out")
        return {path.name for place in places for path in place.iterdir() if not path.name.endswith(LOCK_SUFFIX)}

    def look() -> None:
        with scratch("other"), partial_folder(tmp_path / "out", "other"):
            pass

    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)}
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "out")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdout is not None
    held = set(process.stdout.readline().split())
    look()
    assert names() == held
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert names() == held
    look()
    assert not list(temporary.iterdir()) and not list((tmp_path / "out").iterdir())


def test_a_lock_goes_with_its_folder(tmp_path):
    with claim(tmp_path, "a-") as made:
        assert made.is_own
        assert not list(abandoned(tmp_path, "a-*")), "its owner runs"
        made.path.rmdir()
    assert not list(tmp_path.iterdir())


def test_a_folder_that_was_left_is_still_known_as_the_one_that_was_made(tmp_path):
    with claim(tmp_path, "a-", target="it") as made:
        (made.path / "file").touch()
    [left] = abandoned(tmp_path, "a-*")
    assert left == made and left.is_own
    made.path.rename(tmp_path / "moved")
    (tmp_path / "other").mkdir()
    (tmp_path / "other").rename(made.path)
    assert not left.is_own


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"inode": "x", "target": 1}', b"[" * 9000, b"\xff"])
def test_a_lock_that_was_never_finished_says_nothing(tmp_path, content):
    (tmp_path / f"a-1{LOCK_SUFFIX}").write_bytes(content)
    [left] = abandoned(tmp_path, "a-*")
    assert (left.inode, left.target, left.is_own) == (None, "", False)
    assert not list(tmp_path.iterdir()), "there is no folder of its"


def test_neither_links_nor_pipes_are_taken_for_locks(tmp_path):
    (tmp_path / "a-1").mkdir()
    (tmp_path / "mine").write_text("x")
    (tmp_path / f"a-1{LOCK_SUFFIX}").symlink_to(tmp_path / "mine")
    os.mkfifo(tmp_path / f"a-2{LOCK_SUFFIX}")
    for left in abandoned(tmp_path, "a-*"):
        assert left.path.name == "a-2"
    assert (tmp_path / "a-1").is_dir() and (tmp_path / "mine").is_file()


def test_the_umask_is_heeded_and_temporary_files_are_the_users_alone(temporary):
    before = os.umask(0o027)
    try:
        with claim(temporary, "a-") as made, scratch("test") as own:
            assert made.path.stat().st_mode & 0o777 == 0o750
            assert own.stat().st_mode & 0o777 == 0o700
    finally:
        os.umask(before)


def test_a_long_name_still_leaves_room_for_what_is_added(tmp_path):
    for name in ("n" * 251 + ".csv", "数" * 83 + ".csv"):
        with replacing(tmp_path / name, force=False) as partial:
            partial.write_text("x")
        assert (tmp_path / name).read_text() == "x"


def test_a_full_place_for_temporary_files_is_told(temporary, monkeypatch):
    with pytest.raises(DataError, match="Temporary files cannot be written: No space left"), scratch("test"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert not list(temporary.iterdir())
    with pytest.raises(ConnectionError), scratch("test"):
        raise ConnectionResetError(errno.ECONNRESET, "of something else")
    check_scratch()
    assert not list(temporary.iterdir())
    monkeypatch.setattr(tempfile, "tempdir", str(temporary / "nowhere"))
    with pytest.raises(DataError, match="cannot be written: No such file or directory. Make room"), scratch("test"):
        pass


def write_for_good():
    with tempfile.NamedTemporaryFile(prefix="__autograph", delete=False) as file:
        return Path(file.name)


def test_temporary_files_of_libraries_go_with_the_work_they_were_for(temporary):
    with own_temporary_files("train"):
        made = write_for_good()
        with scratch("test") as inner:
            assert inner.parent == made.parent != temporary
    assert tempfile.gettempdir() == str(temporary) and list(temporary.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_those_of_a_killed_run_go_with_the_next(temporary):
    if (pid := os.fork()) == 0:
        with own_temporary_files("train"):
            write_for_good()
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
    (left,) = temporary.glob("edgedigits-train-*[!k]")
    assert len(list(left.iterdir())) == 1
    check_scratch()
    assert list(temporary.iterdir()) == []


def test_a_build_trains_with_temporary_files_of_its_own(temporary, tmp_path, monkeypatch):
    class ReachedError(Exception):
        pass

    def assemble(*_):
        raise ReachedError(write_for_good())

    monkeypatch.setitem(sys.modules, "edgedigits.assemble", SimpleNamespace(assemble=assemble))
    monkeypatch.setattr(api, "load_splits", lambda *_, **__: None)
    monkeypatch.setattr(api, "findings_on_splits", lambda *_: ())
    with pytest.raises(ReachedError) as reached:
        api.build({"output": {"out": str(tmp_path / "out")}})
    assert Path(str(reached.value)).parent.name.startswith("edgedigits-train-")
    assert list(temporary.iterdir()) == []


def test_a_full_disk_under_a_build_is_not_told_as_one_under_temporary_files(temporary, tmp_path, monkeypatch):
    def assemble(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setitem(sys.modules, "edgedigits.assemble", SimpleNamespace(assemble=assemble))
    monkeypatch.setattr(api, "load_splits", lambda *_, **__: None)
    monkeypatch.setattr(api, "findings_on_splits", lambda *_: ())
    with pytest.raises(DataError) as caught:
        api.build({"output": {"out": str(tmp_path / "out")}})
    assert str(caught.value).startswith(f"{tmp_path / 'out'} cannot be written: No space left on device.")
    assert "--out" in caught.value.hint and list(temporary.iterdir()) == [] and not (tmp_path / "out").exists()


@pytest.mark.parametrize("place", ["os.write", "os.lstat", "lock", "body"])
def test_an_interruption_before_there_is_anything_in_it_leaves_nothing(tmp_path, monkeypatch, place):
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    if place != "body":
        monkeypatch.setattr(f"edgedigits.files.claims.{place}", interrupted)
    with pytest.raises(KeyboardInterrupt), claim(tmp_path, "x"):
        monkeypatch.undo()
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
