"""What a terminal shows of a finished build: every figure that matters, on one screen, without colour if need be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from edgedigits.printable import printable
from edgedigits.report.facts import BuildFacts
from edgedigits.report.words import (
    accuracy_steps,
    compression_words,
    dense_layers,
    left_words,
    loss_words,
    network,
    percent,
    source_words,
    sparsity,
    split_words,
)

if TYPE_CHECKING:
    from rich.console import Console

    from edgedigits.engine.engine_facts import EngineFacts
    from edgedigits.scoring.confidence import Reject
    from edgedigits.scoring.latency import Latency
    from edgedigits.scoring.parity import ParityRow

_LABEL_WIDTH = 8


def show_build(
    console: Console, facts: BuildFacts, *, folder: Path, latency: Latency | None, next_command: str
) -> None:
    """Print a build on at most 40 lines, usually about 20.

    Args:
        console: where to; tables fit its width, from 80 columns on.
        facts: the build.
        folder: where it was written.
        latency: of one image on this host; None when it was not measured.
        next_command: what to type next.
    """
    shape = f"{network(facts)} ({left})" if (left := left_words(facts)) else network(facts)
    console.print(Text(facts.name, style="bold"), Text(f"{shape}, {loss_words(facts.config)} loss"), sep=": ")
    console.print(_pairs(_rows(facts, latency)))
    console.print()
    console.print(_classes(facts))
    console.print()
    console.print(_pairs(_end(facts, folder, next_command)))


def _rows(facts: BuildFacts, latency: Latency | None) -> Iterable[tuple[str, Text]]:
    evaluation, size = facts.evaluation, facts.evaluation.size
    yield "data", Text(f"{facts.data.source}: {split_words(facts.data.sizes)}")
    if not evaluation.view.is_plain:
        yield "sees", Text(str(evaluation.view))
    yield "done", Text(compression_words(facts))
    if facts.teacher is not None:
        yield "teacher", Text(f"{facts.teacher.source}: {percent(facts.teacher.test_accuracy)} (test split)")
    yield "accuracy", _accuracy(facts)
    if facts.data.sources:
        yield "sources", Text(f"{'; '.join(map(source_words, facts.data.sources))} (int8, test digits of each)")
    if facts.confidence is not None and facts.confidence.reject is not None:
        yield "refused", _refused(facts.confidence.reject)
    yield "zeros", _zeros(facts)
    yield (
        "size",
        Text.assemble(
            (f"{size.raw:,} B", "bold"),
            f", gzip {size.gzip:,} B: {size.ratio:.1f}× and {size.gzip_ratio:.1f}× below float32 ",
            f"({size.float_bytes:,} B {size.float_how.partition(':')[0]})",
        ),
    )
    if facts.engine is not None:
        yield "engine", _engine(facts.engine)
    if facts.budget:
        yield "budget", Text("; ".join(facts.budget))
    if latency is not None:
        yield "latency", _latency(latency, evaluation.host)
    if evaluation.arena is not None:
        yield "arena", Text(f"{evaluation.arena.bytes:,} B of RAM for TFLM; less on a 32-bit core")
    if evaluation.parity:
        yield "parity", _parity(evaluation.parity)


def _accuracy(facts: BuildFacts) -> Text:
    *before, last = accuracy_steps(facts)
    text = Text()
    for step in before:
        text.append(f"{step.label} {percent(step.accuracy)} → ")
    text.append(f"{last.label} {percent(last.accuracy)}", style="bold")
    return text.append(" (test split)")


def _refused(reject: Reject) -> Text:
    return Text(f"{reject.test.words}; wished {percent(reject.wish)}, margin {reject.margin} steps")


def _zeros(facts: BuildFacts) -> Text:
    layers = ", ".join(
        f"{layer.name} {percent(layer.weights.sparsity, 1)}"
        for layer in dense_layers(facts)
        if layer.weights and layer.weights.sparsity is not None
    )
    text = Text.assemble((percent(sparsity(facts), 1), "bold"), f" of {facts.model.weights:,} weights")
    return text.append(f" ({layers})" if layers else "")


def _engine(engine: EngineFacts) -> Text:
    encodings = ", ".join(layer.encoding for layer in engine.layers)
    cycles = "".join(f", {cycles:,} cycles on {core}" for core, cycles in engine.cycles.items())
    return Text.assemble(
        (f"{engine.weight_bytes:,} B of packed weights", "bold"),
        f" ({encodings}), {engine.workspace_bytes:,} B of workspace, "
        f"about {engine.instructions:,} instructions on Cortex-M4{cycles} (estimate)",
    )


def _latency(latency: Latency, host: str) -> Text:
    threads = "1 thread" if latency.threads == 1 else f"{latency.threads} threads"
    return Text.assemble(
        (f"p50 {latency.p50_us:g}", "bold"),
        f", p90 {latency.p90_us:g}, p99 {latency.p99_us:g} µs on {host}, {threads}",
    )


def _parity(rows: Sequence[ParityRow]) -> Text:
    changes = ", ".join(f"{row.runtime} {row.changed_classes:,}" for row in rows)
    return Text(f"of {rows[0].images:,} classes, changed against {rows[0].baseline}: {changes}")


def _classes(facts: BuildFacts) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("class", no_wrap=True)
    for digit in range(len(facts.evaluation.scores.per_class)):
        table.add_column(str(digit), justify="right", no_wrap=True)
    for title in ("precision", "recall"):
        values = (getattr(one, title) for one in facts.evaluation.scores.per_class)
        table.add_row(title + " %", *(f"{100 * value:.1f}" for value in values))
    return table


def _end(facts: BuildFacts, folder: Path, next_command: str) -> Iterable[tuple[str, Text]]:
    unmet = facts.confidence.reject.sentence if facts.confidence and facts.confidence.reject else ""
    for note in (facts.advice, facts.data.note, unmet, *facts.evaluation.notes):
        if note:
            yield "note", Text(note)
    yield "written", Text.assemble((str(folder), "bold"), _contents(folder))
    yield "next", Text(next_command, style="bold")


def _contents(folder: Path) -> str:
    if not folder.is_dir():
        return ""
    names = sorted(entry.name + "/" * entry.is_dir() for entry in folder.iterdir())
    return f": {', '.join(names)}"


def _pairs(rows: Iterable[tuple[str, Text]]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, width=_LABEL_WIDTH)
    table.add_column(overflow="fold")
    for label, text in rows:
        # Names of files are in it.
        text.plain = printable(text.plain)
        table.add_row(label, text)
    return table
