"""Hands the cameras' records to Kafka, counts what became of them, and reports."""

from collections import Counter
from itertools import takewhile
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

import structlog

from producers.camera import Counts, Outcome, send_open_loop
from producers.traffic import constant, curve
from producers.world import World
from ringfence.clock import text
from ringfence.estate import load as load_estate
from ringfence.kafka_io import KafkaError, producer
from ringfence.metrics import Metrics
from ringfence.run import Context, write_json
from schemas.topics import FRAMES, READS, User

GIVEN_UP_MS = 20_000  # what the broker has not acknowledged by then is lost
BATCHES_EXPIRE = 2 * GIVEN_UP_MS / 1_000  # seconds
MOST_IN_FLIGHT = 64 * 1024 * 1024  # bytes that the broker has not acknowledged


def make_world(context: Context, seed: int, londons: float, rate: float | None, begin: int) -> World:
    """The world that was asked for: a share of London's traffic by its curve, or a constant rate (events/s)."""
    demand = constant(rate) if rate else curve(londons)
    return World(load_estate(context.settings.policies / "estate"), seed, demand, begin)


def send_all(context: Context, world: World, end: float, stop: Event, report: Path | None) -> None:
    """Sends until ``end`` (µs) or ``stop``, then waits for what is on its way, and reports."""
    log = structlog.get_logger(stage=str(User.CAMERAS))
    for topic in (FRAMES, READS):  # now, and not at the first passage, it shows if they cannot be written
        context.codecs(topic)
    sender = Sender(context)
    log.info("ready", start=text(world.start), seed=world.seed)
    passages = takewhile(lambda passage: passage.due_at < end, world.passages())
    try:
        counts = send_open_loop(
            passages, context.clock, sender.send, stop, FRAMES.partitions, sender.count, context.codecs
        )
    finally:
        sender.close()
    log.info("stopped", passages=counts.passages, late=counts.late, unsent=counts.unsent + sender.lost.total())
    if report:
        write_json(report, summary(counts, sender))


class Sender:
    """Hands records to Kafka without waiting; what the broker did not take in the end is counted as lost.

    Once a record is lost, the idempotent producer may never send again: its numbers have a gap, and kafka-python
    waits for ever. So a new one takes its place, made aside, as the loop must not wait. Until then nothing is sent.
    """

    def __init__(self, context: Context) -> None:
        self.metrics: Metrics = context.metrics
        self.lost: Counter[str] = Counter()
        # ``handed`` is the loop's alone. What became of records is told by kafka-python's thread; while one producer
        # takes another's place there are two of them.
        self.handed, self.settled = 0, 0
        self._counting = Lock()
        self._connection, self._broken = context.connection, Event()
        self._renewal: Thread | None = None
        self._producer = self._new()

    def _new(self) -> Any:
        made = producer(self._connection, request_timeout_ms=10_000, delivery_timeout_ms=GIVEN_UP_MS)
        for topic in (FRAMES, READS):  # metadata now, so that the first send does not wait for it
            made.partitions_for(topic.name)
        return made

    def send(
        self, topic: str, partition: int, key: bytes, value: bytes, headers: tuple[tuple[str, bytes], ...]
    ) -> bool:
        """True if the record is on its way; False if too much is on its way already: an open loop never waits."""
        if self._broken.is_set():
            self._renew()
            return False
        if self.handed - self.settled > MOST_IN_FLIGHT:
            return False
        by = self._producer
        try:
            future = by.send(topic, value=value, key=key, partition=partition, headers=list(headers))
        except KafkaError:
            return False
        self.handed += len(value)
        future.add_callback(self._done, len(value))
        future.add_errback(self._lose, by, topic, len(value))
        return True

    def count(self, topic: str, outcome: Outcome, late_by: int) -> None:
        """Keeps the metrics."""
        del late_by
        self.metrics.passages.inc()
        if outcome is Outcome.UNSENT:
            self.metrics.unsent.inc()
            return
        self.metrics.sent.labels(topic).inc()
        if outcome is Outcome.LATE:
            self.metrics.late_sends.inc()

    def _done(self, size: int, sent: Any) -> None:
        del sent
        with self._counting:
            self.settled += size
        self.metrics.acknowledged.set_to_current_time()

    def _lose(self, by: Any, topic: str, size: int, error: Any) -> None:
        del error
        with self._counting:
            self.settled += size
            self.lost[topic] += 1
        self.metrics.unsent.inc()
        if by is self._producer:
            self._broken.set()

    def _renew(self) -> None:
        if self._renewal is None or not self._renewal.is_alive():
            self._renewal = Thread(target=self._replace, daemon=True)
            self._renewal.start()

    def _replace(self) -> None:
        """One try; the next record that is due starts another if the broker is not there yet."""
        try:
            fresh = self._new()
        except KafkaError:
            return
        old, self._producer = self._producer, fresh
        self._broken.clear()
        structlog.get_logger(stage=str(User.CAMERAS)).warning(
            "records were lost; sending goes on", lost=self.lost.total()
        )
        Thread(target=_end, args=(old, BATCHES_EXPIRE), daemon=True).start()

    def close(self) -> None:
        """Waits for what is on its way."""
        _end(self._producer, 5)


def _end(producer: Any, seconds: float) -> None:
    """Closes a producer. It refuses to be closed while records are on their way: they are given up by then."""
    try:
        producer.close(timeout=seconds)
    except KafkaError as error:
        structlog.get_logger(stage=str(User.CAMERAS)).warning(
            "records are still on their way", why=type(error).__name__
        )


def summary(counts: Counts, sender: Sender) -> dict[str, Any]:
    """What was sent, as JSON takes it."""
    lost = sender.lost
    return {
        "passages": counts.passages,
        "sent": {
            FRAMES.name: counts.frames - lost[FRAMES.name],
            READS.name: counts.reads - lost[READS.name],
        },
        "late": counts.late,
        "unsent": counts.unsent + sender.lost.total(),
    }
