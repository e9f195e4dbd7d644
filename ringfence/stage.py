"""A stage is one function, ``handle(batches) -> Handled``: what it takes and gives. loop.py runs it."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from msgspec import Struct, field

from ringfence.dead_letters import Rejected
from ringfence.errors import RecordError
from ringfence.kafka_io import Delivery, Place
from schemas.topics import Topic, User


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


def reject(delivery: Delivery, error: Exception) -> Rejected:
    """The delivery as a dead letter."""
    return Rejected(
        delivery.topic, delivery.partition, delivery.offset,
        delivery.key, delivery.value, delivery.headers, error,
    )  # fmt: skip
