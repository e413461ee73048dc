"""The Python API: what the verbs call, and what a notebook calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from edgedigits.config import BuildConfig, DataConfig
from edgedigits.config_file import Kind, make_choices, parse_sections, read_config_file, refuse_idle_keys, with_start
from edgedigits.data.digits import Splits
from edgedigits.data.inspection import findings_on_splits
from edgedigits.data.load import load_splits
from edgedigits.files.paths import user_path
from edgedigits.frontier import build_path
from edgedigits.in_notebooks import IN_NOTEBOOKS
from edgedigits.progress import Progress
from edgedigits.scoring.latency import Latency
from edgedigits.scoring.start import findings_on_start
from edgedigits.teachers.record import findings_on_teacher

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from edgedigits.devices.simulate_folder import FolderSimulation
    from edgedigits.exports.write import Exported
    from edgedigits.model.summary import ModelFacts
    from edgedigits.pictures.prediction import PictureReading
    from edgedigits.report.facts import BuildFacts
    from edgedigits.scoring.evaluation import Evaluation
    from edgedigits.teachers.choices import TeacherConfig
    from edgedigits.teachers.make import TeacherFacts
    from edgedigits.to_int8 import Quantized


@dataclass(frozen=True)
class BuildResult:
    """A finished build.

    Attributes:
        folder: where it is.
        facts: everything in its report.
        latency: of an image on this host; not part of the folder, which repeats byte for byte.
    """

    folder: Path
    facts: BuildFacts
    latency: Latency | None

    @property
    def plots(self) -> tuple[str, ...]:
        """The names that `plot` takes."""
        from edgedigits.report.plots import all_plots

        return tuple(plot.name for plot in all_plots(self.facts))

    def plot(self, name: str = "confusion") -> Figure:
        """Return a figure of the report, which a notebook shows.

        Raises:
            ConfigError: there is none of that name.
        """
        from edgedigits.report.plots import draw_plot

        return draw_plot(self.facts, name)

    def _repr_html_(self) -> str:
        from edgedigits.report.notebook import build_to_html

        return build_to_html(self.facts)


@dataclass(frozen=True)
class TeacherResult:
    """A finished teacher.

    Attributes:
        folder: where it is.
        facts: how well it does.
    """

    folder: Path
    facts: TeacherFacts

    def _repr_html_(self) -> str:
        from edgedigits.report.notebook import teacher_to_html

        return teacher_to_html(self.facts)


def build(
    config: BuildConfig | Mapping[str, Mapping[str, Any]] | str | Path | None = None,
    *,
    force: bool = False,
    progress: Progress = IN_NOTEBOOKS,
) -> BuildResult:
    """Train, compress, convert, prove and write a build's folder.

    Args:
        config: every choice: a BuildConfig; tables as in the TOML file, such as
            `{"loss": {"name": "focal"}, "qat": {"enabled": True}}`; or the path of a TOML file or a manifest.json.
        force: replace an earlier build in the same folder.
        progress: where bars and remarks go; by default into a notebook, nowhere else.

    Returns:
        The folder and every figure about it; shows itself in a notebook.

    Raises:
        ConfigError: a choice is wrong, or changes nothing.
        DataError: the data cannot be read or the folder cannot be written.
        ToolMissingError: TensorFlow, tf-keras, TF-MOT, or TensorBoard or a budget's compiler where it is wanted, is
            missing or does not fit.
        CheckFailedError: the converted model breaks the contract; no folder is left.
        UnsupportedModelError: what is to be distilled from is no teacher of digits.
    """
    config = _resolve(config, BuildConfig)
    from edgedigits.artifacts import new_folder
    from edgedigits.files.scratch import check_scratch, own_temporary_files
    from edgedigits.stages.catalogue import build_folder
    from edgedigits.training.event_files import check_event_folder

    folder = build_folder(config)
    if config.output.tensorboard:
        check_event_folder(Path(config.output.tensorboard), folder)
    _check_cores(config)
    check_scratch()
    with new_folder(folder, force=force) as partial:
        splits, findings = _splits(config.data, config.training.seed, progress)
        findings += (*findings_on_teacher(config, splits, progress), *findings_on_start(config, splits, progress))
        # Behind the data's checks: a mistake in a CSV is told at once, not after TensorFlow's five seconds.
        from edgedigits.assemble import assemble

        with own_temporary_files("train"):
            facts, latency = assemble(config, splits, findings, partial, progress)
    return BuildResult(folder, facts, latency)


def _check_cores(config: BuildConfig) -> None:
    """Check that what a build is for is known before anything is trained."""
    if config.budget.flash or config.budget.instructions:
        from edgedigits.engine_budget import check_target

        check_target(config)
    if config.engine.core:
        from edgedigits.devices.cores import find_costs

        find_costs(config.engine.core)


def teacher(
    config: TeacherConfig | Mapping[str, Mapping[str, Any]] | str | Path | None = None,
    *,
    force: bool = False,
    progress: Progress = IN_NOTEBOOKS,
) -> TeacherResult:
    """Train a network that students are distilled from, on the training digits that their builds have, and write it.

    Args:
        config: every choice: a TeacherConfig; tables as in the TOML file, such as `{"teacher": {"kind": "ensemble"}}`;
            or the path of a TOML file or a teacher's manifest.json.
        force: replace an earlier teacher in the same folder.
        progress: where bars and remarks go; by default into a notebook, nowhere else.

    Raises:
        ConfigError: a choice is wrong.
        DataError: the data cannot be read or the folder cannot be written.
        ToolMissingError: TensorFlow, tf-keras or TF-MOT is missing or does not fit.
        CheckFailedError: a training diverged; no folder is left.
    """
    from edgedigits.artifacts import new_folder
    from edgedigits.build_folder import TEACHER
    from edgedigits.files.scratch import check_scratch, own_temporary_files
    from edgedigits.teachers.choices import TeacherConfig

    config = _resolve(config, TeacherConfig)
    folder = Path(config.teacher.out)
    check_scratch()
    with new_folder(folder, force=force, kind=TEACHER) as partial:
        splits, _ = _splits(config.data, config.training.seed, progress)
        from edgedigits.teachers.make import make_teacher

        with own_temporary_files("train"):
            facts = make_teacher(config, splits, partial, progress)
    return TeacherResult(folder, facts)


def evaluate(
    path: str | Path,
    data: str = "",
    *,
    split: str = "test",
    threads: int = 1,
    input_range: tuple[float, float] | None = None,
    non_digits: Sequence[str | Path] = (),
    non_digits_transposed: bool = False,
    progress: Progress = IN_NOTEBOOKS,
    **reading: Any,
) -> Evaluation:
    """Evaluate a build's folder or any .tflite that classifies digits.

    Args:
        path: a build's folder or a .tflite.
        data: a source as for `build`; by default the build's own.
        split: "test", or "all" for every digit of the source.
        threads: of the interpreter.
        input_range: what pixels 0 and 255 are to the model; by default as its manifest or its quantization says.
        non_digits: IDX files of pictures that the engine should refuse, such as letters or clothes.
        non_digits_transposed: they hold rows and columns exchanged, as EMNIST's do.
        progress: where bars go; by default into a notebook, nowhere else.
        reading: how the source is read: `label_column`, `invert`, `transpose`, `fit`; by default as the build did.

    Raises:
        TypeError: no such way to read.
        ConfigError: nobody says what pixels are to the model, `input_range` is none, or `non_digits` for a model that
            refuses nothing.
        DataError: the model or the data cannot be read.
        UnsupportedModelError: not a classifier of 28×28 digits.
    """
    from edgedigits.scoring.judged import evaluate_path

    evaluation, _ = evaluate_path(
        build_path(path),
        data,
        split=split,
        threads=threads,
        input_range=input_range,
        non_digits=[user_path(file) for file in non_digits],
        non_digits_transposed=non_digits_transposed,
        progress=progress,
        **reading,
    )
    return evaluation


def inspect(path: str | Path) -> ModelFacts:
    """Return what is in a .tflite: layers, quantization, sparsity, sizes.

    Args:
        path: a build's folder or a .tflite.

    Raises:
        DataError: there is none, or it cannot be read.
    """
    from edgedigits.model.reader import read_tflite
    from edgedigits.model.summary import summarize
    from edgedigits.scoring.subject import model_file

    return summarize(read_tflite(model_file(build_path(path))))


def predict(
    path: str | Path,
    picture: str | Path | NDArray[np.uint8],
    *,
    nearest: int = 0,
    check_digit: str = "",
    dark: bool | None = None,
    progress: Progress = IN_NOTEBOOKS,
) -> PictureReading:
    """Read the digits in a picture with the engine of a build: one digit, a row or a sheet of them.

    Args:
        path: a build's folder, or an int8 .tflite.
        picture: a file that Pillow reads, or pixels: uint8 (height, width), (height, width, 3) or (height, width, 4).
        nearest: how many training digits to name that each digit is most like; the build's data must be at hand.
        check_digit: by which each row is checked, such as "luhn".
        dark: ink is dark on light; by default as the picture shows it.
        progress: where bars go; by default into a notebook, nowhere else.

    Returns:
        Rows, and each digit with its scores and reasons; shows itself in a notebook.

    Raises:
        ConfigError: there is no such check digit, or `picture` is no picture.
        DataError: the model, the picture or the training digits cannot be read, or there are no digits in the picture.
        UnsupportedModelError: no classifier of 28×28 digits, or none that computes in int8.
    """
    from edgedigits.pictures.predict import Wishes, predict_pictures

    source = user_path(picture) if isinstance(picture, (str, Path)) else picture
    return predict_pictures(build_path(path), [source], Wishes(nearest, check_digit, dark), progress)[0]


def quantize(
    path: str | Path,
    data: str,
    out: str | Path | None = None,
    *,
    input_range: tuple[float, float] | None = None,
    force: bool = False,
    progress: Progress = IN_NOTEBOOKS,
    **reading: Any,
) -> Quantized:
    """Write a float `.tflite` once more as full-integer int8, calibrated on digits.

    Args:
        path: a `.tflite` that computes in float32; its weights may be float16 or int8.
        data: a source as for `build`.
        out: the file to write; by default `…_int8.tflite` beside it.
        input_range: what pixels 0 and 255 are to the model; 0 and 1 by default.
        force: replace a file.
        progress: where bars go; by default into a notebook, nowhere else.
        reading: how the source is read: `label_column`, `invert`, `transpose`, `fit`.

    Raises:
        ToolMissingError, ConfigError, DataError, UnsupportedModelError: as `quantize_model`.
    """
    from edgedigits.to_int8 import place_beside, quantize_model

    model = user_path(path)
    place = place_beside(model) if out is None else user_path(out)
    return quantize_model(model, data, place, input_range=input_range, force=force, progress=progress, **reading)


def simulate(
    path: str | Path, data: str = "", *, progress: Progress = IN_NOTEBOOKS, **choices: Any
) -> FolderSimulation:
    """Run the C engine of a build on an emulated core and compare every output byte with the interpreter.

    Args:
        path: a build's folder, or one that `edgedigits compile` wrote.
        data: a source as for `build`; by default the build's own.
        progress: where bars go; by default into a notebook, nowhere else.
        choices: fields of `SimulationChoices`, such as `core="cortex-m0plus"` or `images=1000`.

    Raises:
        TypeError: no such choice.
        ConfigError, ToolMissingError, DataError, UnsupportedModelError, CheckFailedError: as `simulate_folder`.
    """
    from edgedigits.devices.simulate_folder import SimulationChoices, simulate_folder

    return simulate_folder(build_path(path), SimulationChoices(data=data, **choices), progress)


def export(
    path: str | Path, to: str, out: str | Path | None = None, *, self_test: bool = True, force: bool = False
) -> Exported:
    """Write the engine of a build as a library, component or package of another ecosystem.

    Args:
        path: a build's folder, or one that `edgedigits compile` wrote.
        to: "arduino", "cmake" …, as `edgedigits export --help` lists them.
        out: a folder, or a file that ends in .zip; by default one in `export/`.
        self_test: the engine's self-test goes along.
        force: replace an archive; a folder never is.

    Raises:
        ConfigError, DataError, UnsupportedModelError: as `find_export` and `write_export`.
    """
    from edgedigits.exports.catalogue import find_export
    from edgedigits.exports.write import write_export

    place = None if out is None else user_path(out)
    return write_export(build_path(path), find_export(to), place, self_test=self_test, force=force)


def _splits(data: DataConfig, seed: int, progress: Progress) -> tuple[Splits, tuple[str, ...]]:
    """Return the digits divided as the choices say, and what is unusual about them."""
    splits = load_splits(data.source, seed=seed, progress=progress, **data.division, **data.reading)
    return splits, findings_on_splits(splits, data.reading, progress)


def _resolve(config: Kind | Mapping[str, Mapping[str, Any]] | str | Path | None, kind: type[Kind]) -> Kind:
    if config is None:
        return kind()
    if isinstance(config, kind):
        return config
    path = user_path(config) if isinstance(config, (str, Path)) else None
    written = read_config_file(path, kind) if path else parse_sections(cast(Any, config), "config", kind=kind)
    written = with_start(written, {}, kind)
    made = make_choices(written, kind)
    # A manifest names every choice, those that change nothing as well.
    if path is None or path.suffix != ".json":
        refuse_idle_keys(written, made, str(path or "config"))
    return made
