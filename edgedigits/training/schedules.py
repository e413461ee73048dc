"""Optimizers and learning-rate schedules. A rate is set for every step, in the graph."""

from __future__ import annotations

import math
from typing import Any

from edgedigits.config import TrainingConfig
from edgedigits.training.keras_env import keras, tf

EXPONENTIAL_END = 0.01
"""The exponential schedule ends at this share of its peak."""
CYCLES = 3
"""Triangles of the cyclical schedule in one stage."""
CYCLICAL_BASE = 0.1
"""The cyclical schedule swings between this share of the peak and the peak."""
HOLD_END, HOLD_WARM_STEPS = 0.3, 200
"""The schedule "hold" falls from this share of its steps on, and rises over so many."""
PLATEAU_FACTOR = 0.3
PLATEAU_PATIENCE = 3


@keras.utils.register_keras_serializable("edgedigits")
class Cyclical(keras.optimizers.schedules.LearningRateSchedule):
    """Triangular cycles between a base and a peak (Smith, 2017, arXiv:1506.01186).

    Args:
        peak: highest rate.
        cycle_steps: steps of one triangle.
    """

    def __init__(self, peak: float, cycle_steps: int) -> None:
        self.peak, self.cycle_steps = peak, cycle_steps

    def __call__(self, step: Any) -> Any:
        position = tf.math.floormod(tf.cast(step, tf.float32) / self.cycle_steps, 1.0)
        height = 1.0 - tf.abs(2.0 * position - 1.0)
        return self.peak * (CYCLICAL_BASE + (1.0 - CYCLICAL_BASE) * height)

    def get_config(self) -> dict[str, Any]:
        return {"peak": self.peak, "cycle_steps": self.cycle_steps}


@keras.utils.register_keras_serializable("edgedigits")
class Hold(keras.optimizers.schedules.LearningRateSchedule):
    """A short warm-up, the peak held while a network is cut, then half a cosine to zero while it settles.

    Args:
        peak: highest rate.
        steps: of the stage.
    """

    def __init__(self, peak: float, steps: int) -> None:
        self.peak, self.steps = peak, steps

    def __call__(self, step: Any) -> Any:
        step = tf.cast(step, tf.float32)
        warm = tf.minimum(1.0, (step + 1) / min(HOLD_WARM_STEPS, max(1, self.steps // 20)))
        falling = tf.clip_by_value((step / self.steps - HOLD_END) / (1 - HOLD_END), 0.0, 1.0)
        return self.peak * warm * 0.5 * (1.0 + tf.cos(math.pi * falling))

    def get_config(self) -> dict[str, Any]:
        return {"peak": self.peak, "steps": self.steps}


def make_rate(name: str, peak: float, steps: int) -> Any:
    """Return the rate as a number or a Keras schedule over `steps` steps; "plateau" starts constant."""
    if name == "cosine":
        return keras.optimizers.schedules.CosineDecay(peak, steps)
    if name == "exponential":
        return keras.optimizers.schedules.ExponentialDecay(peak, steps, EXPONENTIAL_END)
    if name == "cyclical":
        return Cyclical(peak, max(2, math.ceil(steps / CYCLES)))
    if name == "hold":
        return Hold(peak, steps)
    return peak


def make_optimizer(config: TrainingConfig, peak: float, steps: int) -> Any:
    """Return a new optimizer for a stage of `steps` steps that peaks at the rate `peak`."""
    rate = make_rate(config.schedule, peak, steps)
    if config.optimizer == "adam":
        optimizer = keras.optimizers.Adam(rate)
    else:
        optimizer = keras.optimizers.SGD(rate, momentum=0.9 if config.optimizer == "momentum" else 0.0)
    # One device has nothing to sum, and Keras's way to do it leaves every graph in TensorFlow's register of gradients.
    optimizer.aggregate_gradients = list
    return optimizer
