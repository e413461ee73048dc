"""The process of one trial: `python -m edgedigits.study.child FOLDER`, with the task as a line of JSON on stdin.

TensorFlow leaks memory and state, so no process trains twice. FOLDER is the task's own: each answer is a line of JSON
in its file `ANSWERS`. The process removes FOLDER and ends itself when stdin is closed: whoever started it has died.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgedigits.data.contents import Contents
from edgedigits.errors import EdgedigitsError
from edgedigits.study.data_source import DataNeed, DigitsNotHereError, find_digits

ANSWERS = "answers.jsonl"
EXIT_NO_DIGITS = 75


def run_task(task: dict[str, Any], contents: Contents) -> Iterator[dict[str, Any]]:
    """Run a task and yield an answer for each trial as it is finished: {"key", "seconds"} and "result" or "error".

    Args:
        task: "kind", and "trials": a list of {"key", "spec"}.
        contents: the digits.
    """
    if task["kind"] == "table":
        from edgedigits.study.table_task import run_table

        yield from run_table(task["trials"], contents)
        return
    for trial in task["trials"]:
        start = time.perf_counter()
        if task["kind"] == "published":
            from edgedigits.study.table_published import run_published

            result = run_published(trial["spec"], contents)
        else:
            from edgedigits.study.build_trial import run_build

            keep = trial["spec"].get("keep")
            result = run_build(trial["spec"], contents, Path(keep) / trial["key"] if keep else None)
        yield {"key": trial["key"], "result": result, "seconds": time.perf_counter() - start}


def _end_with_parent(folder: Path) -> None:
    sys.stdin.read()
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


def main() -> int:
    """Run the task on stdin; return the exit code."""
    folder = Path(sys.argv[1])
    task = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, args=(folder,), daemon=True).start()
    try:
        contents = find_digits(DataNeed(**task["data"]))
    except DigitsNotHereError as error:
        print(error, file=sys.stderr)
        return EXIT_NO_DIGITS
    with (folder / ANSWERS).open("a", encoding="utf-8") as answers:
        try:
            for answer in run_task(task, contents):
                answers.write(json.dumps(answer, allow_nan=False) + "\n")
                answers.flush()
        except EdgedigitsError as error:
            answers.write(json.dumps({"error": str(error)}) + "\n")
            return error.exit_code
    return 0


if __name__ == "__main__":
    # The thread that reads stdin cannot be joined.
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
