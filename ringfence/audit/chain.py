"""The chain of decision batches: each holds the SHA-256 of the one before on the same input partition."""

import hashlib
from collections.abc import Iterable

from schemas.codec import codec
from schemas.records import DecisionBatch

Heads = dict[str, str]


def link(data: bytes) -> bytes:
    """SHA-256 of a batch's framed Avro bytes: what the next batch names as ``previous``."""
    return hashlib.sha256(data).digest()


def follow(heads: Heads, data: bytes, batch: DecisionBatch) -> tuple[Heads, str | None]:
    """The heads (input partition -> hex hash) after one more batch, and where it breaks the chain, if it does."""
    place = f"{batch.topic}/{batch.partition}"
    fits = batch.previous.hex() == heads.get(place, "")
    broken = None if fits else f"{place} at offsets {batch.first_offset}…{batch.last_offset}"
    return {**heads, place: link(data).hex()}, broken


def verify(values: Iterable[bytes]) -> list[str]:
    """The breaks in a log of decision batches, read from its beginning; empty means whole."""
    heads: Heads = {}
    breaks = []
    for data in values:
        heads, broken = follow(heads, data, codec(DecisionBatch).decode(data))
        breaks += [broken] if broken else []
    return breaks
