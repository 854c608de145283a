"""Pictures to arrays, with Pillow where it is installed."""

from __future__ import annotations

import struct
import warnings
import zlib
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from stepconv.arrays.origin import Origin, check_count
from stepconv.errors import InputError

# What Pillow's decoders were seen to raise on damaged files.
_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, TypeError)


def read_image(stream: BinaryIO, origin: Origin) -> NDArray[Any]:
    """Read a PNG or JPEG: grey as (H, W), colour as (3, H, W), in int64.

    The picture stands as its camera says it should. Transparency is left out.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise InputError(
            '{origin}: reading images needs Pillow; pip install "stepconv[image]"', origin=origin
        ) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(stream, formats=("PNG", "JPEG")) as image:
                check_count((len(image.getbands()), image.height, image.width), origin)
                return _pixels(image)
    except InputError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError(
            "{origin}: the image has too many pixels ({reason}); make it smaller first",
            origin=origin,
            reason=error,
        ) from error
    except _DAMAGE as error:
        raise InputError(
            "{origin}: this is no whole PNG or JPEG image; save it again as one", origin=origin
        ) from error


def _pixels(image: Any) -> NDArray[np.int64]:
    from PIL import ImageOps

    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I"):  # 16 or 32 bits of grey
        return np.asarray(upright).astype(np.int64)
    if upright.mode in ("1", "L", "LA"):
        return np.asarray(upright.convert("L")).astype(np.int64)
    return np.moveaxis(np.asarray(upright.convert("RGB")), -1, 0).astype(np.int64)
