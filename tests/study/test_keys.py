"""The key of a trial changes with all that shapes its figures, and with nothing else."""

from __future__ import annotations

import subprocess
import sys

import pytest

from edgedigits.study.run import keys


def code_version():
    return keys.code_version.__wrapped__()


@pytest.mark.parametrize(
    "name",
    [
        "assemble.py",
        "compile.py",
        "training/fit.py",
        "model/packing.py",
        "engine/source.py",
        "engine/templates/kernels/rows.c.j2",
        "devices/simulate.py",
        "devices/native/block_counter.c",
        "reproduction/task.py",
        "reproduction/plan.py",
        "study/run/build_trial.py",
        "a_new_room/of_tomorrow.py",
        "of_tomorrow.py",
    ],
)
def test_another_source_is_another_version(name, tmp_path, monkeypatch):
    monkeypatch.setattr(keys, "_PACKAGE", tmp_path)
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("old")
    before = code_version()
    assert code_version() == before
    file.write_text("new")
    assert code_version() != before


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ('"""What it does."""\n\n# Why.\nX = 1  # here\n\n\ndef f(a):\n    """Say."""\n    return  a\n', True),
        ("X = 1\ndef f(a): return a", True),
        ("X = 2\ndef f(a): return a", False),
        ("X = 1\ndef f(b): return b", False),
        ("X = 1\ndef f(a):\n    'text'\n    'more'\n    return a", False),
    ],
)
def test_a_comment_or_a_docstring_changes_no_key(text, same, tmp_path, monkeypatch):
    monkeypatch.setattr(keys, "_PACKAGE", tmp_path)
    file = tmp_path / "new.py"
    file.write_text("X = 1\ndef f(a):\n    return a\n")
    before = code_version()
    file.write_text(text)
    assert (code_version() == before) is same


@pytest.mark.parametrize(
    "name",
    [
        "study/report/page.py",
        "reproduction/report/pictures.py",
        "study/run/store.py",
        "cli/study.py",
        "model/notes.txt",
    ],
)
def test_what_shapes_no_figure_does_not_count(name, tmp_path, monkeypatch):
    monkeypatch.setattr(keys, "_PACKAGE", tmp_path)
    before = code_version()
    file = tmp_path / name
    file.parent.mkdir(parents=True)
    file.write_text("new")
    assert code_version() == before


@pytest.mark.parametrize("name", ["src/memory.c", "harness/function.ld"])
def test_what_is_linked_to_an_engine_counts(name, tmp_path, monkeypatch):
    monkeypatch.setattr(keys, "_PACKAGE", tmp_path / "package")
    for one in ("src/memory.c", "harness/function.ld"):
        (tmp_path / one).parent.mkdir()
        (tmp_path / one).write_text("old")
    monkeypatch.setattr(keys, "firmware_stub", lambda: tmp_path)
    before = code_version()
    (tmp_path / name).write_text("new")
    assert code_version() != before


@pytest.mark.parametrize("library", ["tensorflow", "tf-keras", "tensorflow-model-optimization", "numpy"])
def test_a_library_of_another_version_is_another_version(library, tmp_path, monkeypatch):
    monkeypatch.setattr(keys, "_PACKAGE", tmp_path)
    before = code_version()
    real = keys.version
    monkeypatch.setattr(keys, "version", lambda name: "0.0" if name == library else real(name))
    assert code_version() != before

    def missing(name):
        raise keys.PackageNotFoundError(name)

    monkeypatch.setattr(keys, "version", missing)
    assert code_version() != before


def test_it_is_found_without_tensorflow():
    code = (
        "import sys; from edgedigits.study.run.keys import code_version; code_version()\n"
        "sys.exit(any(name.split('.')[0] in ('tensorflow', 'keras', 'tf_keras') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
