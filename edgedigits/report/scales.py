"""Vertical scales of the training curves: where a value goes, and which ticks tell it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, LogLocator, MaxNLocator, NullLocator

_SHARES = (0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999)
_FINER = (0.6, 0.7, 0.85, 0.92, 0.94, 0.96, 0.97, 0.985, 0.992, 0.994, 0.996, 0.997, 0.9985, 0.9992, 0.9997)
_APART = 0.09
"""The least distance of two ticks, as a share of the axis."""

Scale = Callable[[Axes, Sequence[Sequence[float]]], Callable[[Sequence[float]], list[float]]]
"""Prepares the vertical axis for all values that come, and returns how values are placed on it."""


def share_scale(axes: Axes, series: Sequence[Sequence[float]]) -> Callable[[Sequence[float]], list[float]]:
    """Give every halving of the error the same room: the last percent is what builds differ by."""
    errors = [1 - value for values in series for value in values]
    positive = [error for error in errors if error > 1e-9]
    # No error at all would be infinitely far up: it is drawn a little above the smallest one.
    floor = max(1e-4, min(positive, default=0.01)) / 1.5
    perfect = len(positive) < len(errors)

    def place(values: Sequence[float]) -> list[float]:
        return [-math.log10(max(1 - value, floor)) for value in values]

    low = min((place([1 - error])[0] for error in errors), default=0.0)
    high = max((place([1 - error])[0] for error in errors), default=2.0)
    room = 0.04 * max(high - low, 0.2)
    axes.set_ylim(low - room, high + room)
    shares = [share for share in _SHARES if low - room <= -math.log10(1 - share) <= high + room]
    # Where nothing is ever wrong, the tick for 100% is the only one that means anything.
    shares = _spread(_up_to(high, shares, low), low - room, high + room) if positive else []
    ticks = [-math.log10(1 - share) for share in shares]
    labels = [f"{100 * share:g}%" for share in shares]
    if perfect:
        top = -math.log10(floor)
        near = [index for index, tick in enumerate(ticks) if top - tick < _APART * (high - low + 2 * room)]
        ticks = [tick for index, tick in enumerate(ticks) if index not in near] + [top]
        labels = [label for index, label in enumerate(labels) if index not in near] + ["100%"]
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_yticklabels(labels)
    return place


def _up_to(top: float, shares: list[float], bottom: float) -> list[float]:
    """Add the highest tick of the finer ones that has room: above the last one is where curves end."""
    last = max((-math.log10(1 - share) for share in shares), default=bottom)
    apart = _APART * (top - bottom)
    fitting = [share for share in _FINER if last + apart <= -math.log10(1 - share) <= top]
    return [*shares, *fitting[-1:]]


def _spread(shares: list[float], low: float, high: float) -> list[float]:
    """Add round shares between those given until there are three ticks: a short training moves little."""
    if len(shares) >= 3:
        return shares
    bottom, top = 1 - 10**-low, 1 - 10**-high
    return [float(share) for share in MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(bottom, top) if share < 1]


def loss_scale(axes: Axes, series: Sequence[Sequence[float]]) -> Callable[[Sequence[float]], list[float]]:
    """Give every halving the same room where the loss falls far and never reaches 0."""
    values = [value for one in series for value in one if math.isfinite(value)]
    if values and min(values) > 0 and max(values) > 5 * min(values):
        axes.set_yscale("log")
        decades = max(values) / min(values)
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < 1000 else (1,)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_locator(NullLocator())
    return list


def zeros_scale(axes: Axes, series: Sequence[Sequence[float]]) -> Callable[[Sequence[float]], list[float]]:
    """Go from 0 to 100%."""
    axes.set_ylim(0, 100)
    axes.yaxis.set_major_formatter("{x:g}%")
    return lambda values: [100 * value for value in values]
