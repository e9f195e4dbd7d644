"""Replays pictures from a folder as a camera's frames: the user's own, through the whole pipeline.

The moment of capture is that of sending, as the gate denies what a wrong clock has dated. What is no picture, or is too
large to be one, is left out and said; nothing of a picture but its pixels is sent on.
"""

import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from threading import Event

import cv2
import numpy as np
import structlog
from msgspec import Struct

from producers.sender import Sender
from ringfence.errors import FileError
from ringfence.run import Context
from schemas.records import Frame
from schemas.topics import FRAMES, User

ENDINGS = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
MOST_FILE, MOST_PIXELS = 40_000_000, 40_000_000  # bytes, pixels
MOST_SIDE = 1_280  # pixels; a camera sends no more
QUALITIES = (85, 70, 50)
ROOM = 10_000  # bytes of a frame's batch that are not its picture


class Replay(Struct, frozen=True):
    """What is to be sent: which folder's pictures, as which camera's, how many a second, and whether over and over."""

    folder: Path
    camera: int
    rate: float
    loop: bool


def pictures(folder: Path) -> list[Path]:
    """The files of a folder that may be pictures, in order of their names. FileError if there is none."""
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS)
    except OSError as error:
        raise FileError(f"--replay {folder} is no folder that can be read ({error.strerror})") from None
    if not found:
        raise FileError(f"--replay {folder} holds no picture: {', '.join(sorted(ENDINGS))}")
    return found


def taken(path: Path) -> bytes | None:
    """What is sent of a file; None, and a line in the log, if it is no picture that can be."""
    try:
        jpeg = as_jpeg(path.read_bytes()) if path.stat().st_size <= MOST_FILE else None
    except OSError:
        jpeg = None
    if jpeg is None:
        structlog.get_logger(stage=str(User.CAMERAS)).warning("no picture that can be sent", file=path.name)
    return jpeg


def as_jpeg(data: bytes) -> bytes | None:
    """The picture as a JPEG that fits into a frame, turned as its EXIF says; None if it is none, or far too large."""
    # An eighth of the size first: a file of a few bytes may claim to be thousands of megapixels.
    small = _decoded(data, cv2.IMREAD_REDUCED_GRAYSCALE_8)
    if small is None or small.size * 64 > MOST_PIXELS:
        return None
    picture = _decoded(data, cv2.IMREAD_COLOR)
    if picture is None:
        return None
    scale = MOST_SIDE / max(picture.shape[:2])
    if scale < 1:
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    for quality in QUALITIES:
        coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
        if len(coded) <= FRAMES.most_bytes - ROOM:
            return bytes(coded)
    return None


def _decoded(data: bytes, how: int) -> np.ndarray | None:
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), how)
    except cv2.error:  # nothing at all, or more pixels than OpenCV itself takes
        return None


def replay(context: Context, wanted: Replay, seconds: float, stop: Event) -> int:
    """Sends the pictures at the rate that was asked for until they end, or ``seconds`` (0: for ever), or ``stop``."""
    paths, encode, sender = pictures(wanted.folder), context.codecs(FRAMES).encode, Sender(context)
    log, turn, sent, began = structlog.get_logger(stage=str(User.CAMERAS)), 0, 0, time.monotonic()
    log.info("ready", pictures=str(wanted.folder), camera=wanted.camera)
    try:
        for path in cycle(paths) if wanted.loop else paths:
            late = time.monotonic() - began - turn / wanted.rate
            if stop.wait(max(0.0, -late)) or (seconds and time.monotonic() - began > seconds):
                break
            turn += 1
            sent += _send(context, sender, encode, wanted.camera, taken(path))
    finally:
        sender.close()
    log.info("stopped", frames=sent - sender.lost.total())
    return sent


def _send(
    context: Context, sender: Sender, encode: Callable[[Frame], bytes], camera: int, jpeg: bytes | None
) -> bool:  # fmt: skip
    if jpeg is None:
        return False
    at = context.clock.now()
    frame, topic = Frame(camera, at // 1_000, at, 0, jpeg), FRAMES.name
    context.metrics.passages.inc()
    handed = sender.send(topic, camera % FRAMES.partitions, str(camera).encode(), encode(frame), ())
    (context.metrics.sent.labels(topic) if handed else context.metrics.unsent).inc()
    return handed
