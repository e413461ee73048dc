"""Networks of the report's arithmetic that train side by side end as they would alone, and cells that share do so too."""

from __future__ import annotations

import numpy as np
import pytest

from edgedigits.data.contents import Contents
from edgedigits.data.digits import Splits
from edgedigits.reproduction.digits import table_digits
from edgedigits.reproduction.plan import plan_table
from edgedigits.reproduction.published import SideBySide, Trainee, columns, initial_weights
from edgedigits.reproduction.published_cell import run_published
from edgedigits.study.kinds import Entry
from tests.reproduction.alone import classes_of, train

ITERATIONS, RATE = 20, 0.5
NETWORKS = [Trainee(True, 7), Trainee(False, 3), Trainee(True, 3), Trainee(False, 8)]


@pytest.fixture(scope="module")
def contents(splits_5k: Splits) -> Contents:
    return Contents(splits_5k.train, splits_5k.test.take(np.arange(200)), "mnist-5k")


@pytest.fixture(scope="module")
def digits(contents):
    return table_digits(contents, 1000)


def alone(digits, network: Trainee, iterations: int, rate: float = RATE):
    """Train one network by the code that is written to be read; return it and its accuracy by iteration."""
    seen = []
    weights = train(
        "classical" if network.plain else "quantized",
        columns(digits.train),
        digits.train.labels,
        rate=rate,
        iterations=iterations,
        seed=network.first_weights,
        file_rows=1000,
        watch=lambda *step: seen.append(step[2]),
    )
    return weights, seen


@pytest.fixture(scope="module")
def together(digits):
    side, seen = SideBySide(NETWORKS, digits.train, rate=RATE, file_rows=1000), []
    for _ in range(ITERATIONS):
        side.step()
        seen.append(dict(zip(side.networks, side.accuracy, strict=True)))
    return side, seen


@pytest.mark.parametrize("network", NETWORKS)
def test_side_by_side_gives_the_weights_and_the_classes_of_a_training_alone(network, together, digits):
    side, seen = together
    weights, accuracies = alone(digits, network, ITERATIONS)
    found = side.weights(network)
    for name in ("w1", "b1", "w2", "b2"):
        assert np.allclose(getattr(found, name), getattr(weights, name), rtol=0, atol=1e-12), name
    assert np.abs(weights.w1 - initial_weights(network.first_weights).w1).max() > 0.1
    assert [step[network] for step in seen] == pytest.approx(accuracies, abs=1e-12)
    dev = columns(digits.dev)
    quantized = not network.plain
    assert np.array_equal(classes_of(found, dev, quantized=quantized), classes_of(weights, dev, quantized=quantized))


def test_networks_that_are_done_leave_the_others_alone(digits):
    side = SideBySide(NETWORKS, digits.train, rate=RATE, file_rows=1000)
    side.step()
    side.keep([NETWORKS[3], NETWORKS[0]])
    assert side.networks == [NETWORKS[3], NETWORKS[0]]
    side.step()
    for network in side.networks:
        assert np.allclose(side.weights(network).w1, alone(digits, network, 2)[0].w1, rtol=0, atol=1e-12)


def cell(family: str, rate: float, iterations: int, first_weights: int) -> dict:
    spec = {"family": family, "rate": rate, "iterations": iterations, "first_weights": first_weights, "rows": 1000}
    return {"key": f"{family} {rate} {iterations} {first_weights}", "spec": spec}


def test_one_training_answers_the_settings_that_it_passes(contents, digits):
    cells = [
        cell("quantized", 0.1, 6, 1),
        cell("quantized", 0.1, 3, 1),
        cell("classical", 0.1, 3, 0),
        cell("pruned", 0.5, 4, 4),
    ]
    answers = {answer["key"]: answer for answer in run_published(cells, contents)}
    assert set(answers) == {trial["key"] for trial in cells}
    for trial in cells:
        spec, result = trial["spec"], answers[trial["key"]]["result"]
        quantized = spec["family"] == "quantized"
        weights, seen = alone(digits, Trainee(not quantized, spec["first_weights"]), spec["iterations"], spec["rate"])
        for part, name in ((digits.dev, "dev_accuracy"), (digits.test, "accuracy")):
            given = classes_of(weights, columns(part), quantized=quantized)
            assert result[name] == pytest.approx(np.mean(given == part.labels), abs=1e-12), name
        assert result["curves"]["train"] == [[at, pytest.approx(one)] for at, one in enumerate(seen, start=1)]
        assert result["curves"]["dev"][-1] == [spec["iterations"], pytest.approx(result["dev_accuracy"])]
        (only,) = run_published([trial], contents)
        assert {**only["result"], "train_seconds": 0} == {**result, "train_seconds": 0}


def test_settings_of_one_rate_have_one_training_a_row_and_run_in_one_process():
    entries = plan_table(seeds=2, columns="published").entries
    assert len(entries) == 120
    rows: dict[tuple, list[Entry]] = {}
    for entry in entries:
        rows.setdefault((entry.spec["family"], entry.spec["loss"], entry.spec["rate"], entry.spec["seed"]), []).append(
            entry
        )
    for group in rows.values():
        assert len({entry.spec["first_weights"] for entry in group}) == 1
        assert len({entry.group for entry in group}) == 1
    assert len({entry.group for entry in entries}) == 4
    firsts = {
        (entry.spec["family"], entry.spec["loss"], entry.spec["seed"]): entry.spec["first_weights"] for entry in entries
    }
    assert len(set(firsts.values())) == 24
