"""Places in a picture, and what is there: cut out, straightened, coded for the wire."""

import cv2
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from consumers.ocr.pictures import Picture

Corners = NDArray[np.float32]

MOST_PATCH_BYTES = 3_000
PATCH_WIDTHS = (48, 240)
TALLEST = 2  # times its width: no plate is taller


class Located(Struct, frozen=True):
    """A place where a plate may be.

    ``corners``: 4 by 2 float32 pixels of the picture, clockwise from the upper left. ``patch``: what is
    there, straightened, uint8, in the colours of the picture. ``score``: 0 to 1, how much it looks like a plate.
    """

    corners: Corners
    patch: Picture
    score: float


def rectify(picture: Picture, corners: Corners) -> Picture:
    """What lies between four corners, straightened, in about the size that it has in the picture."""
    across = float(np.linalg.norm(corners[1] - corners[0]) + np.linalg.norm(corners[2] - corners[3])) / 2
    down = float(np.linalg.norm(corners[3] - corners[0]) + np.linalg.norm(corners[2] - corners[1])) / 2
    width = int(np.clip(round(across), *PATCH_WIDTHS))
    height = int(np.clip(round(width * down / max(across, 1.0)), 12, TALLEST * width))
    if across > 2 * width:
        picture, corners = _smaller(picture, corners, width / across)
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    warp = cv2.getPerspectiveTransform(corners, target)
    flat = cv2.warpPerspective(picture, warp, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return flat.astype(np.uint8, copy=False)


def _smaller(picture: Picture, corners: Corners, times: float) -> tuple[Picture, Corners]:
    """What is about the corners, shrunk: a warp takes only four pixels for one, so that fine strokes would break."""
    ends = np.array(picture.shape[1::-1])
    low = np.clip(np.floor(corners.min(0)).astype(int), 0, ends - 1)
    high = np.clip(np.ceil(corners.max(0)).astype(int) + 1, low + 1, ends)
    part = picture[low[1] : high[1], low[0] : high[0]]
    size = max(1, round(part.shape[1] * times)), max(1, round(part.shape[0] * times))
    shrunk = cv2.resize(part, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return shrunk, ((corners - low) * (np.array(size) / (high - low))).astype(np.float32)


def encode_patch(patch: Picture) -> bytes:
    """The patch as a JPEG of at most 3,000 bytes; shrunk if lower quality is not enough."""
    for quality in (85, 70, 50, 30, 15):
        coded = cv2.imencode(".jpg", patch, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        if len(coded) <= MOST_PATCH_BYTES:
            return coded.tobytes()
    half = cv2.resize(patch, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return encode_patch(half.astype(np.uint8, copy=False))
