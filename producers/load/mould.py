"""A record that is made beforehand, and given a new id and moment each time that it is sent."""

from typing import Any

from msgspec import Struct

from schemas.codec import codec
from schemas.records import Frame, Read
from schemas.topics import FRAMES, READS


class Mould(Struct, frozen=True, gc=False):
    """A record but for its id and moment: the fields, and where it goes."""

    topic: str
    partition: int
    key: bytes
    fields: dict[str, Any]

    def fill(self, sequence: int, captured_at: int) -> bytes:
        """The framed bytes of one record."""
        self.fields["sequence"], self.fields["captured_at"] = sequence, captured_at
        return PACK[self.topic](self.fields)


PACK = {READS.name: codec(Read).pack, FRAMES.name: codec(Frame).pack}


def is_frame(number: int, share: float) -> bool:
    """Whether the event of that number goes as a frame: evenly spread, so that ``share`` of all do."""
    return int((number + 1) * share) > int(number * share)
