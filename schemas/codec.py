"""Avro bytes <-> records. The only importer of fastavro.

Framing is Avro's single-object encoding: C3 01, the CRC-64-AVRO fingerprint of the writer's schema
(little endian), then the body. The writer's schema is looked up by fingerprint, so bytes of every
version under schemas/ and schemas/old/ stay readable.
Source: Avro 1.12 specification, "Single-object encoding".
"""

import json
from collections.abc import Callable, Mapping
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec
from fastavro import parse_schema, schemaless_reader, schemaless_writer
from fastavro.schema import fingerprint, to_parsing_canonical_form

from schemas import records
from schemas.records import Record

R = TypeVar("R", bound=Record)
MAGIC = b"\xc3\x01"
HEADER = 10
HERE = Path(__file__).parent


class UndecodableError(ValueError):
    """Bytes that are no record of the kind expected. The message never quotes them."""


def _without_logical_types(schema: Any) -> Any:
    """The same schema (and the same fingerprint) without logicalType: a datetime costs 1 µs a read."""
    if isinstance(schema, dict):
        return {k: _without_logical_types(v) for k, v in schema.items() if k != "logicalType"}
    if isinstance(schema, list):
        return [_without_logical_types(item) for item in schema]
    return schema


def _header(schema: Any) -> bytes:
    crc = fingerprint(to_parsing_canonical_form(schema), "CRC-64-AVRO")
    return MAGIC + bytes.fromhex(crc)


@cache
def schema_files() -> dict[str, list[Path]]:
    """Schema name -> its .avsc files, today's first, then those of earlier versions."""
    files: dict[str, list[Path]] = {}
    for path in [*sorted(HERE.glob("*.avsc")), *sorted(HERE.glob("old/*.avsc"))]:
        files.setdefault(json.loads(path.read_text())["name"], []).append(path)
    return files


class Codec(Generic[R]):
    """Encodes and decodes one kind of record.

    ``encode(record) -> bytes``; ``decode(bytes) -> record`` raises UndecodableError.
    """

    def __init__(self, record: type[R]) -> None:
        texts = [json.loads(path.read_text()) for path in schema_files()[record.__name__]]
        self.schema = texts[0]
        self.header = _header(texts[0])
        self._plain = parse_schema(_without_logical_types(texts[0]))
        self._writers = {_header(text): parse_schema(_without_logical_types(text)) for text in texts}
        nested = any(f.type not in (int, str, bytes) for f in msgspec.structs.fields(record))
        self._make: Callable[[dict[str, Any]], R] = _converter(record) if nested else _caller(record)
        self._fields: Callable[[R], Any] = _builtins if nested else msgspec.structs.asdict

    def encode(self, record: R) -> bytes:
        """Framed Avro bytes of the record."""
        return self.pack(self._fields(record))

    def pack(self, fields: Mapping[str, Any]) -> bytes:
        """Framed Avro bytes of a record given by its fields."""
        out = BytesIO()
        out.write(self.header)
        schemaless_writer(out, self._plain, fields)
        return out.getvalue()

    def decode(self, data: bytes | None) -> R:
        """The record in framed Avro bytes; a tombstone, a foreign frame or a short body is an error."""
        if data is None:
            raise UndecodableError("tombstone: the record has no value")
        stream = BytesIO(data)
        header = stream.read(HEADER)
        try:
            if header == self.header:
                values: Any = schemaless_reader(stream, self._plain, None)
            else:
                values = schemaless_reader(stream, self._writer(header), self._plain)
            record = self._make(values)
        except UndecodableError:
            raise
        except Exception as error:  # noqa: BLE001 - fastavro raises many kinds on hostile bytes
            raise UndecodableError(f"body does not fit its schema: {type(error).__name__}") from None
        if stream.tell() != len(data):
            raise UndecodableError("bytes left over after the record")
        return record

    def _writer(self, header: bytes) -> Any:
        if header[:2] != MAGIC or len(header) < HEADER:
            raise UndecodableError("no Avro single-object header")
        schema = self._writers.get(header)
        if schema is None:
            raise UndecodableError(f"unknown schema fingerprint {header[2:].hex()}")
        return schema


def _caller(record: type[R]) -> Callable[[dict[str, Any]], R]:
    """Flat records: fastavro yields the fields in schema order, which is the Struct's order."""
    return lambda values: record(*values.values())


def _converter(record: type[R]) -> Callable[[dict[str, Any]], R]:
    return lambda values: msgspec.convert(values, record, strict=True)


def _builtins(record: Record) -> Any:
    return msgspec.to_builtins(record, builtin_types=(bytes,))


def codec(record: type[R]) -> Codec[R]:
    """The codec of a record type, made once."""
    if record not in _made:
        _made[record] = Codec(record)
    return _made[record]


_made: dict[Any, Codec[Any]] = {}


def schema_of(record: type[Record]) -> dict[str, Any]:
    """Today's Avro schema of a record type, with its logical types."""
    schema: dict[str, Any] = codec(record).schema
    return schema


__all__ = ["Codec", "UndecodableError", "codec", "records", "schema_files", "schema_of"]
