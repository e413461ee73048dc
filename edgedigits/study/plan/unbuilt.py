"""What no build can do, and what is called otherwise here: a study tells both from misspelt words."""

from __future__ import annotations

from typing import Any

from edgedigits.errors import ConfigError

_UNBUILT = (
    *("channels", "filters", "activation", "activations", "dropout", "batch-norm", "batch_norm"),
    *("weight_decay", "regularization", "dynamic", "float16", "int16", "mixed-precision"),
)
_BITS = "Write weight_bits, such as [2, 4, 8]; the input's are input_bits."
_CODEBOOK = 'Write weight_bits, such as [4, 8]: clusters in turn, a learned codebook with "joint.enabled" = true.'
_ROUNDS = 'Write prune_schedule = ["iterative"].'
_SCALES = 'Write weight_scales = ["per-tensor", "per-channel"]; of levels, levels_by_output = [false, true].'
_OF_BOTH = {
    **dict.fromkeys(("clusters", "cluster", "clustering", "k-means", "kmeans", "clustered"), _CODEBOOK),
    **dict.fromkeys(("rewinding", "iterative", "lottery-ticket", "iterative-with-rewinding"), _ROUNDS),
    **dict.fromkeys(("ternary", "binary", "int4", "int2"), _BITS),
    **dict.fromkeys(("2:4", "n:m"), 'Write granularity = ["2:4"].'),
    "structured": 'Write granularity = ["neurons"], or blocks.',
}
"""Names and values that users may write → what to write here."""
_OF_AXES = {
    **_OF_BOTH,
    **dict.fromkeys(("distillation", "student"), 'Write distill = ["", "teacher/"].'),
    **dict.fromkeys(("per_channel", "per-channel", "scales"), _SCALES),
    **dict.fromkeys(("budget", "bytes"), 'Write budget_constants, or budget_flash, such as ["2K", "8K"].'),
    "bits": _BITS,
    "pruning_criterion": "Write criterion.",
    "pruning_schedule": "Write prune_schedule.",
    "order": 'Write "joint.enabled" = [false, true].',
    "pruning": "Write sparsity = [0, 0.8], where 0 does not prune.",
    "layers": "Write hidden, such as hidden = [[10], [32, 16]].",
    "rate": "Write lr, prune_rate, qat_rate or joint_rate.",
}


def refuse_axis(name: str, where: str) -> None:
    """Refuse the name of an axis that is something else here, or that is not built; let pass any other.

    Raises:
        ConfigError: it is such a name.
    """
    if name in _OF_AXES:
        raise ConfigError(f"{where}: there is no axis '{name}'.", hint=_OF_AXES[name])
    if name in _UNBUILT:
        raise ConfigError(f"{where}: a build cannot do {name} yet.", hint="Leave it out.")


def refuse_value(name: str, raw: Any, where: str) -> None:
    """Refuse a value that is called otherwise here, or that is not built; let pass any other.

    Args:
        name: of the axis.
        raw: the value, which the axis does not take.
        where: it is written.

    Raises:
        ConfigError: it is such a value.
    """
    if isinstance(raw, str) and raw in _OF_BOTH:
        raise ConfigError(f"{where}: {name} takes no {raw}.", hint=_OF_BOTH[raw])
    if isinstance(raw, str) and raw in _UNBUILT:
        raise ConfigError(f"{where}: a build cannot do {name} {raw} yet.", hint="Leave it out.")
