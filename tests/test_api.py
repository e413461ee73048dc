"""`import edgedigits` as a notebook does it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import edgedigits
from edgedigits.config import BuildConfig
from edgedigits.config_file import to_tables
from edgedigits.errors import EdgedigitsError
from edgedigits.sections import LossConfig
from tests.test_reference import REFERENCE

PROGRAM = """
import sys
import edgedigits
assert "tensorflow" not in sys.modules and "numpy" not in sys.modules
{imports}
for name in ("build", "evaluate", "export", "inspect", "predict", "quantize", "simulate", "teacher"):
    assert name in dir(edgedigits) and callable(getattr(edgedigits, name)), name
assert set(edgedigits.__all__) == {{name for name in dir(edgedigits) if name == "__version__" or name[0] != "_"}}
try:
    edgedigits.evaluate("none.tflite")
except Exception as error:
    print(error)
"""


@pytest.mark.parametrize("imports", ["", "import edgedigits.scoring.harness as harness", "edgedigits.BuildConfig()"])
def test_the_functions_can_be_called_whatever_was_imported_before(imports: str) -> None:
    program = PROGRAM.format(imports=imports)
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said.startswith("none.tflite does not exist.")


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"loss": {"gamma": 2.0}}, 'config: [loss] gamma has no effect without name = "focal" under [loss].'),
        ({"prune": {"sparsity": 0.9}}, "config: [prune] sparsity has no effect without enabled = true under [prune]."),
        ({"prune": {"enabled": False, "sparsity": 0.9}}, "none.csv"),
        (to_tables(BuildConfig(loss=LossConfig(name="mse", gamma=5.0))), "none.csv"),
    ],
)
def test_an_option_that_changes_nothing_is_refused_but_not_in_the_tables_of_a_manifest(choices, message, tmp_path):
    place = {"data": {"source": "none.csv"}, "output": {"out": str(tmp_path / "it")}}
    with pytest.raises(EdgedigitsError) as caught:
        edgedigits.build({**choices, **place})
    assert str(caught.value).startswith(message)
    assert not list(tmp_path.iterdir())


def test_a_model_is_inspected_without_tensorflow() -> None:
    facts = edgedigits.inspect(REFERENCE)
    assert facts.weights == 25_760
    assert facts.digest == edgedigits.inspect(REFERENCE / "model.tflite").digest
    assert "20,484 of 25,760 weights zero" in facts._repr_html_() and "32×784" in facts._repr_html_()


def test_what_was_exported_shows_itself(tmp_path: Path) -> None:
    made = edgedigits.export(REFERENCE, "cmake", tmp_path / "out")
    assert str(tmp_path / "out") in made._repr_html_() and "example/main.c" in made._repr_html_()
