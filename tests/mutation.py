"""Measures what the tests notice: changes the code in small ways, one at a time, and runs the nearest tests each time.

    python tests/mutation.py                         # 600 mutants over all groups, seed 1
    python tests/mutation.py --group model --sample 150 --seed 2
    python tests/mutation.py --sample 600 --results mutants.jsonl     # goes on where an earlier run was stopped

The mutants are Cosmic Ray's. `[tool.mutation]` in pyproject.toml says which tests are nearest to which modules. Every
worker mutates a copy of its own, never this tree. Survivors that are equal to the original are listed with the reason in
`EQUAL`, by module and changed line; they count as neither killed nor survived.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cosmic_ray.commands import init
from cosmic_ray.mutating import mutate_and_test
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import WorkItem

ROOT = Path(__file__).parents[1]
EQUAL = Path(__file__).with_name("mutation_equal.toml")
COPIED = ("edgedigits", "tests", "firmware_stub", "deploy", "pyproject.toml", "README.md")
PYTEST = "-q -x -n 0 -p no:cacheprovider --no-header --tb=no -W ignore"
FEWEST_SECONDS, TIMES_LONGER = 20.0, 3.0
"""A mutant is killed as endless after this many times the seconds that the tests take on the original."""


@dataclass(frozen=True)
class Group:
    """Modules, and the tests that are nearest to them."""

    name: str
    modules: tuple[str, ...]
    tests: str

    @property
    def command(self) -> str:
        """The command line of the tests."""
        return f"{sys.executable} -m pytest {PYTEST} {self.tests}"


def read_groups() -> list[Group]:
    """Return the groups of pyproject.toml with their globs resolved, paths relative to the root."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mutation"]
    return [
        Group(
            name,
            tuple(
                sorted(
                    path.relative_to(ROOT).as_posix()
                    for pattern in entry["modules"]
                    for path in ROOT.glob(pattern)
                    if path.stat().st_size
                )
            ),
            " ".join(entry["tests"]),
        )
        for name, entry in table.items()
    ]


def work_items(group: Group) -> list[WorkItem]:
    """Return all mutants of a group but those of annotations, which nothing evaluates, in a fixed order."""
    with tempfile.TemporaryDirectory() as place, use_db(f"{place}/work.sqlite", WorkDB.Mode.create) as database:
        init([Path(module) for module in group.modules], database, {})
        items = list(database.work_items)
    idle = {module: _idle_lines(ROOT / module) for module in group.modules}
    return sorted((item for item in items if not _is_idle(item, idle)), key=_identity)


def _identity(item: WorkItem) -> tuple[str, str, int]:
    mutation = item.mutations[0]
    return mutation.module_path.as_posix(), mutation.operator_name, mutation.occurrence


def _is_idle(item: WorkItem, idle: dict[str, list[tuple[tuple[int, int], tuple[int, int]]]]) -> bool:
    mutation = item.mutations[0]
    spans = idle[mutation.module_path.as_posix()]
    return any(start <= tuple(mutation.start_pos) and tuple(mutation.end_pos) <= end for start, end in spans)


def _idle_lines(path: Path) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return where annotations and imports for type checkers stand, as (line, column) from and to."""
    spans = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        found: list[Any] = [getattr(node, "annotation", None), getattr(node, "returns", None)]
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            found.append(node)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript | ast.BinOp):
            # An alias of types, such as `Floats = NDArray[np.float64]`.
            found += [node] if isinstance(node.targets[0], ast.Name) and node.targets[0].id.istitle() else []
        spans += [((n.lineno, n.col_offset), (n.end_lineno, n.end_col_offset)) for n in found if n is not None]
    return spans


def copy_tree(place: Path) -> None:
    """Copy what the tests need into `place`."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, place / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
        else:
            shutil.copy(source, place / name)


def _enter(places: str) -> None:
    """Give a worker process a copy of the tree to itself."""
    place = Path(tempfile.mkdtemp(dir=places))
    copy_tree(place)
    os.chdir(place)
    os.environ["PYTHONPATH"] = str(place)


def _try(item: WorkItem, command: str, timeout: float) -> dict[str, Any]:
    result = mutate_and_test(item.mutations, command, timeout)
    module, operator, occurrence = _identity(item)
    return {
        "module": module,
        "operator": operator,
        "occurrence": occurrence,
        "line": item.mutations[0].start_pos[0],
        "outcome": str(result.test_outcome.value if result.test_outcome else result.worker_outcome.value),
        "diff": result.diff or "",
    }


