"""Every figure of a build's report, and the files they are written to."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from edgedigits.errors import ConfigError, nearest, shown
from edgedigits.report.class_plots import class_plots
from edgedigits.report.confidence_plots import confidence_plots
from edgedigits.report.curves import training_plots
from edgedigits.report.facts import BuildFacts
from edgedigits.report.packing_plots import packing_plots
from edgedigits.report.style import SUFFIXES, Plot, drawing_style, plot_files
from edgedigits.report.weight_plots import weight_plots


def all_plots(facts: BuildFacts) -> tuple[Plot, ...]:
    """Return every figure of a build, in the order of the page."""
    before = (*training_plots(facts), *class_plots(facts), *confidence_plots(facts), *weight_plots(facts))
    return (*before, *packing_plots(facts))


def draw_plot(facts: BuildFacts, name: str) -> Figure:
    """Return a figure of a build by its name, on white.

    Raises:
        ConfigError: there is none of that name.
    """
    plots = {plot.name: plot for plot in all_plots(facts)}
    if name not in plots:
        raise ConfigError(f"There is no plot '{shown(name)}'.", hint=nearest(name, plots))
    with drawing_style():
        figure = plots[name].draw()
    figure.set_facecolor("white")
    return figure


def write_plots(facts: BuildFacts, folder: Path) -> tuple[Path, ...]:
    """Write each figure as .svg and as .png, both on white.

    Args:
        facts: the build.
        folder: made if it is not there.

    Returns:
        The paths, in the order of the page.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for plot in all_plots(facts):
        for suffix, content in plot_files(plot, *SUFFIXES).items():
            path = folder / f"{plot.name}{suffix}"
            path.write_bytes(content)
            written.append(path)
    return tuple(written)
