"""Which builds are worth having: the Pareto front, and the best one for a device's memory, with the command to type."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from edgedigits.config import SECTIONS
from edgedigits.config_file import make_config, parse_sections
from edgedigits.errors import ConfigError
from edgedigits.options import flag_of
from edgedigits.study.kinds import kinds
from edgedigits.study.run.rows import Trial

VARIANT = ["column", "loss", "compression", "only", "setting"]
DEVICES = (("4 KB", 4096), ("RP2040, 16 KB", 16384), ("64 KB", 65536))


@dataclass(frozen=True)
class Anchor:
    """A figure to draw beside ours: measured earlier or somebody else's; the source is named with it."""

    name: str
    cost: int
    accuracy: float
    source: str


_CMSIS = "784-…: TensorFlow Lite Micro with CMSIS-NN, measured; accuracy of TF-MOT baselines, one seed"
_BASELINE = "784-…: TF-MOT baselines, int8 .tflite, measured on 10,000 MNIST test images, one seed"
_BITNET = "BitNetMCU: 16×16 input; flash in all, instructions with GCC -O2; accuracy by its author"
_PROTOTYPE = "kB: a prototype outside TF-MOT, encoded weights, measured on 10,000 MNIST test images, one seed"
ANCHORS = {
    "bytes": (
        Anchor("784-10-10", 10_160, 0.939, _BASELINE),
        Anchor("784-32-16-10", 29_528, 0.965, _BASELINE),
        Anchor("784-300-100-10", 279_824, 0.981, _BASELINE),
    ),
    "engine_bytes": (
        Anchor("2 kB", 2_047, 0.9706, _PROTOTYPE),
        Anchor("BitNetMCU 2-bit", 2_716, 0.9421, _BITNET),
        Anchor("4 kB", 4_096, 0.9814, _PROTOTYPE),
        Anchor("BitNetMCU 4-bit", 14_440, 0.9902, _BITNET),
        Anchor("8 kB", 8_184, 0.9870, _PROTOTYPE),
        Anchor("27 kB", 27_641, 0.9912, _PROTOTYPE),
    ),
    "instructions": (
        Anchor("784-10-10", 17_051, 0.939, _CMSIS),
        Anchor("BitNetMCU 2-bit", 51_721, 0.9421, _BITNET),
        Anchor("784-32-16-10", 53_025, 0.965, _CMSIS),
        Anchor("784-300-100-10", 524_250, 0.981, _CMSIS),
        Anchor("BitNetMCU 4-bit", 279_831, 0.9902, _BITNET),
    ),
}


@dataclass(frozen=True)
class Recommendation:
    """The best variant that fits a device.

    Attributes:
        device: for people.
        budget: bytes of flash.
        variant: in words.
        accuracy: mean over seeds, on digits that the choice was not made on, if there were any.
        bytes: what the budget was held against, mean over seeds.
        counted: what those bytes are.
        chosen_on: the figure that the choice was made by.
        seeds: how many seeds.
        command: what to type for one of them; "" where this version has not all of its choices.
    """

    device: str
    budget: int
    variant: str
    accuracy: float
    bytes: float
    counted: str
    chosen_on: str
    seeds: int
    command: str


def variant_means(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one row a variant: means over seeds, standard deviation of the accuracy, number of seeds."""
    numbers = [name for name in frame.columns if pd.api.types.is_numeric_dtype(frame[name]) and name != "seed"]
    grouped = frame.groupby(VARIANT, sort=False, dropna=False)
    means = grouped[numbers].mean()
    means["accuracy_sd"] = grouped["accuracy"].std(ddof=1)
    means["seeds"] = grouped["seed"].nunique()
    means["key"] = grouped["key"].first()
    return means.reset_index()


def pareto(points: pd.DataFrame, cost: str) -> pd.DataFrame:
    """Return the rows that no other beats in accuracy at the same or a lower cost, the cheapest first."""
    known = points.dropna(subset=[cost, "accuracy"]).sort_values([cost, "accuracy"], ascending=[True, False])
    return known[known["accuracy"] > known["accuracy"].cummax().shift(fill_value=-np.inf)]


def recommendations(means: pd.DataFrame, trials: Mapping[str, Trial]) -> list[Recommendation]:
    """Return the best variant for each device, chosen by validation accuracy, or that on the dev set.

    The whole flash of the emulated program counts where it is known for all, else the engine's constants.

    Args:
        means: from `variant_means`.
        trials: by key.
    """
    means = means.dropna(subset=["engine_bytes"])
    if means.empty:
        return []
    cost, counted = ("flash", "flash, code and constants") if means["flash"].notna().all() else (
        "engine_bytes", "constants, code not counted"
    )  # fmt: skip
    names = {"val_accuracy": "the validation split", "dev_accuracy": "the dev set", "accuracy": "the same digits"}
    chosen_by = next(name for name in names if means[name].notna().all())
    found = []
    for device, budget in DEVICES:
        fitting = means[means[cost] <= budget]
        if fitting.empty:
            continue
        row = fitting.iloc[int(fitting[chosen_by].to_numpy().argmax())]
        found.append(
            Recommendation(
                device,
                budget,
                variant_words(row),
                accuracy=float(row["accuracy"]),
                bytes=float(row[cost]),
                counted=counted,
                chosen_on=names[chosen_by],
                seeds=int(row["seeds"]),
                command=command_or_none(trials[row["key"]]),
            )
        )
    return found


def command_or_none(trial: Trial) -> str:
    """Return the `edgedigits build` that does the same as a trial; "" where this version has not all of its choices."""
    try:
        return build_command(kinds()[trial.kind].choices(trial.spec))
    except ConfigError:
        # Of a study by another version, which can be read here but perhaps not made again.
        return ""


def variant_words(row: Any) -> str:
    """Return a variant for people, e.g. "focal, QAT, hidden=32-16"."""
    return ", ".join(str(row[name]) for name in ("loss", "compression", "only", "setting") if row[name])


def build_command(tables: Mapping[str, Any]) -> str:
    """Return the `edgedigits build` of a configuration, without options that would have no effect.

    Raises:
        ConfigError: its choices are none that a build of this version knows.
    """
    known = {section: values for section, values in tables.items() if section != "output"}
    config = make_config(parse_sections(known, "trial"))
    usual = make_config(parse_sections({"budget": known.get("budget", {})}, "trial"))
    words = ["edgedigits build"]
    for section, values in known.items():
        for option in fields(SECTIONS[section]):
            value = values.get(option.name, option.default)
            plain = tuple(value) if isinstance(value, list) else value
            default = option.default if section == "budget" else getattr(getattr(usual, section), option.name)
            if option.name not in values or plain == default or value == {}:
                continue
            if config.missing_need(section, option.name) is None:
                words.append(_flag(flag_of(option), value))
    return " ".join(words)


def _flag(flag: str, value: Any) -> str:
    if isinstance(value, bool):
        return flag if value else flag.replace("--", "--no-", 1)
    if isinstance(value, dict):
        text = ",".join(f"{name}={_number(one)}" for name, one in value.items())
    elif isinstance(value, (list, tuple)):
        text = ",".join(map(str, value))
    else:
        text = _number(value)
    return f"{flag} {shlex.quote(text)}"


def _number(value: Any) -> str:
    """Return a value as it is read back: a float with all its digits, without ".0"."""
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)
