"""Latencies from the intended moment, in all and by the second of that moment. HdrHistogram; times in µs."""

from typing import Any

from hdrh.histogram import HdrHistogram

from ringfence.clock import SECOND

HOUR = 3_600 * SECOND
COARSE = 100  # µs; a histogram a second must stay small: 20 kB
PERCENTILES = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p99.9": 99.9, "max": 100.0}


class Latencies:
    """Counts latencies. Those over an hour count as one hour."""

    def __init__(self) -> None:
        self.all = HdrHistogram(1, HOUR, 3)
        self.recent = HdrHistogram(COARSE, HOUR, 2)
        self._seconds: dict[int, HdrHistogram] = {}

    def add(self, second: int, micros: int) -> None:
        """One record: the second of the run in which it was due, and how long it took."""
        value = min(max(1, micros), HOUR)
        self.all.record_value(value)
        self.recent.record_value(value)
        if second not in self._seconds:
            self._seconds[second] = HdrHistogram(COARSE, HOUR, 2)
        self._seconds[second].record_value(value)

    def since_last(self) -> dict[str, float | None]:
        """Percentiles (s) of what came in since this was asked last."""
        found = percentiles(self.recent)
        self.recent.reset()
        return found

    def total(self) -> dict[str, float | None]:
        """Percentiles (s) of all; None where nothing came in."""
        return percentiles(self.all)

    def by_second(self) -> dict[int, dict[str, Any]]:
        """Percentiles (s) and count by the second in which the records were due."""
        return {
            second: {"count": histogram.get_total_count(), **percentiles(histogram)}
            for second, histogram in sorted(self._seconds.items())
        }


def percentiles(histogram: HdrHistogram) -> dict[str, float | None]:
    """p50 to max, in seconds."""
    if not histogram.get_total_count():
        return dict.fromkeys(PERCENTILES)
    return {name: histogram.get_value_at_percentile(at) / SECOND for name, at in PERCENTILES.items()}
