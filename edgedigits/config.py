"""Every choice of a build, as frozen dataclasses that are validated once.

A field's metadata carries what the command line and the TOML file need to know of it, so that each option is defined in
one place only. Flags and TOML values land in the same parser. Nothing here imports numpy or TensorFlow.
"""

from __future__ import annotations

import dataclasses
import json
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from edgedigits.errors import ConfigError, DataError, nearest

LOSSES = ("cross-entropy", "weighted-cross-entropy", "mse", "focal", "hinge", "one-hot")
HINGES = ("weston-watkins", "one-vs-rest", "crammer-singer")
OPTIMIZERS = ("adam", "momentum", "sgd")
SCHEDULES = ("constant", "cosine", "exponential", "cyclical", "plateau")
AUGMENTATIONS = ("none", "light", "strong")
CLASSES = 10
FULL_BATCH = 0
"""`batch_size` of full-batch gradient descent; written "full" by users."""

DEFAULT_LEARNING_RATES = {"adam": 3e-3, "momentum": 0.05, "sgd": 0.2}

Parser = Callable[[Any], Any]


# --- parsers: a flag's text or a TOML value → the field's value; ValueError says what was expected -------------------


def _integer(low: int, high: int | None = None) -> Parser:
    span = f"an integer from {low} to {high}" if high is not None else f"an integer of at least {low}"

    def parse(raw: Any) -> int:
        if isinstance(raw, bool) or (isinstance(raw, float) and not raw.is_integer()):
            raise ValueError(span)
        try:
            value = int(raw)
        except (TypeError, ValueError):
            raise ValueError(span) from None
        if value < low or (high is not None and value > high):
            raise ValueError(span)
        return value

    return parse


def _number(low: float, high: float, *, open_low: bool = False, open_high: bool = False) -> Parser:
    span = f"a number {'above' if open_low else 'from'} {low:g} {'and below' if open_high else 'to'} {high:g}"

    def parse(raw: Any) -> float:
        try:
            value = float("nan") if isinstance(raw, bool) else float(raw)
        except (TypeError, ValueError):
            raise ValueError(span) from None
        inside = (low < value if open_low else low <= value) and (
            value < high if open_high else value <= high
        )
        if not inside:
            raise ValueError(span)
        return value

    return parse


def _boolean(raw: Any) -> bool:
    if not isinstance(raw, bool):
        raise ValueError("true or false")
    return raw


def _text(raw: Any) -> str:
    if not isinstance(raw, str):
        raise ValueError("a text")
    return raw


def _choice(known: tuple[str, ...]) -> Parser:
    def parse(raw: Any) -> str:
        if raw not in known:
            raise ValueError(f"one of {', '.join(known)}. {nearest(str(raw), known)}")
        return str(raw)

    return parse


def _sequence(raw: Any) -> list[Any]:
    if isinstance(raw, str):
        return [part.strip() for part in raw.split(",") if part.strip()]
    return list(raw) if isinstance(raw, (list, tuple)) else [raw]


def _hidden(raw: Any) -> tuple[int, ...]:
    try:
        return tuple(_integer(1, 4096)(width) for width in _sequence(raw))
    except ValueError:
        raise ValueError("layer widths from 1 to 4096, such as 32,16") from None


def _batch_size(raw: Any) -> int:
    if raw == "full":
        return FULL_BATCH
    try:
        return int(_integer(1)(raw))
    except ValueError:
        raise ValueError("an integer of at least 1, or full") from None


def _per_class(raw: Any) -> tuple[float, ...]:
    try:
        values = tuple(_number(0, 1e6)(value) for value in _sequence(raw))
    except ValueError:
        values = (0.0, 0.0)
    if len(values) not in (0, 1, CLASSES):
        raise ValueError("one non-negative number, or ten separated by commas")
    return values


def _class_weights(raw: Any) -> str | tuple[float, ...]:
    if raw in ("balanced", "effective-number"):
        return str(raw)
    try:
        values = _per_class(raw)
    except ValueError:
        values = ()
    if len(values) != CLASSES or sum(values) == 0:
        raise ValueError("balanced, effective-number, or ten non-negative numbers separated by commas")
    return values


