"""What the kernels take on one core and on another, to choose between them: cycles by three factors of an encoding.

Estimates count instructions of a Cortex-M4. A kernel for another core is other code, and its instructions take other
times: more or less alike for all that looks for active inputs, for all that is done for those, and for results.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

Parts = tuple[float, float, float]
"""Of a time, or for each of them: were no input active, without results; for active inputs; for results."""
Times = Iterable[tuple[str, Parts]]
"""Of each layer the name of its encoding, and instructions by estimate."""
Factors = Mapping[str, Parts]
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
    usual = np.mean([*factors.values()], axis=0) if factors else np.ones(3)
    return float(sum(np.dot(factors.get(name, usual), parts) for name, parts in times))


def together(cores: Iterable[tuple[CoreCosts, float]]) -> Factors:
    """Return factors by which a time is the sum of a layout's times on all cores, each beside its best one there."""
    found: dict[str, Parts] = {}
    for core, best in cores:
        for name, factors in core.factors.items():
            one, two, three = np.add(found.get(name, (0.0, 0.0, 0.0)), np.divide(factors, best)).tolist()
            found[name] = one, two, three
    return found
