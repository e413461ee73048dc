"""A teacher that a build trains itself: `--distill cnn`."""

from __future__ import annotations

import pytest

from edgedigits.config_file import make_config, parse_sections
from edgedigits.pipeline import train_and_compress
from edgedigits.progress import SILENT
from edgedigits.study.plan.grid import plan_grid
from edgedigits.teachers import make
from edgedigits.teachers.record import findings_on_teacher


def config(**sections):
    return make_config(parse_sections(sections, "test"))


@pytest.mark.slow
def test_a_build_trains_its_own_teacher_and_learns_from_it(few, monkeypatch) -> None:
    monkeypatch.setattr(make, "OWN_EPOCHS", 8)
    lessons = {"training": {"epochs": 1, "augment": "none"}, "model": {"hidden": [8]}}
    alone = train_and_compress(config(**lessons), few, SILENT)
    taught = train_and_compress(config(**lessons, distill={"teacher": "cnn"}), few, SILENT)
    assert alone.teacher is None
    assert (taught.teacher.name, taught.teacher.outputs_are) == ("cnn", "logits")
    assert taught.teacher.accuracy(few.train.images, few.train.labels) > 0.2
    assert (alone.final.get_weights()[0] != taught.final.get_weights()[0]).any()


def test_it_holds_out_what_the_build_holds_out_so_that_nothing_is_to_be_found(few) -> None:
    assert findings_on_teacher(config(distill={"teacher": "cnn"}), few) == []


def test_a_study_plans_it_without_a_folder() -> None:
    trials = plan_grid({"axes": {"distill": ["", "cnn"]}}, "study")
    assert [trial.config.teacher for trial in trials] == ["", "cnn"]


@pytest.mark.parametrize("constants", [12_288, 27_648])
def test_a_large_budget_can_be_met_without_one(constants) -> None:
    assert config(budget={"constants": constants}).teacher == "cnn"
    assert config(budget={"constants": constants}, distill={"teacher": ""}).teacher == ""
