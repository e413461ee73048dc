"""The sections of a build's choices, a frozen dataclass each.

A field's metadata carries what the command line and the TOML file need to know of it, so that each option is defined
in one place only. Nothing here imports numpy or TensorFlow.
"""

from __future__ import annotations

from dataclasses import dataclass, make_dataclass
from typing import TYPE_CHECKING, Any

from edgedigits import options
from edgedigits.c_names import DEFAULT_PREFIX
from edgedigits.criteria.catalogue import CRITERIA
from edgedigits.criteria.catalogue import DEFAULT as CRITERION
from edgedigits.errors import ConfigError
from edgedigits.levels.catalogue import DEFAULT as LEVELS_KIND
from edgedigits.levels.catalogue import LEVELS
from edgedigits.losses.catalogue import DEFAULT, LOSSES
from edgedigits.options import Given, option
from edgedigits.ramps.catalogue import DEFAULT as SCHEDULE
from edgedigits.ramps.catalogue import RAMPS
from edgedigits.view import LEVEL_BITS, WINDOWS, View

OPTIMIZERS = ("adam", "momentum", "sgd")
SCHEDULES = ("constant", "cosine", "exponential", "cyclical", "plateau", "hold")
AUGMENTATIONS = ("none", "light", "medium", "strong")
ROUNDINGS = ("litert", "tflm")
GOALS = ("speed", "size", "balanced")

_DISTILL = ("distill", "teacher", Given("TEACHER"))
_PRUNE, _QAT, _NO_QAT = ("prune", "enabled", True), ("qat", "enabled", True), ("qat", "enabled", False)
_JOINT = ("joint", "enabled", True)
GRANULARITIES, SCOPES = ("weights", "blocks", "neurons", "2:4"), ("layer", "global")
FOURS_SPARSITY = 0.5
"""Share of zeros that two weights of four are."""

READING = ("label_column", "invert", "transpose", "fit")
"""Fields of `DataConfig` that say how a source is read: the same for a build and for whatever is done with one."""

DEFAULT_LEARNING_RATES = {"adam": 3e-3, "momentum": 0.05, "sgd": 0.2}


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """What to learn from."""

    source: str = option(
        "auto",
        options.text,
        "CSV, .npz, folder of IDX or PNG files, USPS, optdigits, or a name: mnist, mnist-5k, auto",
        flag="--data",
        metavar="SOURCE",
    )
    label_column: str = option(
        "", options.text, "name of the CSV's label column (default: what its header calls so, else the first)"
    )
    invert: bool = option(False, options.boolean, "the digits are dark on light: invert them on loading")
    transpose: bool = option(
        False, options.boolean, "rows and columns are exchanged: exchange them back on loading (EMNIST's are known)"
    )
    fit: bool = option(False, options.boolean, "pictures of any size: fit each digit as MNIST's were, into 20×20")
    validation_fraction: float = option(
        0.1, options.number(0.01, 0.5), "share of the training images kept for validation"
    )
    test_fraction: float = option(
        0.15, options.number(0.01, 0.5), "share kept for the test, where the source has no test set"
    )

    @property
    def reading(self) -> dict[str, Any]:
        """How the source is read, as `edgedigits.data.load` takes it by name."""
        return {name: getattr(self, name) for name in READING}

    @property
    def division(self) -> dict[str, Any]:
        """How the source is divided, as `edgedigits.data.load` takes it by name; the seed is the training's."""
        return {"validation_fraction": self.validation_fraction, "test_fraction": self.test_fraction}


