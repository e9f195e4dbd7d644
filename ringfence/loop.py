"""The loop around every stage: gather, decode, handle, write, commit. It stands here, once.

Gather records for a few milliseconds, decode them, handle them, and write what came out, the dead letters
and the new offsets in one Kafka transaction. Nothing is lost and nothing is done twice: a crash leaves
either all of a transaction or nothing of it. What a stage wants to remember between transactions (its
mark) travels with the committed offset, so it is exactly as old as the offset is.
"""

import gc
import time
from collections import Counter
from contextlib import ExitStack
from threading import Event

import structlog
from msgspec import Struct

from ringfence import dead_letters, sift
from ringfence.clock import SECOND, Clock
from ringfence.dead_letters import Rejected
from ringfence.errors import BrokerError, RegistryError
from ringfence.kafka_io import Connection
from ringfence.metrics import Metrics
from ringfence.sift import Gathered
from ringfence.stage import Batch, Handled, Remembering, Stage
from ringfence.transact import Input, Writer
from schemas.codec import Codecs, plain
from schemas.topics import BY_NAME

IDLE_MS = 100
LAG_EVERY = 1.0

MOST_TRIES = 8
# A client that has lost its broker for good answers each try only after half a minute: starting anew is quicker.
BLIND_SECONDS = 20.0
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0  # seconds between two tries


class Limits(Struct, frozen=True):
    """How long (ms) and how much (records) one transaction may gather."""

    transaction_ms: int
    transaction_records: int


