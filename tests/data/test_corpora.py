"""Whatever a source is like: digits or one sentence, never another error, never the wrong digits, never much memory."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import pytest

from edgedigits.data.load import read_source
from edgedigits.errors import EdgedigitsError
from tests.cases import MANY_CASES
from tests.data.corpora import FAMILIES, Case, make_case

MOST_MEMORY = 32_000_000
STATUS = Path("/proc/self/status")  # where the system is Linux


def judge(case: Case) -> str:
    """Return what is wrong with how a source was read; empty where all is well."""
    try:
        digits = read_source(str(case.source)).everything
    except EdgedigitsError as error:
        if case.sound:
            return f"refused: {error}"
        return "" if error.message.endswith(".") and "\n" not in str(error) else f"no sentence: {error!r}"
    except Exception as error:
        return f"raised {error!r}"
    if case.truth is not None and digits.digest != case.truth.digest:
        return "the wrong digits"
    return ""


def _resident(field: str) -> int:
    """Bytes of memory that this process has now (VmRSS), or had at most since `_forget_peak` (VmHWM)."""
    return int(re.search(rf"^{field}:\s+(\d+) kB$", STATUS.read_text(), re.MULTILINE)[1]) << 10


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _judge_all(family: str, seeds: range, folder: Path) -> None:
    faults = {}
    for seed in seeds:
        case = make_case(family, seed, folder)
        if STATUS.exists():
            _forget_peak()
            before = _resident("VmRSS")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            fault = judge(case)
        if STATUS.exists() and (taken := _resident("VmHWM") - before) > MOST_MEMORY:
            fault = f"took {taken:,} bytes {fault}"
        if fault:
            faults[seed] = fault
    assert not faults


@pytest.mark.parametrize("family", FAMILIES)
def test_hundreds_of_sources(family: str, tmp_path: Path) -> None:
    _judge_all(family, range(200), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_thousands_of_sources(family: str, tmp_path: Path) -> None:
    _judge_all(family, range(MANY_CASES), tmp_path)
