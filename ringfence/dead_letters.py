"""Dead letters: a record that no stage can handle, whole, with why in a header."""

from collections.abc import Sequence

from msgspec import Struct

from ringfence.errors import PolicyError, RecordError
from schemas.codec import UndecodableError, codec
from schemas.records import DeadLetter

HEADER = "ringfence-dead-letter"
MAX_DETAIL = 300

Headers = Sequence[tuple[str, bytes | None]]


class Rejected(Struct, frozen=True):
    """Where a record was read, its bytes as they came, and the error that it caused."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    error: Exception


def headers(rejected: Rejected, stage: str, now: int) -> list[tuple[str, bytes]]:
    """The record's own headers and one more: the DeadLetter, framed as Avro. ``now`` in µs."""
    letter = DeadLetter(
        topic=rejected.topic,
        partition=rejected.partition,
        offset=rejected.offset,
        stage=stage,
        error=type(rejected.error).__name__,
        detail=_detail(rejected.error),
        failed_at=now,
    )
    return [*original(rejected.headers), (HEADER, codec(DeadLetter).encode(letter))]


def _detail(error: Exception) -> str:
    """The error in words, if they are ours: a foreign error may quote the record, and with it a mark."""
    return str(error)[:MAX_DETAIL] if isinstance(error, RecordError | PolicyError | UndecodableError) else ""


def read(given: Headers) -> DeadLetter:
    """The DeadLetter in a record's headers. UndecodableError if there is none."""
    for name, value in given:
        if name == HEADER:
            return codec(DeadLetter).decode(value)
    raise UndecodableError("the record has no dead-letter header")


def writable_key(key: bytes | None, value: bytes | None) -> bytes | None:
    """The key as it came, but empty where there is neither key nor value: kafka-python cannot write such a record."""
    return b"" if key is None and value is None else key


def original(given: Headers) -> list[tuple[str, bytes]]:
    """The headers without ours: what the record came with. kafka-python cannot write a null one; it becomes empty."""
    return [(name, value or b"") for name, value in given if name != HEADER]
