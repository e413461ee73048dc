"""A teacher: any Keras model of 28×28 digits in ten classes, of a .keras file from this program or from elsewhere.

A .keras file is an archive whose configuration names Python classes by module. Only those of Keras itself and of this
package are loaded: a file from elsewhere runs no code of its own.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.shape import CLASSES, IMAGE_SIDE, PIXELS
from edgedigits.errors import DataError, UnsupportedModelError, shown
from edgedigits.files.regular import require_regular
from edgedigits.training.epochs import as_input
from edgedigits.training.keras_env import keras, tf

SHAPES = ((PIXELS,), (IMAGE_SIDE, IMAGE_SIDE), (IMAGE_SIDE, IMAGE_SIDE, 1))
"""What a teacher may take of an image."""
LOGITS, PROBABILITIES = "logits", "probabilities"
CHUNK = 1000
"""Images shown to a teacher at a time: bounds the memory of a convolution's outputs to some 50 MB."""

_SAMPLE = 256
_LEAST_PROBABILITY = 1e-7
_MOST_BYTES = 1 << 30
_KNOWN_MODULES = ("keras", "tf_keras", "builtins", __name__.partition(".")[0])
_GIVE = "Give a folder that `edgedigits teacher` wrote, or a Keras model (.keras)."


@dataclass(frozen=True, eq=False)
class Teacher:
    """A trained classifier of digits.

    Attributes:
        name: as the user wrote it.
        digest: SHA-256 of its file, in hexadecimal.
        model: Keras model float32 (n, *shape) in [0, 1] → (n, 10).
        shape: what it takes of an image, one of `SHAPES`.
        outputs_are: LOGITS or PROBABILITIES, as its outputs on digits look.
    """

    name: str
    digest: str
    model: Any
    shape: tuple[int, ...]
    outputs_are: str

    def logits(self, pixels: Any) -> Any:
        """Return what it says of images, in eager mode or in a graph.

        Args:
            pixels: uint8 (n, 784).

        Returns:
            float32 (n, 10): logits, or the logarithms of probabilities.
        """
        pixels = tf.convert_to_tensor(pixels)
        count = pixels.shape[0]
        size = min(CHUNK, count)
        chunks = -(-count // size)
        padded = tf.reshape(tf.pad(pixels, [[0, chunks * size - count], [0, 0]]), (chunks, size, PIXELS))
        said = tf.map_fn(self._chunk, padded, fn_output_signature=tf.TensorSpec((size, CLASSES), tf.float32))
        return tf.reshape(said, (-1, CLASSES))[:count]

    def _chunk(self, pixels: Any) -> Any:
        outputs = self.model(tf.reshape(as_input(pixels), (-1, *self.shape)), training=False)
        if self.outputs_are == PROBABILITIES:
            return tf.math.log(tf.maximum(outputs, _LEAST_PROBABILITY))
        return outputs

    def accuracy(self, images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> float:
        """Return the share of images, uint8 (n, 784), whose class it gives, 0…1."""
        return float(np.mean(self.logits(images).numpy().argmax(axis=1) == labels))


def load_teacher(path: Path, digits: NDArray[np.uint8], name: str = "") -> Teacher:
    """Return the teacher of a .keras file.

    Args:
        path: of the file.
        digits: uint8 (n, 784), of which it is asked what its outputs are.
        name: as the user wrote it; else the path.

    Raises:
        DataError: there is no such file, or it is no Keras model.
        UnsupportedModelError: it is no classifier of 28×28 digits, or has code of its own.
    """
    name = name or str(path)
    model = _load(path)
    shape, outputs = _shape(model, "input_shape"), _shape(model, "output_shape")
    if shape not in SHAPES or outputs != (CLASSES,):
        raise UnsupportedModelError(
            f"{name} takes {_words(shape)} and gives {_words(outputs)}, which is no teacher of digits.",
            hint="A teacher takes [n, 784], [n, 28, 28] or [n, 28, 28, 1], pixels from 0 to 1, and gives [n, 10].",
        )
    said = model(as_input(digits[:_SAMPLE]).numpy().reshape(-1, *shape), training=False).numpy()
    if not np.isfinite(said).all():
        raise UnsupportedModelError(f"{name} says nothing finite of some digits.", hint="Train it again.")
    sums_to_one = bool((said >= 0).all() and np.allclose(said.sum(axis=1), 1, atol=1e-3))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Teacher(name, digest, model, shape, PROBABILITIES if sums_to_one else LOGITS)


def save_model(model: Any, path: Path) -> None:
    """Write a Keras model as a .keras file whose bytes follow from the model alone: no times are in it."""
    model.save(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in sorted(archive.namelist())}
    facts = json.loads(members["metadata.json"])
    members["metadata.json"] = json.dumps({key: facts[key] for key in facts if key != "date_saved"}).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)


def _load(path: Path) -> Any:
    try:
        require_regular(path)
        version = _check_archive(path)
        library = keras
        if not version.startswith("2."):
            os.environ.setdefault("KERAS_BACKEND", "tensorflow")
            import keras as newer_keras  # type: ignore[import-untyped]

            library = newer_keras
        return library.models.load_model(path, compile=False)
    except FileNotFoundError:
        raise DataError(f"{path} does not exist.", hint=_GIVE) from None
    except (DataError, UnsupportedModelError, MemoryError):
        raise
    except Exception as error:  # Keras raises of any kind for what is damaged.
        reason = shown(" ".join(str(error).split()), 120).rstrip(".") or type(error).__name__
        raise DataError(f"{path} is no Keras model that can be read: {reason}.", hint=_GIVE) from error


def _check_archive(path: Path) -> str:
    """Return the version of Keras that wrote a file, once it is known to hold nothing but layers of Keras."""
    with zipfile.ZipFile(path) as archive:
        if sum(member.file_size for member in archive.infolist()) > _MOST_BYTES:
            raise DataError(f"{path} unpacks to more than {_MOST_BYTES >> 30} GiB.", hint=_GIVE)
        facts, config = (json.loads(archive.read(name)) for name in ("metadata.json", "config.json"))
    # What trained it is not read: only what it is.
    for module in _modules({key: config[key] for key in config if key != "compile_config"}):
        if module.partition(".")[0] not in _KNOWN_MODULES:
            raise UnsupportedModelError(
                f"{path} has code of its own, of '{shown(module)}', which is not run.",
                hint="Save a model of Keras's own layers.",
            )
    return str(facts["keras_version"])


def _modules(config: Any) -> Iterator[str]:
    """Yield every module that a configuration names."""
    if isinstance(config, dict):
        if isinstance(config.get("module"), str):
            yield config["module"]
        for value in config.values():
            yield from _modules(value)
    elif isinstance(config, list):
        for value in config:
            yield from _modules(value)


def _shape(model: Any, which: str) -> tuple[Any, ...] | None:
    """Return a model's one input or output without the batch; None for several, or for one that is not known."""
    shape = getattr(model, which, None)
    return tuple(shape[1:]) if isinstance(shape, tuple) and shape[:1] == (None,) else None


def _words(shape: tuple[Any, ...] | None) -> str:
    return "something else than one open batch" if shape is None else f"[{', '.join(map(str, ('n', *shape)))}]"
