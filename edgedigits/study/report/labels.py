"""Names beside the points of a chart, where they cover neither points nor one another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

_LETTER, _LINE, _MARK = 4.7, 9.0, 3.0
"""Width and height of a letter, and half the width of a point's mark, in points."""
_STEPS = 40
"""Places of a line between two corners that are looked at."""
_REACHES = (2.0, 11.0, 22.0)
"""How far a name may be from its point; from the second on, a line leads to it."""
_SIDES = ((-1, 1), (1, -1), (-1, 0), (1, 0), (0, 1), (0, -1), (1, 1), (-1, -1))
"""Left and above first: there nothing is better and cheaper than a point on a front."""

Place = tuple[float, float]
_Box = tuple[float, float, float, float]
"""Left, bottom, right and top in points."""


@dataclass(frozen=True)
class Label:
    """A name, the place it belongs to on the axes, and its colour."""

    text: str
    place: Place
    colour: str


def write_labels(axes: Axes, labels: Sequence[Label], points: Sequence[Place], line: Sequence[Place] = ()) -> None:
    """Write names beside their places, each where it covers least.

    Args:
        axes: with their limits set.
        labels: the first choose first.
        points: places of all marks.
        line: corners of a line, which the names keep off as well.
    """
    figure: Any = axes.figure
    scale = 72 / figure.dpi
    inside = tuple(scale * edge for edge in axes.bbox.extents)
    taken = [_around(one, _MARK) for one in scale * axes.transData.transform(points)]
    corners = scale * axes.transData.transform(line) if line else []
    for start, end in pairwise(corners):
        taken += [_around(start + share * (end - start), 1.0) for share in np.linspace(0, 1, _STEPS)]
    for label in labels:
        x, y = scale * axes.transData.transform(label.place)
        boxes = list(_boxes(label.text, x, y))
        hidden = [sum(_shared(box, other) for other in taken) + _area(box) - _shared(box, inside) for box, _ in boxes]
        box, reach = boxes[hidden.index(min(hidden))]
        taken.append(box)
        middle = (box[0] + box[2]) / 2 - x, (box[1] + box[3]) / 2 - y
        leader = {"arrowstyle": "-", "linewidth": 0.6, "color": label.colour, "shrinkA": 0, "shrinkB": 3}
        style: dict[str, Any] = {"textcoords": "offset points", "fontsize": 8, "ha": "center", "va": "center"}
        arrow = leader if reach > _REACHES[0] else None
        axes.annotate(label.text, label.place, xytext=middle, color=label.colour, arrowprops=arrow, **style)


def _boxes(text: str, x: float, y: float) -> Iterator[tuple[_Box, float]]:
    """Yield where a name may stand, and how far from its point, the best place first."""
    width, height = _LETTER * len(text) / 2, _LINE / 2
    for reach in _REACHES:
        for right, up in _SIDES:
            across, above = x + right * (width + reach), y + up * (height + reach)
            yield (across - width, above - height, across + width, above + height), reach


def _around(place: NDArray[np.float64], reach: float) -> _Box:
    return place[0] - reach, place[1] - reach, place[0] + reach, place[1] + reach


def _area(box: _Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _shared(one: _Box, other: _Box) -> float:
    """Return the area that two boxes have in common."""
    wide, high = min(one[2], other[2]) - max(one[0], other[0]), min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, wide) * max(0.0, high)
