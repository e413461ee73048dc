"""Trials of a search: builds to a budget, given up where they are hopeless. `edgedigits search` asks for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from edgedigits.errors import CheckFailedError, ConfigError, DataError, ToolMissingError
from edgedigits.study.kinds import Answer, TrialKind
from edgedigits.study.trial_kind import Builds

if TYPE_CHECKING:
    from edgedigits.data.contents import Contents

STORED_AS = "search"
FLOORS = "floors"
"""Of a task: what its training must reach. No part of what is stored: it depends on what else is finished by then."""
GIVEN_UP = "given_up"
"""Of figures: why there are no others."""


class _Sought(Builds):
    stored_as: tuple[str, ...] = (STORED_AS,)

    def run(self, kind: str, trials: Sequence[dict[str, Any]], contents: Contents) -> Iterator[Answer]:
        from edgedigits.search.hopeless import HopelessError, Watch
        from edgedigits.study.run.build_trial import run_build

        for trial in trials:
            spec = trial["spec"]
            try:
                result = run_build(spec, contents, clock=Watch(spec["config"], spec.get(FLOORS, ())))
                if note := result.get("engine_note"):
                    raise ToolMissingError(note)
            except (HopelessError, CheckFailedError, ConfigError) as error:
                # Stored as an answer: what fails so would fail again.
                result = {GIVEN_UP: str(error)}
            yield {"key": trial["key"], "result": result}

    def row(self, spec: Mapping[str, Any], everywhere: set[str]) -> dict[str, Any]:
        """Refuse: a search has a report of its own, in the same files."""
        raise DataError(
            "This is the folder of a search, whose report `edgedigits search` writes.",
            hint="Give it the same flags again; with --trials 1 it runs nothing more.",
        )


KIND: TrialKind = _Sought()
