"""The chain of decision batches: each holds the SHA-256 of the one before on the same input partition."""

import hashlib
from collections.abc import Iterable

from schemas.codec import codec
from schemas.records import DecisionBatch

GENESIS = b""


def link(data: bytes) -> bytes:
    """SHA-256 of a batch's framed Avro bytes: what the next batch names as ``previous``."""
    return hashlib.sha256(data).digest()


class Chain:
    """Follows the chains of many input partitions and counts what does not fit."""

    def __init__(self) -> None:
        self.heads: dict[tuple[str, int], bytes] = {}
        self.broken: list[str] = []

    def add(self, data: bytes, batch: DecisionBatch) -> bool:
        """True if the batch follows the one before it; a break is kept in ``broken`` as one line."""
        place = (batch.topic, batch.partition)
        fits = batch.previous == self.heads.get(place, GENESIS)
        if not fits:
            self.broken.append(
                f"{batch.topic}[{batch.partition}] at offsets {batch.first_offset}…{batch.last_offset}"
            )
        self.heads[place] = link(data)
        return fits


def verify(values: Iterable[bytes]) -> list[str]:
    """The breaks in a log of decision batches, read from its beginning; empty means whole."""
    chain = Chain()
    for data in values:
        chain.add(data, codec(DecisionBatch).decode(data))
    return chain.broken
