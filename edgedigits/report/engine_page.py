"""The page of an engine on an emulated core: parity, memory map, bytes and instructions by layer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from edgedigits.devices.boards import Board
from edgedigits.devices.simulation import Instructions, LayerCost, Simulation
from edgedigits.devices.simulation_json import milliseconds
from edgedigits.report.engine_plots import engine_plots
from edgedigits.report.headlines import Headline
from edgedigits.report.page_tables import NOTHING, Table
from edgedigits.report.provenance import Part, obtained_table
from edgedigits.report.rendering import figures, page_templates
from edgedigits.report.style import Plot
from edgedigits.report.words import percent

_KINDS = {"code": "code", "constant": "constant", "data": "variable with a start value", "zeroed": "variable"}


def render_engine_page(
    run: Simulation,
    name: str,
    origin: str,
    board: Board | None = None,
    failures: Sequence[str] = (),
    notes: Sequence[str] = (),
    *,
    report: str = "",
) -> str:
    """Return simulate.html: one page that needs no other file, no network and no JavaScript.

    Args:
        run: the simulation.
        name: of the build.
        origin: what the images are, such as "test set of mnist".
        board: the board that the engine was held against.
        failures: one sentence for each check that failed.
        notes: what is to be known of the images, one sentence each.
        report: where the report of the build lies, seen from this page; "" where there is none.
    """
    plots = {plot.name: plot for plot in engine_plots(run)}
    tables, headlines = _tables(run), _headlines(run)
    return (
        page_templates()
        .get_template("engine.html.j2")
        .render(
            name=name,
            run=run,
            origin=origin,
            failures=failures,
            notes=notes,
            report=report,
            headlines=headlines,
            **tables,
            memory_figures=figures([plots["flash"], plots["ram"]]),
            layer_figures=figures([plots[name] for name in ("layers", "distribution") if name in plots]),
            board=None if board is None else _board_table(run, board),
            worst=None if run.no_background is None else f"{run.no_background:,}",
            obtained=obtained_table(_obtained(headlines, plots.values(), tables.values())),
        )
    )


def _obtained(headlines: Iterable[Headline], plots: Iterable[Plot], tables: Iterable[Table]) -> Iterator[Part]:
    """Yield how the figures of the page were obtained."""
    yield from ((one.title, one.how) for one in headlines)
    yield from (("Memory", one.how) for one in plots if one.name in ("flash", "ram"))
    yield from ((one.label, one.how) for one in tables if one.rows)


def _tables(run: Simulation) -> dict[str, Table]:
    return {
        "parity": _parity_table(run),
        "memory": _memory_table(run),
        "layers": _layers_table(run),
        "instructions": _instructions_table(run),
        "functions": _functions_table(run),
    }


def _headlines(run: Simulation) -> list[Headline]:
    count, ram, foot = run.instructions, run.ram, run.footprint
    emulated = f"emulated: {run.core}, {run.emulator}"
    parity = "0 differ" if not run.differing else f"{run.differing:,} differ"
    found = [
        Headline("Output bytes", parity, f"of {run.bytes:,}, against {run.oracle or 'nothing'}", emulated),
        Headline(
            f"Instructions {run.each}",
            f"{count.mean:,.0f}",
            f"p95 {count.p95:,.0f}, worst {count.most:,}",
            f"{emulated}, {run.images:,} {run.kind}",
        ),
        Headline(
            "Flash",
            f"{foot.flash:,} B",
            f"code {foot.code:,}, weights and constants {foot.constants + foot.data:,}",
            f"measured: ELF by {run.toolchain} {run.optimize}",
        ),
        Headline(
            "RAM", f"{ram.total:,} B", f"workspace {ram.workspace:,}, stack {ram.stack:,}", "measured; stack emulated"
        ),
    ]
    if run.preprocess is not None:
        own = run.preprocess
        detail = f"{own.view}; {own.code:,} B of code, {own.stack:,} B of stack"
        found.append(Headline("Preprocess, instructions", f"{own.instructions.mean:,.0f}", detail, emulated))
    if run.exact_cycles is not None:
        exact = run.exact_cycles
        found.append(Headline("Cycles", f"{exact.mean:,.0f}", f"from {exact.least:,} to {exact.most:,}", emulated))
    if run.cycles is not None:
        low, high = run.cycles.low, run.cycles.high
        how = "estimated: costs by class of instruction, no wait states"
        found.append(Headline("Cycles", f"about {run.cycles.middle:,.0f}", f"from {low:,.0f} to {high:,.0f}", how))
    return found


def _parity_table(run: Simulation) -> Table:
    rows = [("emulated core", f"{run.images:,}", f"{run.differing:,} of {run.bytes:,}", run.emulator)]
    rows += [
        (other.what, f"{other.images:,}", f"{other.differing:,} of {other.bytes:,}", other.how) for other in run.others
    ]
    return Table("Parity", ("computed by", run.things, "bytes that differ", "with"), tuple(rows), frozenset({0, 3}))


def _memory_table(run: Simulation) -> Table:
    symbols = sorted(run.symbols, key=lambda symbol: symbol.address)
    start = symbols[0].address if symbols else 0
    rows = tuple(
        (
            symbol.name,
            f"{symbol.address - start:#07x}",
            f"{symbol.size:,}",
            _KINDS[symbol.kind],
            _owner(run, symbol.name),
        )
        for symbol in symbols
    )
    return Table(
        "Memory map of the flash",
        ("symbol", "offset", "bytes", "kind", "of"),
        rows,
        frozenset({0, 3, 4}),
        "Offsets count from the engine's first byte.",
        "measured: symbols of the ELF, without padding between them",
    )


def _owner(run: Simulation, name: str) -> str:
    return next((layer.name for layer in run.layers if name in layer.symbols), NOTHING)


def _layers_table(run: Simulation) -> Table:
    total = sum(layer.nbytes for layer in run.layers) or 1
    rows = tuple(
        (
            layer.name,
            layer.shape or NOTHING,
            layer.encoding or NOTHING,
            f"{layer.weights:,}" if layer.weights else NOTHING,
            f"{layer.nbytes:,}",
            f"{8 * layer.nbytes / layer.weights:.2f}" if layer.weights else NOTHING,
            percent(layer.nbytes / total, 1),
        )
        for layer in run.layers
    )
    head = ("layer", "shape", "stored as", "weights", "bytes", "bits a weight", "share")
    return Table(
        "Bytes by layer and encoding",
        head,
        rows,
        frozenset({0, 1, 2}),
        "A dense int8 layer takes 8 bits a weight.",
        "measured: weights, biases and factors in the ELF; biases that a compiler puts into the code count there",
    )


def _instructions_table(run: Simulation) -> Table:
    rows = [_instruction_row(layer, run) for layer in run.layers if layer.instructions is not None]
    rows.append(("all", *_figures(run.instructions), percent(1, 1)))
    head = ("layer", "mean", "p95", "least", "worst", "share")
    return Table("Instructions by layer", head, tuple(rows), how=_counted(run))


def _instruction_row(layer: LayerCost, run: Simulation) -> tuple[str, ...]:
    count = layer.instructions
    assert count is not None
    return (layer.name, *_figures(count), percent(count.mean / run.instructions.mean, 1))


def _figures(count: Instructions) -> tuple[str, ...]:
    return (f"{count.mean:,.0f}", f"{count.p95:,.0f}", f"{count.least:,}", f"{count.most:,}")


def _functions_table(run: Simulation) -> Table:
    rows = tuple(
        (name or NOTHING, f"{mean:,.0f}", percent(mean / run.instructions.mean, 1))
        for name, mean in run.by_function.items()
    )
    return Table("Instructions by function", ("function", "mean", "share"), rows, how=_counted(run))


def _counted(run: Simulation) -> str:
    return (
        f"emulated: {run.core}, {run.emulator}, {run.images:,} {run.kind}; instructions, not cycles; a branch between "
        "two layers counts for the one that it leads to"
    )


def _board_table(run: Simulation, board: Board) -> Table:
    rows: list[tuple[str, Any]] = [
        ("board", board.title),
        ("flash left beside the engine", f"{board.flash - run.footprint.flash:,} of {board.flash:,} B"),
        ("RAM left beside the engine", f"{board.ram - run.ram.total:,} of {board.ram:,} B"),
        ("source", board.source),
    ]
    time = milliseconds(run, board)
    if time is not None:
        rows.insert(3, ("time of an image", f"{time[0]:.3g} to {time[1]:.3g} ms at {board.clock_mhz:g} MHz (estimate)"))
    return Table(f"Board {board.name}", ("", ""), tuple(rows), frozenset({0, 1}))
