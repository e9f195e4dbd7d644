"""A camera: turns a passage into a frame, or with a reader on board straight into a read, and sends it.

``outgoing`` is pure: the same passage makes the same bytes, whenever it is sent. ``send_open_loop`` is the
edge: it keeps the world's pace, whatever becomes of what it sends.
"""

from collections import deque
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from producers.chance import fraction, mix
from producers.scene import View, render
from producers.traffic import SECOND
from producers.world import Passage
from ringfence.errors import BrokerError
from schemas.codec import Codecs, plain
from schemas.records import Flag, Frame, Read
from schemas.topics import FRAMES, READS, Topic

# Only tests, benchmarks and the demo's summary may read it: the true VRM, empty where no plate can be seen.
TRUTH = "ringfence-truth"
DELAYED_AFTER = 30 * SECOND  # GK, docs/sources.md: late events
LATE_AFTER = 250_000  # µs
AHEAD = 2 * SECOND  # so far ahead of their time records are made
PATIENCE = 10 * SECOND  # what is overdue by more is given up
LONGEST_SLEEP = 100_000  # µs, so that a stop is noticed
# Keys of chance.
CONFIDENCE, WHERE, WHICH, SEED = range(20, 24)

# What an OCR takes for what: known confusions, then (GK) one for every other character, so that
# any mark can be misread.
LOOK_ALIKES = {
    "O": "0DQ", "0": "OD", "I": "1", "1": "I7", "B": "83", "8": "B3", "S": "5", "5": "S6", "D": "O0",
    "G": "6C", "6": "GC", "C": "G6", "Z": "2", "2": "Z", "A": "4", "E": "F", "F": "EP", "H": "MN", "J": "U",
    "K": "X", "L": "E", "M": "NH", "N": "MH", "P": "FR", "Q": "O0", "R": "P", "T": "Y", "U": "VJ", "V": "YU",
    "W": "V", "X": "K", "Y": "VT", "3": "8", "4": "A", "7": "1", "9": "8",
}  # fmt: skip


class Outgoing(Struct, frozen=True, gc=False):
    """One record, ready for Kafka; ``due_at`` is µs on the simulated clock."""

    topic: str
    partition: int
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]
    due_at: int


class Outcome(StrEnum):
    """What became of an event. LATE: sent more than 250 ms after it was due. UNSENT: not at all."""

    SENT = "sent"
    LATE = "late"
    UNSENT = "unsent"


class Counts(Struct, frozen=True):
    """What an open loop did: passages = frames + reads + unsent; the late ones are among frames and reads."""

    passages: int = 0
    frames: int = 0
    reads: int = 0
    late: int = 0
    unsent: int = 0


class Pace(Protocol):
    """The simulated clock, in µs since 1970 (ringfence.clock.Clock is one)."""

    def now(self) -> int:
        """The moment."""

    def sleep_until(self, at: int) -> None:
        """Sleeps until then; returns at once if that has passed."""


class Stop(Protocol):
    """What tells the loop to end (threading.Event is one)."""

    def is_set(self) -> bool:
        """Whether to end."""


Send = Callable[[str, int, bytes, bytes, tuple[tuple[str, bytes], ...]], bool]
OnEvent = Callable[[str, Outcome, int], None]


def outgoing(passage: Passage, partitions: int, codecs: Codecs = plain) -> Outgoing:
    """The record of a passage: frame or read, framed Avro, to the partition of its camera."""
    record = read_of(passage) if passage.on_board else frame_of(passage)
    topic = _topic(passage)
    return Outgoing(
        topic=topic.name,
        partition=passage.camera % partitions,
        key=b"%d" % passage.camera,
        value=codecs(topic).encode(record),
        headers=((TRUTH, (passage.vrm or "").encode()),),
        due_at=passage.due_at,
    )


def frame_of(passage: Passage) -> Frame:
    """The picture that a camera without a reader takes."""
    picture = render(view_of(passage))
    return Frame(passage.camera, passage.sequence, passage.captured_at, int(_flags(passage)), picture.jpeg)


def view_of(passage: Passage) -> View:
    """What the camera looks at."""
    return View(
        vrm=passage.vrm,
        style=passage.style,
        rear=passage.rear,
        two_line=passage.two_line and passage.rear,
        green_flash=passage.green_flash,
        uk_band=passage.uk_band,
        light=passage.light,
        weather=passage.weather,
        dirt=passage.dirt,
        obscured=passage.obscured,
        blur=passage.blur,
        seed=mix(passage.noise, SEED) % 2**32,
    )


def read_of(passage: Passage) -> Read:
    """What the reader on board makes of a plate. It knows no UK grammar: ``vrm`` is ``raw``."""
    text = misread(passage) if passage.misread else passage.vrm or ""
    flags = int(_flags(passage))
    return Read(passage.camera, passage.sequence, passage.captured_at, text, text, confidence(passage), flags)


