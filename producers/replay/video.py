"""A video as passages: what moves against a still background is one, and its sharpest frames are sent.

The background is learnt by OpenCV's mixture of Gaussians, on a small copy. A passage begins when more than a small
share of the picture has moved in two frames in a row, and ends when nothing has for half a second, or after five
seconds, so that a queue is cut into parts. Its best frames are those with the most fine detail where something moves:
the nearer and the sharper, the more.
"""

import time
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import structlog
from msgspec import Struct
from numpy.typing import NDArray

from producers.replay.address import shown
from producers.replay.folder import Passing
from producers.replay.picture import Picture, detail, passage_of
from producers.replay.stream import opened
from producers.replay.wanted import Replay
from producers.replay.when import When, by_name
from ringfence.clock import SECOND
from ringfence.errors import FileError
from schemas.topics import User

WORK_WIDTH = 320  # pixels; motion is looked for at this width
LEAST_SHARE = 0.004  # of the picture that moves: a vehicle whose plate could be read covers more
WARM_UP = 3  # frames until there is a background
HISTORY, CONTRAST, SHADOW = 200, 32, 127  # frames; gray levels squared; how the subtractor marks a shadow
STARTS = 2  # frames in a row
STILL, LONGEST = 0.5, 5.0  # seconds
USUAL_RATE = 25.0  # frames a second, where the video does not say
Box = tuple[int, int, int, int]


class Seen(Struct, frozen=True):
    """One frame: its moment in seconds from the first, the picture, and how much detail moves in it (0: nothing)."""

    position: float
    picture: Picture
    moving: float


class Motion:
    """Tells what moves, frame by frame."""

    def __init__(self) -> None:
        self._background = cv2.createBackgroundSubtractorMOG2(HISTORY, CONTRAST, True)
        self._seen = 0

    def box(self, picture: Picture) -> Box | None:
        """Left, top, right and bottom, in pixels, of what moves; None if nothing does."""
        shrink = min(1.0, WORK_WIDTH / picture.shape[1])
        small = cv2.resize(picture, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        mask = self._background.apply(cv2.GaussianBlur(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), (5, 5), 0))
        self._seen += 1
        solid = cv2.morphologyEx((mask > SHADOW).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        if self._seen <= WARM_UP or cv2.countNonZero(solid) < LEAST_SHARE * solid.size:
            return None
        return _around(solid.astype(np.uint8, copy=False), shrink, picture.shape)


def _around(mask: NDArray[np.uint8], shrink: float, shape: tuple[int, ...]) -> Box:
    left, top, width, height = cv2.boundingRect(mask)
    right, bottom = (left + width) / shrink, (top + height) / shrink
    return int(left / shrink), int(top / shrink), min(shape[1], round(right)), min(shape[0], round(bottom))


def passings(wanted: Replay, now: Callable[[], int], over: Callable[[], bool]) -> Iterator[Passing | None]:
    """The passages of a video as they end, until it ends or ``over()``. FileError or SettingError as ``opened``."""
    start = _start(wanted, now)
    video = opened(wanted)
    log, count = structlog.get_logger(stage=str(User.CAMERAS)), 0
    try:
        for shots in passages(_frames(video, wanted.streamed, over), wanted.shots):
            count += 1
            best, last = shots[0], max(shot.position for shot in shots)
            at = None if start is None else start + round(best.position * SECOND)
            jpegs = passage_of([shot.picture for shot in shots])
            yield Passing(jpegs, last, at) if jpegs else None
    finally:
        video.release()
    if not count and not over():
        log.warning(
            "nothing passes in this video: a still camera and a moving vehicle are needed", video=shown(wanted.source)
        )


def _start(wanted: Replay, now: Callable[[], int]) -> int | None:
    """The moment of the first frame, µs; None where a passage counts as of when it is sent."""
    if wanted.when is When.NOW:
        return None
    if wanted.when is When.FRAME:
        return now() if wanted.start is None else wanted.start
    named = by_name(wanted.source)
    if named is None:
        raise FileError(f"the name of --replay {shown(wanted.source)} has no time in it: try --when frame")
    return named


def _frames(video: cv2.VideoCapture, live: bool, over: Callable[[], bool]) -> Iterator[Seen]:
    motion, began, index, position = Motion(), time.monotonic(), 0, 0.0
    rate = video.get(cv2.CAP_PROP_FPS)
    rate = rate if 1 <= rate <= 1_000 else USUAL_RATE
    while not over():
        there, picture = video.read()
        if not there or picture is None:
            return
        told = time.monotonic() - began if live else video.get(cv2.CAP_PROP_POS_MSEC) / 1_000
        position = max(position, told or index / rate)
        index += 1
        yield _seen(motion, position, picture.astype(np.uint8, copy=False))


def _seen(motion: Motion, position: float, picture: Picture) -> Seen:
    box = motion.box(picture)
    if box is None:
        return Seen(position, picture, 0.0)
    left, top, right, bottom = box
    return Seen(position, picture, detail(picture[top:bottom, left:right]))


def passages(frames: Iterator[Seen], most: int) -> Iterator[list[Seen]]:
    """The sharpest frames of each passage, the best first. No more than ``most`` pictures are held at a time. Pure."""
    best: list[Seen] = []
    begun, last, running = 0.0, 0.0, 0
    for seen in frames:
        running = running + 1 if seen.moving else 0
        if seen.moving and (best or running >= STARTS):
            begun, last = begun if best else seen.position, seen.position
            best = sorted([*best, seen], key=lambda one: -one.moving)[:most]
        elif best and seen.position - last >= STILL:
            yield best
            best = []
        if best and seen.position - begun >= LONGEST:
            yield best
            best = []
    if best:
        yield best
