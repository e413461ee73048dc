"""Draws what each margin refuses, and how many of the others are wrong."""

from __future__ import annotations

from matplotlib.figure import Figure

from edgedigits.report.facts import BuildFacts
from edgedigits.report.style import BLUE, MUTED, RED, Plot, new_figure
from edgedigits.report.words import percent
from edgedigits.scoring.confidence import Confidence

_HEIGHT = 220.0


def confidence_plots(facts: BuildFacts) -> tuple[Plot, ...]:
    """Return the risk-coverage curve; nothing for a build of which it is not known."""
    confidence = facts.confidence
    if confidence is None:
        return ()
    curve = confidence.curve
    return (
        Plot(
            "risk_coverage",
            f"Share of wrong ones among the images that are accepted, by how many are: {_ends(confidence)}",
            f"measured: the exact NumPy engine, {curve.images:,} test images",
            lambda: _draw(confidence),
        ),
    )


def _ends(confidence: Confidence) -> str:
    curve, reject = confidence.curve, confidence.reject
    everything = f"{percent(curve.wrong[0] / curve.images)} where all are."
    if reject is None:
        return everything
    return f"{everything} {percent(reject.test.error)} with the margin of {reject.margin}, which refuses some of them."


def _draw(confidence: Confidence) -> Figure:
    figure, axes = new_figure("Wrong among the accepted", _HEIGHT, (42, 34, 14, 26))
    curve, reject = confidence.curve, confidence.reject
    coverage = [100 * accepted / curve.images for accepted in curve.accepted]
    risk = [100 * wrong / accepted for wrong, accepted in zip(curve.wrong, curve.accepted, strict=True)]
    axes.plot(coverage, risk, color=BLUE, marker="o" if len(risk) == 1 else None, markersize=4, label="by margin")
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 1.08 * max(*risk, 100 * reject.wish if reject else 0, 0.1))
    if reject is not None:
        wish = 100 * reject.wish
        axes.axhline(wish, color=MUTED, linewidth=0.9, dashes=(4, 3), zorder=1, label=f"wished, {wish:g}%")
        chosen = 100 * reject.test.coverage, 100 * reject.test.error
        axes.plot(*chosen, "o", color=RED, markersize=6, clip_on=False, zorder=3, label=f"margin {reject.margin}")
        # Where few are accepted few are wrong: there is room.
        axes.legend(loc="upper left", borderpad=0.2, labelspacing=0.2)
    axes.set_xlabel("accepted", fontsize=9.5, labelpad=2)
    axes.xaxis.set_major_formatter("{x:g}%")
    axes.yaxis.set_major_formatter("{x:g}%")
    axes.grid(axis="y")
    axes.set_axisbelow(True)
    return figure
