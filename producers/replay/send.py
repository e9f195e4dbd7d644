"""Sends the passages of a replay when they are due: at a rate, or at the pace of their own clock."""

import time
from collections.abc import Callable, Iterator
from math import inf
from pathlib import Path
from threading import Event

import structlog
from msgspec import Struct

from producers.replay import folder, video
from producers.replay.address import shown
from producers.replay.folder import Passing
from producers.replay.wanted import Replay
from producers.replay.when import text
from producers.sender import Sender
from ringfence.clock import SECOND
from ringfence.errors import FileError
from ringfence.run import Context
from schemas.records import Frame
from schemas.topics import FRAMES, User

PAUSE = 2.0  # seconds until a stream that broke off is asked again


class Pace(Struct):
    """When passages are due, in seconds of ``time.monotonic``. ``rate`` None: when their own clock says so."""

    rate: float | None
    began: float
    turn: int = 0

    def due(self, position: float) -> float:
        """When the next passage is."""
        return self.began + (self.turn / self.rate if self.rate else position)


class Until(Struct, frozen=True):
    """When all of it is over: at ``end``, in seconds of ``time.monotonic``, or as soon as ``stop`` is set."""

    end: float
    stop: Event

    def over(self) -> bool:
        """Whether it is."""
        return self.stop.is_set() or time.monotonic() >= self.end

    def wait(self, due: float) -> bool:
        """Waits until then, but not beyond the end; whether it is over before anything is due."""
        return self.stop.wait(max(0.0, min(due, self.end) - time.monotonic())) or due > self.end or self.over()


def replay(context: Context, wanted: Replay, seconds: float, stop: Event) -> int:
    """Sends what is wanted until it ends, or ``seconds`` (0: for ever), or ``stop``; how many frames were sent."""
    log = structlog.get_logger(stage=str(User.CAMERAS))
    until = Until(time.monotonic() + seconds if seconds else inf, stop)
    if wanted.stills:
        folder.pictures(Path(wanted.source))  # what is not there shows before a broker is asked
    sending = _Sending(context, wanted)
    log.info("ready", source=shown(wanted.source), camera=wanted.camera, when=str(wanted.when))
    try:
        _rounds(sending, wanted, until)
    finally:
        sending.sender.close()
    sent = sending.sent - sending.sender.lost.total()
    log.info("stopped", frames=sent)
    return sent


def _rounds(sending: "_Sending", wanted: Replay, until: Until) -> None:
    """The source once, or over and over: a stream until the end, what else only if there was anything to send."""
    asked = False
    while not until.over():
        try:
            sent = _round(sending, wanted, until)
        except FileError as error:
            if not (asked and wanted.streamed and wanted.loop):
                raise
            sent = False
            structlog.get_logger(stage=str(User.CAMERAS)).warning("the stream broke off", why=str(error))
        asked = True
        if not wanted.loop or not (sent or wanted.streamed):
            return
        if wanted.streamed:
            until.wait(time.monotonic() + PAUSE)


def _round(sending: "_Sending", wanted: Replay, until: Until) -> bool:
    """The source once, from its beginning to its end; whether there was anything to send."""
    now = sending.context.clock.now
    source: Iterator[Passing | None] = (
        folder.passings(wanted, until.over) if wanted.stills else video.passings(wanted, now, until.over)
    )
    pace, before = sending.paced(), sending.sent
    for passing in source:
        if until.wait(pace.due(passing.position if passing else 0.0)):
            break
        pace.turn += 1
        if passing is not None:
            sending.send(passing)
    return sending.sent > before


class _Sending:
    """Numbers the frames, and hands them on."""

    def __init__(self, context: Context, wanted: Replay) -> None:
        self.context, self.wanted = context, wanted
        self.encode: Callable[[Frame], bytes] = context.codecs(FRAMES).encode
        self.sender = Sender(context)
        self.sent, self._sequence, self._warned = 0, -1, False
        self._pace: Pace | None = None

    def paced(self) -> Pace:
        """The pace of a round; at a rate, its first passage waits for its turn after the last of the round before."""
        now, before = time.monotonic(), self._pace
        began = max(now, before.due(0.0)) if before and before.rate else now
        self._pace = Pace(self.wanted.rate, began)
        return self._pace

    def send(self, passing: Passing) -> None:
        """One frame. Its number grows, and is the same each time where the time is the picture's own."""
        at = self.context.clock.now() if passing.at is None else passing.at
        self._warn(at)
        self._sequence = max(self._sequence + 1, at // 1_000)
        first, *others = passing.jpegs
        frame = Frame(self.wanted.camera, self._sequence, at, 0, first, others)
        metrics, topic, camera = self.context.metrics, FRAMES.name, self.wanted.camera
        metrics.passages.inc()
        handed = self.sender.send(topic, camera % FRAMES.partitions, str(camera).encode(), self.encode(frame), ())
        (metrics.sent.labels(topic) if handed else metrics.unsent).inc()
        self.sent += handed

    def _warn(self, at: int) -> None:
        """Says once that the gate will deny what it takes for a wrong clock, and what would mend it."""
        off = (at - self.context.clock.now()) / SECOND
        if self._warned or abs(off) <= self.context.settings.clock_bound:
            return
        self._warned = True
        offset = round(self.context.clock.offset / SECOND + off)
        structlog.get_logger(stage=str(User.CAMERAS)).warning(
            "the gate will deny this as of a wrong clock: run all parts with the clock offset of this picture",
            taken=text(at), clock_offset=offset,
        )  # fmt: skip
