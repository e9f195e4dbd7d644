"""A record that is made beforehand, and given a new id and moment each time that it is sent."""

from typing import Any

from msgspec import Struct


class Mould(Struct, frozen=True, gc=False):
    """A record but for its id and moment: the fields, and where it goes."""

    topic: str
    partition: int
    key: bytes
    fields: dict[str, Any]

    def fill(self, sequence: int, captured_at: int) -> dict[str, Any]:
        """The fields of one record; they hold until the next is filled."""
        self.fields["sequence"], self.fields["captured_at"] = sequence, captured_at
        return self.fields


def is_frame(number: int, share: float) -> bool:
    """Whether the event of that number goes as a frame: evenly spread, so that ``share`` of all do."""
    return int((number + 1) * share) > int(number * share)
