"""Rows of a study's database: what they hold, and that they still hold what was stored.

A seal in each row, a digest of all in it that makes or is a finding, tells what a program of this tool stored from
what was changed since, by hand or by a failing disk.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

WAITING, RUNNING, DONE, FAILED = "waiting", "running", "done", "failed"
STATUSES = (WAITING, RUNNING, DONE, FAILED)
COLUMNS = "key, number, kind, spec, status, attempts, seconds, error, result, seal"
"""Of a row, in the order that `read_row` takes them."""


_ASIDE = ("label", "values", "source", "keep")
"""What a spec says in other words, and where from and where to: a key does not depend on these."""


class DamagedRowError(ValueError):
    """A row is not as it was stored; the message says which and why."""


@dataclass(frozen=True)
class Trial:
    """A row of the store.

    Attributes:
        key: digest of choices, data and code.
        number: place in the study, from 0.
        kind: "build", "published" or "table".
        spec: what to do, as JSON values.
        status: "waiting", "running", "done" or "failed".
        attempts: how often it was started, but for those times that its run died or was interrupted.
        seconds: how long it took.
        error: why it failed; may be set while it waits for its second attempt.
        result: its figures, as JSON values; {} until it is done.
    """

    key: str
    number: int
    kind: str
    spec: dict[str, Any]
    status: str
    attempts: int
    seconds: float
    error: str
    result: dict[str, Any]


def seal_of(key: str, number: int, kind: str, spec: str, result: str = "", seconds: float = 0.0) -> str:
    """Return the seal of a row: 16 hexadecimal digits over these columns, as they are stored."""
    whole = json.dumps([key, number, kind, spec, result, float(seconds)])
    return hashlib.sha256(whole.encode()).hexdigest()[:16]


def is_same(kind: str, spec: Mapping[str, Any], trial: Trial) -> bool:
    """Tell whether a stored trial is what a plan has under its key; what is only for people may differ."""
    return (kind, _essence(json.loads(to_text(spec)))) == (trial.kind, _essence(trial.spec))


def _essence(spec: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in spec.items() if name not in _ASIDE}


def to_text(values: Mapping[str, Any]) -> str:
    """Return JSON values as a row holds them."""
    return json.dumps(values, allow_nan=False)


def read_row(row: tuple[Any, ...]) -> Trial:
    """Return a row of `COLUMNS` as a trial.

    Raises:
        DamagedRowError: it is not as it was stored.
    """
    key, number, kind, spec, status, attempts, seconds, error, result, seal = row
    texts, numbers = (key, kind, spec, status, error, result, seal), (number, attempts, seconds)
    if not all(isinstance(one, str) for one in texts) or not all(isinstance(one, (int, float)) for one in numbers):
        raise DamagedRowError(f"trial {key!s:.40} has values of other types than it was stored with")
    if seal != seal_of(key, number, kind, spec, result, seconds):
        raise DamagedRowError(f"trial {key:.40} is not as it was stored")
    if status not in STATUSES or (status == DONE) != bool(result):
        raise DamagedRowError(f"trial {key:.40} is {status:.40} {'with' if result else 'without'} a result")
    return Trial(key, number, kind, _values(key, spec), status, attempts, seconds, error, _values(key, result or "{}"))


def _values(key: str, text: str) -> dict[str, Any]:
    try:
        found = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise DamagedRowError(f"trial {key:.40} holds no JSON ({error!s:.60})") from None
    if not isinstance(found, dict):
        raise DamagedRowError(f"trial {key:.40} holds {text:.40}, expected an object")
    return found


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text:.20} is too large")
    return value
