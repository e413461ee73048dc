"""Trials that train on one source of digits and test on another: `edgedigits study run crossdata`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from edgedigits.crossdata.plan import ALL, NAME, SEEDS, STORED_AS, plan_crossdata
from edgedigits.study.findings.checked import check_integer, check_text
from edgedigits.study.kinds import Answer, Chapter, Flag, Plan, TrialKind
from edgedigits.study.trial_kind import Builds

if TYPE_CHECKING:
    import pandas as pd

    from edgedigits.data.contents import Contents


class _Crossings(Builds):
    plan_name = NAME
    is_ranked = False
    stored_as: tuple[str, ...] = (STORED_AS,)
    flags: tuple[Flag, ...] = (
        Flag("seeds", "--seeds", "N", f"seeds (default {SEEDS})", "Write seed = [1, 2, 3] under [axes]."),
        Flag("source", "--data", "SOURCE", "two sources or more, each with a --data of its own",
             'Write source = "mnist" under [base.data].'),
        Flag("epochs", "--stage-epochs", "N", "epochs of float training, for a quick look",
             "Write epochs under [axes]."),
    )  # fmt: skip

    def plan(self, **flags: Any) -> Plan:
        return plan_crossdata(**flags)

    def run(self, kind: str, trials: Sequence[dict[str, Any]], contents: Contents) -> Iterator[Answer]:
        from edgedigits.crossdata.task import run_cells

        return run_cells(trials, contents)

    def check(self, spec: Mapping[str, Any]) -> None:
        super().check(spec)
        for name in ("train_on", "test_on"):
            check_text(name, spec.get(name))
        for name in ("trained", "tested"):
            check_integer(name, spec.get(name))

    def row(self, spec: Mapping[str, Any], everywhere: set[str]) -> dict[str, Any]:
        places = {name: spec[name] for name in ("train_on", "test_on")}
        row = {**super().row(spec, everywhere), **places, "only": "", "setting": f"tested on {spec['test_on']}"}
        row["prefix"] = f"trained on {spec['train_on']}: "
        # A model on digits of unlike sources is no other variant: of what knows all, one test stands for its figures.
        return {**row, "compared": spec["train_on"] == ALL and not spec["tested"]}

    def chapter(self, frame: pd.DataFrame) -> Chapter:
        from edgedigits.crossdata.chapter import crossdata_chapter

        return crossdata_chapter(frame)


KIND: TrialKind = _Crossings()
