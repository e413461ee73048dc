"""Trials that are cells of the report's table: `edgedigits study run report-table`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from edgedigits.reproduction.plan import COLUMNS, NAME, PUBLISHED, STORED_AS, plan_table
from edgedigits.reproduction.recipe import build_choices
from edgedigits.study.findings.checked import check_integer, check_number, check_text
from edgedigits.study.kinds import Answer, Chapter, Flag, Plan, TrialKind

if TYPE_CHECKING:
    import pandas as pd

    from edgedigits.data.contents import Contents

_COMPRESSION = {"classical": "float32", "quantized": "quantized", "pruned": "pruned"}
_FLAGS: tuple[Flag, ...] = tuple(
    Flag(*words)
    for words in (
        ("seeds", "--seeds", "N", "seeds of first weights (default 1)", "Write seed = [1, 2, 3] under [axes]."),
        ("source", "--data", "SOURCE", "digits; 42,000 of them are used (default auto)",
         'Write source = "mnist" under [base.data].'),
        ("rows", "--rows", "N", "use N rows instead of 42,000",
         'Write source = "mnist-5k" under [base.data] for few images.'),
        ("scale", "--iterations-scale", "S", "this share of every setting's iterations",
         "Write fewer epochs under [base.training]."),
        ("settings", "--settings", "LIST", "some settings only, such as 0.1/500,0.5/100",
         "Write lr and epochs under [axes]."),
        ("columns", "--columns", "LIST", f"published, edgedigits or both, as {','.join(COLUMNS)} (default both)",
         "Leave it out: every trial is a build by edgedigits."),
    )
)  # fmt: skip


class _Cells:
    plan_name = NAME
    stored_as: tuple[str, ...] = tuple(STORED_AS.values())
    flags = _FLAGS
    is_ranked = True

    def plan(self, **flags: Any) -> Plan:
        return plan_table(**flags)

    def run(self, kind: str, trials: Sequence[dict[str, Any]], contents: Contents) -> Iterator[Answer]:
        if kind == STORED_AS[PUBLISHED]:
            from edgedigits.reproduction.published_cell import run_published

            return run_published(trials, contents)
        from edgedigits.reproduction.task import run_table

        return run_table(trials, contents)

    def check(self, spec: Mapping[str, Any]) -> None:
        for name in ("column", "family", "loss", "setting"):
            check_text(name, spec.get(name, ""))
        for name in ("seed", "iterations"):
            check_integer(name, spec.get(name, 1))
        check_number("sparsity", spec.get("sparsity", 0), 1)

    def row(self, spec: Mapping[str, Any], everywhere: set[str]) -> dict[str, Any]:
        column, loss = spec.get("column", ""), spec.get("loss", "")
        share = f" {100 * spec['sparsity']:g}%" if "sparsity" in spec else ""
        return {
            "column": column,
            "loss": loss,
            "compression": _COMPRESSION.get(spec.get("family", ""), "") + share,
            "only": "",
            "setting": spec.get("setting", ""),
            "seed": spec.get("seed", 0),
            "iterations": spec.get("iterations"),
            "prefix": "as published: " if column == PUBLISHED else "",
            # The report's arithmetic only shows why it failed, and its row "none" is our training of "one-hot" again.
            "compared": column != PUBLISHED and loss != "none",
        }

    def choices(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        return build_choices(spec)

    def chapter(self, frame: pd.DataFrame) -> Chapter:
        from edgedigits.reproduction.report.chapter import table_chapter

        return table_chapter(frame)


KIND: TrialKind = _Cells()
