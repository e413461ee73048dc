"""Which options change nothing beside others, where that follows from more than one choice.

What an option needs of a single other is declared with it (`options.option`).
"""

from __future__ import annotations

from dataclasses import fields
from typing import Protocol

from edgedigits.compression_sections import WHOLE_BITS, BudgetConfig, JointConfig, LevelsConfig, PruningConfig
from edgedigits.options import Below, Need, Other
from edgedigits.ramps.catalogue import DEFAULT as SCHEDULE
from edgedigits.ramps.catalogue import RAMPS
from edgedigits.sections import EngineConfig


class Compression(Protocol):
    """The choices of a build on which it depends."""

    @property
    def prune(self) -> PruningConfig:
        """[prune]."""

    @property
    def levels(self) -> LevelsConfig:
        """[levels]."""

    @property
    def joint(self) -> JointConfig:
        """[joint]."""

    @property
    def budget(self) -> BudgetConfig:
        """[budget]."""

    @property
    def engine(self) -> EngineConfig:
        """[engine]."""


BUDGETS = ("constants", "flash", "instructions")
_OF_SHARES = ("sparsity", "initial_sparsity", "layer_sparsity", "output")
"""Options of [prune] that bytes stand for in a build to a budget."""
_OF_STAGES = {"cluster": ("epochs", "rate"), "prune": ("epochs", "rate", "frequency"), "qat": ("per_tensor",)}
"""Options of stages in whose place there is joint training, by section; of its scales it has one a layer."""
_OF_LEVELS = ("levels_begin", "polish")
"""Options of joint training that say what becomes of the few values of a weight."""
_OF_LAYERS, _OF_MARKS = ("layer_sparsity", "output"), ("begin", "end")


def need_of(config: Compression, section: str, name: str) -> Need | None:
    """Return the choice that an option has no effect without in these; None where it has one, or needs only another.

    Args:
        config: every choice.
        section: of the option.
        name: of its field.
    """
    budget, prune, joint = config.budget, config.prune, config.joint
    if name in _OF_STAGES.get(section, ()) and joint.enabled:
        return asked_budget(budget) or ("joint", "enabled", False)
    if section == "prune" and name in _OF_SHARES and budget.is_set:
        return asked_budget(budget)
    if section == "prune" and prune.enabled:
        return _need_of_pruning(prune, name)
    if (section, name) == ("joint", "trim") and joint.enabled and not budget.is_set:
        return ("budget", "constants", Other(0, "BYTES"))
    if section == "joint" and name in _OF_LEVELS and joint.enabled and config.levels.weight_bits == WHOLE_BITS:
        return ("levels", "weight_bits", Below(WHOLE_BITS, 4))
    if (section, name) == ("joint", "polish") and joint.enabled and config.levels.by_output:
        return ("levels", "by_output", False)
    if (section, name) == ("budget", "core") and not (budget.flash or budget.instructions):
        return ("budget", "flash", Other(0, "BYTES"))
    if (section, name) == ("engine", "core") and config.engine.optimize == "size":
        return asked_budget(budget) or ("engine", "optimize", "balanced")
    if (section, name) == ("engine", "most_instructions") and budget.instructions:
        return ("budget", "instructions", 0)
    return None


def asked_budget(budget: BudgetConfig) -> Need | None:
    """Return that a budget would have to be none, the one that was asked for; None where none was."""
    return next((("budget", name, 0) for name in BUDGETS if getattr(budget, name)), None)


def _need_of_pruning(prune: PruningConfig, name: str) -> Need | None:
    ramp = RAMPS[prune.schedule]
    if name in _OF_LAYERS and prune.scope == "global":
        return ("prune", "scope", "layer")
    if name == "initial_sparsity" and (ramp.is_at_once or prune.granularity == "2:4"):
        return ("prune", "granularity", "weights") if prune.granularity == "2:4" else ("prune", "schedule", SCHEDULE)
    if name in _OF_MARKS and ramp.rounds > 1:
        return ("prune", "schedule", SCHEDULE)
    if name == "frequency" and not prune.is_tfmots:
        usual = {one.name: one.default for one in fields(prune)}
        own = (one for one in ("criterion", "granularity", "scope") if getattr(prune, one) != usual[one])
        other = next(own, "schedule")
        return ("prune", other, usual[other])
    return None
