"""What recipes are chosen by: a build's own validation digits, and distorted copies of them that stay the same."""

from __future__ import annotations

import numpy as np
import pytest

from edgedigits.api import evaluate
from edgedigits.data.export import write_csv
from edgedigits.errors import DataError
from tests.benchmarks.bench_validation import accuracies, main
from tests.scoring.recorded_build import write_build


def test_a_build_is_scored_on_what_it_held_out_for_validation(five_thousand, tmp_path, capsys) -> None:
    write_csv(five_thousand.take(np.arange(0, 5000, 10)), tmp_path / "digits.csv")
    splits = write_build(tmp_path / "it", tmp_path / "digits.csv")
    write_csv(splits.validation, tmp_path / "validation.csv")
    plain, distorted = accuracies(tmp_path / "it")
    scored = evaluate(tmp_path / "it" / "model.tflite", str(tmp_path / "validation.csv"), split="all")
    assert plain == pytest.approx(scored.scores.accuracy)
    assert plain - 0.1 < distorted <= plain
    main([str(tmp_path / "it")])
    assert f"| it | {100 * plain:.2f} | {100 * distorted:.3f} |" in capsys.readouterr().out


def test_a_file_alone_has_no_validation_digits(tmp_path) -> None:
    (tmp_path / "model.tflite").write_bytes(b"")
    with pytest.raises(DataError, match="is no build"):
        accuracies(tmp_path / "model.tflite")
