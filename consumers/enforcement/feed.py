"""Follows governance.orders: to its end before the first decision, then live."""

import time

import structlog
from msgspec.structs import replace

from ringfence import dead_letters
from ringfence.clock import Clock
from ringfence.errors import BrokerError, RecordError
from ringfence.kafka_io import Connection, Delivery, KafkaError, OffsetAndMetadata, Place, consumer, producer, translate
from ringfence.metrics import Metrics
from ringfence.policy.authority import MissingOrderError, Trust, admit
from ringfence.policy.orders import Force
from ringfence.stage import reject
from schemas.codec import UndecodableError, codec
from schemas.records import Order
from schemas.topics import ORDERS, User

PLACE = Place(ORDERS.name, 0)
GROUP = f"{User.ENFORCEMENT}-orders"
CATCH_UP_SECONDS = 10.0
ASK_EVERY = 0.5  # seconds: a reader that has quietly lost the broker must not pass for one without news


class TombstoneError(RecordError):
    """An order is lifted by another order, never by its deletion."""


class OrderFeed:
    """The orders in force, kept up to date. An order that cannot be obeyed goes to the dead letters, once.

    Whoever reads the orders is in no group, and so depends on nothing but the topic. A group of its own
    remembers up to where the refused ones lie with the dead letters already, and the number of the last one.
    """

    def __init__(self, connection: Connection, trust: Trust, clock: Clock, metrics: Metrics) -> None:
        self.trust, self.clock, self.metrics = trust, clock, metrics
        self.log = structlog.get_logger(stage=str(User.ENFORCEMENT))
        self._consumer, self._memory = consumer(connection), consumer(connection, GROUP)
        self._producer = producer(connection)
        self._memory.assign([PLACE])
        remembered = self._memory.committed(PLACE, metadata=True)
        self._refused_before = remembered.offset if remembered else 0
        self._last_before = int(remembered.metadata or 0) if remembered else 0
        self._consumer.assign([PLACE])
        self._consumer.seek_to_beginning(PLACE)
        self._asked = 0.0

    def catch_up(self) -> Force:
        """Every order given so far. BrokerError if they cannot be read: no orders, no gate."""
        force = self.follow(Force())
        if force.last < self._last_before:
            raise MissingOrderError(
                f"order {self._last_before} was obeyed before and is no longer in {ORDERS.name}: nothing is disclosed"
                " until it is there again, as it was"
            )
        return force

    def follow(self, force: Force) -> Force:
        """What is in force after the orders that have come in; waits for none.

        Twice a second it asks the broker where the orders end, and reads up to there: BrokerError if it cannot.
        """
        try:
            if time.monotonic() - self._asked < ASK_EVERY:
                return self._read(force, timeout_ms=0)
            return self._to_the_end(force)
        except KafkaError as error:
            raise translate(error) from error

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
        deliveries = self._consumer.poll(timeout_ms=timeout_ms).get(PLACE, ())
        for delivery in deliveries:
            force = self._obey(force, delivery)
        if deliveries:
            self._memory.commit({PLACE: OffsetAndMetadata(force.offset, str(force.last), -1)})
        return force

    def _obey(self, force: Force, delivery: Delivery) -> Force:
        try:
            if delivery.value is None:
                raise TombstoneError("an order cannot be deleted: give another")
            order = codec(Order).decode(delivery.value)
        except (UndecodableError, TombstoneError) as error:
            self._refuse(delivery, error)
            return replace(force, offset=delivery.offset + 1)
        force, refused = admit(force, order, self.trust, self.clock.of_broker(delivery.timestamp))
        if refused:
            self._refuse(delivery, refused)
        else:
            self.metrics.orders.labels(order.kind).inc()
            self.log.info("order obeyed", number=order.sequence, kind=str(order.kind), office=order.office)
        return replace(force, offset=delivery.offset + 1)

    def _refuse(self, delivery: Delivery, error: Exception) -> None:
        self.metrics.orders_refused.labels(type(error).__name__).inc()
        self.log.warning("order refused", error=type(error).__name__, offset=delivery.offset)
        if delivery.offset < self._refused_before:
            return
        self.metrics.dead_letters.labels(User.ENFORCEMENT, ORDERS.name, type(error).__name__).inc()
        headers = dead_letters.headers(reject(delivery, error), User.ENFORCEMENT, self.clock.now())
        # A tombstone has a key: the broker takes no other record into a compacted topic.
        self._producer.send(ORDERS.dlq, value=delivery.value, key=delivery.key, partition=0, headers=headers).get(
            timeout=10
        )

    def close(self) -> None:
        """Leaves the broker."""
        self._consumer.close(autocommit=False)
        self._memory.close(autocommit=False)
        self._producer.close(timeout=2)
