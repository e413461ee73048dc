"""The sections of a build's choices that say how its network is compressed, a frozen dataclass each."""

from __future__ import annotations

from dataclasses import dataclass

from edgedigits import options
from edgedigits.criteria.catalogue import CRITERIA
from edgedigits.criteria.catalogue import DEFAULT as CRITERION
from edgedigits.levels.catalogue import DEFAULT as LEVELS_KIND
from edgedigits.levels.catalogue import LEVELS
from edgedigits.options import Below, option
from edgedigits.ramps.catalogue import DEFAULT as SCHEDULE
from edgedigits.ramps.catalogue import RAMPS
from edgedigits.sections import SCHEDULES

_PRUNE, _QAT, _NO_QAT = ("prune", "enabled", True), ("qat", "enabled", True), ("qat", "enabled", False)
_JOINT = ("joint", "enabled", True)
WHOLE_BITS = 8
"""Of a weight in a .tflite: with as many, it may take any value."""
_LEVELS = ("levels", "weight_bits", Below(WHOLE_BITS, 4))
GRANULARITIES, SCOPES = ("weights", "blocks", "neurons", "inputs", "2:4"), ("layer", "global")
STRUCTURED = ("neurons", "inputs")
"""Granularities by which a network is smaller in every runtime."""
USUAL_CORE = "cortex-m4"
"""That figures are of where none is named."""
FOURS_SPARSITY = 0.5
"""Share of zeros that two weights of four are."""


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

    @property
    def is_tfmots(self) -> bool:
        """Whether TF-MOT prunes this way: by magnitude, along its schedules, weight by weight, layer by layer."""
        own = (self.criterion, self.granularity, self.scope)
        return own == (CRITERION, "weights", "layer") and RAMPS[self.schedule].is_tfmots


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
    """The few values that the weights of a layer may take: learned in joint training, else clusters of TF-MOT."""

    weight_bits: int = option(8, options.integer(1, WHOLE_BITS), "bits of a weight: at most 2^bits values a layer")
    weight_values: str = option(
        LEVELS_KIND,
        options.choice(tuple(LEVELS)),
        f"how the values are found: {', '.join(LEVELS)}; clusters are a codebook",
        flag="--levels",
        metavar="NAME",
        needs=_LEVELS,
    )
    by_output: bool = option(
        False,
        options.boolean,
        f"each output has a scale of its own ({', '.join(name for name, one in LEVELS.items() if one.by_output)})",
        flag="--levels-by-output",
        needs=_JOINT,
    )


@dataclass(frozen=True, kw_only=True)
class ClusteringConfig:
    """Clustering of weights in turn, between pruning and quantization-aware training."""

    epochs: int = option(
        20, options.integer(1, 100_000), "epochs of the clustering stage", flag="--cluster-epochs", needs=_LEVELS
    )
    rate: float = option(
        0.1,
        options.number(0, 10, open_low=True),
        "peak learning rate of the stage, as a share of the float stage's",
        flag="--cluster-rate",
        needs=_LEVELS,
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
        "train it so many times, all but the first from fresh weights; keep the best by validation, distorted too",
        flag="--joint-tries",
        metavar="N",
        needs=_JOINT,
    )
    polish: int = option(
        0,
        options.integer(0, 1000),
        "go so many times over the weights of the int8 network behind it, and give each the value that serves best",
        flag="--joint-polish",
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
    instructions: int = option(
        0,
        options.instructions,
        "instructions of an image, mean, such as 20000 or 20k; counted by the emulator, where it is installed",
        flag="--budget-instructions",
        metavar="N",
    )
    core: str = option(
        USUAL_CORE,
        options.text,
        "core that a budget of flash or instructions is for",
        flag="--budget-core",
        metavar="CORE",
    )

    @property
    def is_set(self) -> bool:
        """Whether there is a budget."""
        return bool(self.constants or self.flash or self.instructions)
