"""The two ends of a transaction: an Input that gathers and remembers, a Writer that commits all or nothing.

A stage's mark is kept in the metadata of its committed offset, so that both move in the same transaction.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Self

from msgspec import Struct

from ringfence.kafka_io import (
    Connection,
    Delivery,
    KafkaError,
    OffsetAndMetadata,
    Place,
    RebalanceListener,
    consumer,
    producer,
    translate,
)
from ringfence.kafka_read import next_readable, unreadable
from ringfence.patience import within

MS = 1_000
SETTLE_SECONDS = 0.5
# Longer than a transaction may last: what the broker has not by then it will not get. The stage tries again, or ends.
FLUSH_SECONDS = 20.0
# kafka-python waits for the coordinator of a transaction for ever. One that was lost with its broker never answers.
ANSWER_SECONDS = 20.0


class Lag(Struct, frozen=True):
    """How far an input is behind, in records, and the broker's time (ms) of the last record handled, if any."""

    topic: str
    partition: int
    records: int
    last_timestamp_ms: int | None


class Input(RebalanceListener):  # type: ignore[misc] # kafka-python has no types
    """A consumer in a group that gathers for a while, and the marks committed with its offsets.

    ``stepped`` says, after a gathering, between which offsets (from, up to but not including) lie records that
    the client itself cannot parse: a header's name that is no UTF-8 spoils its whole batch for it.
    """

    def __init__(self, connection: Connection, group: str, member: str, topics: list[str], most: int) -> None:
        self.stepped: dict[Place, tuple[int, int]] = {}
        self._connection = connection
        self._consumer = consumer(connection, group, instance=f"{group}-{member}", max_records=most)
        for topic in topics:  # a group that is joined before the metadata are there waits for another round
            self._consumer.partitions_for_topic(topic)
        self._gathered: dict[Place, list[Delivery]] = {}
        self._fresh: set[Place] = set()
        self._marks: dict[Place, str] = {}
        self._committed: dict[Place, int] = {}
        self._last: dict[Place, int] = {}
        self._consumer.subscribe(topics, listener=self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._consumer.close(autocommit=False)

    def on_partitions_revoked(self, revoked: list[Place]) -> None:
        """Forgets all about these partitions: whoever has them next starts at the committed offset."""
        for place in revoked:
            for known in (self._gathered, self.stepped, self._marks, self._committed, self._last):
                known.pop(place, None)
            self._fresh.discard(place)

    def on_partitions_assigned(self, assigned: list[Place]) -> None:
        """Notes them. The client would go on at its old position in one that it had before; see _begin()."""
        self._fresh.update(assigned)

    def gather(self, idle: float, linger: float, most: int) -> dict[Place, list[Delivery]]:
        """Waits up to ``idle`` s for a first record, then up to ``linger`` s for more; at most ``most`` records."""
        self._gathered, self.stepped = {}, {}
        try:
            self._poll(idle, most)
            deadline = time.monotonic() + linger
            while self._gathered and (room := most - sum(map(len, self._gathered.values()))) > 0:
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self._poll(left, room)
        except KafkaError as error:
            raise translate(error) from error
        return self._gathered

    def _poll(self, seconds: float, most: int) -> None:
        try:
            found = self._consumer.poll(timeout_ms=max(1, int(seconds * MS)), max_records=most)
        except Exception as error:
            if not (unreadable(error) and self._step_over()):
                raise
            return
        if self._fresh:
            found = {place: deliveries for place, deliveries in found.items() if place not in self._fresh}
            self._begin()
        for place, deliveries in found.items():
            self._gathered.setdefault(place, []).extend(deliveries)

    def _begin(self) -> None:
        """Puts every new partition to its committed offset, or to its beginning, and fetches its mark."""
        for place in self._fresh & self._consumer.assignment():
            committed = self._consumer.committed(place, metadata=True)
            start = committed.offset if committed else self._consumer.beginning_offsets([place])[place]
            self._marks[place] = committed.metadata or "" if committed else ""
            self._committed[place] = start
            self._consumer.seek(place, start)
        self._fresh.clear()

    def _step_over(self) -> bool:
        """Sets every partition to what follows the records in hand, and past what the client cannot parse.

        A poll that fails forgets what it had parsed of the other partitions, so they are all set anew. False if
        there was nothing to step over.
        """
        self._begin()
        for place in self._consumer.assignment():
            done = self._gathered.get(place)
            start = done[-1].offset + 1 if done else self._committed[place]
            found = next_readable(self._connection, place, start)
            if found > start:
                self.stepped[place] = (self.stepped.get(place, (start, 0))[0], found)
            self._consumer.seek(place, found)
        return bool(self.stepped)

    def mark(self, topic: str, partition: int) -> str:
        """What was committed with the offset of this partition; empty if nothing was."""
        return self._marks[Place(topic, partition)]

    def marks(self) -> dict[Place, str]:
        """What is committed as the mark of each partition that this member has."""
        return dict(self._marks)

    def offsets(self, places: Iterable[Place], marks: Mapping[tuple[str, int], str]) -> dict[Place, OffsetAndMetadata]:
        """The offsets to commit once what was gathered there is done: position and mark of each partition."""
        return {
            place: OffsetAndMetadata(self._consumer.position(place), marks.get(place, self.mark(*place)), -1)
            for place in places
        }

    def accept(self, offsets: Mapping[Place, OffsetAndMetadata], gathered: Mapping[Place, list[Delivery]]) -> None:
        """Takes note that these offsets are committed."""
        for place, committed in offsets.items():
            self._marks[place] = committed.metadata
            self._committed[place] = committed.offset
            if place in gathered:
                self._last[place] = gathered[place][-1].timestamp

    def rewind(self) -> None:
        """Goes back to the committed offsets, to try again."""
        for place in self._consumer.assignment() & self._committed.keys():
            self._consumer.seek(place, self._committed[place])

    def assigned(self) -> bool:
        """Whether the group has given this member anything to read."""
        return bool(self._consumer.assignment())

    def group(self) -> object:
        """The group's metadata, with which the broker fences a member that lost its partitions."""
        return self._consumer.group_metadata()

    def lags(self) -> Iterator[Lag]:
        """The lag of each assigned partition whose end is known."""
        for place in self._consumer.assignment():
            end = self._consumer.highwater(place)
            if end is not None:
                behind = max(0, end - self._consumer.position(place))
                yield Lag(place.topic, place.partition, behind, self._last.get(place))

    def settle(self) -> None:
        """Commits positions that moved past the markers of transactions, so that the lag shows zero."""
        moved = {
            place: OffsetAndMetadata(self._consumer.position(place), self.mark(*place), -1)
            for place, offset in self._committed.items()
            if self._consumer.position(place) > offset
        }
        if moved:
            try:
                self._consumer.commit(moved)
            except KafkaError as error:
                raise translate(error) from error
            self._committed |= {place: committed.offset for place, committed in moved.items()}


class Writer:
    """A transactional producer. BrokerError says whether to try again."""

    def __init__(self, connection: Connection, transactional_id: str) -> None:
        self._producer = producer(connection, transactional_id=transactional_id)
        try:
            self._producer.init_transactions()
        except KafkaError as error:
            raise translate(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        with suppress(KafkaError):  # it says so if something is still on its way: the transaction is not committed
            self._producer.close(timeout=2)

    def begin(self) -> None:
        """Opens a transaction."""
        self._producer.begin_transaction()

    def send(
        self,
        topic: str,
        partition: int,
        key: bytes | None,
        value: bytes | None,
        headers: list[tuple[str, bytes]] | None = None,
    ) -> None:
        """Adds a record to the transaction."""
        try:
            self._producer.send(topic, value=value, key=key, partition=partition, headers=headers)
        except KafkaError as error:
            raise translate(error) from error

    def flush(self) -> None:
        """Waits until the broker has all that was sent: only the commit is left. BrokerError if it has not in time."""
        try:
            self._producer.flush(timeout=FLUSH_SECONDS)
        except KafkaError as error:
            raise translate(error) from error

    def commit(
        self,
        source: Input,
        gathered: Mapping[Place, list[Delivery]],
        marks: Mapping[tuple[str, int], str],
    ) -> None:
        """Commits what was sent, with the offsets and marks of what was gathered or stepped over.

        NoAnswerError if nobody can say whether it is committed: who starts anew finds out.
        """
        try:
            offsets = source.offsets({*gathered, *source.stepped}, marks)
            within(ANSWER_SECONDS, self._producer.send_offsets_to_transaction, offsets, source.group())
            within(ANSWER_SECONDS, self._producer.commit_transaction)
        except KafkaError as error:
            raise translate(error) from error
        source.accept(offsets, gathered)

    def abort(self) -> None:
        """Gives the transaction up: nothing of it is seen."""
        try:
            within(ANSWER_SECONDS, self._producer.abort_transaction)
        except KafkaError as error:
            raise translate(error) from error
