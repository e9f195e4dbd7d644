"""A picture as a JPEG that fits into a frame, with nothing of it but its pixels; and how sharp it is."""

from pathlib import Path

import cv2
import numpy as np
import structlog
from numpy.typing import NDArray

from ringfence.headers import FILE_BYTES, admit_file
from schemas.topics import FRAMES, User

Picture = NDArray[np.uint8]

MOST_SIDE = 1_280  # pixels; a camera sends no more
QUALITIES = (85, 70, 50, 30)
ROOM = FRAMES.most_bytes - 10_000  # bytes for the pictures of a frame; the rest of its batch needs little
REDUCED = {1: cv2.IMREAD_COLOR, 2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4}


def loaded(path: Path) -> bytes | None:
    """The bytes of a file; None if it cannot be read, is no file, or is too large to be a picture."""
    try:
        return path.read_bytes() if path.is_file() and path.stat().st_size <= FILE_BYTES else None
    except OSError:
        return None


def pixels(data: bytes) -> Picture:
    """The picture in these bytes, BGR, upright as its EXIF says. ValueError, with a line on why, if there is none."""
    data, smaller = admit_file(data)
    try:
        found = cv2.imdecode(np.frombuffer(data, np.uint8), REDUCED[smaller])
    except cv2.error:
        found = None
    if found is None:
        raise ValueError("the picture is damaged or cut off")
    return found.astype(np.uint8, copy=False)


def opened(path: Path) -> Picture | None:
    """The picture in a file; None, and a line in the log, if there is none that can be sent."""
    data = loaded(path)
    try:
        if data is None:
            raise ValueError("the file cannot be read, or is too large")
        return pixels(data)
    except ValueError as error:
        structlog.get_logger(stage=str(User.CAMERAS)).warning(
            "no picture that can be sent", file=path.name, why=str(error)
        )
        return None


def as_jpeg(picture: Picture, most: int = ROOM) -> bytes | None:
    """The picture as a JPEG of at most ``most`` bytes; None if that cannot be."""
    scale = MOST_SIDE / max(picture.shape[:2])
    if scale < 1:
        size = [max(1, round(side * scale)) for side in reversed(picture.shape[:2])]
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    for quality in QUALITIES:
        coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
        if len(coded) <= most:
            return bytes(coded)
    return None


def detail(picture: Picture) -> float:
    """How much fine detail there is: the variance of the Laplacian, times the share of the picture. Blur takes it away.

    ``picture``: gray or BGR, the part of a frame to be judged. The larger the part, the more it counts.
    """
    gray = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    if min(gray.shape) < 3:
        return 0.0
    return float(cv2.Laplacian(gray, cv2.CV_32F).var()) * gray.size


def passage_of(pictures: list[Picture]) -> tuple[bytes, ...]:
    """The JPEGs of one frame, in the order given; each has its share of the room. Empty if none can be made."""
    coded = (as_jpeg(picture, ROOM // max(1, len(pictures))) for picture in pictures)
    return tuple(jpeg for jpeg in coded if jpeg is not None)