def baseline(group: Group) -> float:
    """Return the seconds that the tests of a group take, in a copy of the tree.

    Raises:
        SystemExit: they fail as it is.
    """
    with tempfile.TemporaryDirectory() as place:
        copy_tree(Path(place))
        start = time.monotonic()
        environment = {**os.environ, "PYTHONPATH": place, "PYTHONDONTWRITEBYTECODE": "1"}
        run = subprocess.run(
            group.command.split(), cwd=place, env=environment, capture_output=True, text=True, check=False
        )
        if run.returncode:
            raise SystemExit(f"{group.name}: its tests fail without any mutant:\n{run.stdout[-2000:]}")
        return time.monotonic() - start


def run_mutants(chosen: Iterable[tuple[Group, WorkItem]], jobs: int, results: Path) -> Iterator[dict[str, Any]]:
    """Run the mutants that `results` does not hold yet, and yield each one's outcome, the earlier ones first."""
    earlier = [json.loads(line) for line in results.read_text().splitlines()] if results.is_file() else []
    done = {(one["module"], one["operator"], one["occurrence"]): one for one in earlier}
    waiting = []
    for group, item in chosen:
        if _identity(item) in done:
            yield done[_identity(item)]
        else:
            waiting.append((group, item))
    limits = {group: max(FEWEST_SECONDS, TIMES_LONGER * baseline(group)) for group in {group for group, _ in waiting}}
    with (
        tempfile.TemporaryDirectory(prefix="edgedigits-mutants-") as places,
        ProcessPoolExecutor(jobs, initializer=_enter, initargs=(places,)) as pool,
        results.open("a", encoding="utf-8") as log,
    ):
        futures = [pool.submit(_try, item, group.command, limits[group]) for group, item in waiting]
        for future in as_completed(futures):
            outcome = future.result()
            log.write(json.dumps(outcome) + "\n")
            log.flush()
            yield outcome


def equal_reason(outcome: dict[str, Any], reasons: list[dict[str, str]]) -> str:
    """Return why a survivor is the same program, as `EQUAL` says; empty where it says nothing."""
    changed = [line[1:].strip() for line in outcome["diff"].splitlines() if line.startswith("+") and line[1:2] != "+"]
    return next((e["reason"] for e in reasons if e["module"] == outcome["module"] and e["line"].strip() in changed), "")


def main() -> int:
    """Run the command line; return 1 where fewer than the share asked for are killed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--group", action="append", default=[], help="only this group; may be given more than once")
    parser.add_argument("--sample", type=int, default=600, help="how many mutants, drawn over all groups chosen")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--results", type=Path, default=Path("mutants.jsonl"), help="outcomes, a line of JSON each")
    parser.add_argument("--at-least", type=float, default=85.0, metavar="PERCENT", help="share to be killed")
    args = parser.parse_args()
    os.chdir(ROOT)
    groups = [group for group in read_groups() if not args.group or group.name in args.group]
    every = [(group, item) for group in groups for item in work_items(group)]
    chosen = random.Random(args.seed).sample(every, min(args.sample, len(every)))
    print(f"{len(chosen):,} of {len(every):,} mutants: " + ", ".join(group.name for group in groups), flush=True)
    reasons = tomllib.loads(EQUAL.read_text(encoding="utf-8")).get("equal", []) if EQUAL.is_file() else []
    counts: Counter[str] = Counter()
    for outcome in run_mutants(chosen, args.jobs, args.results):
        reason = equal_reason(outcome, reasons) if outcome["outcome"] == "survived" else ""
        counts["equal" if reason else outcome["outcome"]] += 1
        if outcome["outcome"] == "survived":
            note = f" (equal: {reason})" if reason else ""
            print(f"\nsurvived{note}: {outcome['module']}:{outcome['line']}\n{outcome['diff']}", flush=True)
    told = sum(counts.values()) - counts["equal"] - counts["no-test"]
    killed = told - counts["survived"]
    share = 100.0 * killed / told if told else 100.0
    print(f"\n{killed} of {told} killed, {share:.1f}% ({dict(counts)})")
    return 0 if share >= args.at_least else 1


if __name__ == "__main__":
    raise SystemExit(main())
