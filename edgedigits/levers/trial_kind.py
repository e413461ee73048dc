"""Trials that ask what each lever of compression does at equal bytes: `edgedigits study run levers`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from edgedigits.levers.plan import BUDGETS, IN_TURN, NAME, SEEDS, STORED_AS, plan_levers
from edgedigits.study.findings.checked import check_integer, check_text
from edgedigits.study.kinds import Chapter, Flag, Plan, TrialKind
from edgedigits.study.trial_kind import Builds

if TYPE_CHECKING:
    import pandas as pd


_PLACES = ("lever", "value", "against")


class _Levers(Builds):
    plan_name = NAME
    stored_as: tuple[str, ...] = (STORED_AS,)
    flags: tuple[Flag, ...] = (
        Flag("seeds", "--seeds", "N", f"seeds (default {SEEDS})", "Write seed = [1, 2, 3] under [axes]."),
        Flag("source", "--data", "SOURCE", "digits (default auto)", 'Write source = "mnist" under [base.data].'),
        Flag("budgets", "--budgets", "LIST", f"bytes to compare at (default {BUDGETS})",
             'Write budget_constants = ["2K", "8K"] under [axes].'),
        Flag("teacher", "--teacher", "DIR", "ask what distillation from it does; {seed} in it is the seed",
             'Write distill = ["", "teacher/"] under [axes].'),
        Flag("epochs", "--stage-epochs", "N", "epochs of the first and of joint training, for a quick look",
             "Write epochs and joint_epochs under [axes]."),
    )  # fmt: skip

    def plan(self, **flags: Any) -> Plan:
        return plan_levers(**flags)

    def check(self, spec: Mapping[str, Any]) -> None:
        super().check(spec)
        for name in _PLACES:
            check_text(name, spec.get(name))
        check_integer("budget", spec.get("budget"))

    def row(self, spec: Mapping[str, Any], everywhere: set[str]) -> dict[str, Any]:
        places = {name: spec[name] for name in ("budget", *_PLACES)}
        # What is pruned in turn has bytes of its own, and is compared where they are reckoned with.
        return {**super().row(spec, everywhere), **places, "compared": spec["lever"] != IN_TURN}

    def chapter(self, frame: pd.DataFrame) -> Chapter:
        from edgedigits.levers.chapter import lever_chapter

        return lever_chapter(frame)


KIND: TrialKind = _Levers()
