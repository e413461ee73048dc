"""The process of one trial: `python -m edgedigits.study.run.child FOLDER`, with the task as a line of JSON on stdin.

TensorFlow leaks memory and state, so no process trains twice. FOLDER is the task's own, as `launch` makes it: each
answer is a line of JSON in its file `ANSWERS`. The process removes FOLDER and ends itself when stdin is closed: whoever
started it has died. It does not run with a folder that is not a task's.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgedigits.data.contents import Contents
from edgedigits.errors import EXIT_USAGE, EdgedigitsError
from edgedigits.files.scratch import PREFIX, is_full
from edgedigits.study.kinds import Answer, kinds
from edgedigits.study.run.data_source import DataNeed, DigitsNotHereError, find_digits

ANSWERS = "answers.jsonl"
TASK = "task"
TASK_PREFIX = f"{PREFIX}{TASK}-"
"""How the name of a task's own folder begins."""
EXIT_NO_DIGITS = 75
EXIT_NO_ROOM = 76
"""The disk is full: there may be no place to say so either."""


def run_task(task: dict[str, Any], contents: Contents) -> Iterator[Answer]:
    """Run a task and yield an answer for each trial as it is finished.

    Its seconds are those since the last answer: over all trials they add up to the time of the process.

    Args:
        task: "kind", and "trials": a list of {"key", "spec"}.
        contents: the digits.
    """
    before = time.perf_counter()
    for answer in kinds()[task["kind"]].run(task["kind"], task["trials"], contents):
        now = time.perf_counter()
        yield {**answer, "seconds": now - before}
        before = now


def answer_line(answer: dict[str, Any]) -> str:
    """Return an answer as a line of JSON; one whose figures JSON cannot hold becomes an error of that trial alone."""
    try:
        return json.dumps(answer, allow_nan=False) + "\n"
    except (TypeError, ValueError) as reason:
        names = [name for name, value in answer.get("result", {}).items() if not _is_finite(value)]
        error = f"Its figures are no finite numbers: {', '.join(names)}." if names else f"Its figures: {reason}."
        return json.dumps({"key": answer["key"], "error": error, "seconds": answer["seconds"]}) + "\n"


def _is_finite(value: Any) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return all(_is_finite(one) for one in value)
    return not isinstance(value, float) or math.isfinite(value)


def is_task_folder(folder: Path) -> bool:
    """Tell whether a folder is a task's own, which may be removed: by its name and the file for the answers in it."""
    return folder.name.startswith(TASK_PREFIX) and (folder / ANSWERS).is_file()


def _end_with_parent(folder: Path) -> None:
    sys.stdin.read()
    if is_task_folder(folder):
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


def main(arguments: list[str]) -> int:
    """Run the task on stdin; return the exit code.

    Args:
        arguments: of the command line: the task's folder.
    """
    if len(arguments) != 1 or not is_task_folder(folder := Path(arguments[0])):
        print("A study starts this with a folder of its own; it is not for use by hand.", file=sys.stderr)
        return EXIT_USAGE
    task = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, args=(folder,), daemon=True).start()
    try:
        return _answer(task, folder / ANSWERS)
    except OSError as error:
        if is_full(error):
            return EXIT_NO_ROOM
        raise


def _answer(task: dict[str, Any], path: Path) -> int:
    with path.open("a", encoding="utf-8") as answers:
        try:
            for answer in run_task(task, find_digits(DataNeed(**task["data"]))):
                answers.write(answer_line(answer))
                answers.flush()
        except DigitsNotHereError as error:
            print(error, file=sys.stderr)
            return EXIT_NO_DIGITS
        except EdgedigitsError as error:
            answers.write(json.dumps({"error": str(error)}) + "\n")
            return error.exit_code
    return 0


if __name__ == "__main__":
    # The thread that reads stdin cannot be joined.
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
