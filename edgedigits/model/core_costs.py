"""What the kernels take on one core and on another, for choosing between them: cycles by a factor of each encoding.

Estimates count instructions of a Cortex-M4. A kernel for another core is other code, and its instructions take other
times, more or less alike for all steps of one kernel: one number says what an instruction of the estimate becomes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean

Times = Iterable[tuple[str, float]]
"""Of each layer the name of its encoding, and its instructions by estimate."""
Factors = Mapping[str, float]
"""By name of encoding; one that is not named is taken for an average one."""
UNWEIGHED: Factors = {}


@dataclass(frozen=True, slots=True)
class CoreCosts:
    """What a core takes.

    Attributes:
        core: its name.
        factors: cycles for each instruction that an estimate counts.
    """

    core: str
    factors: Factors

    def cycles(self, times: Times) -> float:
        """Return the cycles of layers, an estimate."""
        return weighed(times, self.factors)


def weighed(times: Times, factors: Factors) -> float:
    """Return the sum of times, each by its factor."""
    usual = fmean(factors.values()) if factors else 1.0
    return sum(factors.get(name, usual) * time for name, time in times)


def together(cores: Iterable[tuple[CoreCosts, float]]) -> Factors:
    """Return factors by which a time is the sum of a layout's times on all cores, each beside its best one there."""
    found: dict[str, float] = {}
    for core, best in cores:
        for name, factor in core.factors.items():
            found[name] = found.get(name, 0.0) + factor / best
    return found
