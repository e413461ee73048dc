"""Runs an engine on an emulated core and on this machine, and holds every output byte against the oracle."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.preprocess import PixelMap
from edgedigits.data.seeing import see
from edgedigits.devices.cores import Core
from edgedigits.devices.costs import layer_costs
from edgedigits.devices.disassembly import estimate_cycles
from edgedigits.devices.elf import Image
from edgedigits.devices.emulator_qemu import run_qemu
from edgedigits.devices.emulator_simavr import run_simavr
from edgedigits.devices.emulator_unicorn import Emulation, run_unicorn
from edgedigits.devices.engine_elf import compile_engine
from edgedigits.devices.host import INVERTED_PIXELS, PIXELS, run_host
from edgedigits.devices.simulation import CrossCheck, Instructions, PreprocessCost, Ram, Simulation, WrongByte
from edgedigits.devices.stub import Engine
from edgedigits.devices.toolchain import Toolchain
from edgedigits.devices.wrapped_engine import with_invert, write_decision_engine, write_pixel_engine, write_raw_engine
from edgedigits.errors import CheckFailedError, ConfigError, nearest
from edgedigits.files.scratch import scratch
from edgedigits.model.fixed_point import Rounding
from edgedigits.model.lowering import lower
from edgedigits.model.numpy_engine import run as run_numpy
from edgedigits.programs import side_by_side
from edgedigits.progress import SILENT, Progress
from edgedigits.scoring import by_definition
from edgedigits.scoring.any_model import AnyModel
from edgedigits.scoring.interpreter import Classifier
from edgedigits.scoring.oracle import ORACLES, engine_inputs, oracle_outputs
from edgedigits.scoring.reject import MOST_LEAD_TOLD, decide, leads

EMULATORS = ("unicorn", "qemu", "simavr")
SHOWN_DIFFERENCES = 5
BIGGEST_SYMBOLS = 5
INVERTED_IMAGES = 100
"""Images that also go through `preprocess` dark on light: what is done to a pixel does not depend on its place."""
DEFINITION = "the definition, in exact arithmetic"
REFUSING = "classify on the emulated core, which refuses below a margin of {}"
RAW, PORTIONS = "classify_pixels on the emulated core", "feed on the emulated core, in portions"
DECISION = "class, refusal and margin by the oracle's scores"


def simulate_inputs(
    engine: Engine,
    inputs: NDArray[np.int8],
    core: Core,
    toolchain: Toolchain,
    *,
    emulator: str = "",
    optimize: str = "-O2",
    expected: NDArray[np.int8] | None = None,
    oracle: str = "",
    progress: Progress = SILENT,
) -> Simulation:
    """Run an engine of any size on int8 inputs, without data sets and interpreters.

    Args:
        engine: the engine.
        inputs: int8 (n, input size).
        core: the core to compile for and to emulate.
        toolchain: what to compile with.
        emulator: one of `EMULATORS`; by default what the core says.
        optimize: such as "-O2".
        expected: int8 (n, output size), to compare with; None to compare with nothing.
        oracle: what gave `expected`.
        progress: gets bars.

    Raises:
        ConfigError: unknown emulator, one that lacks the core, or inputs of another size.
        ToolMissingError, DataError, CheckFailedError: as the steps.
    """
    job = _Job(engine, core, toolchain, emulator or core.emulator, optimize, progress)
    image, (run,) = job.emulate(inputs)
    summary = _summarize(job, image, run)
    return summary if expected is None else with_oracle(summary, expected, oracle)


def simulate(
    engine: Engine,
    classifier: Classifier,
    images: NDArray[np.uint8],
    core: Core,
    toolchain: Toolchain,
    *,
    emulator: str = "",
    optimize: str = "-O2",
    rounding: str = "",
    kind: str = "images",
    progress: Progress = SILENT,
) -> Simulation:
    """Run an engine on digits and on extreme images, and compare it with the interpreter that it claims to equal.

    The same images also run through the engine on this machine, under sanitizers, and through the NumPy engine.

    Args:
        engine: the engine.
        classifier: the model it was made from.
        images: uint8 (n, 784), white ink on black; for `AnyModel` codes (n, input size).
        core: the core to compile for and to emulate.
        toolchain: what to compile with.
        emulator: one of `EMULATORS`; by default what the core says.
        optimize: such as "-O2".
        rounding: "litert" or "tflm"; by default what the engine's header says.
        kind: what `images` are, for the reader: "images" or "random inputs".
        progress: gets bars.

    Raises:
        As `simulate_inputs`, `oracle_outputs`, `run_host` and `lower`.
    """
    job = _Job(engine, core, toolchain, emulator or core.emulator, optimize, progress)
    return _run_everywhere(job, classifier, images, rounding or engine.facts.rounding, kind)


def _run_everywhere(
    job: _Job, classifier: Classifier, images: NDArray[np.uint8], rounding: str, kind: str
) -> Simulation:
    """Run the interpreter and all that must equal it; no data set has some of the images.

    Digits go in as pixels, through the engine's own `preprocess`; to the interpreter by definition, without any map.
    """
    extremes = extreme_images(images.shape[1])
    count, everything = len(images), np.concatenate([images, extremes])
    pixels = None if isinstance(classifier, AnyModel) else _Pixels(classifier, images, extremes)
    subject = pixels.by_definition if pixels else classifier
    mapped = engine_inputs(classifier, everything)
    # The interpreter and the program for this machine run in processes of their own, beside the emulator.
    with side_by_side(2) as threads:
        awaited = threads.start(oracle_outputs, subject, everything, rounding)
        on_host = threads.start(run_host, job.toolchain, job.engine, *(pixels.for_host if pixels else (mapped,)))
        inputs, compared, cost = pixels.preprocess(job) if pixels else (mapped, (), None)
        image, (run, extreme) = job.emulate(inputs[:count], inputs[count:])
        decided = _decide(job, inputs) if job.engine.reject_margin else None
        raw = pixels.classify(job) if pixels else {}
        expected, (host, host_how) = awaited.result(), on_host.result()
    summary = with_oracle(replace(_summarize(job, image, run), kind=kind), expected[:count], ORACLES[rounding])
    numpy = run_numpy(lower(classifier.graph, Rounding(rounding)), mapped)
    again = expected[pixels.inverted] if pixels else expected[:0]
    margin = job.engine.reject_margin
    return replace(
        summary,
        ram=replace(summary.ram, stack=max(run.stack, extreme.stack)),
        no_background=int(extreme.instructions[1:].max()),
        pixels=classifier.pixels.range if pixels else None,
        preprocess=cost,
        from_pixels=Instructions.of(raw[RAW].instructions[:count]) if raw else None,
        from_pixels_cycles=_cycles(raw[RAW], count) if raw else None,
        others=(
            _compare(f"emulated core, extreme {summary.things}", run.how, extreme.outputs, expected[count:]),
            _compare("host C", host_how, host, np.concatenate([expected, again])),
            _compare("NumPy engine", f"NumPy {np.__version__}, exact integers", numpy, expected),
            *compared,
            *([_compare_decisions(REFUSING.format(margin), decided, expected, margin)] if decided else []),
            *(_compare_decisions(name, run, np.concatenate([expected, again]), margin) for name, run in raw.items()),
        ),
    )


def _decide(job: _Job, inputs: NDArray[np.int8]) -> Emulation:
    """Run the engine's `classify` on the emulated core."""
    with scratch("simulate") as folder:
        _, (run,) = replace(job, engine=write_decision_engine(job.engine, folder)).emulate(inputs)
        return run