@dataclass(frozen=True, kw_only=True)
class InputConfig:
    """What of a digit's 28×28 pixels the network sees; the emitted preprocess does the same on the device."""

    window: int = option(28, options.one_of(WINDOWS), "side of the central square that it sees", metavar="SIDE")
    size: int = option(
        0,
        options.integer(0, 28),
        "side of what it is given, averaged over equal areas of the window (default: the window's)",
        flag="--input-size",
        metavar="SIDE",
    )
    deskew: bool = option(False, options.boolean, "stand digits upright, by their moments: another task than without")
    centre: bool = option(False, options.boolean, "move digits to the middle, by their mass: another task than without")
    bits: int = option(8, options.one_of(LEVEL_BITS), "bits of a pixel: 8, 4, 2 or 1", flag="--input-bits")

    def __post_init__(self) -> None:
        if self.size > self.window:
            raise ConfigError(
                f"[input] size {self.size} is above window {self.window}: averages are never more than the pixels.",
                hint="Choose a size up to the window's, or a larger window.",
            )

    @property
    def view(self) -> View:
        """The same as one declaration."""
        return View(self.window, self.size or self.window, self.deskew, self.centre, self.bits)


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The network: Dense layers with ReLU, ten logits out."""

    hidden: tuple[int, ...] = option((32, 16), options.hidden_widths, "widths of the hidden layers", metavar="32,16")
    softmax: bool = option(False, options.boolean, "put a softmax behind the logits of the deployed graph")


if TYPE_CHECKING:

    class LossConfig:
        """What training minimises: `name`, and the parameters that the losses in `edgedigits.losses` declare."""

        name: str

        def __init__(self, **values: Any) -> None: ...
        def __getattr__(self, name: str) -> Any: ...

else:
    _NAME = option(DEFAULT, options.choice(tuple(LOSSES)), f"one of {', '.join(LOSSES)}", flag="--loss", metavar="LOSS")
    LossConfig = make_dataclass(
        "LossConfig",
        [("name", str, _NAME), *(field for loss in LOSSES.values() for field in loss.fields())],
        namespace={"__module__": __name__, "__doc__": "What training minimises."},
        frozen=True,
        kw_only=True,
    )


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How the float network is trained; the later stages inherit optimizer, batch, augmentation and seed."""

    start: str = option(
        "",
        options.text,
        "build, or model that `models` lists, to start from: its weights, and its choices where none are made here",
        flag="--from",
        metavar="BUILD",
    )
    epochs: int = option(60, options.integer(1, 100_000), "epochs of the float stage")
    batch_size: int = option(
        256, options.batch_size, "images a step; full for full-batch gradient descent", metavar="N"
    )
    optimizer: str = option("adam", options.choice(OPTIMIZERS), ", ".join(OPTIMIZERS), metavar="NAME")
    learning_rate: float = option(
        0.0,
        options.number(0, 100),
        "peak learning rate (default: adam 0.003, momentum 0.05, sgd 0.2; a third for the hinges but Weston-Watkins)",
        metavar="RATE",
    )
    schedule: str = option("cosine", options.choice(SCHEDULES), ", ".join(SCHEDULES), metavar="NAME")
    patience: int = option(
        0,
        options.integer(0, 100_000),
        "stop a stage after N epochs without better validation accuracy, restore the best (0: never)",
    )
    augment: str = option(
        "light", options.choice(AUGMENTATIONS), "none, light, medium or strong distortions", metavar="LEVEL"
    )
    augment_copies: int = option(
        0,
        options.integer(0, 1000),
        "distort so many epochs of a stage, then repeat them (0: every epoch anew)",
        metavar="N",
    )
    label_smoothing: float = option(
        0.0,
        options.number(0, 1, open_high=True),
        "share of a label that is spread over all classes; for losses that count log p "
        f"({', '.join(name for name, loss in LOSSES.items() if loss.takes_smoothing)})",
        metavar="SHARE",
    )
    seed: int = option(42, options.integer(0, 2**31 - 1), "seed of splits, weights, order and augmentation")


@dataclass(frozen=True, kw_only=True)
class DistillationConfig:
    """Learning from a teacher too, in every stage: a·T²·KL(teacher ‖ student, both at T) + (1 − a)·loss."""

    teacher: str = option(
        "",
        options.path,
        "a folder that `edgedigits teacher` wrote, or a Keras model of digits (.keras); {seed} in it is the seed",
        flag="--distill",
        metavar="TEACHER",
    )
    temperature: float = option(
        2.0,
        options.number(0.1, 100),
        "T, which softens what both say of the classes",
        flag="--distill-temperature",
        metavar="T",
        needs=_DISTILL,
    )
    weight: float = option(
        0.7,
        options.number(0, 1, open_low=True),
        "a, the teacher's share of the loss",
        flag="--distill-weight",
        metavar="A",
        needs=_DISTILL,
    )


