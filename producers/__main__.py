"""``ringfence cameras``: simulated cameras that send frames and reads, on time, whatever becomes of them."""

from collections import Counter
from datetime import datetime
from itertools import takewhile
from pathlib import Path
from threading import Event
from typing import Annotated, Any

import structlog
import typer

from producers.camera import Counts, Outcome, send_open_loop
from producers.traffic import constant, curve
from producers.world import World
from ringfence import options
from ringfence.clock import SECOND, text
from ringfence.entry import main
from ringfence.errors import SettingError
from ringfence.estate import load as load_estate
from ringfence.kafka_io import KafkaError, producer
from ringfence.lifecycle import stop_event
from ringfence.metrics import Metrics
from ringfence.run import Context, enter, preflight, write_json
from schemas.topics import FRAMES, READS, User

LEAD = 4 * SECOND  # the world needs a moment to be made
FOREVER = float("inf")


def cameras(
    bootstrap: options.Bootstrap = None,
    londons: Annotated[
        float | None, typer.Option(min=0.0001, help="Load; 1 London = 21 M reads a day. [0.25]")
    ] = None,
    rate: Annotated[float | None, typer.Option(min=0.1, help="Load in events per second, instead.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="One seed, one day.")] = 1,
    duration: Annotated[float, typer.Option(min=0, help="Seconds to run; 0 is until it is stopped.")] = 0,
    start: Annotated[str | None, typer.Option(help="First moment, ISO 8601 with offset; else in 4 s.")] = None,
    home: options.Home = None,
    metrics_port: options.MetricsPort = None,
    clock_offset: options.ClockOffset = None,
    log_level: options.LogLevel = None,
    report: options.Report = None,
) -> None:
    """Simulate the cameras: seeded traffic, frames or on-board reads, sent open loop."""
    if londons and rate:
        raise SettingError("give --londons or --rate, not both")
    stop = stop_event()
    given = {
        "bootstrap": bootstrap, "home": home, "metrics_port": metrics_port,
        "clock_offset": clock_offset, "log_level": log_level,
    }  # fmt: skip
    context = enter(User.CAMERAS, given)
    preflight(context, User.CAMERAS)
    begin = _moment(start) if start else context.clock.now() + LEAD
    demand = constant(rate) if rate else curve(londons or 0.25)
    world = World(load_estate(context.settings.policies / "estate"), seed, demand, begin)
    _send_all(context, world, begin + duration * SECOND if duration else FOREVER, stop, report)


def _moment(given: str) -> int:
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise SettingError(f"--start {given!r}: write it as 2022-06-15T08:00:00+01:00")
    return round(moment.timestamp() * SECOND)


def _send_all(context: Context, world: World, end: float, stop: Event, report: Path | None) -> None:
    """Sends until ``end`` (µs) or ``stop``, then waits for what is on its way, and reports."""
    log = structlog.get_logger(stage=str(User.CAMERAS))
    sender = Sender(context)
    log.info("ready", start=text(world.start), seed=world.seed)
    passages = takewhile(lambda passage: passage.due_at < end, world.passages())
    try:
        counts = send_open_loop(passages, context.clock, sender.send, stop, FRAMES.partitions, sender.count)
    finally:
        sender.close()
    log.info("stopped", passages=counts.passages, late=counts.late, unsent=counts.unsent + sender.lost.total())
    if report:
        write_json(report, summary(counts, sender))


class Sender:
    """Hands records to Kafka without waiting; what the broker did not take in the end is counted as lost."""

    def __init__(self, context: Context) -> None:
        self.metrics: Metrics = context.metrics
        self.lost: Counter[str] = Counter()
        # An open loop never waits: a full buffer is a record that could not be sent.
        self._producer = producer(context.connection, max_block_ms=0, delivery_timeout_ms=20_000)
        for topic in (FRAMES, READS):  # metadata now: with max_block_ms=0 the first send would not wait for it
            self._producer.partitions_for(topic.name)

    def send(
        self, topic: str, partition: int, key: bytes, value: bytes, headers: tuple[tuple[str, bytes], ...]
    ) -> bool:
        """True if the record is on its way."""
        try:
            future = self._producer.send(topic, value=value, key=key, partition=partition, headers=list(headers))
        except KafkaError:
            return False
        future.add_errback(self._lose, topic)
        return True

    def count(self, topic: str, outcome: Outcome, late_by: int) -> None:
        """Keeps the metrics."""
        del late_by
        self.metrics.passages.inc()
        if outcome is Outcome.UNSENT:
            self.metrics.unsent.inc()
            return
        self.metrics.sent.labels(topic).inc()
        if outcome is Outcome.LATE:
            self.metrics.late_sends.inc()

    def _lose(self, topic: str, error: Any) -> None:
        del error
        self.lost[topic] += 1
        self.metrics.unsent.inc()

    def close(self) -> None:
        """Waits for what is on its way."""
        self._producer.close(timeout=10)


def summary(counts: Counts, sender: Sender) -> dict[str, Any]:
    """What was sent, as JSON takes it."""
    lost = sender.lost
    return {
        "passages": counts.passages,
        "sent": {
            FRAMES.name: counts.frames - lost[FRAMES.name],
            READS.name: counts.reads - lost[READS.name],
        },
        "late": counts.late,
        "unsent": counts.unsent + sender.lost.total(),
    }


if __name__ == "__main__":
    main(cameras)
