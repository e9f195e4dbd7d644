"""How soon an order takes effect: from its acknowledgement by the broker to the first decision batch under it.

A real gate, a process of its own, decides reads at a given rate while orders are given: suspensions and
resumptions, then bundles that each change a rule of one regime, then activations of a tranche and their end, of these
no more than a mayor would give. On an embedded Kafka, all on this machine. The p99 of a few dozen orders is hardly less
than the slowest: both are given.
"""

import json
import multiprocessing
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from itertools import cycle, pairwise
from multiprocessing.synchronize import Event
from pathlib import Path
from random import Random
from statistics import median, quantiles
from typing import Annotated, Any

import psutil
import typer
from msgspec import Struct

from ringfence import access, keys
from ringfence.broker import EmbeddedKafka
from ringfence.clock import SECOND, Clock
from ringfence.entry import main
from ringfence.errors import BooksError
from ringfence.estate import load as load_estate
from ringfence.governance import GOVERNOR, inaugurate
from ringfence.kafka_io import Connection, producer
from ringfence.kafka_read import read_all
from ringfence.metrics import Metrics
from ringfence.policy.authority import DRAFTER, Office, key_of, sign
from ringfence.policy.bundle import read_files
from ringfence.policy.sealed import pack
from ringfence.policy.sealed import sign as sign_bundle
from ringfence.run import Context
from ringfence.settings import Settings
from ringfence.settings import load as load_settings
from schemas.codec import codec
from schemas.records import DecisionBatch, Order, OrderKind, Read, SealedBundle
from schemas.topics import AUDIT, ORDERS, READS, User

OPENING = 1_655_276_400 * SECOND
CHANGED = "inner-2022/policy.cedar"
BEATS = 50  # times a second that reads are sent
TRANCHE, ACTIVATIONS = "inner-1", 12  # twice the tranches: each leaves one more moment in the register, for good
APART = {"suspension": (0.4, 0.6), "bundle": (1.5, 2.5), "activation": (0.4, 0.6)}  # seconds between two, at random
MOST_SECONDS = 280  # the reads are made once, and the clocks may differ by 300 s

Orders = Iterator[Callable[[int], dict[str, Any]]]


class Given(Struct, frozen=True):
    """When an order was sent, and when the broker acknowledged it: µs on the pipeline's clock."""

    sent: int
    acknowledged: int


def swap(
    orders: Annotated[int, typer.Option(min=2, help="Orders of each kind at each rate; 12 activations at most.")] = 60,
    rates: Annotated[str, typer.Option(help="Reads a second, with commas.")] = "243,20000",
    out: Annotated[Path, typer.Option(help="Where the result goes.")] = Path("out/bench/swap.json"),
    home: Annotated[Path | None, typer.Option(help="Folder of secrets and caches. [RINGFENCE_HOME]")] = None,
) -> None:
    """Measure how soon suspensions, bundles and activations take effect while reads are decided."""
    settings = load_settings(home=home).of_own_broker()
    clock = Clock(OPENING - time.time_ns() // 1_000)
    found = []
    with EmbeddedKafka(settings.home, access.password(settings.home, access.ADMIN), say=print) as kafka:
        access.apply(kafka.admin, settings.home)
        keys.ensure(settings.home)
        settings = load_settings(home=home, bootstrap=kafka.bootstrap, clock_offset=clock.offset / SECOND)
        governance = access.connection_of(User.GOVERNANCE, settings)
        inaugurate(Context(settings, clock, Metrics(), governance))
        with _gate(settings):
            number = 1
            for rate in map(int, rates.split(",")):
                with _traffic(settings, clock, rate):
                    time.sleep(5)
                    for kind, make in kinds(settings).items():
                        count = min(orders, ACTIVATIONS) if kind == "activation" else orders
                        given = give(governance, settings.home, clock, number, count, APART[kind], make)
                        number += count
                        time.sleep(2)
                        delays, decided = effects(access.connection_of(User.OVERSIGHT, settings), given)
                        found.append(result(kind, rate, delays, decided))
                        print(json.dumps(found[-1]), flush=True)
    report = {
        "question": "how soon does an order take effect, from its acknowledgement to the first batch under it",
        "host": {"cores": psutil.cpu_count(), "machine": platform.machine(), "python": platform.python_version()},
        "kafka": EmbeddedKafka.version, "milliseconds": found,
    }  # fmt: skip
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(report, indent=2) + "\n")
    print(out)


def kinds(settings: Settings) -> dict[str, Orders]:
    """What makes the orders of each kind, from their numbers."""
    return {
        "suspension": turns(OrderKind.SUSPEND, OrderKind.RESUME, "all"),
        "bundle": bundles(settings),
        "activation": turns(OrderKind.ACTIVATE, OrderKind.DEACTIVATE, TRANCHE),
    }


def turns(one: OrderKind, other: OrderKind, subject: str) -> Orders:
    """The one, the other, the one, the other …"""
    return cycle([lambda _: {"kind": one, "subject": subject}, lambda _: {"kind": other, "subject": subject}])


def bundles(settings: Settings) -> Orders:
    """Bundles in each of which one regime is another: it has to be compiled again."""
    files, signer = read_files(settings.policies), keys.signer(settings.home, DRAFTER)

    def make(number: int) -> dict[str, Any]:
        changed = files | {CHANGED: files[CHANGED] + b"\n// Edition %d.\n" % number}
        data = codec(SealedBundle).encode(sign_bundle(pack(number, changed), signer))
        return {"kind": OrderKind.BUNDLE, "subject": f"bundle/{number}", "bundle": data}

    return cycle([make])