def _layer_sparsity(raw: Any) -> tuple[tuple[str, float], ...]:
    expected = "layer=sparsity pairs such as hidden_1=0.9,hidden_2=0.5, each sparsity from 0 and below 1"
    pairs = raw.items() if isinstance(raw, Mapping) else [part for part in _sequence(raw)]
    parsed = []
    for pair in pairs:
        name, value = pair.partition("=")[::2] if isinstance(pair, str) else pair
        try:
            parsed.append((str(name).strip(), float(_number(0, 1, open_high=True)(value))))
        except ValueError:
            raise ValueError(expected) from None
    return tuple(parsed)


def _symbol(raw: Any) -> str:
    if not isinstance(raw, str) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,62}", raw):
        raise ValueError("a C identifier such as edgedigits_model")
    return raw


# --- options ------------------------------------------------------------------------------------------------------


def option(default: Any, parse: Parser, help_text: str, *, flag: str = "", metavar: str = "") -> Any:
    """Declare a field: its default, how text becomes its value, and what `--help` says of it."""
    return field(
        default=default, metadata={"parse": parse, "help": help_text, "flag": flag, "metavar": metavar}
    )


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """What to learn from."""

    source: str = option(
        "auto",
        _text,
        "CSV, IDX folder, .npz, PNG folder, or a name: mnist, mnist-5k, auto",
        flag="--data",
        metavar="SOURCE",
    )
    label_column: str = option("", _text, "name of the CSV's label column (default: 'label', else the first)")
    invert: bool = option(False, _boolean, "the digits are dark on light: invert them on loading")
    validation_fraction: float = option(
        0.1, _number(0.01, 0.5), "share of the training images kept for validation"
    )
    test_fraction: float = option(
        0.15, _number(0.01, 0.5), "share kept for the test, where the source has no test set"
    )


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The network: Dense layers with ReLU, ten logits out."""

    hidden: tuple[int, ...] = option((32, 16), _hidden, "widths of the hidden layers", metavar="32,16")
    softmax: bool = option(False, _boolean, "put a softmax behind the logits of the deployed graph")


@dataclass(frozen=True, kw_only=True)
class LossConfig:
    """What training minimises; formulas and sources are in `edgedigits.training.losses`."""

    name: str = option(
        "cross-entropy", _choice(LOSSES), f"one of {', '.join(LOSSES)}", flag="--loss", metavar="LOSS"
    )
    gamma: float = option(2.0, _number(0, 20), "focal: focusing exponent", metavar="2.0")
    alpha: tuple[float, ...] = option(
        (), _per_class, "focal: weight, one for all classes or ten", metavar="A,…"
    )
    class_weights: str | tuple[float, ...] = option(
        "balanced",
        _class_weights,
        "weighted-cross-entropy: balanced, effective-number, or ten numbers",
        metavar="W",
    )
    beta: float = option(
        0.999, _number(0, 1, open_high=True), "weighted-cross-entropy: β of the effective number"
    )
    hinge: str = option("weston-watkins", _choice(HINGES), f"hinge: {', '.join(HINGES)}", metavar="KIND")


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How the float network is trained; the later stages inherit optimizer, batch, augmentation and seed."""

    epochs: int = option(60, _integer(1, 100_000), "epochs of the float stage")
    batch_size: int = option(
        256, _batch_size, "images a step; full for full-batch gradient descent", metavar="N"
    )
    optimizer: str = option("adam", _choice(OPTIMIZERS), ", ".join(OPTIMIZERS), metavar="NAME")
    learning_rate: float = option(
        0.0,
        _number(0, 100),
        "peak learning rate (default: adam 0.003, momentum 0.05, sgd 0.2)",
        metavar="RATE",
    )
    schedule: str = option("cosine", _choice(SCHEDULES), ", ".join(SCHEDULES), metavar="NAME")
    patience: int = option(
        0,
        _integer(0),
        "stop a stage after N epochs without better validation accuracy, restore the best (0: never)",
    )
    augment: str = option(
        "light", _choice(AUGMENTATIONS), "none, light or strong distortions", metavar="LEVEL"
    )
    seed: int = option(42, _integer(0, 2**31 - 1), "seed of splits, weights, order and augmentation")

    @property
    def peak_learning_rate(self) -> float:
        """The learning rate asked for, or the optimizer's default."""
        return self.learning_rate or DEFAULT_LEARNING_RATES[self.optimizer]


