"""The stages that lie in this folder or one of the user's, and what they are called together."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from edgedigits import stages
from edgedigits.config import BuildConfig, ModelConfig
from edgedigits.criteria.catalogue import CRITERIA
from edgedigits.discovery import declared_anywhere, extension_of
from edgedigits.levels.catalogue import LEVELS
from edgedigits.losses.catalogue import LOSSES
from edgedigits.ramps.catalogue import RAMPS
from edgedigits.stages.declaration import Stage, Tables

STAGES: dict[str, Stage] = {
    stage.name: stage for stage in sorted(declared_anywhere(stages, "STAGE", Stage), key=lambda stage: stage.order)
}
"""By name, in the order in which they run."""


def slug(config: BuildConfig) -> str:
    """Return a short name made of the choices that shape the result, e.g. "focal-qat-prune"."""
    shape = "-".join(map(str, config.model.hidden)) if config.model.hidden != ModelConfig().hidden else ""
    words = [stage.slug for stage in reversed(STAGES.values()) if stage.asked(config)]
    distilled = "distilled" if config.teacher else ""
    return "-".join(word for word in (config.loss.name, config.input.view.slug, shape, distilled, *words) if word)


def own_files(config: BuildConfig) -> dict[str, str]:
    """Return the digests of those files of the user's that shape a build, by their names."""
    prune = config.prune
    chosen = (
        LOSSES[config.loss.name],
        CRITERIA[prune.criterion],
        RAMPS[prune.schedule],
        LEVELS[config.levels.weight_values],
    )
    asked = (stage for stage in STAGES.values() if stage.asked(config))
    return {file.name: file.sha256 for one in (*chosen, *asked) if (file := extension_of(one))}


def build_folder(config: BuildConfig) -> Path:
    """Return where the build lands."""
    return Path(config.output.out) if config.output.out else Path("deploy") / slug(config)


def label(name: str) -> str:
    """Return the short name of a stage's result; of a stage that is unknown here, its name."""
    return STAGES[name].label if name in STAGES else name


def past_words(names: Collection[str], target_sparsity: Mapping[str, float]) -> str:
    """Return what was done to the float32 model, e.g. "pruned to 80%, trained quantization-aware".

    Args:
        names: of the stages that were run.
        target_sparsity: share of zeros, 0…1, by layer.
    """
    run = [stage for stage in STAGES.values() if stage.name in names]
    after = [] if any(stage.quantizes for stage in run) else ["quantized after training"]
    return ", ".join([*filter(None, (stage.past(target_sparsity) for stage in run)), *after])


def brief_words(tables: Tables, *, quantized: bool = True) -> str:
    """Return the compression of a build for a study's tables: "float32", "int8", "QAT", "pruned 80%, QAT" …

    Args:
        tables: the configuration.
        quantized: what is scored is the int8 file; else its float32 twin.
    """
    told = [(stage.quantizes, words) for stage in STAGES.values() if (words := stage.brief(tables))]
    numbers = [words for quantizes, words in told if quantizes] or ["int8"]
    others = [words for quantizes, words in told if not quantizes]
    return ", ".join([*others, *(numbers if quantized else ["float32"])])