@dataclass(frozen=True, kw_only=True)
class PruningConfig:
    """Magnitude pruning by polynomial decay: s(t) = s_f + (s_i − s_f)(1 − t)³, t from begin to end."""

    enabled: bool = option(False, options.boolean, "prune the hidden layers by magnitude", flag="--prune")
    sparsity: float = option(
        0.8, options.number(0, 1, open_high=True), "share of zeros in each pruned layer at the end", needs=_PRUNE
    )
    initial_sparsity: float = option(
        0.0, options.number(0, 1, open_high=True), "share of zeros at the beginning", needs=_PRUNE
    )
    layer_sparsity: tuple[tuple[str, float], ...] = option(
        (), options.layer_sparsity, "sparsity of single layers, hidden_1 … logits", metavar="LAYER=S,…", needs=_PRUNE
    )
    output: bool = option(False, options.boolean, "prune the output layer as well", flag="--prune-output", needs=_PRUNE)
    epochs: int = option(
        60, options.integer(1, 100_000), "epochs of the pruning stage", flag="--prune-epochs", needs=_PRUNE
    )
    rate: float = option(
        1.0,
        options.number(0, 10, open_low=True),
        "peak learning rate of the stage, as a share of the float stage's",
        flag="--prune-rate",
        needs=_PRUNE,
    )
    begin: float = option(
        0.0, options.number(0, 1, open_high=True), "begin, as a share of the stage", flag="--prune-begin", needs=_PRUNE
    )
    end: float = option(
        0.6, options.number(0, 1, open_low=True), "end, as a share of the stage", flag="--prune-end", needs=_PRUNE
    )
    frequency: int = option(
        50, options.integer(1, 10**9), "steps between two updates of the masks", flag="--prune-frequency", needs=_PRUNE
    )
    criterion: str = option(
        CRITERION,
        options.choice(tuple(CRITERIA)),
        f"which weights go first: {', '.join(CRITERIA)}",
        metavar="NAME",
        needs=_PRUNE,
    )
    granularity: str = option(
        "weights",
        options.choice(GRANULARITIES),
        f"what goes at once: {', '.join(GRANULARITIES)}",
        metavar="NAME",
        needs=_PRUNE,
    )
    schedule: str = option(
        SCHEDULE,
        options.choice(tuple(RAMPS)),
        f"how it gets there: {', '.join(RAMPS)}",
        flag="--prune-schedule",
        metavar="NAME",
        needs=_PRUNE,
    )
    scope: str = option(
        "layer",
        options.choice(SCOPES),
        "whether every layer gets the sparsity, or all of them together",
        flag="--prune-scope",
        metavar="NAME",
        needs=_PRUNE,
    )


@dataclass(frozen=True, kw_only=True)
class QuantizationConfig:
    """Quantization-aware training; without it the model is quantized after training from calibration images."""

    enabled: bool = option(False, options.boolean, "train on with fake quantization (TF-MOT)", flag="--qat")
    epochs: int = option(
        15, options.integer(1, 100_000), "epochs of the quantization-aware stage", flag="--qat-epochs", needs=_QAT
    )
    rate: float = option(
        0.3,
        options.number(0, 10, open_low=True),
        "peak learning rate of the stage, as a share of the float stage's",
        flag="--qat-rate",
        needs=_QAT,
    )
    per_tensor: bool = option(
        False,
        options.boolean,
        "without --qat: one weight scale a layer, for runtimes older than TFLM of 2024",
        needs=_NO_QAT,
    )


@dataclass(frozen=True, kw_only=True)
class LevelsConfig:
    """The few values that the weights of a layer may take."""

    weight_bits: int = option(
        8,
        options.integer(1, 8),
        "bits of a weight, 1 to 8: at most 2^bits values a layer",
        needs=_JOINT,
    )
    weight_values: str = option(
        LEVELS_KIND,
        options.choice(tuple(LEVELS)),
        f"how the values are found; one of {', '.join(LEVELS)}",
        flag="--levels",
        metavar="NAME",
        needs=_JOINT,
    )


