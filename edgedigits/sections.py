"""The sections of a build's choices, a frozen dataclass each; those of compression are in `compression_sections`.

A field's metadata carries what the command line and the TOML file need to know of it, so that each option is defined
in one place only. Nothing here imports numpy or TensorFlow.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, make_dataclass
from typing import TYPE_CHECKING, Any

from edgedigits import options
from edgedigits.c_names import DEFAULT_PREFIX
from edgedigits.errors import ConfigError
from edgedigits.losses.catalogue import DEFAULT, LOSSES
from edgedigits.options import Other, option
from edgedigits.recipes import OWN_TEACHER
from edgedigits.view import LEVEL_BITS, WINDOWS, View

OPTIMIZERS = ("adam", "momentum", "sgd")
SCHEDULES = ("constant", "cosine", "exponential", "cyclical", "plateau", "hold")
AUGMENTATIONS = ("none", "light", "medium", "strong")
ROUNDINGS = ("litert", "tflm")
GOALS = ("speed", "size", "balanced")

_DISTILL = ("distill", "teacher", Other("", "TEACHER"))

READING = ("label_column", "invert", "transpose", "fit")
"""Fields of `DataConfig` that say how a source is read: the same for a build and for whatever is done with one."""

DEFAULT_LEARNING_RATES = {"adam": 3e-3, "momentum": 0.05, "sgd": 0.2}


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """What to learn from."""

    source: str = option(
        "auto",
        options.sources,
        "CSV, .npz, folder of IDX or PNG files, USPS, optdigits, or a name: mnist, mnist-5k, auto; may be repeated, "
        "SOURCE:3 counts three times, SOURCE:invert is read so",
        flag="--data",
        metavar="SOURCE",
        repeated=True,
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
        "build, or model that `models` lists, to start from: its weights, and its choices where none are made here, "
        "taught on at a sixth of its rate and for a tenth to a quarter of its epochs",
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
        needs=("training", "augment", Other("none", "light")),
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
        "a folder that `edgedigits teacher` wrote, or a Keras model of digits (.keras); {seed} in it is the seed; "
        f"{OWN_TEACHER} for one that the build trains first",
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


LIST_ROOM = 64
"""Entries of an engine's list of active inputs where nobody says otherwise; a longer list is worked off in parts."""


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
    most_instructions: int = option(
        0,
        options.instructions,
        "for size: as few bytes as can be had within so many instructions of an image (estimate, Cortex-M4)",
        metavar="N",
        needs=("engine", "optimize", "size"),
    )
    core: tuple[str, ...] = option(
        (),
        options.names,
        "core whose cycles it is packed by, such as cortex-m0plus; may be repeated (default: by instructions of M4)",
        metavar="CORE",
        repeated=True,
    )

    list_room: int = option(
        LIST_ROOM,
        options.integer(4, 256),
        "active inputs that the workspace lists at a time, of 8 bytes each: fewer take less RAM and more instructions",
        metavar="N",
    )

    def table(self) -> dict[str, Any]:
        """Return the choices as a manifest has them: nothing of a core and a list's room where none was chosen."""
        idle = {"core": (), "list_room": LIST_ROOM}
        return {name: value for name, value in asdict(self).items() if name not in idle or value != idle[name]}


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