@dataclass(frozen=True, kw_only=True)
class PruningConfig:
    """Magnitude pruning by polynomial decay: s(t) = s_f + (s_i − s_f)(1 − t)³, t from begin to end."""

    enabled: bool = option(False, _boolean, "prune the hidden layers by magnitude", flag="--prune")
    sparsity: float = option(
        0.8, _number(0, 1, open_high=True), "share of zeros in each pruned layer at the end"
    )
    initial_sparsity: float = option(0.0, _number(0, 1, open_high=True), "share of zeros at the beginning")
    layer_sparsity: tuple[tuple[str, float], ...] = option(
        (), _layer_sparsity, "sparsity of single layers, hidden_1 … logits", metavar="LAYER=S,…"
    )
    output: bool = option(False, _boolean, "prune the output layer as well", flag="--prune-output")
    epochs: int = option(60, _integer(1, 100_000), "epochs of the pruning stage", flag="--prune-epochs")
    rate: float = option(
        1.0,
        _number(0, 10, open_low=True),
        "peak learning rate of the stage, as a share of the float stage's",
        flag="--prune-rate",
    )
    begin: float = option(
        0.0, _number(0, 1, open_high=True), "begin, as a share of the stage", flag="--prune-begin"
    )
    end: float = option(0.6, _number(0, 1, open_low=True), "end, as a share of the stage", flag="--prune-end")
    frequency: int = option(
        50, _integer(1), "steps between two updates of the masks", flag="--prune-frequency"
    )


@dataclass(frozen=True, kw_only=True)
class QuantizationConfig:
    """Quantization-aware training; without it the model is quantized after training from calibration images."""

    enabled: bool = option(False, _boolean, "train on with fake quantization (TF-MOT)", flag="--qat")
    epochs: int = option(
        15, _integer(1, 100_000), "epochs of the quantization-aware stage", flag="--qat-epochs"
    )
    rate: float = option(
        0.3,
        _number(0, 10, open_low=True),
        "peak learning rate of the stage, as a share of the float stage's",
        flag="--qat-rate",
    )
    per_tensor: bool = option(
        False, _boolean, "without --qat: one weight scale a layer, for runtimes older than TFLM of 2024"
    )


@dataclass(frozen=True, kw_only=True)
class OutputConfig:
    """Where a build lands and what it is called."""

    out: str = option("", _text, "folder to write (default: deploy/<loss and compression>)", metavar="DIR")
    name: str = option("edgedigits_model", _symbol, "prefix of the C symbols", metavar="SYMBOL")
    tensorboard: str = option(
        "", _text, "folder for TensorBoard event files, one sub-folder a stage", metavar="DIR"
    )


@dataclass(frozen=True, kw_only=True)
class BuildConfig:
    """The whole of a build's choices.

    Raises:
        ConfigError: a value is out of range or two values contradict each other.
    """

    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    prune: PruningConfig = field(default_factory=PruningConfig)
    qat: QuantizationConfig = field(default_factory=QuantizationConfig)
    output: OutputConfig = field(default_factory=OutputConfig)

    def __post_init__(self) -> None:
        if self.prune.begin >= self.prune.end:
            raise ConfigError(
                f"[prune] begin is {self.prune.begin:g} and end is {self.prune.end:g}: pruning would never happen.",
                hint="Choose begin below end.",
            )
        if self.prune.initial_sparsity > self.prune.sparsity:
            raise ConfigError(
                f"[prune] initial_sparsity {self.prune.initial_sparsity:g} is above sparsity {self.prune.sparsity:g}.",
                hint="Pruning only adds zeros: choose an initial sparsity below the final one.",
            )
        for name, _ in self.prune.layer_sparsity:
            if name not in self.layer_names:
                raise ConfigError(
                    f"[prune] layer_sparsity names a layer '{name}', which this network does not have.",
                    hint=nearest(name, self.layer_names),
                )

    @property
    def layer_names(self) -> tuple[str, ...]:
        """Names of the Dense layers from the input to the output."""
        return (*(f"hidden_{index}" for index in range(1, len(self.model.hidden) + 1)), "logits")

    @property
    def target_sparsity(self) -> dict[str, float]:
        """Share of zeros to reach by layer; layers that are not pruned are left out."""
        if not self.prune.enabled:
            return {}
        wanted = dict(self.prune.layer_sparsity)
        spared = () if self.prune.output else ("logits",)
        plan = {
            name: wanted.get(name, 0.0 if name in spared else self.prune.sparsity)
            for name in self.layer_names
        }
        return {name: sparsity for name, sparsity in plan.items() if sparsity > 0}

    @property
    def slug(self) -> str:
        """Short name made of the choices that shape the result, e.g. "focal-qat-prune"."""
        shape = "-".join(map(str, self.model.hidden)) if self.model.hidden != ModelConfig().hidden else ""
        words = (self.loss.name, shape, "qat" * self.qat.enabled, "prune" * self.prune.enabled)
        return "-".join(word for word in words if word)

    @property
    def folder(self) -> Path:
        """Where the build lands."""
        return Path(self.output.out) if self.output.out else Path("deploy") / self.slug


