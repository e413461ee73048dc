"""Builds together: their mean by definition, on digits that none of them knows, for the bytes of them all."""

from __future__ import annotations

import json

import numpy as np
import pytest

from edgedigits.data.export import write_csv
from edgedigits.errors import ConfigError
from edgedigits.model.lowering import lower
from edgedigits.model.numpy_engine import run
from edgedigits.model.reader import read_tflite
from tests.benchmarks.bench_ensemble import main
from tests.benchmarks.ensemble import score_ensemble
from tests.scoring.linear import nearest_means
from tests.scoring.recorded_build import REFERENCE, write_build
from tests.tflite_builder import random_mlp


@pytest.fixture(scope="module")
def builds(five_thousand, tmp_path_factory):
    """The reference model and one of class means, both of the same 500 digits; and the digits that they hold out."""
    place = tmp_path_factory.mktemp("builds")
    write_csv(five_thousand.take(np.arange(0, 5000, 10)), place / "digits.csv")
    splits = write_build(place / "reference", place / "digits.csv")
    means = nearest_means(splits.train, 0.0, 1.0, scale=1 / 255)
    write_build(place / "means", place / "digits.csv", model=means)
    return [place / "reference", place / "means"], splits.test


def real_outputs(folder, images):
    network = lower(read_tflite(folder / "model.tflite"))
    codes = run(network, (images.astype(int) - 128).astype(np.int8)).astype(float)
    return (codes - network.output.zero_points[0]) * network.output.scales[0]


@pytest.fixture(scope="module")
def found(builds):
    return score_ensemble(builds[0])


def test_the_mean_of_what_they_say_is_scored_and_each_alone(builds, found) -> None:
    folders, test = builds
    said = [real_outputs(folder, test.images) for folder in folders]
    right = [float(np.mean(one.argmax(axis=1) == test.labels)) for one in (*said, sum(said))]
    assert (*found.members, found.accuracy) == tuple(right)
    assert found.images == len(test)


def test_what_has_no_mean_is_told(builds, tmp_path) -> None:
    folders, _ = builds
    source = folders[0].parent / "digits.csv"
    write_build(tmp_path / "softmax", source, model=random_mlp(1, (784, 10), softmax=True))
    with pytest.raises(ConfigError, match="softmax gives probabilities, and .*reference the other: they have no mean"):
        score_ensemble([folders[0], tmp_path / "softmax"])
    with pytest.raises(ConfigError, match="An ensemble needs a build"):
        score_ensemble([])


@pytest.mark.slow
def test_the_benchmark_prints_a_row_for_each_number_of_builds_with_the_bytes_of_all(builds, found, capsys) -> None:
    folders, test = builds
    main([str(folder) for folder in folders])
    one, two = capsys.readouterr().out.splitlines()[2:]
    engine = json.loads(REFERENCE.with_name("report.json").read_text())["engine"]
    reference = engine["weight_bytes"] + engine["bias_bytes"]
    alone, together = (f"{100 * share:.2f}" for share in (found.members[0], found.accuracy))
    assert one == f"| 1 | {reference:,} | {alone} | {alone} | {len(test)} |"
    assert found.constant_bytes == reference + score_ensemble(folders[1:]).constant_bytes
    best = f"{100 * max(found.members):.2f}"
    assert two == f"| 2 | {found.constant_bytes:,} | {together} | {best} | {len(test)} |"
