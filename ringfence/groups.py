"""Where consumer groups stand, for whoever watches them: lag as Kafka itself has it, whatever the stages say."""

import time
from collections.abc import Mapping, Sequence

from ringfence.kafka_io import Connection, KafkaError, OffsetAndMetadata, Place, admin, check, consumer, translate

PATIENCE_SECONDS, PAUSE_SECONDS = 10.0, 0.1


class Groups:
    """Where groups stand on their topics, asked again and again over the same two connections.

    The user must be allowed to describe the groups and to read the topics; NotAllowedError if it is not.
    """

    def __init__(self, connection: Connection, topics: Mapping[str, Sequence[str]]) -> None:
        check(connection, read=sorted({name for names in topics.values() for name in names}))
        self._admin, self._consumer = admin(connection), consumer(connection)
        self._places = {
            group: [Place(name, p) for name in names for p in self._consumer.partitions_for_topic(name) or ()]
            for group, names in topics.items()
        }

    def standing(self) -> dict[str, tuple[int, int]]:
        """Group -> (end offsets, committed offsets), each the sum over its partitions.

        A broker that is just starting, or changing leaders, is asked again for some seconds.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return self._ask()
            except KafkaError as error:
                if not error.retriable or time.monotonic() > deadline:
                    raise translate(error) from error
            time.sleep(PAUSE_SECONDS)

    def _ask(self) -> dict[str, tuple[int, int]]:
        # The commits first: a stage is never shown further on than it is.
        committed = self._admin.list_group_offsets(dict(self._places))
        until = self._consumer.end_offsets({place for places in self._places.values() for place in places})
        return {
            group: (sum(until[p] for p in places), sum(max(0, _offset(committed.get(group, {}), p)) for p in places))
            for group, places in self._places.items()
        }

    def close(self) -> None:
        """Ends both connections."""
        self._admin.close()
        self._consumer.close(autocommit=False)


def _offset(committed: Mapping[Place, OffsetAndMetadata], place: Place) -> int:
    return committed[place].offset if place in committed else 0
