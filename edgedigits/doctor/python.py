"""Python itself, the processor, and the environment variables that decide what TensorFlow is."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator

from edgedigits.doctor.finding import Finding, State, fine
from edgedigits.extras import PYTHON
from edgedigits.posix import processor_flags

LEGACY_KERAS = "TF_USE_LEGACY_KERAS"
_LEGACY = ("1", "true", "True")
"""What TensorFlow takes for a yes."""


def examine_python() -> Iterator[Finding]:
    """Say how it is with what runs this program."""
    yield _python()
    yield _processor()
    yield _keras()


def _python() -> Finding:
    from packaging.specifiers import SpecifierSet

    version, bits = platform.python_version(), 64 if sys.maxsize > 2**32 else 32
    is_known = SpecifierSet(PYTHON).contains(version, prereleases=True)
    if is_known and bits == 64:
        return fine("python", "Python", f"{version}, {sys.prefix}")
    remedy = "Make a virtual environment with a 64-bit Python 3.11 to 3.13, for which TensorFlow has packages."
    return Finding("python", "Python", State.WRONG, f"{version}, {bits} bits", remedy, stops_build=True)


def _processor() -> Finding:
    machine = platform.machine()
    if machine.lower() in ("x86_64", "amd64") and _lacks_avx():
        remedy = "Build on another machine; everything but build, teacher and study runs here."
        detail = f"{machine} without AVX, which TensorFlow's packages need: they would crash"
        return Finding("python", "processor", State.WRONG, detail, remedy, stops_build=True)
    return fine("python", "processor", f"{machine} {platform.system()}")


def _lacks_avx() -> bool:
    flags = processor_flags()
    return bool(flags) and "avx" not in flags


def _keras() -> Finding:
    told = os.environ.get(LEGACY_KERAS)
    if told is None or told in _LEGACY:
        return fine("training", "Keras 2", "tf.keras is tf-keras" + (f", by {LEGACY_KERAS}" if told else ""))
    detail = f"{LEGACY_KERAS}={told} makes tf.keras Keras 3, with which TF-MOT fails"
    return Finding("training", "Keras 2", State.WRONG, detail, f"unset {LEGACY_KERAS}", stops_build=True)
