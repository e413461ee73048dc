"""edgedigits: from a CSV of handwritten digits to firmware that is proven to do what was trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgedigits.version import __version__

if TYPE_CHECKING:
    from edgedigits.api import build, evaluate, export, predict, quantize, simulate, teacher
    from edgedigits.config import BuildConfig

__all__ = [
    "BuildConfig",
    "__version__",
    "build",
    "evaluate",
    "export",
    "inspect",
    "predict",
    "quantize",
    "simulate",
    "teacher",
]


def __getattr__(name: str) -> Any:
    """Import the public functions on first use, so that `import edgedigits` stays instant."""
    if name in ("build", "evaluate", "export", "inspect", "predict", "quantize", "simulate", "teacher"):
        from edgedigits import api

        return getattr(api, name)
    if name == "BuildConfig":
        from edgedigits.config import BuildConfig

        return BuildConfig
    raise AttributeError(f"module 'edgedigits' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Name what a notebook completes, imported or not."""
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
