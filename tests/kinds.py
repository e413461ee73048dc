"""Which tests may load TensorFlow: found out, so that no list has to be kept; and which files of tests begin first.

CI runs what needs neither first. A file of tests counts as one with TensorFlow where a name in it leads there by any
chain of imports, be they lazy or in a program that it starts as a process of its own.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
TENSORFLOW = frozenset(("tensorflow", "tf_keras", "tensorflow_model_optimization"))

_IMPORT = re.compile(r"\b(?:from\s+([\w.]+)\s+import\s+(\([^)]*\)|[^\n(]*)|import\s+([\w.]+))")
_STARTED = re.compile(r'"-m",\s*"([\w.]+)"')


def named_modules(text: str) -> set[str]:
    """Return what Python source may import: modules, and names that may be modules; a program as its `__main__`."""
    names = {f"{program}.__main__" for program in _STARTED.findall(text)} | set(_STARTED.findall(text))
    for source, members, module in _IMPORT.findall(text):
        inside = {f"{source}.{member}" for member in re.findall(r"\w+", members)}
        # Rooms that are taken out of the package itself do not touch what its own names load.
        names |= inside if source == "edgedigits" and all(map(_is_room, inside)) else {module or source, *inside}
    return names


def _is_room(module: str) -> bool:
    path = ROOT.joinpath(*module.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


@cache
def with_tensorflow() -> frozenset[str]:
    """Return the modules of this project, tests included, from which imports lead to TensorFlow."""
    files = (path for room in ("edgedigits", "tests") for path in (ROOT / room).rglob("*.py"))
    names = {_module(path): named_modules(path.read_text(encoding="utf-8")) for path in files}
    found = set(TENSORFLOW)
    while more := {module for module, used in names.items() if module not in found and used & found}:
        found |= more
    return frozenset(found)


@cache
def may_load_tensorflow(path: Path) -> bool:
    """Tell whether a file of tests, or a conftest.py that it goes by, leads to TensorFlow."""
    inside = path.relative_to(ROOT)
    fixtures = {_module(ROOT / folder / "conftest.py") for folder in inside.parents}
    return bool({_module(path), *fixtures} & with_tensorflow())


def dearest_first(items: Sequence[Any]) -> list[Any]:
    """Return the tests of a run, file by file: first what says that it is dear, then what may load TensorFlow.

    The others, which are short, fill up what is left where two files run at a time.

    Args:
        items: of pytest. A slow test of more than some 20 seconds says of how many, about: `slow(seconds=40)`.
    """
    seconds: Counter[Path] = Counter()
    for item in items:
        if mark := item.get_closest_marker("slow"):
            seconds[item.path] += mark.kwargs.get("seconds", 0)
    return sorted(items, key=lambda item: (-seconds[item.path], not may_load_tensorflow(item.path)))


def _module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
