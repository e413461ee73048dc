"""Paths as users write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgedigits.errors import ConfigError
from edgedigits.files.paths import link_target, user_path


def test_a_tilde_is_a_home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_path("~/x") == tmp_path / "x"
    assert user_path("./~/x") == Path("~/x") and user_path("a/~") == Path("a/~")


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (
            "~nosuchuser",
            "'~nosuchuser' names a user that this machine does not have. For a file of that name write ./~nosu",
        ),
        ("a\0b", "holds a character that no path can have. Write another."),
        ("\ud800", "holds a character that no path can have."),
        ("x" * 300, "is too long for a path."),
        ("x/" * 3000, "is too long for a path."),
    ],
)
def test_what_is_no_path_is_one_sentence(written, message):
    with pytest.raises(ConfigError) as caught:
        user_path(written)
    assert message in str(caught.value) and len(str(caught.value)) < 200


def test_a_link_leads_to_its_target_be_it_there_or_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("c")
    assert link_target(tmp_path / "a") == (tmp_path / "c").resolve()
    assert link_target(Path("c")) == Path("c")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(ConfigError, match="'loop/x' is a link that leads to itself."):
        user_path("loop/x")
