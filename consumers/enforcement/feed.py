"""Follows governance.orders: to its end before the first decision, then live."""

import json
import time

import structlog

from ringfence import dead_letters
from ringfence.clock import SECOND, Clock
from ringfence.errors import BrokerError
from ringfence.intake import Given, take
from ringfence.kafka_io import (
    Connection,
    Delivery,
    KafkaError,
    OffsetAndMetadata,
    Place,
    consumer,
    producer,
    translate,
)
from ringfence.metrics import Metrics
from ringfence.policy.authority import Trust, owing
from ringfence.policy.orders import Force, Head
from ringfence.stage import reject
from schemas.records import OrderKind
from schemas.topics import ORDERS, User

PLACE = Place(ORDERS.name, 0)
GROUP = f"{User.ENFORCEMENT}-orders"
CATCH_UP_SECONDS = 10.0
REMEMBER_EVERY = 3_600.0  # seconds: a broker forgets what a group committed if it hears no more of it
ASK_EVERY = 0.5  # seconds: a reader that has quietly lost the broker must not pass for one without news


class OrderFeed:
    """The orders in force, kept up to date. An order that cannot be obeyed goes to the dead letters, once.

    Whoever reads the orders is in no group, and so depends on nothing but the topic. A group of its own
    remembers up to where the refused ones lie with the dead letters already, and the number of the last one of
    each office. What it remembers only grows.
    """

    def __init__(self, connection: Connection, trust: Trust, clock: Clock, metrics: Metrics) -> None:
        self.trust, self.clock, self.metrics = trust, clock, metrics
        self.log = structlog.get_logger(stage=str(User.ENFORCEMENT))
        for kind in OrderKind:  # a counter that begins at 0 shows its first rise
            metrics.orders.labels(kind)
        self._consumer, self._memory = consumer(connection), consumer(connection, GROUP)
        self._producer = producer(connection)
        self._memory.assign([PLACE])
        self._refused_before, self._last_before = self._remembered()
        self._consumer.assign([PLACE])
        self._consumer.seek_to_beginning(PLACE)
        self._first = self._consumer.position(PLACE)
        self._asked = self._kept = 0.0
        self._caught_up = False

    def catch_up(self) -> Force:
        """Every order given so far. BrokerError if they cannot be read: no orders, no gate."""
        try:
            force = self._to_the_end(Force())
        except KafkaError as error:
            raise translate(error) from error
        force = owing(force, self._last_before)  # the end of the topic may be gone: no gap would show it
        self._remember(force)
        self._caught_up = True
        return force

    def follow(self, force: Force) -> Force:
        """What is in force after the orders that have come in; waits for none.

        Twice a second it asks the broker where the orders end, and reads up to there: BrokerError if it cannot.
        """
        try:
            ask = time.monotonic() - self._asked >= ASK_EVERY
            now = self._to_the_end(force) if ask else self._read(force, timeout_ms=0)
            if now is not force or time.monotonic() - self._kept > REMEMBER_EVERY:
                self._remember(now)
            return now
        except Exception as error:
            # What was read and is not returned must be read again: it may be a suspension.
            self._consumer.seek(PLACE, max(force.offset, self._first))
            if isinstance(error, KafkaError):
                raise translate(error) from error
            raise

    def _to_the_end(self, force: Force) -> Force:
        deadline = time.monotonic() + CATCH_UP_SECONDS
        end = self._consumer.end_offsets([PLACE])[PLACE]
        while self._consumer.position(PLACE) < end:
            if time.monotonic() > deadline:
                raise BrokerError(f"{ORDERS.name} cannot be read to its end: the gate stays shut")
            force = self._read(force, timeout_ms=200)
        self._asked = time.monotonic()
        return force

    def _read(self, force: Force, timeout_ms: int) -> Force:
        for delivery in self._consumer.poll(timeout_ms=timeout_ms).get(PLACE, ()):
            force = self._obey(force, delivery)
        return force

    def _remembered(self) -> tuple[int, dict[str, Head]]:
        """Up to which offset refused orders are with the dead letters, and the last order of each office."""
        kept = self._memory.committed(PLACE, metadata=True)
        if not kept:
            return 0, {}
        heads = json.loads(kept.metadata or "{}")
        return kept.offset, {office: Head(*head) for office, head in heads.items()}

    def _remember(self, force: Force) -> None:
        """Never less than what is remembered: another member may have read on, or the topic have lost its end."""
        offset, heads = self._remembered()
        for office, head in force.heads.items():
            heads[office] = max(heads.get(office, head), head, key=lambda one: one.number)
        metadata = json.dumps({office: [head.number, head.key] for office, head in sorted(heads.items())})
        self._memory.commit({PLACE: OffsetAndMetadata(max(offset, force.offset), metadata, -1)})
        self._kept = time.monotonic()

    def _obey(self, force: Force, delivery: Delivery) -> Force:
        force, given = take(force, delivery, self.trust, self.clock)
        if given.refused:
            self._refuse(given)
        elif given.order:
            self.metrics.orders.labels(given.order.kind).inc()
            self._time(delivery)
            number = f"{given.order.office}/{given.order.sequence}"
            self.log.info("order obeyed", number=number, kind=str(given.order.kind))
        return force

    def _time(self, delivery: Delivery) -> None:
        """How long the order took to reach this gate. One that was there before the gate was says nothing of that."""
        if self._caught_up:
            late = self.clock.now() - self.clock.of_broker(delivery.timestamp)
            self.metrics.order_effect.observe(max(0, late) / SECOND)

    def _refuse(self, given: Given) -> None:
        delivery, error = given.delivery, given.refused
        self.metrics.orders_refused.labels(type(error).__name__).inc()
        self.log.warning("order refused", error=type(error).__name__, offset=delivery.offset)
        if delivery.offset < self._refused_before or error is None:
            return
        self.metrics.dead_letters.labels(User.ENFORCEMENT, ORDERS.name, type(error).__name__).inc()
        headers = dead_letters.headers(reject(delivery, error), User.ENFORCEMENT, self.clock.now())
        key = dead_letters.writable_key(delivery.key, delivery.value)
        self._producer.send(ORDERS.dlq, value=delivery.value, key=key, partition=0, headers=headers).get(timeout=10)
        self._refused_before = delivery.offset + 1

    def close(self) -> None:
        """Leaves the broker."""
        self._consumer.close(autocommit=False)
        self._memory.close(autocommit=False)
        self._producer.close(timeout=2)
