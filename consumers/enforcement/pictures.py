"""Makes a picture as small as a form allows: really smaller, not only described so."""

import cv2
import numpy as np

from ringfence.errors import RecordError
from ringfence.jpeg import stripped
from ringfence.policy.bundle import Bound

QUALITIES = (85, 70, 55, 40, 25, 15)
SHRINK = 0.8
MOST_PIXELS = 8_000_000


class PictureError(RecordError):
    """A picture that cannot be brought within its bound."""


def within(jpeg: bytes, bound: Bound | None) -> bytes:
    """The picture as a JPEG without metadata, of at most the bytes and pixels of the bound; itself where it fits.

    PictureError if it is no picture.
    """
    try:
        clean = stripped(jpeg)
    except ValueError as error:
        raise PictureError(str(error)) from None
    if bound is None:
        return clean
    picture = cv2.imdecode(np.frombuffer(clean, np.uint8), cv2.IMREAD_COLOR)
    if picture is None or picture.size > MOST_PIXELS * 3:
        raise PictureError("no picture that can be made smaller")
    scale = _scale(picture.shape[1], picture.shape[0], bound)
    if scale == 1.0 and len(clean) <= bound.bytes:
        return clean
    while min(picture.shape[:2]) * scale >= 1:
        for quality in QUALITIES:
            coded = _coded(picture, scale, quality)
            if len(coded) <= bound.bytes:
                return coded
        scale *= SHRINK
    raise PictureError("no picture fits into so few bytes")


def _scale(width: int, height: int, bound: Bound) -> float:
    return min(1.0, (bound.width or width) / width, (bound.height or height) / height)


def _coded(picture: np.ndarray, scale: float, quality: int) -> bytes:
    size = max(1, int(picture.shape[1] * scale)), max(1, int(picture.shape[0] * scale))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    coded: bytes = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
    return stripped(coded)
