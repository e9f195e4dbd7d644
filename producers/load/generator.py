"""The generator, a process of its own: sends every event at its intended moment and never waits for the broker."""

import time
from collections.abc import Iterator
from contextlib import closing
from itertools import cycle
from multiprocessing.connection import Connection as Pipe
from multiprocessing.synchronize import Event
from typing import Any

from msgspec import Struct

from producers.load.books import NOT_SENT, SENT, UNSURE
from producers.load.mould import Mould, is_frame
from producers.load.profiles import Profile, moments
from producers.load.verdict import Sent
from producers.load.workers import Ready
from ringfence import access
from ringfence.clock import SECOND, Clock
from ringfence.kafka_io import KafkaError, producer
from ringfence.registry import codecs_of
from ringfence.settings import Settings
from schemas.codec import Codecs
from schemas.topics import FRAMES, READS, User

LATE_AFTER = 250_000  # µs, as for the cameras
PATIENCE = 10 * SECOND  # what is overdue by more is given up
BEAT = 0.002  # s; the longest sleep, and so the most by which a record goes early or late on its own
TELL_EVERY = SECOND // 4
CHECK_EVERY = 256  # events
MOST_IN_FLIGHT = 200_000  # records that the broker has not acknowledged
LINGER_MS = 5


class Job(Struct, frozen=True):
    """What to send. ``base`` is the sequence of the first event."""

    settings: Settings
    clock: Clock
    shape: Profile
    base: int
    reads: list[Mould]
    frames: list[Mould]
    frame_share: float


class Progress(Struct, frozen=True):
    """What has been done so far."""

    sent: Sent


class Done(Struct, frozen=True):
    """How it ended: what was sent, also by the second in which it was due, and what became of each event."""

    sent: Sent
    by_second: dict[int, int]
    fates: bytes
    frames: bytes


def generate(job: Job, pipe: Pipe, stop: Event) -> None:
    """The process: tells that it is Ready, is told when to begin (µs), then tells its Progress, and Done at the end."""
    connection = access.connection_of(User.CAMERAS, job.settings)
    options: dict[str, Any] = {"linger_ms": LINGER_MS, "request_timeout_ms": 10_000, "delivery_timeout_ms": 20_000}
    with closing(producer(connection, **options)) as writer:
        sender = Sender(job, writer, codecs_of(job.settings))
        pipe.send(Ready())
        sender.begin = pipe.recv()
        for progress in run(job, sender, stop):
            pipe.send(progress)
        sender.flush()
        pipe.send(sender.done())


def run(job: Job, sender: "Sender", stop: Event) -> Iterator[Progress]:
    """Sends each event when it is due; yields the progress some times a second."""
    begin = tell = sender.begin
    for number, moment in enumerate(moments(job.shape)):
        due = begin + round(moment * SECOND)
        while (now := job.clock.now()) < due:
            if now >= tell:
                tell = now + TELL_EVERY
                yield sender.progress()
            if stop.is_set():
                return
            time.sleep(min(BEAT, (due - now) / SECOND))
        sender.offer(number, due, now)
        if number % CHECK_EVERY == 0:
            if stop.is_set():
                return
            if now >= tell:
                tell = now + TELL_EVERY
                yield sender.progress()


class Sender:
    """Fills the moulds, hands the records to Kafka and keeps what became of each."""

    def __init__(self, job: Job, writer: Any, codecs: Codecs) -> None:
        self.job, self.begin = job, 0
        self.fates, self.frames = bytearray(), bytearray()
        # Each is changed by one thread alone: the generator's, and kafka-python's.
        self.late = self.handed = 0
        self.settled = 0
        self.by_second: dict[int, int] = {}
        self._reads, self._frames = cycle(job.reads), cycle(job.frames)
        self._producer = writer
        topics = (READS, FRAMES) if job.frames else (READS,)
        self._pack = {topic.name: codecs(topic).pack for topic in topics}
        for topic in topics:  # metadata now: the first send shall not wait
            writer.partitions_for(topic.name)

    def offer(self, number: int, due: int, now: int) -> None:
        """Sends one event, unless it is long overdue or too much is on its way."""
        framed = bool(self.job.frames) and is_frame(number, self.job.frame_share)
        self.frames.append(framed)
        if now - due > PATIENCE or self.handed - self.settled > MOST_IN_FLIGHT:
            self.fates.append(NOT_SENT)
            return
        self.late += now - due > LATE_AFTER
        second = (due - self.begin) // SECOND
        self.by_second[second] = self.by_second.get(second, 0) + 1
        mould = next(self._frames if framed else self._reads)
        self.fates.append(SENT)
        try:
            value = self._pack[mould.topic](mould.fill(self.job.base + number, due))
            future = self._producer.send(mould.topic, value, mould.key, partition=mould.partition)
        except KafkaError:
            self.fates[number] = NOT_SENT
            return
        self.handed += 1
        future.add_callback(self._settle)
        future.add_errback(self._doubt, number)

    def _settle(self, outcome: Any) -> None:
        del outcome
        self.settled += 1

    def _doubt(self, number: int, error: Any) -> None:
        """The client gave up; the broker may have the record all the same."""
        del error
        self.settled += 1
        self.fates[number] = UNSURE

    def progress(self) -> Progress:
        """What has been done so far."""
        return Progress(self._sent())

    def _sent(self) -> Sent:
        return Sent(len(self.fates), self.late, len(self.fates) - self.fates.count(SENT))

    def flush(self) -> None:
        """Waits for what is on its way."""
        self._producer.flush(timeout=30)

    def done(self) -> Done:
        """How it ended."""
        return Done(self._sent(), self.by_second, bytes(self.fates), bytes(self.frames))
