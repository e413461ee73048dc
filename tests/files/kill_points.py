"""Ends a piece of work at each of its steps in turn: a program that forks, and ends each child at another system call.

    python kill_points.py FOLDER HOW EXCHANGE

FOLDER holds an old build "it". Every child begins to replace it by a new one. HOW ends the Nth child before its Nth call of
the system: "kill" by SIGKILL, "interrupt" by KeyboardInterrupt, "full" by ENOSPC. EXCHANGE is "atomic", or "steps" for a
system that cannot exchange folders at once. Printed is a line of JSON for each child: what was under the name then, what it
was after a later run had begun, and what else was in FOLDER.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import sys
from pathlib import Path

from edgedigits.artifacts import mend, new_folder
from edgedigits.build_folder import Manifest, write_manifest
from edgedigits.errors import DataError
from edgedigits.files import exchange
from edgedigits.files.writing import write_text

# Those that change something, or are near to what does.
CALLS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.scandir", "fcntl.flock", "shutil.rmtree"}
INTERRUPTED, FULL, FINISHED, UNIMPRESSED = 130, 3, 0, 1


def write_build(folder: Path, word: str, *, force: bool = False) -> None:
    """Write a small build whose files all hold `word`."""
    with new_folder(folder, force=force) as partial:
        (partial / "engine").mkdir()
        for name in ("model.tflite", "engine/model.c"):
            write_text(partial / name, word)
        write_manifest(partial, Manifest(config={"word": word}))


seen = 0


def end_at(number: int, how: str) -> None:
    """Make this process end before its call `number`, counted from 0."""

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        global seen
        # Python's own modules, loaded late, are no part of the work.
        if event not in CALLS or (event == "open" and str(arguments[0]).endswith((".py", ".pyc"))):
            return
        seen += 1
        if seen != number + 1:
            return
        if how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        raise KeyboardInterrupt if how == "interrupt" else OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    sys.addaudithook(watch)


def child(folder: Path, number: int, how: str) -> int:
    """Replace the old build, and be ended at call `number`; the exit code of a child that was not killed."""
    end_at(number, how)
    try:
        write_build(folder / "it", "new", force=True)
    except KeyboardInterrupt:
        return INTERRUPTED
    except DataError:
        return FULL
    return FINISHED if seen <= number else UNIMPRESSED


def word_of(build: Path) -> str:
    """Return the word that all files of a build hold; "none" without a folder, "mixed" where it is not whole."""
    if not build.exists():
        return "none"
    names = sorted(path.relative_to(build).as_posix() for path in build.rglob("*") if path.is_file())
    if names != ["engine/model.c", "manifest.json", "model.tflite"]:
        return "mixed"
    words = {(build / "engine/model.c").read_text(), (build / "model.tflite").read_text()}
    words.add(json.loads((build / "manifest.json").read_text())["config"]["word"])
    return words.pop() if len(words) == 1 else "mixed"


def main(place: Path, how: str, way: str) -> None:
    """End children at one call after another until one gets to its end."""
    if way == "steps":
        exchange.swap = lambda *_: False
    for number in range(500):
        folder = place / str(number)
        folder.mkdir()
        write_build(folder / "it", "old")
        if (pid := os.fork()) == 0:
            os._exit(child(folder, number, how))
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        at_once = word_of(folder / "it")
        mend(folder / "it")
        others = sorted(path.name for path in folder.iterdir() if path.name != "it")
        print(json.dumps({"code": code, "at once": at_once, "later": word_of(folder / "it"), "others": others}))
        shutil.rmtree(folder)
        if code == FINISHED:
            return
    raise SystemExit("it never ended")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