def _compare_decisions(what: str, run: Emulation, scores: NDArray[np.int8], margin: int) -> CrossCheck:
    """Hold classes, refusals and margins against what the oracle's scores (n, k) give by definition."""
    told = np.minimum(leads(scores), MOST_LEAD_TOLD)
    expected = np.stack([decide(scores, margin), told], axis=1).astype(np.int8)
    return replace(_compare(what, run.how, run.outputs, expected), against=DECISION)


class _Pixels:
    """Digits on their way through an engine's `preprocess`: as they are, and some of them dark on light.

    Attributes:
        by_definition: the model, which gets the digits without any map.
        inverted: numbers of the images that also go in dark on light.
    """

    def __init__(self, classifier: Classifier, images: NDArray[np.uint8], extremes: NDArray[np.uint8]) -> None:
        self._count = len(images)
        self._images = images = np.concatenate([images, extremes])
        ends = (classifier.pixels.range.low, classifier.pixels.range.high)
        table, view = by_definition.model_inputs(classifier.input, *ends), classifier.pixels.view
        self.by_definition = replace(classifier, pixels=PixelMap(classifier.pixels.range, table, view))
        self._inputs = by_definition.inner_inputs(classifier.graph, classifier.input, *ends)[see(view, images)]
        numbers = np.arange(len(images))
        self.inverted = np.unique([*numbers[:INVERTED_IMAGES], *numbers[-len(extremes) :]])

    @property
    def for_host(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """What `run_host` takes."""
        dark_on_light = 255 - self._images[self.inverted]
        modes = [PIXELS] * len(self._images) + [INVERTED_PIXELS] * len(dark_on_light)
        return np.concatenate([self._images, dark_on_light]), np.array(modes, np.uint8)

    def preprocess(self, job: _Job) -> tuple[NDArray[np.int8], tuple[CrossCheck], PreprocessCost | None]:
        """Return what the core makes of the images, int8 (n, input size), held against what it should, and its cost."""
        some = self._images[self.inverted]
        with scratch("simulate") as folder:
            engine = write_pixel_engine(job.engine, folder)
            batches = with_invert(self._images, invert=False), with_invert(some, invert=True)
            image, (plain, inverted) = replace(job, engine=engine).emulate(*batches)
        found = np.concatenate([plain.outputs, inverted.outputs])
        expected = np.concatenate([self._inputs, self._inputs[self.inverted]])
        what = "preprocess on the emulated core, with invert and without"
        compared = replace(_compare(what, plain.how, found, expected), against=DEFINITION)
        view, own = self.by_definition.pixels.view, Instructions.of(plain.instructions[: self._count])
        cost = PreprocessCost(view, own, image.footprint.flash, max(plain.stack, inverted.stack))
        return plain.outputs, (compared,), None if view.is_plain else cost

    def classify(self, job: _Job) -> dict[str, Emulation]:
        """Return what the core says to pixels as they are, and to portions of them, by name; then to inverted ones."""
        facts, found = job.engine.facts.pixels, {}
        for name, present in ((RAW, facts and facts.raw), (PORTIONS, facts and facts.portions)):
            if not present:
                continue
            batch = [with_invert(self._images, invert=False), with_invert(self._images[self.inverted], invert=True)]
            with scratch("simulate") as folder:
                engine = write_raw_engine(job.engine, folder, portions=name == PORTIONS)
                _, (found[name],) = replace(job, engine=engine).emulate(np.concatenate(batch))
        return found


def extreme_images(size: int) -> NDArray[np.uint8]:
    """Return images that no data set has, uint8 (8, size): blank, all ink, and random ones without any background.

    As codes of `AnyModel`: all lowest, all highest, and random ones without the lowest.
    """
    random = np.random.default_rng(0).integers(1, 256, (6, size))
    return np.concatenate([np.full((1, size), 0), np.full((1, size), 255), random]).astype(np.uint8)


def with_oracle(run: Simulation, expected: NDArray[np.int8], oracle: str) -> Simulation:
    """Return `run` compared with `expected`, int8 (n, output size)."""
    if expected.shape != run.outputs.shape:
        raise CheckFailedError(
            f"The engine gives {list(run.outputs.shape)} outputs, {oracle} {list(expected.shape)}.",
            hint="Is it the engine of this model?",
        )
    rows, columns = np.nonzero(run.outputs != expected)
    first = [
        WrongByte(int(row), int(column), int(run.outputs[row, column]), int(expected[row, column]))
        for row, column in zip(rows[:SHOWN_DIFFERENCES], columns[:SHOWN_DIFFERENCES], strict=True)
    ]
    return replace(run, oracle=oracle, differing=len(rows), bytes=expected.size, differences=tuple(first))


def _compare(what: str, how: str, outputs: NDArray[np.int8], expected: NDArray[np.int8]) -> CrossCheck:
    return CrossCheck(what, how, len(expected), int(np.sum(outputs != expected)), expected.size)


@dataclass(frozen=True, slots=True)
class _Job:
    """What to simulate, and with what."""

    engine: Engine
    core: Core
    toolchain: Toolchain
    emulator: str
    optimize: str
    progress: Progress

    def emulate(self, *batches: NDArray[np.int8]) -> tuple[Image, list[Emulation]]:
        """Compile once and run each batch, int8 (n, input size)."""
        if self.emulator not in EMULATORS:
            raise ConfigError(f"There is no emulator '{self.emulator}'.", hint=nearest(self.emulator, EMULATORS))
        for inputs in batches:
            size = self.engine.facts.input.size
            if inputs.ndim != 2 or inputs.shape[1] != size or len(inputs) == 0:
                raise ConfigError(
                    f"The engine takes {size} values an image, and there are {list(inputs.shape)}.",
                    hint="Is it the engine of this model?",
                )
        with scratch("simulate") as folder:
            image = compile_engine(self.toolchain, self.core, self.engine, folder, optimize=self.optimize)
            return image, [self._run(image, inputs) for inputs in batches]

    def _run(self, image: Image, inputs: NDArray[np.int8]) -> Emulation:
        if self.emulator == "unicorn":
            return run_unicorn(self.core, image, self.engine, inputs, progress=self.progress)
        if self.emulator == "simavr":
            return run_simavr(self.core, image, self.engine, inputs, progress=self.progress)
        return run_qemu(self.core, self.toolchain, self.engine, inputs, optimize=self.optimize, progress=self.progress)


def _summarize(job: _Job, image: Image, run: Emulation) -> Simulation:
    engine, core = job.engine, job.core
    return Simulation(
        core=core.name,
        toolchain=job.toolchain.version,
        optimize=job.optimize,
        emulator=run.how,
        oracle="",
        images=len(run.instructions),
        differing=0,
        bytes=0,
        differences=(),
        others=(),
        footprint=image.footprint,
        biggest=image.biggest(BIGGEST_SYMBOLS),
        symbols=image.biggest(len(image.symbols)),
        ram=Ram(
            variables=image.footprint.static_ram,
            workspace=engine.facts.workspace_bytes,
            input=engine.facts.input.size,
            output=engine.facts.output.size,
            stack=run.stack,
        ),
        instructions=Instructions.of(run.instructions),
        counts=run.instructions,
        no_background=None,
        layers=layer_costs(engine, core, image, run),
        by_function=_by_function(image, run),
        cycles=estimate_cycles(image, core, run.executions, len(run.instructions)),
        exact_cycles=_cycles(run),
        outputs=run.outputs,
    )


def _cycles(run: Emulation, count: int | None = None) -> Instructions | None:
    return None if run.cycles is None else Instructions.of(run.cycles[:count])


def _by_function(image: Image, run: Emulation) -> dict[str, float]:
    totals: dict[str, int] = {}
    for address, count in run.executions.items():
        name = image.function_at(address)
        totals[name] = totals.get(name, 0) + count
    return {name: total / len(run.instructions) for name, total in sorted(totals.items(), key=lambda item: -item[1])}
