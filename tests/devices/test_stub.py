"""An engine is found and its facts are read, or it is said what is wrong with it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgedigits.devices.stub import Engine, find_engine
from edgedigits.engine.engine_json import EnginePixels
from edgedigits.errors import DataError
from edgedigits.model.fixed_point import Rounding
from tests.cases import MANY_CASES
from tests.devices.emitted_engine import write_emitted_engine
from tests.devices.tiny_engine import write_engine
from tests.tflite_builder import random_mlp

NAME = "edgedigits_model.json"


@pytest.mark.parametrize("where", ["", "engine"])
def test_an_engine_is_found_in_a_build_and_by_itself(tmp_path: Path, where: str) -> None:
    write_engine(tmp_path / where, inputs=5, outputs=3, prefix="my_net", workspace=12)

    engine = find_engine(tmp_path)

    assert (engine.prefix, engine.macro, engine.header) == ("my_net", "MY_NET", "my_net.h")
    assert (engine.facts.input.size, engine.facts.output.size, engine.facts.workspace_bytes) == (5, 3, 12)
    assert (engine.facts.rounding, engine.facts.model_sha256, engine.facts.steps) == ("litert", "", ())
    assert (engine.facts.pixels, engine.facts.classes) == (EnginePixels(0, 1), 3)


@pytest.mark.parametrize("rounding", list(Rounding))
def test_the_facts_of_an_emitted_engine_are_read(tmp_path: Path, rounding: Rounding) -> None:
    model = random_mlp(5, sizes=(20, 1, 10), softmax=True, density=0.5)
    engine = write_emitted_engine(tmp_path, model, encodings=("lists8", "pairs"), rounding=rounding)
    header = (engine.folder / engine.header).read_text()

    assert (
        engine.facts.rounding == rounding
        and engine.facts.model_sha256 in header
        and len(engine.facts.model_sha256) == 64
    )
    assert f"_WORKSPACE_BYTES {engine.facts.workspace_bytes}\n" in header
    assert [(step.name, step.shape, step.weights) for step in engine.facts.steps] == [
        ("layer 1", "20 inputs, 1 output, ReLU", 20),
        ("layer 2", "1 input, 10 outputs, no activation", 10),
        ("softmax", "", 0),
    ]
    assert [
        (step.stored.plain.encoding, step.stored.mve and step.stored.mve.encoding) for step in engine.facts.steps
    ] == [
        ("lists8", None),
        ("pairs", "rows"),
        ("", None),
    ]
    stored = engine.facts.steps[1].stored
    assert stored.mve is not None
    assert set(stored.plain.bytes) == {"edgedigits_model_layer2_weights", "edgedigits_model_layer2_bias"}
    assert set(stored.mve.bytes) == {"edgedigits_model_layer2_rows", "edgedigits_model_layer2_bias"}


def test_what_is_no_engine_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not a folder"):
        find_engine(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"holds no engine with its facts, a file PREFIX\.json"):
        find_engine(tmp_path)


@pytest.mark.parametrize("end", [".h", ".c", "_self_test.c"])
def test_a_missing_file_is_told(tmp_path: Path, end: str) -> None:
    write_engine(tmp_path)
    (tmp_path / f"edgedigits_model{end}").unlink()

    with pytest.raises(DataError, match=rf"edgedigits_model{end} is missing beside edgedigits_model\.json"):
        find_engine(tmp_path)


def test_a_file_larger_than_any_engines_is_told(tmp_path: Path) -> None:
    write_engine(tmp_path)
    with (tmp_path / "edgedigits_model.c").open("r+b") as file:
        file.truncate(1 << 30)

    with pytest.raises(DataError, match=r"edgedigits_model\.c is larger than any engine's"):
        find_engine(tmp_path)


def test_several_engines_in_one_folder_are_told(tmp_path: Path) -> None:
    write_engine(tmp_path, prefix="one")
    write_engine(tmp_path, prefix="two")

    with pytest.raises(DataError, match="holds several engines: one, two"):
        find_engine(tmp_path)


STORED = {"plain": {"encoding": "pairs", "bytes": {"x_layer1_weights": 7840}}}
STEP = {
    "name": "layer 1",
    "begins": "/* layer 1 */",
    "inputs": 784,
    "outputs": 10,
    "activation": "ReLU",
    "stored": STORED,
}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"schema": 2}, "schema is 2, expected an integer <= 1"),
        ({"schema": True}, "schema is True, expected an integer"),
        ({"input": {"size": 10**30}}, r"input.size is 10{30}, expected an integer <= 1048576"),
        ({"input": {"size": 784.0}}, r"input.size is 784.0, expected an integer"),
        ({"input": {"size": "784"}}, r"input.size is '784', expected an integer"),
        ({"input": [784]}, r"input is \[784\], expected an object"),
        ({"output": {"size": 0}}, "output.size is 0, expected an integer >= 1"),
        ({"output": {}}, "output.size is missing"),
        ({"workspace_bytes": 10**12}, "workspace_bytes is 1000000000000, expected an integer <= 67108864"),
        ({"workspace_bytes": -4}, "workspace_bytes is -4"),
        ({"prefix": "../../etc/passwd"}, r"prefix is '../../etc/passwd', expected a text like"),
        ({"prefix": "a\x1b[2J"}, r"prefix is 'a\\x1b\[2J', expected"),
        ({"prefix": "x" * 65}, "prefix is 'x"),
        ({"rounding": "stochastic"}, r"rounding is 'stochastic', expected a text like '\^\(litert\|tflm\)"),
        ({"model_sha256": "0" * 63}, "model_sha256 is '0"),
        ({"pixels": [0, 1]}, r"pixels is \[0, 1\], expected an object"),
        ({"pixels": {"low": 0, "high": 1, "view": 12}}, "pixels.view is 12, expected an object"),
        ({"pixels": {"low": 0, "high": 1, "view": {"size": 99}}}, "pixels is .*: its view is not what a build can be"),
        ({"pixels": {"low": 0}}, "pixels.high is missing"),
        ({"pixels": {"low": "0", "high": 1}}, "pixels.low is '0', expected a number"),
        ({"pixels": {"low": 1, "high": 1.0}}, "pixels is .*: high has to be above low"),
        ({"pixels": {"low": 0, "high": 10**400}}, "pixels.high is 10*.*: Number out of range"),
        ({"classes": -1}, "classes is -1"),
        ({"steps": {}}, r"steps is \{\}, expected a list"),
        ({"steps": [STEP] * 201}, "steps is .*, expected a list of length <= 200"),
        ({"steps": ["layer 1"]}, r"steps\[0\] is 'layer 1', expected an object"),
        ({"steps": [{**STEP, "inputs": -1}]}, r"steps\[0\].inputs is -1"),
        ({"steps": [{**STEP, "activation": "\x1b]0;x"}]}, r"steps\[0\].activation is '\\x1b"),
        ({"steps": [{**STEP, "begins": ""}]}, r"steps\[0\].begins is ''"),
        ({"steps": [{**STEP, "activation": None}]}, "it lacks some of inputs, outputs and activation"),
        ({"steps": [{**STEP, "stored": {}}]}, r"steps\[0\].stored.plain is missing"),
        ({"steps": [{**STEP, "stored": {**STORED, "mve": 5}}]}, r"steps\[0\].stored.mve is 5, expected an object"),
        ({"steps": [{**STEP, "stored": {"plain": {"encoding": "a b", "bytes": {}}}}]}, r"stored.plain.encoding is 'a b', expected a text like"),
        ({"steps": [{**STEP, "stored": {"plain": {"encoding": "", "bytes": {"a b": 1}}}}]}, "stored.plain.bytes is .* expected a text like"),
        ({"steps": [{**STEP, "stored": {"plain": {"encoding": "", "bytes": {"a": -1}}}}]}, r"stored.plain.bytes\[...\] is \{'a': -1\}, expected an integer >= 0"),
    ],
)  # fmt: skip
def test_facts_that_cannot_be_are_told(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    write_engine(tmp_path)
    file = tmp_path / NAME
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))

    with pytest.raises(DataError, match=words) as told:
        find_engine(tmp_path)
    assert str(told.value).isprintable() and len(str(told.value)) < 300 + len(str(tmp_path))


def test_what_only_looks_like_facts_is_passed_over(tmp_path: Path) -> None:
    """A folder, a pipe that nobody writes to, a gigabyte, a loop, no JSON, JSON too deep, numbers too long."""
    (tmp_path / "a.json").mkdir()
    os.mkfifo(tmp_path / "b.json")
    with (tmp_path / "c.json").open("wb") as file:
        file.truncate(1 << 30)
    (tmp_path / "d.json").symlink_to("d.json")
    for number, text in enumerate(
        ("", "{", "\0", "[" * 100_000, '{"kind": ' + "9" * 5000 + "}", "[]", '{"kind": "engine"}')
    ):
        (tmp_path / f"e{number}.json").write_text(text)
    (tmp_path / "f.json").write_bytes(b'{"kind": "\xff"}')
    write_engine(tmp_path, prefix="long")
    (tmp_path / "long.json").write_text((tmp_path / "long.json").read_text() + " " * (1 << 20))
    with pytest.raises(DataError, match="holds no engine"):
        find_engine(tmp_path)

    write_engine(tmp_path)
    assert find_engine(tmp_path).facts.input.size == 784


def damaged(text: str, random: np.random.Generator) -> str:
    """Facts with a few characters changed, or with a value put in another's place."""
    values: list[Any] = [
        None,
        True,
        -1,
        0,
        10**12,
        1e308,
        float("nan"),
        "",
        "x" * 300,
        "\x1b[2J",
        [],
        {},
        [[]],
        {"a": {}},
    ]
    if random.integers(2):
        letters = list(text)
        for place in random.integers(0, len(letters), int(random.integers(1, 4))):
            letters[place] = chr(random.choice([0, 9, 34, 44, 45, 48, 57, 91, 93, 123, 125, 160, 0x663, 0x1F600]))
        return "".join(letters)
    facts = json.loads(text)
    places: list[Any] = [facts]
    for place in places:
        inside = place.values() if isinstance(place, dict) else place
        places += [one for one in inside if isinstance(one, (dict, list)) and one]
    place = places[random.integers(len(places))]
    keys = list(place) if isinstance(place, dict) else range(len(place))
    place[keys[random.integers(len(keys))]] = values[random.integers(len(values))]
    return json.dumps(facts)


def check_damaged(folder: Path, seeds: range) -> None:
    write_emitted_engine(folder, random_mlp(5, sizes=(20, 6, 10), softmax=True), encodings=("pairs", "lists8"))
    file = folder / "engine" / NAME
    text, refused = file.read_text(), 0
    for seed in seeds:
        file.write_text(damaged(text, np.random.default_rng(seed)))
        try:
            assert isinstance(find_engine(folder), Engine)
        except DataError as error:
            refused += 1
            assert str(error).isprintable(), seed
    assert refused > len(seeds) / 4


def test_three_hundred_damaged_facts(tmp_path: Path) -> None:
    check_damaged(tmp_path, range(300))


@pytest.mark.slow
def test_thousands_of_damaged_facts(tmp_path: Path) -> None:
    check_damaged(tmp_path, range(1000, 1000 + MANY_CASES))
