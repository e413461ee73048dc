"""What a study may be asked for and no build can do yet: refused by name, and not taken for a misspelt word."""

from __future__ import annotations

from typing import Any

from edgedigits.errors import ConfigError

BUILT_IN_PART: dict[str, tuple[tuple[Any, ...], tuple[Any, ...]]] = {
    "pruning_schedule": (("polynomial",), ("polynomial", "constant", "one-shot", "iterative-with-rewinding")),
}
"""Axes of which a build can do only some values yet: those, and all."""

_OTHER_WORDS = (
    *("clusters", "cluster", "clustering", "k-means", "kmeans", "clustered"),
    *("rewinding", "iterative", "lottery-ticket", "2:4", "structured", "channels", "filters", "n:m"),
    *("activation", "activations", "dropout", "batch-norm", "batch_norm", "weight_decay", "regularization"),
    *("dynamic", "float16", "int4", "int16", "mixed-precision"),
)
_INSTEAD = {
    **dict.fromkeys(("distillation", "student"), 'Write distill = ["", "teacher/"].'),
    "bits": "Write weight_bits, or input_bits.",
    "per_channel": 'Write weight_scales = ["per-tensor", "per-channel"].',
    "per-channel": 'Write weight_scales = ["per-tensor", "per-channel"].',
    "scales": 'Write weight_scales = ["per-tensor", "per-channel"].',
    "pruning_criterion": "Write criterion.",
    "order": 'Write "joint.enabled" = [false, true].',
    "pruning": "Write sparsity = [0, 0.8], where 0 does not prune.",
    "layers": "Write hidden, such as hidden = [[10], [32, 16]].",
    "rate": "Write lr, prune_rate or qat_rate.",
}
"""Names that users may give an axis → what it is called here."""


def refuse_axis(name: str, where: str) -> None:
    """Refuse the name of an axis that is something else here, or that is not built yet; let pass any other.

    Raises:
        ConfigError: it is such a name.
    """
    if name in _INSTEAD:
        raise ConfigError(f"{where}: there is no axis '{name}'.", hint=_INSTEAD[name])
    if is_unbuilt(name):
        raise ConfigError(f"{where}: a build cannot do {name} yet.", hint="Leave it out.")


def is_unbuilt(raw: Any) -> bool:
    """Return whether a value, or a name, is of something that is not built yet."""
    words = {value for built, known in BUILT_IN_PART.values() for value in known if value not in built}
    return isinstance(raw, str) and (raw in words or raw in _OTHER_WORDS)


def check_built(name: str, raw: Any, where: str) -> None:
    """Check the value of an axis in `BUILT_IN_PART`.

    Args:
        name: of the axis.
        raw: the value.
        where: it is written, for the message.

    Raises:
        ConfigError: a build cannot do it yet, or it is nothing at all.
    """
    built, known = BUILT_IN_PART[name]
    if raw in built:
        return
    hint = f"It can do {', '.join(map(str, built))}."
    if raw in known or is_unbuilt(raw):
        raise ConfigError(f"{where}: a build cannot do {name} {raw} yet.", hint=hint)
    raise ConfigError(f"{where} is {raw!r}.", hint=hint)
