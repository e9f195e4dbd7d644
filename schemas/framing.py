"""How a value says which schema wrote it: the few bytes before its Avro body.

Two ways. Avro's single-object encoding needs no service and is the default. The Confluent wire format
names the schema by its number in a schema registry. Their first bytes differ (C3 and 00), so whoever
knows the registry reads both.
Sources: Avro 1.12 specification, "Single-object encoding"; Confluent, "Wire format" of Schema Registry.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from msgspec import Struct

MAGIC = b"\xc3\x01"
HEADER = 10  # bytes: magic, then the CRC-64-AVRO fingerprint of the writer's schema, little endian
CONFLUENT_MAGIC = b"\x00"
CONFLUENT_HEADER = 5  # bytes: magic, then the number of the writer's schema, big endian


class UndecodableError(ValueError):
    """Bytes that are no record of the kind expected. The message never quotes them."""


class Framing(Protocol):
    """What stands before the body of a value that we write, and who wrote a value that we did not."""

    @property
    def header(self) -> bytes:
        """The bytes before every body that is written by today's schema."""

    def writer(self, data: bytes) -> tuple[str, int]:
        """The schema of the writer, as JSON, and where the body begins. UndecodableError if none is known."""


class SingleObject(Struct, frozen=True):
    """Avro single-object encoding. ``versions``: schema by header, of every version that we know."""

    header: bytes
    versions: Mapping[bytes, str]

    def writer(self, data: bytes) -> tuple[str, int]:
        """One of the versions, by fingerprint."""
        if data[:1] == CONFLUENT_MAGIC:
            raise UndecodableError("framed by a schema registry, and RINGFENCE_REGISTRY_URL is not set")
        if data[:2] != MAGIC or len(data) < HEADER:
            raise UndecodableError("no Avro single-object header")
        found = self.versions.get(data[:HEADER])
        if found is None:
            raise UndecodableError(f"unknown schema fingerprint {data[2:HEADER].hex()}")
        return found, HEADER


class Confluent(Struct, frozen=True):
    """The Confluent wire format. ``schema_of(number)`` asks the registry; ``before`` reads what was written otherwise.

    ``schema_of`` raises UndecodableError if there is no such schema, and an error of its own if nobody can say.
    """

    header: bytes
    schema_of: Callable[[int], str]
    before: SingleObject

    def writer(self, data: bytes) -> tuple[str, int]:
        """The schema of that number in the registry."""
        if data[:1] != CONFLUENT_MAGIC:
            return self.before.writer(data)
        if len(data) < CONFLUENT_HEADER:
            raise UndecodableError("a Confluent header that is cut short")
        return self.schema_of(int.from_bytes(data[1:CONFLUENT_HEADER])), CONFLUENT_HEADER


def confluent_header(number: int) -> bytes:
    """The header of values written by the schema of that number."""
    return CONFLUENT_MAGIC + number.to_bytes(CONFLUENT_HEADER - 1)
