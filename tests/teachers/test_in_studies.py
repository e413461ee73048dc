"""A study knows a teacher by its model, and its workers find it from wherever they run."""

from __future__ import annotations

import pytest

from edgedigits.build_folder import TEACHER, TEACHER_MODEL, Manifest, write_manifest
from edgedigits.errors import DataError
from edgedigits.study.plan.grid import plan_grid
from edgedigits.study.trial_kind import plan_builds


def identities(axes: dict) -> list[dict]:
    return [entry.identity for entry in plan_builds("x", plan_grid({"axes": axes}, "x")).entries]


def test_a_trial_is_another_one_with_another_teacher_at_the_same_place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = []
    for content in (b"a model", b"another"):
        (tmp_path / "of-3").mkdir(exist_ok=True)
        (tmp_path / "of-3" / TEACHER_MODEL).write_bytes(content)
        write_manifest(tmp_path / "of-3", Manifest(kind=TEACHER))
        found.append(identities({"distill": ["", "of-{seed}"], "seed": [3]}))
        (tmp_path / "of-3" / "manifest.json").unlink()
    assert found[0][0] == found[1][0] and "teacher" not in found[0][0]
    assert found[0][1]["teacher"] != found[1][1]["teacher"]
    assert found[0][1]["config"]["distill"]["teacher"] == str(tmp_path / "of-3")


def test_a_teacher_that_is_not_there_is_told_before_any_trial():
    with pytest.raises(DataError, match="nowhere does not exist"):
        identities({"distill": ["nowhere"]})