SECTIONS: dict[str, type] = {
    "data": DataConfig,
    "model": ModelConfig,
    "loss": LossConfig,
    "training": TrainingConfig,
    "prune": PruningConfig,
    "qat": QuantizationConfig,
    "output": OutputConfig,
}


def flag_of(option_field: dataclasses.Field[Any]) -> str:
    """Return the command-line flag of a field, e.g. "--batch-size"."""
    return str(option_field.metadata["flag"]) or "--" + option_field.name.replace("_", "-")


def parse_option(section: str, option_field: dataclasses.Field[Any], raw: Any, where: str) -> Any:
    """Turn a flag's text or a TOML value into the field's value.

    Args:
        section: the table the field belongs to.
        option_field: the dataclass field.
        raw: the text or TOML value.
        where: what the user wrote it as, for the message: a flag or a file and key.

    Raises:
        ConfigError: the value is not one the field takes.
    """
    try:
        return option_field.metadata["parse"](raw)
    except ValueError as error:
        raise ConfigError(
            f"{where} is {raw!r}, expected {error}" + "." * (not str(error).endswith(("?", ".")))
        ) from None


def parse_sections(tables: Mapping[str, Any], where: str) -> dict[str, dict[str, Any]]:
    """Check tables of a TOML file or a manifest and return {section: {field: value}}.

    Raises:
        ConfigError: an unknown table or key (the nearest is named), or a wrong value.
    """
    parsed: dict[str, dict[str, Any]] = {}
    for section, table in tables.items():
        if section not in SECTIONS:
            raise ConfigError(f"{where}: there is no table [{section}].", hint=nearest(section, SECTIONS))
        if not isinstance(table, Mapping):
            raise ConfigError(
                f"{where}: {section} is {table!r}, expected a table.", hint=f"Write it as [{section}]."
            )
        known = {option_field.name: option_field for option_field in fields(SECTIONS[section])}
        for key in table:
            if key not in known:
                raise ConfigError(f"{where}: [{section}] has no key '{key}'.", hint=nearest(key, known))
        parsed[section] = {
            key: parse_option(section, known[key], raw, f"{where}: [{section}] {key}")
            for key, raw in table.items()
        }
    return parsed


def read_config_file(path: Path) -> dict[str, dict[str, Any]]:
    """Read a TOML file, or the config of a build's manifest.json, as {section: {field: value}}.

    Raises:
        DataError: the file is missing, unreadable, or neither TOML nor a manifest.
        ConfigError: a table, key or value is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
        tables = json.loads(text)["config"] if path.suffix == ".json" else tomllib.loads(text)
    except FileNotFoundError:
        raise DataError(
            f"{path}: no such file.", hint="--config takes a TOML file or a build's manifest.json."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{path}: cannot be read ({error}).", hint="--config takes a text file in TOML."
        ) from None
    except (tomllib.TOMLDecodeError, json.JSONDecodeError) as error:
        raise DataError(f"{path}: not valid {path.suffix.lstrip('.') or 'TOML'}: {error}.") from None
    except (KeyError, TypeError):
        raise DataError(f"{path}: holds no 'config'.", hint="Give the manifest.json of a build.") from None
    return parse_sections(tables, str(path))


def make_config(sections: Mapping[str, Mapping[str, Any]]) -> BuildConfig:
    """Build the config from parsed values; what is not named keeps its default."""
    return BuildConfig(**{name: SECTIONS[name](**values) for name, values in sections.items()})


def to_tables(config: BuildConfig) -> dict[str, dict[str, Any]]:
    """Return every choice that shapes the result as JSON- and TOML-serialisable tables.

    `read_config_file` takes them back. Where the result is written is left out: two builds of the same choices are
    the same build.
    """
    tables = dataclasses.asdict(config)
    tables["output"] = {"name": config.output.name}
    tables["prune"]["layer_sparsity"] = dict(config.prune.layer_sparsity)
    tables["training"]["batch_size"] = config.training.batch_size or "full"
    return tables
