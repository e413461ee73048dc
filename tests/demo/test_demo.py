"""`edgedigits demo`: the page is whole, small and of the engine; its WebAssembly says what the NumPy engine says."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from edgedigits.cli.main import main
from edgedigits.data.digits import Digits
from edgedigits.data.geometry import fitted
from edgedigits.data.mnist import find_mnist
from edgedigits.demo.page import page_facts
from edgedigits.demo.strip import make_strip
from edgedigits.devices.boards import find_board, load_boards
from edgedigits.devices.stub import find_engine
from edgedigits.model.lowering import lower
from edgedigits.model.network import Network
from edgedigits.model.numpy_engine import run
from edgedigits.model.packing import Goal, arrange, times
from edgedigits.model.reader import read_tflite
from edgedigits.model.simplify import simplify
from edgedigits.scoring.pixels import engine_map
from edgedigits.scoring.subject import find_subject
from edgedigits.view import View
from tests.devices.emitted_engine import write_emitted_engine
from tests.report.accessibility import assert_accessible
from tests.report.page_checker import check_page
from tests.tflite_builder import random_mlp

REFERENCE = Path(__file__).parents[2] / "deploy" / "reference"
MOST_BYTES = 150_000


class Module:
    """The WebAssembly of a page, as its script uses it."""

    def __init__(self, page: str) -> None:
        wasmtime = pytest.importorskip("wasmtime")
        self.facts = json.loads(between(page, "facts"))
        self._store = wasmtime.Store()
        module = wasmtime.Module(self._store.engine, base64.b64decode(between(page, "wasm")))
        assert not module.imports, "it needs nothing of the page"
        self._exports = wasmtime.Instance(self._store, module, []).exports(self._store)

    def call(self, name: str, *arguments: int) -> Any:
        return self._exports[name](self._store, *arguments)

    def write(self, name: str, values: NDArray[Any]) -> None:
        self._exports["memory"].write(self._store, values.tobytes(), self.call(f"{name}_at"))

    def read(self, name: str, count: int, kind: type[np.generic]) -> NDArray[Any]:
        start = self.call(f"{name}_at")
        size = count * np.dtype(kind).itemsize
        return np.frombuffer(bytes(self._exports["memory"].read(self._store, start, start + size)), kind)


def between(page: str, name: str) -> str:
    found = re.search(rf'<script id="{name}"[^>]*>(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    pytest.importorskip("ziglang")
    path = tmp_path_factory.mktemp("demo") / "demo.html"
    assert main(["demo", str(REFERENCE), "--out", str(path), "--quiet"]) == 0
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def module(page: str) -> Module:
    return Module(page)


@pytest.fixture(scope="module")
def network() -> Network:
    return lower(read_tflite(REFERENCE / "model.tflite"))


def lead(scores: NDArray[np.int8], best: int) -> NDArray[np.int64]:
    others = np.delete(scores.astype(np.int64), best, axis=-1)
    return scores[..., best].astype(np.int64) - others.max(axis=-1)


def test_the_page_needs_no_other_file_and_is_small(page: str) -> None:
    assert len(page.encode()) <= MOST_BYTES
    checker = check_page(page)
    assert not checker.links and "http" not in re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    for label in re.findall(r'aria-labelledby="(\w+)"', page):
        assert label in checker.ids


def test_digits_that_are_drawn_are_fitted_and_scored_byte_for_byte(
    module: Module, network: Network, five_thousand: Digits
) -> None:
    mapped = engine_map(network.graph)
    assert mapped is not None
    for image in five_thousand.images[::250]:
        picture = np.kron(image.reshape(28, 28), np.ones((10, 10), np.uint8))
        module.write("picture", picture)
        assert module.call("fit", 280, 280, 0) == 1
        module.call("preprocess", 0)
        pixels = fitted(picture[None])
        np.testing.assert_array_equal(module.read("pixels", 784, np.uint8), pixels[0])
        expected = run(network, mapped.inputs(pixels))[0]
        assert module.call("classify") == int(expected.argmax())
        np.testing.assert_array_equal(module.read("output", 10, np.int8), expected)


def test_a_place_speaks_for_the_answer_by_what_its_lead_loses_without_it(
    module: Module, network: Network, five_thousand: Digits
) -> None:
    image = (five_thousand.images[1700].astype(np.int16) - 128).astype(np.int8)
    module.write("input", image)
    best = module.call("classify")
    module.call("explain", 28, best, -128)
    without = np.tile(image.reshape(28, 28), (784, 1, 1))
    for place in range(784):
        row, column = divmod(place, 28)
        without[place, max(0, row - 1) : row + 2, max(0, column - 1) : column + 2] = -128
    expected = lead(run(network, image[None]), best) - lead(run(network, without.reshape(784, 784)), best)
    np.testing.assert_array_equal(module.read("influence", 784, np.int16), expected)
    assert expected.max() > 0


def test_golden_inputs_and_self_test_hold(module: Module, network: Network) -> None:
    assert len(module.facts["vectors"]) == 7
    for vector in module.facts["vectors"]:
        module.write("input", np.frombuffer(base64.b64decode(vector["input"]), np.int8))
        module.call("classify")
        assert module.read("output", 10, np.int8).tolist() == vector["output"]
    assert module.call("self_test") == 0
    assert module.call("digest") & 0xFFFFFFFF == int(network.graph.digest[:8], 16)


def test_digits_are_those_that_are_misread_the_surest_first_and_then_some_that_are_read() -> None:
    labels = np.repeat(np.arange(10), 8).astype(np.uint8)
    digits = Digits(np.arange(80, dtype=np.uint8)[:, None].repeat(784, axis=1), labels)
    scores = np.zeros((80, 10), np.int8)
    scores[np.arange(80), labels] = 20
    for row, given, score in ((5, 3, 29), (40, 1, 90), (41, 1, 22)):
        scores[row, given] = score
    strip = make_strip(digits, "test set", scores, reject=5)
    rows = np.frombuffer(zlib.decompress(strip.packed), np.uint8).reshape(-1, 784)[:, 0].tolist()
    assert rows[:2] == [40, 5], "41 is refused"
    assert rows[2:] == [8 * one + at for one in range(10) for at in ((2, 3, 4) if one == 5 else (0, 1, 2))]
    assert strip.labels == tuple(labels[rows].tolist())
    assert strip.told.startswith("2 of the 2 digits that the engine misreads of the 80 of the test set, the surest")


def test_digits_of_the_page_are_misread_by_its_engine_or_a_sentence_says_why_there_are_none(
    module: Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, labels, packed = (module.facts["digits"][name] for name in ("told", "labels", "packed"))
    if find_mnist():
        images = np.frombuffer(zlib.decompress(base64.b64decode(packed)), np.uint8).reshape(-1, 784)
        read = []
        for image in images:
            module.write("pixels", image)
            module.call("preprocess", 0)
            read.append(module.call("classify") == labels[len(read)])
        assert read == [False] * 30 + [True] * 30
    monkeypatch.setattr("edgedigits.scoring.subject_digits.find_mnist", lambda: None)
    without = page_facts(find_engine(REFERENCE), find_subject(REFERENCE))
    assert without["digits"]["told"] == "No test digits are shown: MNIST is not on this machine."
    assert not without["digits"]["labels"]
    assert find_mnist() or told == without["digits"]["told"]
    for here, there in zip(module.facts["boards"], without["boards"], strict=True):
        assert here["cycles"] == pytest.approx(there["cycles"], rel=0.15), "as is expected of digits"


def test_every_board_whose_core_is_known_has_its_cycles(module: Module) -> None:
    taken = times(arrange(simplify(lower(read_tflite(REFERENCE / "model.tflite"))), Goal.BALANCED)[1])
    boards = module.facts["boards"]
    assert {one["name"] for one in boards} == {name for name, one in load_boards().items() if one.core.costs}
    for one in boards:
        costs = find_board(one["name"]).core.costs
        assert costs is not None and one["cycles"] == pytest.approx(costs.cycles(taken), rel=0.15)


def test_a_refusal_and_a_view_reach_the_page(tmp_path: Path, five_thousand: Digits) -> None:
    pytest.importorskip("ziglang")
    view = View(window=24, size=12)
    write_emitted_engine(tmp_path, random_mlp(5, (144, 8, 10)), view=view, reject_margin=255)
    (tmp_path / "manifest.json").write_text(
        json.dumps({"config": {"input": {"window": 24, "size": 12}, "data": {"source": "gone.csv"}}})
    )
    assert main(["demo", str(tmp_path), "--out", str(tmp_path / "demo.html"), "--quiet"]) == 0
    module = Module((tmp_path / "demo.html").read_text())
    assert (module.facts["side"], module.facts["reject"]) == (12, 255)
    assert module.facts["digits"]["told"].startswith("No test digits are shown: ")
    module.write("picture", five_thousand.images[0])
    assert module.call("fit", 28, 28, 0) == 1
    module.call("preprocess", 0)
    assert module.call("classify") == 10, "refused"


@pytest.mark.parametrize(
    ("prepare", "code", "words"),
    [
        ("none", 3, "is not a folder"),
        ("no_fit", 3, "is not there"),
        ("no_digits", 5, "takes no 28×28 digits"),
        ("taken", 3, "exists already"),
        ("no_zig", 4, "pip install 'edgedigits[mcu]'"),
    ],
)
def test_what_cannot_be_shown_ends_in_a_sentence(
    prepare: str,
    code: int,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder, page = tmp_path / "build", tmp_path / "demo.html"
    if prepare == "no_digits":
        write_emitted_engine(folder, random_mlp(5, (30, 8, 10)))
    elif prepare != "none":
        shutil.copytree(REFERENCE, folder)
    if prepare == "no_fit":
        (folder / "engine" / "edgedigits_model_fit.c").unlink()
    if prepare == "taken":
        page.write_text("mine")
    if prepare == "no_zig":
        monkeypatch.setattr("edgedigits.devices.toolchain.find_spec", lambda _: None)
    assert main(["demo", str(folder), "--out", str(page)]) == code
    assert words in capsys.readouterr().err
    assert (page.read_text() if page.exists() else "mine") == "mine"


def png(pixels: NDArray[np.uint8]) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, format="PNG")
    return content.getvalue()


def photos(folder: Path, digits: Digits) -> Iterator[tuple[Path, int]]:
    """Yield pictures as of a camera: light and dark ink, shaded from one side to the other, wider than high, noisy."""
    random = np.random.default_rng(4)
    for number, row in enumerate((100, 1300, 3600, 4700)):
        ink = np.pad(np.kron(digits.images[row].reshape(28, 28) / 255.0, np.ones((6, 6))), ((10, 30), (60, 20)))
        light = np.linspace(0.5, 0.9, ink.shape[1]) + random.normal(0, 0.01, ink.shape)
        grey = light * (1 - 0.8 * ink) if number % 2 else 0.3 * light + 0.5 * ink
        path = folder / f"{number}.png"
        path.write_bytes(png(np.clip(255 * grey, 0, 255).astype(np.uint8)))
        yield path, int(digits.labels[row])


IN_CHROMIUM = """
async (given) => {
  const bytes = (text) => Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  const code = bytes(document.getElementById("wasm").textContent), images = bytes(given);
  const { instance } = await WebAssembly.instantiate(code);
  const engine = instance.exports, memory = new Uint8Array(engine.memory.buffer), scores = [];
  for (let at = 0; at < images.length; at += 784) {
    memory.set(images.subarray(at, at + 784), engine.pixels_at());
    engine.preprocess(0);
    engine.classify();
    scores.push(...new Int8Array(engine.memory.buffer, engine.output_at(), 10));
  }
  return scores;
}
"""
"""Scores of pixels by the page's own module."""


