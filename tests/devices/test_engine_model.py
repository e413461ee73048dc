"""An engine and its model belong together: by the model's digest, and by what pixels are to both."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgedigits.data.preprocess import PixelRange
from edgedigits.devices.engine_model import check_model, check_pixels
from edgedigits.errors import CheckFailedError, DataError
from edgedigits.view import View
from tests.devices.emitted_engine import write_emitted_engine
from tests.tflite_builder import random_mlp

USUAL = PixelRange(0, 1, "by the user")


def test_an_engine_of_another_model_is_told(tmp_path: Path) -> None:
    engine = write_emitted_engine(tmp_path / "one", random_mlp(1))
    write_emitted_engine(tmp_path / "other", random_mlp(2))

    check_model(engine, tmp_path / "one" / "model.tflite")
    with pytest.raises(CheckFailedError, match="was made from another model"):
        check_model(engine, tmp_path / "other" / "model.tflite")


def test_an_engine_of_other_pixels_is_told(tmp_path: Path) -> None:
    engine = write_emitted_engine(tmp_path, random_mlp(1))

    check_pixels(engine, USUAL)
    for low, high in ((0, 255), (-1, 1), (0, 255 / 256)):
        with pytest.raises(CheckFailedError, match=f"for 0 to 1, and they are .* Compile it .*{low:g},{high:g}"):
            check_pixels(engine, PixelRange(low, high, "by the user"))


def test_an_engine_that_sees_something_else_is_told(tmp_path: Path) -> None:
    view = View(window=24, size=12, deskew=True)
    engine = write_emitted_engine(tmp_path, random_mlp(1, (144, 10)), view=view)

    assert (engine.view, engine.facts.input.size, engine.pixel_count) == (view, 144, 784)
    check_pixels(engine, USUAL, view)
    with pytest.raises(CheckFailedError, match="sees of an image 12×12, .*, upright by its moments; its model 28×28"):
        check_pixels(engine, USUAL)


def test_an_engine_without_preprocess_takes_no_digits(tmp_path: Path) -> None:
    sine = random_mlp(1, (1, 8, 1), input_scale=np.float32(0.0245))
    with pytest.raises(DataError, match="has no preprocess, and its model takes digits. Build or compile it again"):
        check_pixels(write_emitted_engine(tmp_path, sine), USUAL)
