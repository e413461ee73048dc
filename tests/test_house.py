"""The size of functions and files, that a name means one thing in all rooms, and that percent is spelt one way."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path
from statistics import median

PACKAGE = Path(__file__).parents[1] / "edgedigits"
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}

LONGEST_FUNCTION, MEDIAN_FUNCTION, LONGEST_FILE = 50, 8, 450
# Where a program begins; what verbs, stages and the exact engine are called to do; and the Python API's word for a room's.
OF_SEVERAL_ROOMS = {"main", "run", "simulate"}


def _lengths() -> dict[str, int]:
    """Return the lines of each function, its docstring included, by file and name."""
    return {
        f"{path.relative_to(PACKAGE)}:{node.lineno} {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    }


def test_functions_are_short() -> None:
    lengths = _lengths()
    assert {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION} == {}
    assert median(lengths.values()) <= MEDIAN_FUNCTION


def test_files_are_short() -> None:
    lengths = {str(path.relative_to(PACKAGE)): len(path.read_text(encoding="utf-8").splitlines()) for path in TREES}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


def test_no_public_name_means_something_else_in_another_room() -> None:
    rooms: dict[str, set[Path]] = defaultdict(set)
    for path, tree in TREES.items():
        for node in tree.body:
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and not node.name.startswith("_"):
                rooms[node.name].add(path.parent)
    several = {name: sorted(map(str, places)) for name, places in rooms.items() if len(places) > 1}
    assert {name: places for name, places in several.items() if name not in OF_SEVERAL_ROOMS} == {}


def test_a_page_of_its_own_names_no_class_that_the_shared_style_sheet_has() -> None:
    """They are read one behind the other: a class of both would be laid out by both."""

    def classes(sheet: Path) -> set[str]:
        rules = re.sub(r"/\*.*?\*/", "", sheet.read_text(encoding="utf-8"), flags=re.DOTALL)
        return set(re.findall(r"\.([a-z][\w-]*)(?=[^{}]*\{)", rules))

    sheets = {path.name: classes(path) for path in PACKAGE.rglob("*.css")}
    shared = sheets.pop("report.css")
    assert sheets and {name: found & shared for name, found in sheets.items() if found & shared} == {}


def test_percent_is_spelt_one_way() -> None:
    """As in "97.49%": in what is told, in docstrings and in the README."""
    apart = re.compile(r"[0-9)}] %(?![a-zA-Z({\[])")
    readme = PACKAGE.parent / "README.md"
    places = [(readme, line) for line in readme.read_text(encoding="utf-8").splitlines()]
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                # A value becomes a digit, so that its percent sign is held to the same.
                parts = (part.value if isinstance(part, ast.Constant) else "0" for part in node.values)
                places.append((path, "".join(map(str, parts))))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                places.append((path, node.value))
    assert [(path.name, text) for path, text in places if apart.search(text)] == []
