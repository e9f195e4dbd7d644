"""A stage is one function, ``handle(batches) -> Handled``. The loop around it stands here, once.

Gather records for a few milliseconds, decode them, handle them, and write what came out, the dead letters
and the new offsets in one Kafka transaction. Nothing is lost and nothing is done twice: a crash leaves
either all of a transaction or nothing of it. What a stage wants to remember between transactions (its
mark) travels with the committed offset, so it is exactly as old as the offset is.
"""

import gc
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from threading import Event
from typing import Any, Protocol, runtime_checkable

import structlog
from msgspec import Struct, field

from ringfence import dead_letters
from ringfence.clock import SECOND, Clock
from ringfence.dead_letters import Rejected
from ringfence.errors import BrokerError, ModelError, RecordError, RegistryError
from ringfence.kafka_io import Connection, Delivery, Place
from ringfence.metrics import Metrics
from ringfence.transact import Input, Writer
from schemas.codec import Codecs, UndecodableError, plain
from schemas.topics import BY_NAME, Topic, User

IDLE_MS = 100
LAG_EVERY = 1.0
Gathered = Mapping[Place, list[Delivery]]

MOST_TRIES = 8
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0  # seconds between two tries


class UnreadableError(RecordError):
    """Records that the Kafka client cannot parse: they stay in their topic until its retention ends."""


class Batch(Struct, frozen=True):
    """Records of one input partition, decoded, in order; ``deliveries`` are as they came, one for one.

    ``mark`` is what the stage left with the offset that it last committed here; empty at first.
    """

    topic: str
    partition: int
    records: list[Any]
    deliveries: list[Delivery]
    mark: str


class Output(Struct, frozen=True):
    """One record to write: framed bytes to an explicit partition."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes


class Handled(Struct, frozen=True):
    """What a stage made of its batches: what to write, what to remember, what it could not handle.

    ``note`` is what the stage's own ``committed`` wants to know once it is true.
    """

    outputs: list[Output] = field(default_factory=list)
    marks: dict[tuple[str, int], str] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)
    note: Any = None


class Stage(Protocol):
    """What the loop needs. Only ``prepare`` and ``committed`` may have effects."""

    @property
    def user(self) -> User:
        """As whom it acts; its group and transactional id begin so."""

    @property
    def inputs(self) -> tuple[Topic, ...]:
        """The topics that it handles. One without a record is taken as it came: bytes, decoded by nobody."""

    @property
    def most(self) -> int:
        """Records in one transaction, at most."""

    def prepare(self) -> bool:
        """Looks at what stands beside the stream, before each transaction and again before its commit.

        True if it has changed: what was handled before is then given up and handled again.
        """

    def handle(self, batches: Sequence[Batch], now: int) -> Handled:
        """Decides what to write. ``now`` is in µs on the pipeline's clock, one for the whole batch."""

    def committed(self, batches: Sequence[Batch], handled: Handled, now: int) -> None:
        """After the commit: count, print. ``now`` is the time of the commit."""


