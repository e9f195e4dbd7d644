"""What one read costs at the gate: consume, decode, decide, write, commit; exactly once, on a real Kafka.

Fills anpr.reads, lets the gate run through it in this process, and divides this process's CPU time and the
wall time by the reads. The floor, in the same run, is the same client only consuming and decoding.
"""

import json
import platform
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from statistics import median
from threading import Event
from typing import Annotated, Any

import psutil
import typer
from msgspec import Struct

from consumers.enforcement.__main__ import gate as gate_of
from consumers.enforcement.stage import Gate
from ringfence import access, keys
from ringfence.broker import EmbeddedKafka
from ringfence.clock import SECOND, Clock
from ringfence.entry import main
from ringfence.errors import BooksError
from ringfence.estate import Estate
from ringfence.estate import load as load_estate
from ringfence.governance import inaugurate
from ringfence.kafka_io import Connection, consumer, producer
from ringfence.kafka_read import read_all
from ringfence.loop import Limits, Loop
from ringfence.metrics import Metrics
from ringfence.run import Context
from ringfence.settings import Settings
from ringfence.settings import load as load_settings
from ringfence.stage import Handled
from schemas.codec import codec
from schemas.records import DecisionBatch, Read
from schemas.topics import AUDIT, POLICE, READS, User

OPENING = 1_655_276_400 * SECOND
SHARE = 0.22  # of the reads that are disclosed
ON, OFF = ("ccz", "lez"), ("ulez-2021", "ulez-2023")


class Cost(Struct, frozen=True):
    """One repetition."""

    reads: int
    wall_seconds: float
    cpu_seconds: float

    @property
    def reads_per_second(self) -> float:
        """Reads by wall time."""
        return self.reads / self.wall_seconds

    @property
    def cpu_microseconds(self) -> float:
        """CPU time of this process, a read."""
        return self.cpu_seconds / self.reads * 1e6


class Counting(Gate):
    """The gate, with a meter from its first commit on; sets ``done`` once it has decided enough."""

    def expect(self, reads: int, done: Event) -> None:
        """Starts counting."""
        self.left, self.done, self.counted = reads, done, 0
        self.began: tuple[float, float] | None = None

    def committed(self, batches: Any, handled: Handled, now: int) -> None:
        """As the gate does; counts."""
        super().committed(batches, handled, now)
        number = sum(len(batch.records) for batch in batches)
        self.left -= number
        if self.began is None:
            self.began = (time.perf_counter(), time.process_time())
        else:
            self.counted += number
        if self.left <= 0:
            self.ended = (time.perf_counter(), time.process_time())
            self.done.set()


def hot_path(
    reads: Annotated[int, typer.Option(min=1000, help="Reads in one repetition.")] = 200_000,
    repetitions: Annotated[int, typer.Option(min=1, help="How often.")] = 5,
    transaction: Annotated[int, typer.Option(min=100, help="Most records in one transaction.")] = 10_000,
    out: Annotated[Path, typer.Option(help="Where the result goes.")] = Path("out/bench/hot_path.json"),
    home: Annotated[Path | None, typer.Option(help="Folder of secrets and caches. [RINGFENCE_HOME]")] = None,
) -> None:
    """Measure the hot path of the gate on an embedded Kafka."""
    settings = load_settings(home=home, transaction_records=transaction)
    password = access.password(settings.home, access.ADMIN)
    estate = load_estate(settings.policies / "estate")
    clock = Clock(OPENING - time.time_ns() // 1_000)
    costs: list[Cost] = []
    floors: list[Cost] = []
    with EmbeddedKafka(settings.home, password, say=print) as kafka:
        access.apply(kafka.admin, settings.home)
        settings = load_settings(home=home, transaction_records=transaction, bootstrap=kafka.bootstrap)
        keys.ensure(settings.home)
        inaugurate(Context(settings, clock, Metrics(), access.connection_of(User.GOVERNANCE, settings)))
        for repetition in range(repetitions):
            fill(access.connection_of(User.CAMERAS, settings), estate, clock, reads, repetition)
            floors.append(floor(access.connection_of(User.OVERSIGHT, settings), reads, repetition))
            costs.append(gate(settings, clock, reads))
            print(f"{repetition + 1}/{repetitions}: {line(costs[-1])}; floor {line(floors[-1])}", flush=True)
        check_books(access.connection_of(User.OVERSIGHT, settings), reads * repetitions)
    result = summary(costs, floors, reads, transaction)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result["median"]), f"\n{out}")


