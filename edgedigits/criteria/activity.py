"""Activity: what a weight adds to its sum on average, by its size and by its input's."""

from __future__ import annotations

from edgedigits.criteria.declaration import Criterion

CRITERION = Criterion(
    "activity",
    meaning="the weights that add most to their sums: by their size and the mean square of their inputs",
    formula="w² · E[x²], in proportion to what is left of the layer",
    source="after Sun et al., 2023 (Wanda), and Lee et al., 2021 (LAMP)",
    score=lambda state: state.weights**2 * state.inputs[:, None],
    normalised=True,
)
