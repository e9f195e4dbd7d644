"""Follows governance.orders: to its end before the first decision, then live."""

import time

import structlog

from ringfence import dead_letters
from ringfence.clock import Clock
from ringfence.errors import BrokerError
from ringfence.kafka_io import Connection, Delivery, KafkaError, OffsetAndMetadata, Place, consumer, producer, translate
from ringfence.metrics import Metrics
from ringfence.policy.orders import OrderRefusedError, Standing, obey
from ringfence.stage import reject
from schemas.codec import UndecodableError, codec
from schemas.records import Order
from schemas.topics import ORDERS, User

PLACE = Place(ORDERS.name, 0)
GROUP = f"{User.ENFORCEMENT}-orders"
CATCH_UP_SECONDS = 10.0


class OrderFeed:
    """The orders in force, kept up to date. An order that cannot be obeyed goes to the dead letters, once."""

    def __init__(self, connection: Connection, clock: Clock, metrics: Metrics) -> None:
        self.clock, self.metrics = clock, metrics
        self.log = structlog.get_logger(stage=str(User.ENFORCEMENT))
        self._consumer = consumer(connection, GROUP)
        self._producer = producer(connection)
        self._consumer.assign([PLACE])
        committed = self._consumer.committed(PLACE)
        self._refused_before = committed or 0
        self._consumer.seek_to_beginning(PLACE)

    def catch_up(self) -> Standing:
        """Every order given so far. BrokerError if they cannot be read: no orders, no gate."""
        standing = Standing()
        deadline = time.monotonic() + CATCH_UP_SECONDS
        try:
            end = self._consumer.end_offsets([PLACE])[PLACE]
            while self._consumer.position(PLACE) < end:
                if time.monotonic() > deadline:
                    raise BrokerError(f"{ORDERS.name} cannot be read to its end: the gate stays shut")
                standing = self._read(standing, timeout_ms=200)
        except KafkaError as error:
            raise translate(error) from error
        return standing

    def follow(self, standing: Standing) -> Standing:
        """The standing after the orders that have come in; does not wait for any."""
        try:
            return self._read(standing, timeout_ms=0)
        except KafkaError as error:
            raise translate(error) from error

    def _read(self, standing: Standing, timeout_ms: int) -> Standing:
        for delivery in self._consumer.poll(timeout_ms=timeout_ms).get(PLACE, ()):
            standing = self._obey(standing, delivery)
        return standing

    def _obey(self, standing: Standing, delivery: Delivery) -> Standing:
        if delivery.value is None:  # compaction's tombstone: nothing is ordered any more
            return Standing(standing.suspended, delivery.offset + 1)
        try:
            order = codec(Order).decode(delivery.value)
            standing = obey(order, delivery.offset)
        except (UndecodableError, OrderRefusedError) as error:
            self._refuse(delivery, error)
            return Standing(standing.suspended, delivery.offset + 1)
        self.metrics.orders.labels(order.kind).inc()
        self.log.info("order obeyed", kind=str(order.kind), scope=order.scope, by=order.issued_by)
        return standing

    def _refuse(self, delivery: Delivery, error: Exception) -> None:
        self.metrics.dead_letters.labels(User.ENFORCEMENT, ORDERS.name, type(error).__name__).inc()
        self.log.warning("order refused", error=type(error).__name__, offset=delivery.offset)
        if delivery.offset < self._refused_before:
            return
        headers = dead_letters.headers(reject(delivery, error), User.ENFORCEMENT, self.clock.now())
        self._producer.send(ORDERS.dlq, value=delivery.value, key=delivery.key, partition=0, headers=headers).get(
            timeout=10
        )
        self._consumer.commit({PLACE: OffsetAndMetadata(delivery.offset + 1, "", -1)})

    def close(self) -> None:
        """Leaves the broker."""
        self._consumer.close(autocommit=False)
        self._producer.close(timeout=2)
