"""Trials that are builds: every choice of a build is an axis, planned from a study's file."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgedigits.compression_sections import WHOLE_BITS
from edgedigits.files.paths import user_path
from edgedigits.recipes import OWN_TEACHER
from edgedigits.study.findings.checked import WrongError, check_integer, check_number, check_text, table
from edgedigits.study.kinds import BUILD, Answer, Chapter, Entry, Flag, Plan, TrialKind
from edgedigits.study.plan.axes import FLOAT32, INT8, axes_words, value_words

if TYPE_CHECKING:
    import pandas as pd

    from edgedigits.data.contents import Contents
    from edgedigits.study.plan.grid import PlannedTrial

# Seconds of a build besides its training: start-up, conversion, evaluation, report.
_FIXED_S = 18.0
# Seconds an image, epoch and multiply-accumulate, and those that do not depend on the network: a 784-32-16-10 takes
# 0.35 s for 60,000 images.
_MAC_S, _IMAGE_S = 1.5e-10, 2.0e-6
# Of a sweep over the weights of 100-30-10; what others take differs little, as so many are tried of each.
_SWEEP_IMAGE_S = 2.5e-4
_TYPICAL_IMAGES, _FEW_IMAGES = 54_000, 3_800

_SEED_AXES = ("seed", "training.seed")
_NAMED_AXES = ("loss", "loss.name", "quantization", "sparsity", "qat", "qat.enabled", "prune", "prune.enabled")
"""Axes that a row has in other words."""


class Builds:
    """Trials that are builds, and nothing else."""

    plan_name = ""
    stored_as: tuple[str, ...] = (BUILD,)
    flags: tuple[Flag, ...] = ()
    is_ranked = True

    def plan(self, **flags: Any) -> Plan:
        from edgedigits.study.plan.grid import read_grid

        path = Path(flags["path"])
        return plan_builds(path.stem, read_grid(path), flags["keep"])

    def run(self, kind: str, trials: Sequence[dict[str, Any]], contents: Contents) -> Iterator[Answer]:
        from edgedigits.study.run.build_trial import run_build

        for trial in trials:
            keep = trial["spec"].get("keep")
            result = run_build(trial["spec"], contents, Path(keep) / trial["key"] if keep else None)
            yield {"key": trial["key"], "result": result}

    def check(self, spec: Mapping[str, Any]) -> None:
        if spec.get("scored") not in (INT8, FLOAT32):
            raise WrongError("scored", spec.get("scored"), f"{INT8} or {FLOAT32}")
        values, config = table("values", spec), table("config", spec)
        for name, value in values.items():
            check_text("an axis", name)
            if not isinstance(value, (str, int, float, list, dict)):
                raise WrongError(f"axis {name}", value, "a value")
        check_text("loss.name", table("loss", config).get("name"))
        check_integer("training.seed", table("training", config).get("seed"))
        check_number("prune.sparsity", table("prune", config).get("sparsity", ""), 1)
        # A study of an earlier version may lack a section that came later.
        for section in dict.fromkeys(("prune", "qat", *config)):
            enabled = table(section, config).get("enabled", False)
            if not isinstance(enabled, bool):
                raise WrongError(f"{section}.enabled", enabled, "true or false")
        check_integer("levels.weight_bits", config.get("levels", {}).get("weight_bits", WHOLE_BITS))

    def row(self, spec: Mapping[str, Any], everywhere: set[str]) -> dict[str, Any]:
        from edgedigits.stages.catalogue import brief_words

        config, values = spec["config"], spec["values"]
        others = {name: value for name, value in values.items() if name not in (*_NAMED_AXES, *_SEED_AXES)}
        return {
            "column": BUILD,
            "loss": config["loss"]["name"],
            "compression": brief_words(config, quantized=spec["scored"] != FLOAT32),
            "only": axes_words({name: value for name, value in others.items() if name not in everywhere}),
            "setting": axes_words({name: value for name, value in others.items() if name in everywhere}),
            "seed": config["training"]["seed"],
            **{f"axis {name}": value_words(value) for name, value in values.items() if name not in _SEED_AXES},
        }

    def choices(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        return dict(spec["config"])

    def chapter(self, frame: pd.DataFrame) -> Chapter:
        from edgedigits.study.report.pictures import build_curves

        return Chapter(plots=build_curves(frame), against="the float32 network that its compression started from")


KIND: TrialKind = Builds()


def plan_builds(name: str, trials: Sequence[PlannedTrial], keep: str = "") -> Plan:
    """Return the plan of a grid.

    Args:
        name: of the study.
        trials: from `grid.read_grid`.
        keep: folder to keep the builds in; "" to keep figures only.
    """
    entries = []
    for trial in trials:
        label, identity = axes_words(trial.values), _with_models(trial)
        spec = {"label": label, "values": trial.values, **identity, **({"keep": keep} if keep else {})}
        entries.append(Entry(BUILD, label, identity, spec, trial.config.data, "", _seconds(trial)))
    return Plan(name, tuple(entries))


def _with_models(trial: PlannedTrial) -> dict[str, Any]:
    """Return what shapes a trial's result, a teacher and a start by place from anywhere and by the digest of the model.

    Raises:
        DataError: there is no such teacher.
        ConfigError: there is no such build to start from.
    """
    identity = trial.identity
    if trial.config.teacher not in ("", OWN_TEACHER):
        from edgedigits.teachers.record import find_model

        content = find_model(trial.config.teacher).read_bytes()
        identity["teacher"] = hashlib.sha256(content).hexdigest()
        identity["config"]["distill"]["teacher"] = str(user_path(trial.config.teacher).resolve())
    if start := trial.config.training.start:
        from edgedigits.frontier import model_folder

        folder = model_folder(start)
        identity["start"] = hashlib.sha256((folder / "model.tflite").read_bytes()).hexdigest()
        identity["config"]["training"]["start"] = str(folder.resolve())
    return identity


def _seconds(trial: PlannedTrial) -> float:
    config = trial.config
    macs = sum(a * b for a, b in itertools.pairwise((config.input.view.inputs, *config.model.hidden, 10)))
    images = _FEW_IMAGES if config.data.source == "mnist-5k" else _TYPICAL_IMAGES
    epochs = config.training.epochs
    if config.joint.enabled:
        epochs += 2 * config.joint.epochs * config.joint.tries
    else:
        epochs += config.prune.epochs * config.prune.enabled + 2 * config.qat.epochs * config.qat.enabled
        epochs += 2 * config.cluster.epochs * config.is_clustered
    polish = config.joint.polish * images * _SWEEP_IMAGE_S * config.joint.enabled
    return _FIXED_S + epochs * images * (macs * _MAC_S + _IMAGE_S) + polish
