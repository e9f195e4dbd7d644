"""The pipeline's one clock: wall time plus one offset.

The simulated day lies in the past, the program runs today. Every stage gets the same offset, from one
setting. Kafka's own timestamps stay wall time; ``of_broker`` brings them onto this clock.
"""

import time
from datetime import UTC, datetime

from msgspec import Struct

SECOND = 1_000_000


class Clock(Struct, frozen=True):
    """Wall time shifted by ``offset`` µs."""

    offset: int = 0

    def now(self) -> int:
        """µs since 1970 UTC on the pipeline's clock."""
        return time.time_ns() // 1_000 + self.offset

    def of_broker(self, timestamp_ms: int) -> int:
        """A broker's timestamp (ms, wall time) on the pipeline's clock, in µs."""
        return timestamp_ms * 1_000 + self.offset

    def sleep_until(self, at: int) -> None:
        """Sleeps until ``at`` µs; returns at once when that has passed."""
        time.sleep(max(0.0, (at - self.now()) / SECOND))


def starting_at(moment: datetime) -> Clock:
    """The clock that shows ``moment`` now."""
    return Clock(round(moment.timestamp() * SECOND) - time.time_ns() // 1_000)


def text(at: int) -> str:
    """ISO 8601 of a moment in µs, UTC."""
    return datetime.fromtimestamp(at / SECOND, UTC).isoformat(timespec="milliseconds")