@pytest.mark.slow
def test_chromium_draws_and_reads(
    page: str, browser: Any, tmp_path: Path, five_thousand: Digits, network: Network
) -> None:
    """A person's way through the page, in a real browser: strokes, keys, golden inputs, self-test; wide and narrow."""
    (tmp_path / "demo.html").write_text(page)
    shown = browser.new_page(viewport={"width": 390, "height": 844})
    said: list[str] = []
    shown.on("console", lambda message: said.append(message.text))
    shown.on("pageerror", lambda error: said.append(str(error)))
    shown.goto((tmp_path / "demo.html").as_uri())
    shown.wait_for_selector("html[data-ready]", timeout=60_000)
    assert shown.evaluate("document.documentElement.scrollWidth") <= 390
    images = five_thousand.images[::5]
    scores = shown.evaluate(IN_CHROMIUM, base64.b64encode(images.tobytes()).decode())
    np.testing.assert_array_equal(np.reshape(scores, (1000, 10)), run(network, (images ^ 128).view(np.int8)))
    box = shown.locator("#paper").bounding_box()
    assert box is not None
    at = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in ((0.55, 0.2), (0.5, 0.8))]
    shown.mouse.move(*at[0])
    shown.mouse.down()
    shown.mouse.move(*at[1], steps=12)
    shown.mouse.up()
    shown.wait_for_function("document.querySelector('#said').textContent.startsWith('1')")
    shown.locator("#clear").click()
    shown.locator("#paper").focus()
    shown.keyboard.press("Space")
    for key in ["ArrowDown"] * 6 + ["ArrowUp"] * 12:
        shown.keyboard.press(key)
    shown.wait_for_function("document.querySelector('#said').textContent.startsWith('1')")
    for path, label in photos(tmp_path, five_thousand):
        shown.locator("#photo").set_input_files(path)
        shown.wait_for_function(f"document.querySelector('#said').textContent.startsWith('{label}')")
        assert shown.locator("#photo-told").inner_text() == ""
    row = np.hstack([five_thousand.images[at].reshape(28, 28) for at in (600, 1700, 2600)])
    (tmp_path / "row.png").write_bytes(png(255 - np.kron(row, np.ones((3, 3), np.uint8))))
    shown.locator("#photo").set_input_files(tmp_path / "row.png")
    shown.wait_for_function("document.querySelector('#photo-told').textContent.startsWith('Shapes stand apart')")
    (tmp_path / "blank.png").write_bytes(png(np.full((90, 60), 130, np.uint8)))
    shown.locator("#photo").set_input_files(tmp_path / "blank.png")
    shown.wait_for_function("document.querySelector('#photo-told').textContent.includes('stands out')")
    assert shown.locator("#said").inner_text() == "Nothing is drawn yet.", "and no answer of another picture stays"
    shown.locator("#photo").set_input_files(tmp_path / "0.png")
    shown.wait_for_function("!document.querySelector('#said').textContent.startsWith('Nothing')")
    (tmp_path / "no.png").write_text("no picture")
    shown.locator("#photo").set_input_files(tmp_path / "no.png")
    shown.wait_for_function("document.querySelector('#photo-told').textContent.includes('no picture')")
    assert shown.locator("#said").inner_text() == "Nothing is drawn yet."
    if find_mnist():
        shown.locator("#strip button").first.focus()
        shown.keyboard.press("ArrowRight")
        shown.keyboard.press("Enter")
        chosen = shown.locator("#strip [aria-pressed=true]")
        read = chosen.inner_text()[-1]
        shown.wait_for_function(f"document.querySelector('#said').textContent.startsWith('{read}')")
        assert chosen.inner_text() == shown.locator("#strip button").nth(1).inner_text()
    shown.locator("#board").select_option("nucleo-f401re")
    assert "cycles of cortex-m4 at 84 MHz" in shown.locator("#takes").inner_text()
    shown.locator("#test").click()
    assert shown.locator("#tested").inner_text().startswith("passed")
    assert shown.locator("#vectors").inner_text().count("NOT") == 0
    assert_accessible(shown)
    assert said == []