def give(
    connection: Connection, home: Path, clock: Clock, last: int, count: int, apart: tuple[float, float],
    make: Orders,
) -> dict[int, Given]:  # fmt: skip
    """Gives so many orders after number ``last``. Returns, by offset, when each was given."""
    signer, chance, given = keys.signer(home, Office.GOVERNOR), Random(last), {}
    with closing(producer(connection)) as writer:
        for number in range(last + 1, last + 1 + count):
            what = next(make)(number)
            order = sign(
                Order(sequence=number, office=Office.GOVERNOR.value, issued_by=GOVERNOR, why="a benchmark",
                      issued_at=clock.now(), **what),
                signer,
            )  # fmt: skip
            sent = clock.now()
            reply = writer.send(ORDERS.name, value=codec(Order).encode(order), key=key_of(order), partition=0)
            offset = int(reply.get(timeout=10).offset)
            given[offset] = Given(sent, clock.now())
            time.sleep(chance.uniform(*apart))
    return given


def effects(connection: Connection, given: Mapping[int, Given]) -> tuple[list[float], float]:
    """Of each order the ms until the first batch under it, and the reads decided a second meanwhile.

    BooksError: see firsts() and delays_of().
    """
    batches = [codec(DecisionBatch).decode(d.value) for d in read_all(connection, [AUDIT.name])]
    delays = delays_of(firsts((batch.decided_at, batch.orders_offset) for batch in batches), given)
    moments = [order.acknowledged for order in given.values()]
    lo, hi = min(moments), max(moments)
    reads = sum(len(batch.decisions) for batch in batches if lo <= batch.decided_at <= hi)
    return delays, reads / ((hi - lo) / SECOND)


def firsts(decided: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Of (moment, end of the orders obeyed), the first moment for each end.

    BooksError if an order was obeyed and later was not, or if one transaction was decided under two sets of orders.
    """
    first: dict[int, int] = {}
    in_time = sorted(set(decided))
    for (at, reached), (then, reaches) in pairwise(in_time):
        if at == then or reaches < reached:
            raise BooksError(f"orders up to offset {reached} and up to {reaches} were both obeyed at {then}")
    for at, reached in in_time:
        first.setdefault(reached, at)
    return first


def delays_of(first: Mapping[int, int], given: Mapping[int, Given]) -> list[float]:
    """Of each order the ms from its acknowledgement to the first batch under it.

    Below 0 where the gate was quicker than the acknowledgement. BooksError if one never took effect, or if a batch
    under it was decided before it was sent.
    """
    delays = []
    for offset, order in given.items():
        under = [at for reached, at in first.items() if reached > offset]
        if not under:
            raise BooksError(f"the order at offset {offset} did not take effect")
        if min(under) < order.sent:
            raise BooksError(f"a batch was decided under the order at offset {offset} before that was given")
        delays.append((min(under) - order.acknowledged) / 1_000)
    return delays


def result(kind: str, rate: int, delays: list[float], decided: float) -> dict[str, Any]:
    """One line of the report."""
    return {
        "order": kind, "orders": len(delays), "reads_a_second": rate, "decided_a_second": round(decided),
        "p50": round(median(delays)), "p99": round(quantiles(delays, n=100, method="inclusive")[98]),
        "max": round(max(delays)),
    }  # fmt: skip


@contextmanager
def _gate(settings: Settings) -> Iterator[None]:
    """``ringfence enforce`` as a process of its own."""
    given = {"BOOTSTRAP": settings.bootstrap, "HOME": settings.home, "CLOCK_OFFSET": settings.clock_offset}
    environment = os.environ | {f"RINGFENCE_{name}": str(value) for name, value in given.items()}
    process = subprocess.Popen(
        [sys.executable, "-m", "consumers.enforcement"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        time.sleep(5)
        if process.poll() is not None:
            raise BooksError("the gate did not start")
        yield
        if process.poll() is not None:
            raise BooksError("the gate ended before its time")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


@contextmanager
def _traffic(settings: Settings, clock: Clock, rate: int) -> Iterator[None]:
    """Reads at a rate, from a process of its own."""
    spawn = multiprocessing.get_context("spawn")
    stop = spawn.Event()
    process = spawn.Process(target=send, args=(settings, clock, rate, stop), daemon=True)
    process.start()
    try:
        yield
    finally:
        stop.set()
        process.join(30)


def send(settings: Settings, clock: Clock, rate: int, stop: Event) -> None:
    """Sends reads of all cameras, open loop, until it is told to stop."""
    cameras, encode, now = list(load_estate(settings.policies / "estate").cameras), codec(Read).encode, clock.now()
    values = cycle([encode(Read(c, i, now, "LK19ABC", "LK19ABC", 95, 2)) for i, c in enumerate(cameras * 4)])
    sent, began = 0, time.monotonic()
    with closing(producer(access.connection_of(User.CAMERAS, settings), linger_ms=5)) as writer:
        while not stop.wait(1 / BEATS) and time.monotonic() - began < MOST_SECONDS:
            due = int((time.monotonic() - began) * rate)
            for _ in range(due - sent):
                writer.send(READS.name, value=next(values), key=b"1", partition=sent % READS.partitions)
                sent += 1


if __name__ == "__main__":
    main(swap)
