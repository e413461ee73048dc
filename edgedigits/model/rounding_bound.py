"""How far runtimes that round differently can be from each other: proven from the weights."""

from __future__ import annotations

from edgedigits.model.network import Network


def rounding_bound(network: Network) -> int:
    """Return the most steps by which a logit may differ between LiteRT's kernels and TFLM's.

    The runtimes compute the same sums and round in ways of their own. Each step says how far its outputs may be apart
    where its inputs are so and so far; the bound follows that from the input, where they are the same. Softmax is not
    part of it.
    """
    apart = [0]
    for step, reads in zip(network.steps, network.reads, strict=True):
        apart.append(step.spread([apart[index] for index in reads]))
    return apart[-1]