def misread(passage: Passage) -> str:
    """The mark with one character taken for another; of a partly hidden one the first or last is missing."""
    vrm = passage.vrm or ""
    if passage.obscured:
        return vrm[1:] if fraction(passage.noise, WHERE) < 0.5 else vrm[:-1]
    i = mix(passage.noise, WHERE) % len(vrm)
    others = LOOK_ALIKES[vrm[i]]
    return vrm[:i] + others[mix(passage.noise, WHICH) % len(others)] + vrm[i + 1 :]


def confidence(passage: Passage) -> int:
    """Whole per cent: 86 to 99 for what is read right, mostly high; 50 to 94 for a misread (GK)."""
    chance = fraction(passage.noise, CONFIDENCE)
    return 50 + int(45 * chance) if passage.misread else 99 - int(14 * chance**3)


def send_open_loop(
    passages: Iterator[Passage],
    clock: Pace,
    send: Send,
    stop: Stop,
    partitions: int,
    on_event: OnEvent | None = None,
    codecs: Codecs = plain,
) -> Counts:
    """Sends every passage when it is due, until ``stop`` is set or the passages end.

    Open loop: time does not wait for the broker. ``send(topic, partition, key, value, headers)`` returns
    False, or raises BufferError or a retriable BrokerError, when it cannot take the record now: that one is
    counted ``unsent`` and gone, and so is what is overdue by more than ten seconds. Records are made up to
    two seconds ahead, in the time that is left between two sends. ``on_event(topic, outcome, µs late)`` is
    called for each. Other errors of ``send`` end the loop.
    """
    tally = _Tally(on_event)
    ready: deque[Outgoing] = deque()
    ended = False
    while not stop.is_set() and not (ended and not ready):
        now = clock.now()
        if ready and ready[0].due_at <= now:
            _send(ready.popleft(), clock, send, tally)
        elif not ended and (not ready or ready[-1].due_at < now + AHEAD):
            ended = not _make(passages, ready, now, partitions, tally, codecs)
        else:
            clock.sleep_until(min(ready[0].due_at, now + LONGEST_SLEEP))
    return tally.counts()


class _Tally:
    """Counts by topic and outcome."""

    def __init__(self, on_event: OnEvent | None) -> None:
        self.seen: dict[tuple[str, Outcome], int] = {}
        self.on_event = on_event

    def add(self, topic: str, outcome: Outcome, late_by: int) -> None:
        self.seen[topic, outcome] = self.seen.get((topic, outcome), 0) + 1
        if self.on_event:
            self.on_event(topic, outcome, late_by)

    def counts(self) -> Counts:
        def total(topics: tuple[str, ...], *outcomes: Outcome) -> int:
            return sum(self.seen.get((topic, outcome), 0) for topic in topics for outcome in outcomes)

        both = (FRAMES.name, READS.name)
        return Counts(
            passages=total(both, *Outcome),
            frames=total((FRAMES.name,), Outcome.SENT, Outcome.LATE),
            reads=total((READS.name,), Outcome.SENT, Outcome.LATE),
            late=total(both, Outcome.LATE),
            unsent=total(both, Outcome.UNSENT),
        )


def _make(
    passages: Iterator[Passage], ready: deque[Outgoing], now: int, partitions: int, tally: _Tally, codecs: Codecs
) -> bool:
    """Makes the next record ready, or gives it up if it is long overdue; False at the end of the passages."""
    passage = next(passages, None)
    if passage is None:
        return False
    if passage.due_at < now - PATIENCE:
        tally.add(_topic(passage).name, Outcome.UNSENT, now - passage.due_at)
    else:
        ready.append(outgoing(passage, partitions, codecs))
    return True


def _send(item: Outgoing, clock: Pace, send: Send, tally: _Tally) -> None:
    try:
        taken = send(item.topic, item.partition, item.key, item.value, item.headers)
    except BufferError:
        taken = False
    except BrokerError as error:
        if not error.retriable:
            raise
        taken = False
    late_by = max(0, clock.now() - item.due_at)
    sent = Outcome.LATE if late_by > LATE_AFTER else Outcome.SENT
    tally.add(item.topic, sent if taken else Outcome.UNSENT, late_by)


def _topic(passage: Passage) -> Topic:
    return READS if passage.on_board else FRAMES


def _flags(passage: Passage) -> Flag:
    flags = Flag.ON_BOARD if passage.on_board else Flag(0)
    if passage.rear:
        flags |= Flag.REAR
    if passage.due_at - passage.captured_at > DELAYED_AFTER:
        flags |= Flag.DELAYED
    return flags
