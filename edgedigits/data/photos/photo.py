"""Opens a picture of any kind that Pillow reads: upright, grey, of bounded size; whatever is wrong becomes a sentence.

At most `MOST_PIXELS` are ever decoded. A JPEG says its size first and is decoded at a half, a quarter or an eighth of
it, so one of 100 megapixels is read; other formats have to be decoded whole, and are refused from there on.
"""

from __future__ import annotations

import math
import struct
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgedigits.data.reading import opened
from edgedigits.errors import ConfigError, DataError, shown

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_PIXELS = 1 << 25
"""That are decoded."""
WORKED_ON = 2_000_000
"""Pixels that digits are looked for in; larger pictures are averaged down to that."""

_SMALLER = "Save it smaller, or cut out the part with the digits."
_ORIENTATION = 0x0112  # the tag of EXIF
_TURNS = {
    **{2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM"},
    **{5: "TRANSPOSE", 6: "ROTATE_270", 7: "TRANSVERSE", 8: "ROTATE_90"},
}
_ON_ITS_SIDE = ("TRANSPOSE", "ROTATE_270", "TRANSVERSE", "ROTATE_90")
# What Pillow raises on bytes that are not what they claim to be.
_DECODING = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    OverflowError,
    RuntimeError,
    struct.error,
    zlib.error,
)


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """A picture to find digits in.

    Attributes:
        name: how messages call it.
        grey: uint8 (height, width), upright, as dark or light as it is.
        width, height: of the picture itself, upright.
    """

    name: str
    grey: NDArray[np.uint8]
    width: int
    height: int

    @property
    def scale(self) -> float:
        """How many pixels of the picture lie along one of `grey`, at least 1."""
        return self.width / self.grey.shape[1]


def open_photo(source: Path | NDArray[np.uint8]) -> Photo:
    """Read a picture.

    Args:
        source: a file, or pixels: uint8 (height, width), (height, width, 3) or (height, width, 4).

    Raises:
        DataError: it is no file, none that Pillow reads, damaged, truncated, or larger than can be decoded.
        ConfigError: the pixels have another shape or type.
    """
    from PIL import Image, UnidentifiedImageError

    if not isinstance(source, Path):
        return _upright(_of_array(source), "picture")
    with opened(source) as stored, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of sizes, which are checked here, and of odd metadata
        try:
            return _upright(Image.open(stored), str(source))
        except Image.DecompressionBombError:
            raise DataError(f"{source} has more pixels than are read.", hint=_SMALLER) from None
        except UnidentifiedImageError:
            raise DataError(
                f"{source} is not a picture.", hint="Give a PNG, a JPEG or another that Pillow reads."
            ) from None
        except _DECODING as error:
            raise DataError(
                f"{source} is a damaged picture: {shown(str(error), 100)}.", hint="Save or copy it again."
            ) from None


def _of_array(pixels: NDArray[np.uint8]) -> Image:
    from PIL import Image

    grey_or_colours = isinstance(pixels, np.ndarray) and (pixels.ndim == 2 or pixels.shape[2:] in ((3,), (4,)))
    if not grey_or_colours or pixels.dtype != np.uint8 or not pixels.size:
        found = f"{pixels.dtype} {pixels.shape}" if isinstance(pixels, np.ndarray) else type(pixels).__name__
        raise ConfigError(
            f"The picture is {found}, expected uint8 (height, width), or (height, width, 3) or (…, 4) for colours.",
            hint="Give such an array, or the path of a file.",
        )
    return Image.fromarray(pixels)


def _upright(image: Image, name: str) -> Photo:
    """Decode a picture, turn it as its EXIF says, and bring it to at most `WORKED_ON` grey pixels."""
    from PIL.Image import Transpose

    whole = image.size
    smaller = min(1.0, math.sqrt(WORKED_ON / (whole[0] * whole[1])))
    aim = (max(1, round(whole[0] * smaller)), max(1, round(whole[1] * smaller)))
    image.draft("L", aim)
    if image.size[0] * image.size[1] > MOST_PIXELS:
        raise DataError(
            f"{name} has {whole[0]:,}×{whole[1]:,} pixels; of what is no JPEG, at most {MOST_PIXELS:,} are read.",
            hint=_SMALLER,
        )
    how = _TURNS.get(image.getexif().get(_ORIENTATION, 1))
    grey = _grey(image, aim)
    if how:
        grey = grey.transpose(Transpose[how])
    width, height = reversed(whole) if how in _ON_ITS_SIDE else whole
    return Photo(name, np.asarray(grey), width, height)


def _grey(image: Image, size: tuple[int, int]) -> Image:
    """Return a picture of a size in 8 bits of grey; what is transparent becomes what the rest stands out from."""
    from PIL import Image as Pillow

    if image.mode.startswith(("I", "F")):
        levels = np.nan_to_num(np.asarray(image, np.float32))
        low, spread = levels.min(), max(float(np.ptp(levels)), 1e-9)
        image = Pillow.fromarray(np.rint((levels - low) * (255 / spread)).astype(np.uint8))
    if not image.has_transparency_data:
        return image.convert("L").resize(size, Pillow.Resampling.BOX)
    layers = image.convert("RGBA").resize(size, Pillow.Resampling.BOX)
    content, alpha = np.asarray(layers.convert("L"), np.float32), np.asarray(layers.getchannel("A"), np.float32) / 255
    behind = 0 if (content * alpha).sum() > 127.5 * alpha.sum() else 255
    return Pillow.fromarray(np.rint(content * alpha + behind * (1 - alpha)).astype(np.uint8))
