"""An engine is found and read, or it is said what is wrong with it."""

from __future__ import annotations

import os
import re
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


@pytest.mark.parametrize(
    ("define", "words"),
    [
        ("INPUT_SIZE 1000000000000000000000000000000", r"INPUT_SIZE as 10{30}, expected 1 to 1,048,576"),
        ("INPUT_SIZE 0", "INPUT_SIZE as 0, expected 1 to 1,048,576"),
        ("OUTPUT_SIZE (1048577u)", "OUTPUT_SIZE as 1048577, expected 1 to 1,048,576"),
        ("WORKSPACE_BYTES 1000000000000", "WORKSPACE_BYTES as 1000000000000, expected 0 to 67,108,864"),
        # What C reads as another number than Python would.
        ("OUTPUT_SIZE 010", "does not define EDGEDIGITS_MODEL_OUTPUT_SIZE as a number"),
        ("OUTPUT_SIZE 0x310", "does not define EDGEDIGITS_MODEL_OUTPUT_SIZE as a number"),
        ("OUTPUT_SIZE 10 * 2", "does not define EDGEDIGITS_MODEL_OUTPUT_SIZE as a number"),
        ("OUTPUT_SIZE -10", "does not define EDGEDIGITS_MODEL_OUTPUT_SIZE as a number"),
        ("OUTPUT_SIZE " + "9" * 5000, "does not define EDGEDIGITS_MODEL_OUTPUT_SIZE as a number"),
        ("OUTPUT_SIZE ١٠", "does not define EDGEDIGITS_MODEL_OUTPUT_SIZE as a number"),
    ],
)
def test_a_header_with_absurd_sizes_is_told(tmp_path: Path, define: str, words: str) -> None:
    write_engine(tmp_path)
    header, name = tmp_path / "edgedigits_model.h", define.partition(" ")[0]
    text = re.sub(rf"(EDGEDIGITS_MODEL)_{name} \d+", rf"\1_{define}", header.read_text())
    header.write_text(text)

    with pytest.raises(DataError, match=words):
        find_engine(tmp_path)


def test_a_size_may_stand_in_brackets_and_before_a_comment(tmp_path: Path) -> None:
    write_engine(tmp_path, inputs=5)
    header = tmp_path / "edgedigits_model.h"
    header.write_text(header.read_text().replace("_INPUT_SIZE 5", "_INPUT_SIZE (5u) /* five */"))

    assert find_engine(tmp_path).input_size == 5


def test_what_only_looks_like_a_header_is_passed_over(tmp_path: Path) -> None:
    """A folder, a pipe that nobody writes to, a million blank lines, a gigabyte."""
    (tmp_path / "a.h").mkdir()
    os.mkfifo(tmp_path / "b.h")
    (tmp_path / "c.h").write_text("\n" * 1_000_000 + "#define")
    with (tmp_path / "d.h").open("wb") as file:
        file.truncate(1 << 30)
    (tmp_path / "e.h").symlink_to("e.h")
    with pytest.raises(DataError, match="holds no engine"):
        find_engine(tmp_path)

    write_engine(tmp_path)
    assert find_engine(tmp_path).input_size == 784