@dataclass(frozen=True, kw_only=True)
class JointConfig:
    """Pruning, levels and 8-bit activations in one training; each mark is a share of its epochs."""

    enabled: bool = option(
        False, options.boolean, "prune, quantize to levels and train quantization-aware in one training", flag="--joint"
    )
    epochs: int = option(100, options.integer(1, 100_000), "epochs of it", flag="--joint-epochs", needs=_JOINT)
    rate: float = option(
        1.0,
        options.number(0, 10, open_low=True),
        "its peak learning rate, as a share of the float stage's",
        flag="--joint-rate",
        needs=_JOINT,
    )
    schedule: str = option(
        "hold",
        options.choice(SCHEDULES),
        "its learning rate's schedule; hold falls once the network is being cut",
        flag="--joint-schedule",
        metavar="NAME",
        needs=_JOINT,
    )
    tries: int = option(
        1,
        options.integer(1, 1000),
        "train it so many times and keep the best by validation; all but the first start from fresh weights",
        flag="--joint-tries",
        metavar="N",
        needs=_JOINT,
    )
    levels_begin: float = option(
        0.3, options.number(0, 1), "where weights become levels", flag="--joint-levels-begin", needs=_JOINT
    )
    activations_begin: float = option(
        0.55, options.number(0, 1), "where activations become 8 bits", flag="--joint-activations-begin", needs=_JOINT
    )
    trim: float = option(
        0.92,
        options.number(0, 1),
        "where the last weights go that a budget has no room for",
        flag="--joint-trim",
        needs=_JOINT,
    )


@dataclass(frozen=True, kw_only=True)
class BudgetConfig:
    """What the engine may take of a device; a budget is met by joint training, and switches it on."""

    constants: int = option(
        0,
        options.budget,
        "bytes of flash for weights, biases and the layers' constants, such as 8K",
        flag="--budget-constants",
        metavar="BYTES",
    )
    flash: int = option(
        0,
        options.budget,
        "bytes of flash for the whole engine, its code too; measured by the compiler",
        flag="--budget-flash",
        metavar="BYTES",
    )
    core: str = option(
        "cortex-m4",
        options.text,
        "core that a budget of flash is for",
        flag="--budget-core",
        metavar="CORE",
        needs=("budget", "flash", Given("BYTES")),
    )

    @property
    def is_set(self) -> bool:
        """Whether there is a budget."""
        return bool(self.constants or self.flash)


@dataclass(frozen=True, kw_only=True)
class EngineConfig:
    """The C engine: whose arithmetic it repeats, and what its weights are packed for."""

    rounding: str = option(
        "litert",
        options.choice(ROUNDINGS),
        "litert: bit for bit as LiteRT's reference kernels; tflm: as TensorFlow Lite Micro",
        metavar="NAME",
    )
    optimize: str = option("balanced", options.choice(GOALS), ", ".join(GOALS), metavar="GOAL")


@dataclass(frozen=True, kw_only=True)
class ConfidenceConfig:
    """When the engine rather refuses than to guess."""

    reject_error: float = option(
        0.0,
        options.number(0, 0.1),
        "let `classify` refuse where the scores are close, so that at most this share of those it accepts is wrong "
        "(default 0: it never refuses)",
        metavar="SHARE",
    )


@dataclass(frozen=True, kw_only=True)
class OutputConfig:
    """Where a build lands and what it is called."""

    out: str = option("", options.path, "folder to write (default: deploy/<loss and compression>)", metavar="DIR")
    name: str = option(DEFAULT_PREFIX, options.symbol, "prefix of the C symbols", metavar="SYMBOL")
    note: str = option("", options.text, "a remark for the report, such as where the digits come from", metavar="TEXT")
    tensorboard: str = option(
        "", options.path, "folder for TensorBoard event files, one sub-folder a stage", metavar="DIR"
    )
