"""Whatever happens to an interpreter, the caller lives and can say in a sentence what it was."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgedigits.errors import DataError, ToolMissingError
from edgedigits.scoring.child import Workspace
from edgedigits.scoring.interpreter import Classifier, litert_request, run_litert
from edgedigits.scoring.tflm import run_tflm, tflm_request

Make = Callable[..., Classifier]
Break = Callable[[str, str], None]
Images = NDArray[np.uint8]


def test_a_segmentation_fault_is_a_sentence(classifier: Make, images: Images) -> None:
    """TFLM dereferences null when its arena cannot even hold its own bookkeeping: a real crash."""
    with pytest.raises(DataError, match=r"random\.tflite: the TFLM interpreter was ended by SIGSEGV"):
        run_tflm(classifier(), images, arena_bytes=16)


def test_an_abort_is_a_sentence_with_its_last_words(classifier: Make, images: Images, broken_library: Break) -> None:
    broken_library("ai_edge_litert", "import os, sys\nprint('F: gave up', file=sys.stderr, flush=True)\nos.abort()")

    with pytest.raises(DataError, match="ended by SIGABRT while running it; its last words: F: gave up"):
        run_litert(classifier(), images)


def test_an_interpreter_that_hangs_is_ended(classifier: Make, images: Images, broken_library: Break) -> None:
    broken_library("ai_edge_litert", "import time\ntime.sleep(60)")
    start = time.monotonic()

    with pytest.raises(DataError, match=r"did not answer within 0\.5 s"):
        run_litert(classifier(), images, timeout_s=0.5)
    assert time.monotonic() - start < 10


@pytest.mark.parametrize(
    ("library", "run", "install"),
    [
        ("ai_edge_litert", run_litert, r"pip install 'ai-edge-litert==2\.3"),
        ("tflite_micro", run_tflm, r"pip install 'edgedigits\[tflm\]'"),
    ],
)
def test_a_library_that_does_not_import_is_missing(
    classifier: Make, images: Images, broken_library: Break, library: str, run: Callable, install: str
) -> None:
    broken_library(library, "raise ImportError('no such shared object')")

    with pytest.raises(ToolMissingError, match=install):
        run(classifier(), images)


def test_leaving_a_workspace_ends_its_children_and_removes_its_folder(
    classifier: Make, images: Images, broken_library: Break
) -> None:
    broken_library("ai_edge_litert", "import time\ntime.sleep(60)")
    model = classifier()
    with model.workspace(images) as workspace:
        child = workspace.start("litert", **litert_request(model, ["default"], 1))
        folder = workspace.folder
    assert child._process.poll() is not None
    assert not folder.exists()


def test_children_run_side_by_side(classifier: Make, images: Images) -> None:
    model = classifier()
    with model.workspace(images) as workspace:
        children = [workspace.start("tflm", **tflm_request(model)) for _ in range(2)]
        first, second = (child.result().arrays["tflm"] for child in children)
    assert np.array_equal(first, second)


def test_the_working_directory_shadows_no_library(
    classifier: Make, images: Images, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "numpy.py").write_text("raise SystemExit('the wrong numpy')")
    monkeypatch.chdir(tmp_path)

    assert run_litert(classifier(), images, kernels=["default"])["default"].shape == (len(images), 10)


def test_messages_name_the_model() -> None:
    with Workspace("my model.tflite", b"nonsense", np.zeros((1, 784), np.uint8), np.zeros(256, np.int8)) as workspace:
        request = {
            "kernels": ["default"],
            "threads": 1,
            "input_shape": [1, 784],
            "classes": 10,
            "output_dtype": "int8",
        }
        with pytest.raises(DataError, match=r"^my model\.tflite: LiteRT cannot read it"):
            workspace.start("litert", **request).result()
