"""Draws what an engine takes: its memory, its instructions by layer, and how they spread over images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from edgedigits.devices.simulation import LayerCost, Simulation
from edgedigits.report.style import BLUE, FILL, GREEN, INK, MUTED, RED, WIDTH, Plot, new_figure

_ROW, _BINS = 26.0, 40
_LAYER_ROW = 34.0
"""Height of a layer in points: its bar, and below it the line from the least to the most."""
_COLOURS = {"code": RED, "weights": BLUE, "constants": GREEN, "ram": BLUE, "stack": RED}


def engine_plots(run: Simulation) -> tuple[Plot, ...]:
    """Return flash, RAM, instructions by layer where they are known, and instructions over images."""
    emulated = f"emulated: {run.core}, {run.emulator}, {run.images:,} {run.kind}"
    flash, ram = flash_parts(run), ram_parts(run)
    plots = [
        Plot(
            "flash",
            f"Flash: {_list(flash)}; together {run.footprint.flash:,} bytes.",
            f"measured: ELF by {run.toolchain} {run.optimize}, invoke() and what it reaches",
            lambda: _parts("Flash", flash),
        ),
        Plot(
            "ram",
            f"RAM: {_list(ram)}; together {run.ram.total:,} bytes.",
            "measured: header and ELF; stack by painting, emulated",
            lambda: _parts("RAM", ram),
        ),
    ]
    told = [layer for layer in run.layers if layer.instructions is not None]
    if told:
        plots.append(
            Plot(
                "layers",
                "Instructions by layer, mean: " + _list([(one.name, _mean(one), "") for one in told]) + ".",
                emulated,
                lambda: _layers(told),
                "bar: mean; line: least to most; tick: p95",
            )
        )
    plots.append(
        Plot(
            "distribution",
            f"Instructions over {run.images:,} {run.kind}: mean {run.instructions.mean:,.0f}, "
            f"95th percentile {run.instructions.p95:,.0f}, worst {run.instructions.most:,}.",
            emulated,
            lambda: _distribution(run),
        )
    )
    return tuple(plots)


def flash_parts(run: Simulation) -> list[tuple[str, int, str]]:
    """Return label, bytes and colour of what makes up the flash: code, each layer, the rest."""
    parts = [("code", run.footprint.code, _COLOURS["code"])]
    parts += [(_layer_label(layer), layer.nbytes, _COLOURS["weights"]) for layer in run.layers]
    rest = run.footprint.flash - sum(size for _, size, _ in parts)
    return [*parts, ("rest, padding", rest, _COLOURS["constants"])] if rest else parts


def ram_parts(run: Simulation) -> list[tuple[str, int, str]]:
    """Return label, bytes and colour of what makes up the RAM."""
    ram = run.ram
    sizes = {
        "input": ram.input,
        "output": ram.output,
        "workspace": ram.workspace,
        "variables": ram.variables,
        "stack": ram.stack,
    }
    return [
        (name, size, _COLOURS["stack" if name == "stack" else "ram"])
        for name, size in sizes.items()
        if size or name != "variables"
    ]


def _layer_label(layer: LayerCost) -> str:
    return f"{layer.name}, {layer.encoding}" if layer.encoding else layer.name


def _mean(layer: LayerCost) -> int:
    return round(layer.instructions.mean) if layer.instructions else 0


def _list(parts: Sequence[tuple[str, int, str]]) -> str:
    return ", ".join(f"{label} {size:,}" for label, size, _ in parts)


def _rows(title: str, labels: Sequence[str], row: float = _ROW) -> tuple[Figure, Axes]:
    """Return axes with a row for each label, the first on top."""
    left = 12 + 6.1 * max(map(len, labels))
    figure, axes = new_figure(title, 40 + row * len(labels), (left, 10, 62, 26))
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.set_yticks(range(len(labels)), labels)
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    return figure, axes


def _parts(title: str, parts: Sequence[tuple[str, int, str]]) -> Figure:
    total = sum(size for _, size, _ in parts)
    figure, axes = _rows(f"{title}: {total:,} bytes", [label for label, _, _ in parts])
    for row, (_, size, colour) in enumerate(parts):
        axes.barh(row, size, height=0.62, color=colour)
        _end(axes, size, row, INK)
    axes.set_xlim(0, max(size for _, size, _ in parts) or 1)
    return figure


def _layers(layers: Sequence[LayerCost]) -> Figure:
    figure, axes = _rows("Instructions by layer", [layer.name for layer in layers], _LAYER_ROW)
    for row, layer in enumerate(layers):
        count = layer.instructions
        if count is None:
            continue
        bar, line = row - 0.17, row + 0.27
        axes.barh(bar, count.mean, height=0.4, color=FILL)
        _end(axes, count.mean, bar, INK)
        axes.plot([count.least, count.most], [line, line], color=MUTED, linewidth=1)
        axes.plot([count.p95, count.p95], [line - 0.15, line + 0.15], color=RED, linewidth=1.8)
        _end(axes, count.most, line, MUTED)
    axes.set_xlim(0, max(layer.instructions.most for layer in layers if layer.instructions) or 1)
    return figure


def _end(axes: Axes, value: float, height: float, colour: str) -> None:
    """Write a value where its bar or line ends."""
    place: dict[str, Any] = {"textcoords": "offset points", "va": "center", "fontsize": 9.5}
    axes.annotate(f"{value:,.0f}", (value, height), (4, 0), color=colour, **place)


def _distribution(run: Simulation) -> Figure:
    height, count = 220.0, run.instructions
    figure, axes = new_figure(f"Instructions over {run.things}", height, (42, 34, 16, 44))
    images, edges = np.histogram(run.counts, _BINS)
    axes.stairs(images, edges, color=FILL, fill=True)
    for label, value, colour, dashes in (
        ("mean", count.mean, INK, "-"),
        ("p95", count.p95, BLUE, "--"),
        ("worst", count.most, RED, "-."),
    ):
        axes.axvline(value, color=colour, linestyle=dashes, label=f"{label} {value:,.0f}")
    axes.set_ylim(0, 1.05 * max(1, images.max()))
    # Images and instructions are whole: no ticks at halves, which would read as the same number twice.
    axes.yaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel(f"instructions {run.each}", fontsize=9.5, labelpad=2)
    axes.grid(axis="y")
    axes.set_axisbelow(True)
    figure.legend(
        loc="upper left", bbox_to_anchor=(-2 / WIDTH, 1 - 17 / height), ncols=3, columnspacing=1.2, borderpad=0.3
    )
    return figure