def fill(connection: Connection, estate: Estate, clock: Clock, reads: int, repetition: int) -> None:
    """Writes reads of which the gate discloses SHARE: from cameras that are open, and from others."""
    open_, shut = ([c.id for c in estate.cameras.values() if c.zone in zones] for zones in (ON, OFF))
    encode, now = codec(Read).encode, clock.now()
    with closing(producer(connection, linger_ms=20)) as writer:
        for i in range(reads):
            pool = open_ if i % 100 < 100 * SHARE else shut
            camera = pool[i % len(pool)]
            read = Read(camera, repetition * reads + i, now, "LK19ABC", "LK19ABC", 95, 2)
            partition = i % READS.partitions
            writer.send(READS.name, value=encode(read), key=b"%d" % camera, partition=partition)
        writer.flush()


def floor(connection: Connection, reads: int, repetition: int) -> Cost:
    """The same client only consuming and decoding the reads of this repetition."""
    decode = codec(Read).decode
    with closing(consumer(connection, f"{User.OVERSIGHT}-floor-{repetition}")) as source:
        source.subscribe([READS.name])
        while not (found := source.poll(timeout_ms=200)):
            pass
        skip, seen = repetition * reads, sum(map(len, found.values()))
        while seen < skip:
            seen += sum(map(len, source.poll(timeout_ms=200).values()))
        began, cpu, first = time.perf_counter(), time.process_time(), seen
        while seen < skip + reads:
            for deliveries in source.poll(timeout_ms=200).values():
                _ = [decode(delivery.value) for delivery in deliveries]
                seen += len(deliveries)
        return Cost(seen - first, time.perf_counter() - began, time.process_time() - cpu)


def gate(settings: Settings, clock: Clock, reads: int) -> Cost:
    """The real gate, in its real loop, until it has decided every read."""
    metrics, connection = Metrics(), access.connection_of(User.ENFORCEMENT, settings)
    stage = gate_of(Context(settings, clock, metrics, connection), Counting)
    assert isinstance(stage, Counting)
    done = Event()
    stage.expect(reads, done)
    limits = Limits(settings.transaction_ms, settings.transaction_records)
    Loop(stage, limits, clock, metrics).run(connection, "0", done)
    assert stage.began is not None
    return Cost(stage.counted, stage.ended[0] - stage.began[0], stage.ended[1] - stage.began[1])


def check_books(connection: Connection, reads: int) -> None:
    """A benchmark does not report from a run that lost, doubled or misjudged a read. BooksError if it did."""
    batches = [codec(DecisionBatch).decode(d.value) for d in read_all(connection, [AUDIT.name])]
    decided = sum(len(batch.decisions) for batch in batches)
    ids = {i for batch in batches for i in zip(batch.cameras, batch.sequences, strict=True)}
    disclosed = sum(1 for _ in read_all(connection, [POLICE.name]))
    if not (decided == len(ids) == reads) or abs(disclosed / reads - SHARE) > 0.01:
        raise BooksError(f"{reads:,} reads, {decided:,} decisions on {len(ids):,} of them, {disclosed:,} disclosed")


def line(cost: Cost) -> str:
    """One repetition in words."""
    return f"{cost.reads_per_second:,.0f} reads/s, {cost.cpu_microseconds:.1f} CPU µs a read"


def summary(costs: list[Cost], floors: list[Cost], reads: int, transaction: int) -> dict[str, Any]:
    """Everything that was measured, and on what."""
    rates, micros = [c.reads_per_second for c in costs], [c.cpu_microseconds for c in costs]
    return {
        "question": "what does one read cost at the gate, exactly once, audit on, SASL and ACLs on",
        "host": {"cores": psutil.cpu_count(), "machine": platform.machine(), "python": platform.python_version()},
        "kafka": EmbeddedKafka.version, "client": "kafka-python",
        "reads": reads, "most_in_a_transaction": transaction, "disclosed_share": SHARE,
        "median": {
            "reads_per_second": round(median(rates)),
            "cpu_microseconds": round(median(micros), 2),
            "floor_cpu_microseconds": round(median(f.cpu_microseconds for f in floors), 2),
        },
        "repetitions": [_plain(c) for c in costs], "floor": [_plain(f) for f in floors],
    }  # fmt: skip


def _plain(cost: Cost) -> Mapping[str, float]:
    return {"reads": cost.reads, "wall_seconds": round(cost.wall_seconds, 3), "cpu_seconds": round(cost.cpu_seconds, 3)}


if __name__ == "__main__":
    main(hot_path)
