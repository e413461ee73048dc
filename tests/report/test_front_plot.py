"""The picture of the frontier: ours and published models, told from each other without colours, the same bytes twice."""

from __future__ import annotations

import numpy as np
import pytest

from edgedigits.cli.main import main
from edgedigits.report.front_plot import CONVOLUTIONAL, DENSE, front_plot
from edgedigits.report.style import drawing_style

POINTS = [(412, 0.9519), (2_033, 0.9834), (27_000, 0.9940)]


def test_every_model_is_drawn_where_its_bytes_and_accuracy_are():
    with drawing_style():
        (axes,) = front_plot(POINTS).draw().axes
    lines = {line.get_label(): line for line in axes.lines}
    assert len({line.get_marker() for line in lines.values()}) == 3
    for label, points in {
        "edgedigits, dense": POINTS,
        "published, dense": [(one.nbytes, one.accuracy) for one in DENSE],
        "published, convolutional": [(one.nbytes, one.accuracy) for one in CONVOLUTIONAL],
    }.items():
        drawn = lines[label].get_xydata()
        assert drawn == pytest.approx(np.array([[nbytes, 100 * (1 - accuracy)] for nbytes, accuracy in points]))
        left, right, most, least = *axes.get_xlim(), *axes.get_ylim()
        assert all(left < x < right and least < wrong < most for x, wrong in drawn)


def test_it_is_described_for_those_who_cannot_see_it():
    assert "95.19% in 412 B to 99.40% in 27,000 B" in front_plot(POINTS).description


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_models_draws_it_the_same_twice_and_overwrites_nothing_unasked(suffix, tmp_path, capsys):
    place = tmp_path / f"front{suffix}"
    assert main(["models", "--plot", str(place)]) == 0
    before = place.read_bytes()
    assert main(["models", "--plot", str(place)]) == 3
    assert "exists already" in capsys.readouterr().err
    assert main(["models", "--plot", str(place), "--force"]) == 0
    assert place.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["--plot", "front.jpg"], "front.jpg is no picture"), (["--force"], "--force has no effect without --plot")],
)
def test_what_cannot_be_drawn_is_told(arguments, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["models", *arguments]) == 2
    assert words in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