class Loop:
    """Runs one stage until it is told to stop."""

    def __init__(self, stage: Stage, limits: Limits, clock: Clock, metrics: Metrics, codecs: Codecs = plain) -> None:
        self.stage, self.clock, self.metrics = stage, clock, metrics
        self.linger = limits.transaction_ms / 1_000
        self.most = min(stage.most, limits.transaction_records)
        self.log = structlog.get_logger(stage=str(stage.user))
        metrics.aborted.labels(stage.user)  # it shows 0, and not nothing, until there is one
        self.decoders = sift.decoders_of(stage.inputs, codecs)
        self.stop = Event()
        self.failed = self.unprepared = 0  # tries on end
        self.blind_since = 0.0
        self.shown: set[tuple[str, str, str]] = set()

    def run(self, connection: Connection, member: str, stop: Event) -> None:
        """Runs until ``stop`` is set; the transaction in hand is finished first. BrokerError ends it."""
        name = str(self.stage.user)
        # What is loaded now stays; the collector need not look at it again, nor after every few reads.
        gc.freeze()
        gc.set_threshold(100_000, 50, 100)
        self.stop = stop
        with ExitStack() as stack:
            self.writer = stack.enter_context(Writer(connection, f"{name}-{member}"))
            topics = [topic.name for topic in self.stage.inputs]
            self.input = stack.enter_context(Input(connection, name, member, topics, self.most))
            self.log.info("ready", inputs=topics)
            looked = 0.0
            while not stop.is_set():
                self._turn()
                if time.monotonic() - looked > LAG_EVERY:
                    looked = time.monotonic()
                    self._report_lag()
                    if isinstance(self.stage, Remembering):
                        self.stage.remembered(self.input.marks())
            self.input.settle()
        self.log.info("stopped")

    def _turn(self) -> None:
        """One transaction, tried again while the broker's refusal may pass."""
        gathered = self.input.gather(IDLE_MS / 1_000, self.linger, self.most)
        prepared = self._prepared()
        self.metrics.ready.labels(self.stage.user).set(prepared and self.input.assigned())
        if not prepared or not (gathered or self.input.stepped):
            return
        began = time.perf_counter()
        try:
            batches, rejected = self._decoded(gathered)
            handled = self._settled(gathered, batches, rejected)
        except (BrokerError, RegistryError) as error:
            self.failed = _once_more(self.failed, error)
            self._again(str(error), begun=isinstance(error, BrokerError))
            self._pause(self.failed)
            return
        self.failed = 0
        self.metrics.transaction.labels(self.stage.user).observe(time.perf_counter() - began)
        self._count(gathered, handled)
        self.stage.committed(batches, handled, self.clock.now())

    def _prepared(self) -> bool:
        """Whether the stage could look at what stands beside the stream. If not, no transaction is begun, and what was
        gathered is gathered again: tried as often as a transaction, and for BLIND_SECONDS.
        """
        began = time.monotonic()
        try:
            self.stage.prepare()
        except (BrokerError, RegistryError) as error:
            self.blind_since = began if not self.unprepared else self.blind_since
            self.unprepared = _once_more(self.unprepared, error)
            if time.monotonic() - self.blind_since > BLIND_SECONDS:
                raise
            self.log.warning("what stands beside the stream cannot be seen", why=str(error))
            self.input.rewind()
            self._pause(self.unprepared)
            return False
        self.unprepared = 0
        return True

    def _decoded(self, gathered: Gathered) -> tuple[list[Batch], list[Rejected]]:
        stepped, mark = self.input.stepped, self.input.mark
        batches, rejected = sift.decoded(self.decoders, gathered, mark)
        return batches + sift.blank(self.decoders, stepped, mark), rejected + sift.stepped_over(self.decoders, stepped)

    def _pause(self, tries: int) -> None:
        self.stop.wait(min(LONGEST_PAUSE, FIRST_PAUSE * 2**tries))

    def _settled(self, gathered: Gathered, batches: list[Batch], rejected: list[Rejected]) -> Handled:
        """Handles and commits; handles the same records anew if what stands beside the stream changes meanwhile."""
        while True:
            now = self.clock.now()
            handled = sift.handled_by(self.stage, self.decoders, batches, now)
            handled.rejected.extend(rejected)
            if self._write(gathered, handled, now):
                return handled
            self._give_up("what stands beside the stream has changed")

    def _again(self, why: str, begun: bool) -> None:
        """Goes back to what is committed, and gives the transaction up if one was begun."""
        if begun:
            self._give_up(why)
        else:
            self.log.warning("records cannot be decoded yet", why=why)
        self.input.rewind()

    def _give_up(self, why: str) -> None:
        self.metrics.aborted.labels(self.stage.user).inc()
        self.log.warning("transaction aborted", why=why)
        self.writer.abort()

    def _write(self, gathered: Gathered, handled: Handled, now: int) -> bool:
        """One transaction; False, and nothing committed, if the stage has found that it must be handled again."""
        stage = str(self.stage.user)
        self.writer.begin()
        for out in handled.outputs:
            self.writer.send(out.topic, out.partition, out.key, out.value)
        for bad in handled.rejected:
            letter = dead_letters.headers(bad, stage, now)
            key = dead_letters.writable_key(bad.key, bad.value)
            self.writer.send(BY_NAME[bad.topic].dlq, 0, key, bad.value, letter)
        self.writer.flush()
        if self.stage.prepare():
            return False
        self.writer.commit(self.input, gathered, handled.marks)
        return True

    def _count(self, gathered: Gathered, handled: Handled) -> None:
        stage = str(self.stage.user)
        for place, deliveries in gathered.items():
            self.metrics.consumed.labels(stage, place.topic).inc(len(deliveries))
        for topic, number in Counter(out.topic for out in handled.outputs).items():
            self.metrics.produced.labels(stage, topic).inc(number)
        for bad in handled.rejected:
            self.metrics.dead_letters.labels(stage, bad.topic, type(bad.error).__name__).inc()

    def _report_lag(self) -> None:
        shown = set()
        for lag in self.input.lags():
            labels = (str(self.stage.user), lag.topic, str(lag.partition))
            waits = lag.records and lag.last_timestamp_ms is not None
            late = self.clock.now() - self.clock.of_broker(lag.last_timestamp_ms or 0) if waits else 0
            self.metrics.lag_records.labels(*labels).set(lag.records)
            self.metrics.lag_seconds.labels(*labels).set(late / SECOND)
            shown.add(labels)
        for labels in self.shown - shown:  # another member has that partition now
            self.metrics.lag_records.remove(*labels)
            self.metrics.lag_seconds.remove(*labels)
        self.shown = shown


def _once_more(failed: int, error: BrokerError | RegistryError) -> int:
    """How often it has failed now; raises the error if trying again is vain, or has been."""
    if not error.retriable or failed + 1 >= MOST_TRIES:
        raise error
    return failed + 1
