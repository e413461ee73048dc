"""The page of a simulation holds every figure, stands alone, and shows what is wrong when something is."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgedigits.devices.boards import find_board
from edgedigits.devices.disassembly import CycleEstimate
from edgedigits.devices.elf import Footprint, Symbol
from edgedigits.devices.simulation import CrossCheck, Instructions, LayerCost, PreprocessCost, Ram, Simulation
from edgedigits.devices.simulation_json import to_json
from edgedigits.errors import DataError
from edgedigits.report.engine_page import render_engine_page
from edgedigits.report.engine_plots import engine_plots, flash_parts, ram_parts
from edgedigits.report.engine_report import check_place, write_engine_report
from edgedigits.report.style import plot_files
from edgedigits.view import View
from tests.files.full_disk import fill_disk
from tests.report.page_checker import assert_stands_alone, page_text


@pytest.fixture(scope="module")
def run() -> Simulation:
    """A simulation of two layers on 200 images."""
    counts = np.random.default_rng(0).normal(5000, 800, 200).astype(np.int64)
    first, second = counts * 9 // 10, counts - counts * 9 // 10
    symbols = (
        Symbol("edgedigits_model_invoke", 0x10000, 700, "code"),
        Symbol("layer1_weights", 0x10400, 7840, "constant"),
        Symbol("layer2_entries", 0x12300, 90, "constant"),
    )
    return Simulation(
        core="cortex-m4",
        toolchain="zig 0.17.1",
        optimize="-O2",
        emulator="unicorn 2.1.4, ARM_CORTEX_M4",
        oracle="LiteRT, reference kernels",
        images=200,
        differing=0,
        bytes=2000,
        differences=(),
        others=(CrossCheck("host C", "gcc 12, ASan and UBSan", 208, 0, 2080),),
        footprint=Footprint(code=700, constants=7934, data=0, zeroed=0),
        biggest=symbols[:2],
        symbols=symbols,
        ram=Ram(0, 572, 784, 10, 96),
        instructions=Instructions.of(counts),
        counts=counts,
        no_background=17_017,
        layers=(
            LayerCost("layer 1", "784 inputs, 10 outputs, ReLU", 7840, "pairs", ("layer1_weights",), 7840, Instructions.of(first)),
            LayerCost("layer 2", "10 inputs, 10 outputs, no activation", 100, "lists4", ("layer2_entries",), 90, Instructions.of(second)),
        ),
        by_function={"edgedigits_model_invoke": float(counts.mean())},
        cycles=CycleEstimate(5900.0, 8100.0),
        outputs=np.zeros((200, 10), dtype=np.int8),
    )  # fmt: skip


def variants(run: Simulation) -> dict[str, Simulation]:
    silent = tuple(replace(layer, instructions=None) for layer in run.layers)
    return {
        "usual": run,
        "qemu": replace(run, layers=silent, by_function={}, cycles=None),
        "no layers": replace(run, layers=()),
        "constant": replace(run, counts=np.full(5, 777), instructions=Instructions(777.0, 777.0, 777, 777)),
        "differing": replace(run, differing=3, others=()),
    }


@pytest.mark.parametrize("name", ["usual", "qemu", "no layers", "constant", "differing"])
def test_every_page_is_well_formed_and_stands_alone(run: Simulation, name: str) -> None:
    page = render_engine_page(variants(run)[name], "my <model>", "test set of mnist", find_board("nrf52840dk"))

    assert_stands_alone(page)
    assert "my <model> on cortex-m4" in page_text(page)


def test_the_page_holds_every_figure(run: Simulation) -> None:
    text = page_text(render_engine_page(run, "one", "test set of mnist", find_board("nrf52840dk")))

    for figure in (
        *("0 of 2,000", "0 of 2,080", "gcc 12, ASan and UBSan"),
        *(f"{run.instructions.mean:,.0f}", f"{run.instructions.p95:,.0f}", f"{run.instructions.most:,}", "17,017"),
        *("8,634", "7,840", "0x00400", "pairs", "lists4", "7.20", "1,462", "572", "96"),
        *("about 7,000", "0.0922 to 0.127 ms at 64 MHz (estimate)", "vendor: nRF52840 product specification"),
    ):
        assert figure in text, figure


def test_what_an_input_costs_is_told_where_it_is_more_than_a_look_up(run: Simulation) -> None:
    cost = PreprocessCost(View(window=24, size=12), Instructions(1985.0, 1985.0, 1985, 1985), 302, 28)
    text = page_text(render_engine_page(replace(run, preprocess=cost), "one", "test set of mnist"))
    assert "Preprocess, instructions 1,985 12×12, averaged over the central 24×24; 302 B of code, 28 B of stack" in text
    assert to_json(replace(run, preprocess=cost))["preprocess"]["view"]["size"] == 12
    assert "preprocess" not in to_json(run)


def test_differences_are_not_hidden(run: Simulation) -> None:
    text = page_text(render_engine_page(replace(run, differing=3), "one", "digits"))

    assert "3 differ" in text and "3 of 2,000" in text


def test_a_report_of_checks_that_failed_does_not_look_like_a_pass(run: Simulation, tmp_path: Path) -> None:
    failures = ("RAM 1,462 B is 438 B above the 1,024 B allowed: input 784 B.", "flash < 0")

    stored, page = write_engine_report(tmp_path, run, {}, name="one", origin="digits", failures=failures)

    facts = json.loads(stored.read_text())
    assert (facts["status"], facts["failures"]) == ("failed", list(failures))
    assert_stands_alone(page.read_text())
    text = page_text(page.read_text())
    assert "2 checks failed:" in text and all(failure in text for failure in failures)
    assert "failed" not in page_text(render_engine_page(run, "one", "digits"))


@pytest.mark.parametrize("counts", [[777] * 5, [5000, 5001, 5003, 5003, 5010], list(range(900, 1100))], ids=len)
def test_the_axes_of_the_histogram_count_in_whole_numbers(run: Simulation, counts: list[int]) -> None:
    many = np.array(counts)
    plot = engine_plots(replace(run, counts=many, instructions=Instructions.of(many)))[-1]

    axes = plot.draw().axes[0]

    for axis in (axes.xaxis, axes.yaxis):
        labels = [label.get_text() for label in axis.get_ticklabels()]
        assert len(labels) == len(set(labels)) > 0, labels
        assert all(tick == round(tick) for tick in axis.get_ticklocs())


def test_random_inputs_are_not_called_images(run: Simulation) -> None:
    text = page_text(render_engine_page(replace(run, kind="random inputs"), "one", "200 random inputs, seed 0"))

    assert "with 200 random inputs." in text and "Instructions an input" in text and "without any lowest value" in text
    assert "image" not in text.replace("between two images", "")


def test_the_parts_make_up_the_whole(run: Simulation) -> None:
    assert sum(size for _, size, _ in flash_parts(run)) == run.footprint.flash
    assert sum(size for _, size, _ in ram_parts(run)) == run.ram.total


def test_plots_say_in_words_what_they_show_and_repeat(run: Simulation) -> None:
    plots = engine_plots(run)

    assert [plot.name for plot in plots] == ["flash", "ram", "layers", "distribution"]
    assert "layer 1, pairs 7,840" in plots[0].description
    assert f"worst {run.instructions.most:,}" in plots[3].description
    for plot in plots:
        assert re.match("measured|emulated", plot.how)
        assert plot_files(plot, ".svg") == plot_files(plot, ".svg")


def test_a_mean_stands_where_its_bar_ends_and_the_worst_where_its_line_does(run: Simulation) -> None:
    axes = engine_plots(run)[2].draw().axes[0]

    written = [(text.get_text(), *text.xy) for text in axes.texts]  # type: ignore[attr-defined]
    for number, layer in enumerate(run.layers):
        count = layer.instructions
        assert count is not None
        (mean, mean_at, bar), (worst, worst_at, line) = written[2 * number : 2 * number + 2]
        assert (mean, mean_at) == (f"{count.mean:,.0f}", count.mean)
        assert (worst, worst_at) == (f"{count.most:,}", count.most)
        assert bar < line, "the line is below the bar"


def test_files_are_written_whole_and_not_over_others(run: Simulation, tmp_path: Path) -> None:
    facts = {"simulation": to_json(run)}
    check_place(tmp_path / "new", force=False)

    written = write_engine_report(tmp_path / "new", run, facts, name="one", origin="digits")

    assert [path.name for path in written] == ["simulate.json", "simulate.html"]
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["simulate.html", "simulate.json"]
    stored = json.loads(written[0].read_text())
    assert stored.items() >= {"schema": 1, "status": "ok", **facts, "failures": []}.items()
    assert list(stored["files"]) == ["simulate.html"], "it lists the page as its own"
    with pytest.raises(DataError, match=r"simulate\.json exists already.*--force"):
        check_place(tmp_path / "new", force=False)
    check_place(tmp_path / "new", force=True)
    with pytest.raises(DataError, match="is a file, expected a folder"):
        check_place(written[0], force=True)
    with pytest.raises(DataError, match="is a file, expected a folder to write in"):
        write_engine_report(written[0], run, facts, name="one", origin="digits")


@pytest.mark.parametrize("room", [0, 1])
@pytest.mark.parametrize("place", ["new", "new/deep/er"])
def test_a_full_disk_leaves_no_report_and_no_folder(
    place: str, room: int, run: Simulation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_disk(monkeypatch, room)
    with pytest.raises(DataError, match=r"cannot be written: No space left on device\. Choose another --report\."):
        write_engine_report(tmp_path / place, run, {"simulation": to_json(run)}, name="one", origin="digits")
    assert list(tmp_path.iterdir()) == []
