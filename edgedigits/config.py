"""Every choice of a build, validated once: whether sections go together, and what follows from them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields

from edgedigits.compression_sections import (
    FOURS_SPARSITY,
    STRUCTURED,
    WHOLE_BITS,
    BudgetConfig,
    ClusteringConfig,
    JointConfig,
    LevelsConfig,
    PruningConfig,
    QuantizationConfig,
)
from edgedigits.errors import ConfigError, nearest, shown
from edgedigits.levels.catalogue import DEFAULT as CODEBOOK
from edgedigits.levels.catalogue import LEVELS
from edgedigits.losses.catalogue import LOSSES
from edgedigits.needs import need_of
from edgedigits.options import Need
from edgedigits.ramps.catalogue import RAMPS
from edgedigits.sections import (
    DEFAULT_LEARNING_RATES,
    ConfidenceConfig,
    DataConfig,
    DistillationConfig,
    EngineConfig,
    InputConfig,
    LossConfig,
    ModelConfig,
    OutputConfig,
    TrainingConfig,
)


@dataclass(frozen=True)
class Sections:
    """Choices by section: a field a section, each a dataclass of options."""

    @classmethod
    def sections(cls) -> dict[str, type]:
        """Return the dataclass of each section, by its name."""
        return {one.name: one.default_factory for one in fields(cls)}  # type: ignore[misc]

    def missing_need(self, section: str, name: str) -> Need | None:
        """Return the choice that an option has no effect without, where it was not made; else None.

        What an option needs can need something itself: β needs weights of the effective number, and those a loss that
        has weights.

        Args:
            section: of the option.
            name: of its field.
        """
        options_there = fields(getattr(self, section))
        needs: Need | None = next(one for one in options_there if one.name == name).metadata["needs"]
        if needs is None:
            return None
        if getattr(getattr(self, needs[0]), needs[1]) != needs[2]:
            return needs
        return self.missing_need(needs[0], needs[1])


@dataclass(frozen=True, kw_only=True)
class BuildConfig(Sections):
    """The whole of a build's choices, each taken as it is: what a budget decides is in it already.

    Raises:
        ConfigError: a value is out of range or two values contradict each other.
    """

    data: DataConfig = field(default_factory=DataConfig)
    input: InputConfig = field(default_factory=InputConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    distill: DistillationConfig = field(default_factory=DistillationConfig)
    prune: PruningConfig = field(default_factory=PruningConfig)
    qat: QuantizationConfig = field(default_factory=QuantizationConfig)
    levels: LevelsConfig = field(default_factory=LevelsConfig)
    cluster: ClusteringConfig = field(default_factory=ClusteringConfig)
    joint: JointConfig = field(default_factory=JointConfig)
    budget: BudgetConfig = field(default_factory=BudgetConfig)
    engine: EngineConfig = field(default_factory=EngineConfig)
    confidence: ConfidenceConfig = field(default_factory=ConfidenceConfig)
    output: OutputConfig = field(default_factory=OutputConfig)

    def __post_init__(self) -> None:
        _check_budget(self)
        _check_fours(self)
        _check_clusters(self)
        _check_by_output(self)
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
        _check_joint(self)
        if self.training.label_smoothing and not LOSSES[self.loss.name].takes_smoothing:
            raise ConfigError(
                f"[training] label_smoothing does not go with the loss {self.loss.name}, which counts no log p.",
                hint=f"Leave it out, or take {', '.join(name for name, one in LOSSES.items() if one.takes_smoothing)}.",
            )
        for name, _ in self.prune.layer_sparsity:
            if name not in self.layer_names:
                raise ConfigError(
                    f"[prune] layer_sparsity names a layer '{shown(name)}', which this network does not have.",
                    hint=nearest(name, self.layer_names),
                )

    def missing_need(self, section: str, name: str) -> Need | None:
        """Return the same as for any choices; beside it, what follows from several of them."""
        return need_of(self, section, name) or super().missing_need(section, name)

    @property
    def teacher(self) -> str:
        """The path of the teacher to distil from, of this build's seed; `OWN_TEACHER`; "" for none."""
        return self.distill.teacher.replace("{seed}", str(self.training.seed))

    @property
    def layer_names(self) -> tuple[str, ...]:
        """Names of the Dense layers from the input to the output."""
        return (*(f"hidden_{index}" for index in range(1, len(self.model.hidden) + 1)), "logits")

    @property
    def target_sparsity(self) -> dict[str, float]:
        """Share of zeros to reach by layer; layers that are not pruned are left out."""
        if not self.prune.enabled or self.budget.is_set:
            return {}
        wanted = dict(self.prune.layer_sparsity)
        spared = () if self.prune.output else ("logits",)
        plan = {name: wanted.get(name, 0.0 if name in spared else self.prune.sparsity) for name in self.layer_names}
        return {name: sparsity for name, sparsity in plan.items() if sparsity > 0}

    @property
    def is_clustered(self) -> bool:
        """Whether weights become few values in a stage of their own."""
        return self.levels.weight_bits < WHOLE_BITS and not self.joint.enabled

    @property
    def most_levels(self) -> int:
        """How many different weights a layer may have, the zeros of pruning included."""
        return 2**self.levels.weight_bits + (self.prune.enabled and not LEVELS[self.levels.weight_values].holds_zero)

    @property
    def widths_may_shrink(self) -> bool:
        """Whether hidden neurons may leave the file: whole ones go, or a budget decides how many are left."""
        return self.budget.is_set or (self.prune.enabled and self.prune.granularity in STRUCTURED)

    @property
    def inputs_may_leave(self) -> bool:
        """Whether the file may do without some of its inputs: whole ones go."""
        return self.prune.enabled and self.prune.granularity == "inputs"

    @property
    def peak_learning_rate(self) -> float:
        """The learning rate asked for, or the default of optimizer and loss."""
        loss = LOSSES[self.loss.name]
        default = DEFAULT_LEARNING_RATES[self.training.optimizer] / loss.slower(loss.values(self.loss))
        return self.training.learning_rate or default


