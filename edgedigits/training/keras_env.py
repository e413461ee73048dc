"""The only gate to TensorFlow, tf-keras and TF-MOT.

TF-MOT works with Keras 2 only, so TF_USE_LEGACY_KERAS must be set before anything touches `tf.keras`. Modules that need
these libraries import them from here and are themselves imported only when something is trained or converted.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from edgedigits.errors import ToolMissingError
from edgedigits.extras import TRAINING, pip_command

THREADS = 2
"""Threads of TensorFlow's and XLA's products and sums, on any machine and with any number of cores allowed.

They divide a sum among their threads, so that another number rounds otherwise and trains other weights. Two are as fast
as one where there is one core, and networks this small hardly use more.
"""

_REINSTALL = f"Install the versions that belong together: {pip_command(TRAINING)}"


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Hold back what C++ libraries write to file descriptor 2; it is shown after all when the body raises.

    Python-level control does not reach these messages. TF_CPP_MIN_LOG_LEVEL=0 or 1 in the environment switches this
    off.
    """
    if _USER_WANTS_LOGS:
        yield
        return
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as sink:
        os.dup2(sink.fileno(), 2)
        try:
            yield
        except Exception:
            os.dup2(saved, 2)
            sink.seek(0)
            os.write(2, sink.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            os.close(saved)


@contextmanager
def unwarned(words: str) -> Iterator[None]:
    """Hold back what TensorFlow's Python side says with these words in it, which mean nothing here."""
    logger = logging.getLogger("tensorflow")

    def is_other(record: logging.LogRecord) -> bool:
        return words not in record.getMessage()

    logger.addFilter(is_other)
    try:
        yield
    finally:
        logger.removeFilter(is_other)


@contextmanager
def _without_keras_3() -> Iterator[None]:
    """TF-MOT looks for `keras.engine` of Keras 2, for which all of Keras 3 is imported in vain: a third of a start."""
    if "keras" in sys.modules:
        yield
        return
    sys.modules["keras"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["keras"]


_USER_WANTS_LOGS = os.environ.get("TF_CPP_MIN_LOG_LEVEL") in ("0", "1")

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

try:
    with quiet_stderr():
        import tensorflow as tf
        import tf_keras as keras

        with _without_keras_3():
            import tensorflow_model_optimization as tfmot

        # Looking for devices is what complains about absent GPUs: have it done while stderr is held back.
        tf.config.list_physical_devices()
except ImportError as error:
    raise ToolMissingError(f"A training library cannot be imported: {error}.", hint=_REINSTALL) from error


def check_versions() -> None:
    """Check that TF-MOT and this process use the same Keras 2.

    Raises:
        ToolMissingError: Keras 3 got in first, or the versions do not belong together.
    """
    if tf.keras.Model is not keras.Model:
        raise ToolMissingError(
            "tf.keras is Keras 3 in this process, but TF-MOT needs Keras 2.",
            hint="Set TF_USE_LEGACY_KERAS=1 before TensorFlow is imported, or import edgedigits first.",
        )
    tensorflow_minor, keras_minor = (version.split(".")[:2] for version in (tf.__version__, keras.__version__))
    if tensorflow_minor != keras_minor:
        raise ToolMissingError(
            f"tf-keras {keras.__version__} does not belong to TensorFlow {tf.__version__}.", hint=_REINSTALL
        )
    if not issubclass(tfmot.sparsity.keras.UpdatePruningStep, keras.callbacks.Callback):
        raise ToolMissingError("TF-MOT works on another Keras than tf-keras.", hint=_REINSTALL)


check_versions()


def _fix_threads() -> bool:
    """Set the number of threads; return False where TensorFlow was at work before, with another number."""
    if tf.config.threading.get_intra_op_parallelism_threads() != THREADS:
        try:
            tf.config.threading.set_intra_op_parallelism_threads(THREADS)
        except RuntimeError:
            return False
    return True


THREADS_ARE_FIXED = _fix_threads()

as_written = tf.autograph.experimental.do_not_convert
"""Decorates what calls layers and traces functions: nothing here branches by a tensor in Python, and AutoGraph would
rewrite some forty functions, most of them TF-MOT's, in every process. `tf.function` is to be told so besides."""


def set_seed(seed: int) -> None:
    """Make everything that follows in this process repeatable: weights, order, augmentation, kernels."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def when_epoch_ends(function: Callable[[int, dict[str, Any]], None]) -> Any:
    """Return a Keras callback that calls `function` with the number of each epoch, from 0, and its figures.

    A class of one's own that is made within a function, and all that it knows, a model say, stays in memory for good:
    TensorFlow keeps every type that it has seen.
    """
    return keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: function(epoch, {} if logs is None else logs)
    )


__all__ = [
    "THREADS",
    "THREADS_ARE_FIXED",
    "check_versions",
    "keras",
    "quiet_stderr",
    "set_seed",
    "tf",
    "tfmot",
    "unwarned",
    "when_epoch_ends",
]
