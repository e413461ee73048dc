"""Random distortions of the training digits, in TensorFlow, on both cores while the network trains.

A distortion maps every output pixel to a place in the input image: an affine map (rotation, scale, shear, shift) about
the centre plus an elastic field made of few control points (after Simard, Steinkraus and Platt, 2003). The value there
is interpolated between the four pixels around it, so that results stay in [0, 1]: the int8 input scale depends on it.

GROUP images of a batch, which the shuffle has thrown together, share one map: its four interpolation weights are then
computed once for 16 images, and whole rows of 16 pixels are gathered at a time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgedigits.data.shape import IMAGE_SIDE, PIXELS
from edgedigits.training.keras_env import tf

GROUP = 16
CONTROL_POINTS = 6


@dataclass(frozen=True)
class Distortion:
    """Strengths: uniform in ± the value, except `elastic`.

    Attributes:
        rotation: degrees.
        shift: pixels.
        scale: share of the size.
        shear: pixels sideways per pixel of height.
        elastic: standard deviation of the local displacement, in pixels.
    """

    rotation: float
    shift: float
    scale: float
    shear: float
    elastic: float


LEVELS = {
    "light": Distortion(rotation=6.0, shift=0.6, scale=0.05, shear=0.08, elastic=0.5),
    "medium": Distortion(rotation=8.0, shift=0.9, scale=0.07, shear=0.10, elastic=0.7),
    "strong": Distortion(rotation=12.0, shift=1.2, scale=0.10, shear=0.16, elastic=1.0),
}


def _bumps() -> np.ndarray:
    """Smooth basis, float32 (28, 6): unit-variance interpolation of control points along one axis."""
    places = np.linspace(0, IMAGE_SIDE - 1, CONTROL_POINTS)
    width = places[1] - places[0]
    basis = np.exp(-0.5 * ((np.arange(IMAGE_SIDE)[:, None] - places) / (0.7 * width)) ** 2)
    return np.asarray(basis / np.sqrt((basis**2).sum(axis=1, keepdims=True)), dtype=np.float32)


def _source_places(level: Distortion, maps: Any, seed: Any) -> tuple[Any, Any]:
    """Draw `maps` distortions; return source rows and columns, each float32 (maps, 28, 28), inside the image."""
    unit = tf.random.stateless_uniform((5, maps, 1, 1), seed, -1.0, 1.0)
    angle = unit[0] * (level.rotation * math.pi / 180.0)
    zoom, shear = 1.0 + unit[1] * level.scale, unit[2] * level.shear
    bumps = tf.constant(_bumps())
    controls = tf.random.stateless_normal((2, maps, CONTROL_POINTS, CONTROL_POINTS), seed + 1) * level.elastic
    elastic = tf.einsum("ri,tmij,cj->tmrc", bumps, controls, bumps)
    centre = (IMAGE_SIDE - 1) / 2
    axis = tf.range(IMAGE_SIDE, dtype=tf.float32) - centre
    y, x = axis[None, :, None], axis[None, None, :]
    slanted = x + shear * y
    rows = zoom * (tf.cos(angle) * y - tf.sin(angle) * slanted) + unit[3] * level.shift + elastic[0]
    columns = zoom * (tf.sin(angle) * y + tf.cos(angle) * slanted) + unit[4] * level.shift + elastic[1]
    limit = IMAGE_SIDE - 1 - 1e-3
    return tf.clip_by_value(rows + centre, 0.0, limit), tf.clip_by_value(columns + centre, 0.0, limit)


def distort(images: Any, level: Distortion, seed: Any) -> Any:
    """Distort a batch.

    Args:
        images: float32 (n, 784) in [0, 1].
        level: the strengths.
        seed: int32 (2,); the same seed gives the same distortions.

    Returns:
        float32 (n, 784) in [0, 1].
    """
    count = tf.shape(images)[0]
    maps = (count + GROUP - 1) // GROUP
    padded = tf.pad(images, [[0, maps * GROUP - count], [0, 0]])
    # (maps, 784, GROUP): the pixels that a map moves together lie side by side.
    stacked = tf.transpose(tf.reshape(padded, (maps, GROUP, PIXELS)), (0, 2, 1))
    rows, columns = _source_places(level, maps, seed)
    top, left = tf.floor(rows), tf.floor(columns)
    down, right = rows - top, columns - left
    corner = tf.reshape(tf.cast(top * IMAGE_SIDE + left, tf.int32), (maps, PIXELS))

    def corner_times(offset: int, weight: Any) -> Any:
        pixels = tf.gather(stacked, corner + offset, batch_dims=1)
        return pixels * tf.reshape(weight, (maps, PIXELS, 1))

    moved = (
        corner_times(0, (1 - down) * (1 - right))
        + corner_times(1, (1 - down) * right)
        + corner_times(IMAGE_SIDE, down * (1 - right))
        + corner_times(IMAGE_SIDE + 1, down * right)
    )
    flat = tf.reshape(tf.transpose(moved, (0, 2, 1)), (maps * GROUP, PIXELS))
    return tf.clip_by_value(flat[:count], 0.0, 1.0)