@runtime_checkable
class Remembering(Protocol):
    """A stage that wants to see, about once a second, what it remembers."""

    def remembered(self, marks: Mapping[Place, str]) -> None:
        """The committed marks of the partitions that this member has now, and of no other."""


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
        self.decoders: dict[str, Callable[[Any], Any]] = {
            t.name: codecs(t).decode if t.record else _as_it_came for t in stage.inputs
        }
        self.stop = Event()
        self.failed = 0
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
        self.stage.prepare()
        self.metrics.ready.labels(self.stage.user).set(self.input.assigned())
        if not gathered and not self.input.stepped:
            return
        began = time.perf_counter()
        try:
            batches, rejected = self._decode(gathered)
            rejected.extend(self._stepped_over())
            batches.extend(self._blank())
            handled = self._settled(gathered, batches, rejected)
        except (BrokerError, RegistryError) as error:
            self.failed += 1
            if not error.retriable or self.failed >= MOST_TRIES:
                raise
            self._again(str(error), begun=isinstance(error, BrokerError))
            self.stop.wait(min(LONGEST_PAUSE, FIRST_PAUSE * 2**self.failed))
            return
        self.failed = 0
        self.metrics.transaction.labels(self.stage.user).observe(time.perf_counter() - began)
        self._count(gathered, handled)
        self.stage.committed(batches, handled, self.clock.now())

    def _settled(self, gathered: Gathered, batches: list[Batch], rejected: list[Rejected]) -> Handled:
        """Handles and commits; handles the same records anew if what stands beside the stream changes meanwhile."""
        while True:
            now = self.clock.now()
            handled = self._handle(batches, now)
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

    def _stepped_over(self) -> list[Rejected]:
        """A dead letter for each stretch that the client could not parse. It holds the place, and no bytes."""
        return [
            Rejected(place.topic, place.partition, first, None, None, (),
                     UnreadableError(f"offsets {first} to {end - 1} cannot be parsed"))
            for place, (first, end) in self.input.stepped.items()
            if self.decoders[place.topic] is not _as_it_came
        ]  # fmt: skip

    def _blank(self) -> list[Batch]:
        """The same stretch of a topic that is taken as it came: as many empty records as it can have held."""
        return [
            Batch(place.topic, place.partition, [None] * (end - first), [], self.input.mark(*place))
            for place, (first, end) in self.input.stepped.items()
            if self.decoders[place.topic] is _as_it_came
        ]

    def _decode(self, gathered: Gathered) -> tuple[list[Batch], list[Rejected]]:
        batches, rejected = [], []
        for (topic, partition), deliveries in gathered.items():
            decode = self.decoders[topic]
            try:
                records = [decode(delivery.value) for delivery in deliveries]
            except UndecodableError:
                records, deliveries, bad = _sift(decode, deliveries)
                rejected += bad
            if records:
                mark = self.input.mark(topic, partition)
                batches.append(Batch(topic, partition, records, deliveries, mark))
        return batches, rejected

    def _handle(self, batches: list[Batch], now: int) -> Handled:
        """Handles the batches; if that fails, finds the records that make it fail and sets them aside."""
        try:
            return self.stage.handle(batches, now) if batches else Handled()
        except (BrokerError, ModelError):
            raise  # no record is at fault
        except Exception as error:  # noqa: BLE001 - one bad record must not stop the stage
            self.log.warning("a record could not be handled", error=type(error).__name__)
        rejected: list[Rejected] = []
        sound = [self._probe(batch, now, rejected) for batch in batches]
        handled = self.stage.handle([batch for batch in sound if batch.records], now)
        handled.rejected.extend(rejected)
        return handled

    def _probe(self, batch: Batch, now: int, rejected: list[Rejected]) -> Batch:
        """The batch without the records that fail on their own. ``handle`` has no effects: nothing is written.

        A record that is taken as it came cannot fail: nobody looks into it.
        """
        if self.decoders[batch.topic] is _as_it_came:
            return batch
        records, deliveries = [], []
        for record, delivery in zip(batch.records, batch.deliveries, strict=True):
            try:
                self.stage.handle([Batch(batch.topic, batch.partition, [record], [delivery], batch.mark)], now)
            except ModelError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, the record goes to the dead letters
                rejected.append(reject(delivery, error))
            else:
                records.append(record)
                deliveries.append(delivery)
        return Batch(batch.topic, batch.partition, records, deliveries, batch.mark)

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
        for topic, number in _tally(out.topic for out in handled.outputs).items():
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


def reject(delivery: Delivery, error: Exception) -> Rejected:
    """The delivery as a dead letter."""
    return Rejected(
        delivery.topic, delivery.partition, delivery.offset,
        delivery.key, delivery.value, delivery.headers, error,
    )  # fmt: skip


def _sift(decode: Any, deliveries: list[Delivery]) -> tuple[list[Any], list[Delivery], list[Rejected]]:
    """Separates what decodes from what does not."""
    records, sound, bad = [], [], []
    for delivery in deliveries:
        try:
            records.append(decode(delivery.value))
            sound.append(delivery)
        except UndecodableError as error:
            bad.append(reject(delivery, error))
    return records, sound, bad


def _tally(names: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return counts


def _as_it_came(value: Any) -> Any:
    """What stands in for a decoder where a stage only counts."""
    return value
