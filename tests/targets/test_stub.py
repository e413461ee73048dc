"""An engine is found and read, or it is said what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgedigits.errors import DataError
from edgedigits.targets.stub import find_engine
from tests.targets.tiny_engine import write_engine


@pytest.mark.parametrize("where", ["", "engine"])
def test_an_engine_is_found_in_a_build_and_by_itself(tmp_path: Path, where: str) -> None:
    write_engine(tmp_path / where, inputs=5, outputs=3, prefix="my_net", workspace=12)

    engine = find_engine(tmp_path)

    assert (engine.prefix, engine.macro, engine.header) == ("my_net", "MY_NET", "my_net.h")
    assert (engine.sources, engine.self_test.name) == ((engine.folder / "my_net.c",), "my_net_self_test.c")
    assert (engine.input_size, engine.output_size, engine.workspace_bytes) == (5, 3, 12)
    assert (engine.rounding, engine.digest) == ("litert", "")


def test_the_rounding_is_read_from_the_header(tmp_path: Path) -> None:
    write_engine(tmp_path)
    header = tmp_path / "edgedigits_model.h"
    header.write_text(header.read_text().replace("rounding litert", "rounding   tflm (double)"))

    assert find_engine(tmp_path).rounding == "tflm"


def test_what_is_no_engine_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not a folder"):
        find_engine(tmp_path / "nowhere")
    with pytest.raises(DataError, match="holds no engine"):
        find_engine(tmp_path)

    for end in (".c", "_self_test.c"):
        write_engine(tmp_path)
        (tmp_path / f"edgedigits_model{end}").unlink()
        with pytest.raises(DataError, match=rf"edgedigits_model{end} is missing beside its header"):
            find_engine(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("_WORKSPACE_BYTES", "_BYTES", "does not define EDGEDIGITS_MODEL_WORKSPACE_BYTES"),
        ("_invoke", "_run", "declares no function edgedigits_model_invoke"),
    ],
)
def test_a_header_that_lacks_something_is_told(tmp_path: Path, old: str, new: str, words: str) -> None:
    write_engine(tmp_path)
    header = tmp_path / "edgedigits_model.h"
    header.write_text(header.read_text().replace(old, new))

    with pytest.raises(DataError, match=words):
        find_engine(tmp_path)