_MEETS_BUDGET = (
    ("joint", "enabled", True, "a budget is met by joint training"),
    ("prune", "enabled", True, "a budget is met by pruning"),
    ("engine", "optimize", "size", "the bytes are those of an engine made for size"),
)
"""Section, option, its value beside a budget, and why."""


def _check_budget(config: BuildConfig) -> None:
    for section, name, value, reason in _MEETS_BUDGET if config.budget.is_set else ():
        chosen = getattr(getattr(config, section), name)
        if chosen != value:
            raise ConfigError(
                f"[budget] and [{section}] {name} = {json.dumps(chosen)} contradict each other: {reason}.",
                hint=f"Leave one of them out, or take {name} = {json.dumps(value)}.",
            )
    if config.budget.is_set and not config.budget.instructions and config.engine.most_instructions:
        raise ConfigError(
            "[budget] and [engine] most_instructions contradict each other: what is packed to be faster takes more "
            "bytes.",
            hint="Leave one of them out, or take [budget] instructions (--budget-instructions), which training keeps "
            "too.",
        )


def _check_fours(config: BuildConfig) -> None:
    prune = config.prune
    if not prune.enabled or prune.granularity != "2:4":
        return
    odd = prune.sparsity != FOURS_SPARSITY or prune.layer_sparsity or prune.scope == "global"
    if odd or config.budget.is_set:
        raise ConfigError(
            f'[prune] granularity "2:4" is a sparsity of {FOURS_SPARSITY:g} in each layer, and leaves nothing else to '
            "choose.",
            hint="Leave out the budget, sparsity, layer_sparsity and scope, or take another granularity.",
        )


def _check_clusters(config: BuildConfig) -> None:
    if not config.is_clustered:
        return
    if config.levels.weight_values != CODEBOOK:
        raise ConfigError(
            f'[levels] weight_values = "{config.levels.weight_values}" is learned in joint training alone; in turn, '
            f"weights are clustered to a {CODEBOOK}.",
            hint=f"Add --joint, or take {CODEBOOK}.",
        )
    if not config.qat.enabled and not config.qat.per_tensor:
        raise ConfigError(
            "[levels] weight_bits gives a layer one codebook, and [qat] per_tensor = false a scale for every output, "
            "which would break it.",
            hint="Leave per_tensor out, or train with --qat.",
        )


def _check_by_output(config: BuildConfig) -> None:
    levels = config.levels
    if not levels.by_output or not config.joint.enabled:
        return
    if levels.weight_bits < WHOLE_BITS and not LEVELS[levels.weight_values].by_output:
        known = ", ".join(name for name, one in LEVELS.items() if one.by_output)
        raise ConfigError(
            f'[levels] by_output does not go with weight_values = "{levels.weight_values}", whose values are those of '
            "a whole layer.",
            hint=f"Leave it out, or take {known}.",
        )
    if config.budget.is_set or config.qat.per_tensor:
        other = "a budget, which counts one scale a layer" if config.budget.is_set else "[qat] per_tensor"
        raise ConfigError(f"[levels] by_output does not go with {other}.", hint="Leave one of them out.")


def _check_joint(config: BuildConfig) -> None:
    joint = config.joint
    if not joint.enabled:
        return
    if config.qat.enabled and config.budget.is_set:
        raise ConfigError(
            "[qat] and [budget] contradict each other: a budget is met by joint training, which is quantization-aware "
            "itself.",
            hint="Leave --qat out.",
        )
    if config.qat.enabled:
        raise ConfigError(
            "[qat] and [joint] are both enabled: joint training is quantization-aware itself.",
            hint="Leave one of --qat and --joint out.",
        )
    ramp = RAMPS[config.prune.schedule]
    if config.prune.enabled and (ramp.rounds > 1 or ramp.from_scratch):
        others = ", ".join(name for name, one in RAMPS.items() if one.rounds == 1 and not one.from_scratch)
        in_turn = "" if config.budget.is_set else "Prune and quantize in turn, with --prune and --qat, or "
        hint = f"{in_turn}take {others}."
        raise ConfigError(
            f"[prune] schedule {ramp.name} takes several trainings, and joint training or a budget is one.",
            hint=hint[0].upper() + hint[1:],
        )
    if config.budget.is_set and joint.trim < max(config.prune.end, joint.levels_begin):
        raise ConfigError(
            f"[joint] trim is {joint.trim:g}, before pruning ends at {config.prune.end:g} or levels begin at "
            f"{joint.levels_begin:g}: there would be nothing to trim yet.",
            hint="Choose trim behind both.",
        )


SECTIONS = BuildConfig.sections()
