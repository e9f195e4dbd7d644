"""The downstream reader: prints the reads and the facts of the images that it was given."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from ringfence import clock
from ringfence.clock import SECOND
from ringfence.metrics import Metrics
from ringfence.stage import Batch, Handled
from schemas.records import Flag, PoliceImage, PoliceRead
from schemas.topics import POLICE, POLICE_IMAGES, User

HOUR = 3_600 * SECOND


class Console:
    """Counts and prints what arrives. Latency is that of reads which were not sent late.

    ``timed``: keep exact percentiles of it, for a report.
    """

    user = User.POLICE
    inputs = (POLICE, POLICE_IMAGES)
    most = 10_000

    def __init__(self, metrics: Metrics, say: Callable[[str], None] | None = None, timed: bool = False) -> None:
        self.metrics, self.say = metrics, say
        self.forms: Counter[str] = Counter()
        self.received: Counter[str] = Counter()
        self.regimes: Counter[str] = Counter()
        self.delayed = 0
        self.latency = _histogram() if timed else None

    def prepare(self) -> bool:
        """Nothing stands beside this stream."""
        return False

    def handle(self, batches: Sequence[Batch], now: int) -> Handled:
        """Writes nothing; notes when the records were in hand (µs)."""
        del batches
        return Handled(note=now)

    def committed(self, batches: Sequence[Batch], handled: Handled, now: int) -> None:
        """Counts and prints."""
        del now
        for batch in batches:
            self.received[batch.topic] += len(batch.records)
            for record in batch.records:
                self._take(record, batch.topic, handled.note)

    def _take(self, record: PoliceRead | PoliceImage, topic: str, now: int) -> None:
        self.forms[record.form] += 1
        self.regimes[record.regime] += 1
        self.metrics.police.labels(record.form).inc()
        if isinstance(record, PoliceRead):
            self._time(record, topic, now)
        if self.say:
            self.say(line(record))

    def _time(self, read: PoliceRead, topic: str, now: int) -> None:
        if (read.flags or 0) & Flag.DELAYED:
            self.delayed += 1
            return
        late = max(1, now - read.captured_at)
        if self.latency:
            self.latency.record_value(min(late, HOUR))
        self.metrics.latency.labels(self.user, topic).observe(late / SECOND)

    def report(self) -> dict[str, Any]:
        """What was received, as JSON takes it. Latencies in seconds; None where nothing was timed."""

        def at(per_cent: float) -> float | None:
            if self.latency is None or not self.latency.get_total_count():
                return None
            return float(self.latency.get_value_at_percentile(per_cent) / SECOND)

        return {
            "police_received": self.received[POLICE.name],
            "police_images_received": self.received[POLICE_IMAGES.name],
            "disclosed_by_form": dict(sorted(self.forms.items())),
            "regimes": dict(sorted(self.regimes.items())),
            "delayed": self.delayed,
            "latency_seconds": {"p50": at(50), "p99": at(99), "max": at(100)},
        }


def _histogram() -> Any:
    from hdrh.histogram import HdrHistogram  # not there in a container: it has no wheel for every processor

    return HdrHistogram(1, HOUR, 3)


def line(record: PoliceRead | PoliceImage) -> str:
    """One line for a person."""
    head = f"{clock.text(record.captured_at)}  camera {record.camera:4d}  "
    tail = f"  {record.form}  {record.regime}"
    if isinstance(record, PoliceImage):
        sizes = f"overview {len(record.overview or b''):,} B  patch {len(record.plate_patch or b''):,} B"
        return head + sizes + tail
    shown = "".join(f"  {flag.name.lower()}" for flag in Flag(record.flags or 0) if flag.name)
    return (
        f"{head}{record.vrm or '-':<8}  {record.confidence if record.confidence is not None else '-':>3} %{tail}{shown}"
    )
