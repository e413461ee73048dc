"""Builds side by side: what their reports say, and whether they differ on the same images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from edgedigits.build_folder import MANIFEST, REPORT, read_manifest
from edgedigits.config_file import make_config, parse_sections, to_tables
from edgedigits.errors import ConfigError, DataError
from edgedigits.extensions import refuse_absent
from edgedigits.progress import SILENT, Progress
from edgedigits.report.facts import read_report
from edgedigits.report.paired import HOW_PAIRED, Flip, PairedTest, paired_tests
from edgedigits.report.words import network, sparsity
from edgedigits.stages.catalogue import brief_words

LESS_IS_BETTER = ("bytes", "gzip_bytes", "engine_bytes", "instructions", "arena")
MORE_IS_BETTER = ("accuracy", "macro_f1", "sparsity")
_SCORED = "measured: model.tflite on the build's test split, by LiteRT's reference kernels"
HOW = {
    "accuracy": _SCORED,
    "float_accuracy": "measured: the build's float32 twin on the same images, by LiteRT",
    "macro_f1": _SCORED,
    "recall": _SCORED,
    "bytes": "measured: the file",
    "gzip_bytes": "measured: the file, compressed with gzip",
    "sparsity": "measured: zeros among the weights of the file",
    "engine_bytes": "measured: weights, biases and tables in the C source; machine code is not in it",
    "instructions": "estimated: Cortex-M4, an image of a digit; edgedigits simulate counts them",
    "arena": "measured: TensorFlow Lite Micro on the host that built it",
}
"""How each figure of a build was obtained."""


@dataclass(frozen=True)
class BuildColumn:
    """One build.

    Attributes:
        folder: where it is.
        network, loss, compression: in words.
        figures: accuracy, macro_f1, bytes, gzip_bytes, sparsity, and where they are known float_accuracy, engine_bytes,
            instructions, arena; how each was obtained is in `HOW`.
        recall: of each class, 0…1.
        test_digest: SHA-256 of the images that it was tested on.
    """

    folder: str
    network: str
    loss: str
    compression: str
    figures: dict[str, float | None]
    recall: tuple[float, ...]
    test_digest: str


@dataclass(frozen=True)
class Comparison:
    """Builds side by side.

    Attributes:
        builds: in the order given; the first is what the others are held against.
        best: for each figure, the folders that are best.
        tests: of the others against the first; empty unless asked for. Only builds whose training images are known
            are tested.
        notes: what to be careful of.
        flips: the images that are counted by the tests as gained and lost.
    """

    builds: tuple[BuildColumn, ...]
    best: dict[str, tuple[str, ...]]
    tests: tuple[PairedTest, ...]
    notes: tuple[str, ...]
    flips: tuple[Flip, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the same as JSON values, but for the images."""
        values = asdict(replace(self, flips=()))
        del values["flips"]
        return {**values, "how": self.how}

    @property
    def how(self) -> dict[str, str]:
        """How each figure was obtained, by its name."""
        return HOW | ({"p_value": HOW_PAIRED} if self.tests else {})


def compare_builds(
    folders: Sequence[Path], *, paired: bool = False, source: str = "", progress: Progress = SILENT, **reading: Any
) -> Comparison:
    """Read the reports of builds.

    Args:
        folders: of two builds or more.
        paired: also run all models on the same digits and compare image by image.
        source: of these digits, as for `load_subject_digits`; by default the first build's own test split.
        progress: gets bars for downloads, and what is unusual about the digits.
        reading: how the source is read, as for `load_subject_digits`.

    Raises:
        ConfigError: fewer than two builds, or one twice.
        DataError: a folder is no build, or its data cannot be found.
    """
    if len(folders) < 2:
        raise ConfigError("compare needs two builds or more.", hint="Name their folders: deploy/a deploy/b.")
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise ConfigError("A build is named twice.", hint="Name each once.")
    builds = tuple(read_build(folder) for folder in folders)
    notes = []
    if len({build.test_digest for build in builds}) > 1:
        notes.append("These builds were tested on different images: differences in accuracy may be theirs.")
    if not paired:
        return Comparison(builds, _best(builds), (), tuple(notes))
    tests, flips, remarks = paired_tests(folders, source, reading, progress)
    return Comparison(builds, _best(builds), tests, (*notes, *remarks), flips)


def read_build(folder: Path) -> BuildColumn:
    """Read the report of one build.

    Raises:
        DataError: there is none, or it is not one of a build, or a file of the user's is absent that shaped it.
    """
    report = read_report(folder)
    refuse_absent(read_manifest(folder / MANIFEST).extensions, folder / MANIFEST)
    try:
        config = make_config(parse_sections(report.config, "config"))
    except ConfigError as error:
        raise DataError(
            f"{folder / REPORT} is not the report of a build: {error.message}", hint="Build it again."
        ) from None
    evaluation, engine = report.evaluation, report.engine
    scores, arena = evaluation.scores, evaluation.arena
    return BuildColumn(
        folder=str(folder),
        network=network(report),
        loss=config.loss.name,
        compression=brief_words(to_tables(config)),
        figures={
            "accuracy": scores.accuracy,
            "float_accuracy": evaluation.float_accuracy,
            "macro_f1": scores.macro_f1,
            "bytes": evaluation.size.raw,
            "gzip_bytes": evaluation.size.gzip,
            "sparsity": sparsity(report),
            "engine_bytes": engine.constant_bytes if engine else None,
            "instructions": engine.instructions if engine else None,
            "arena": arena.bytes if arena else None,
        },
        recall=tuple(one.recall for one in scores.per_class),
        test_digest=evaluation.data_digest,
    )


def _best(builds: Sequence[BuildColumn]) -> dict[str, tuple[str, ...]]:
    found = {}
    for name in (*MORE_IS_BETTER, *LESS_IS_BETTER):
        values = {build.folder: value for build in builds if (value := build.figures[name]) is not None}
        if len(values) > 1 and len(set(values.values())) > 1:
            target = max(values.values()) if name in MORE_IS_BETTER else min(values.values())
            found[name] = tuple(folder for folder, value in values.items() if value == target)
    return found
