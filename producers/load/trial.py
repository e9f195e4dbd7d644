"""One run: offers a profile, watches where every stage stands, lets all drain, and makes the books."""

import time
from collections.abc import Callable, Mapping
from threading import Event
from typing import Any

import numpy as np
from msgspec import Struct

from producers.load import books
from producers.load.generator import Done, Job, generate
from producers.load.mould import Mould
from producers.load.profiles import Profile, room
from producers.load.reader import Account, Ear, Heard, listen
from producers.load.verdict import Sample, Sent, Standing, Verdict, fell_behind, judge
from producers.load.workers import Ready, Worker
from ringfence import access
from ringfence.clock import SECOND, Clock
from ringfence.groups import Groups
from ringfence.kafka_io import Place
from ringfence.kafka_read import ends, read_all
from ringfence.registry import codecs_of
from ringfence.settings import Settings
from schemas.topics import AUDIT, User

EVERY = 1.0  # s between two samples
LEAD = SECOND // 2
READY_SECONDS, ENDING_SECONDS = 60.0, 60.0
STUCK_SECONDS, DRAIN_SECONDS = 6.0, 600.0  # nothing moves any more; the longest drain
DRAINED_ROW = 2  # samples without lag, one after the other


class Stand(Struct, frozen=True):
    """Where runs take place and with what. ``check`` raises if a process of ours has ended."""

    settings: Settings
    clock: Clock
    groups: Groups
    check: Callable[[], None]
    reads: list[Mould]
    frames: list[Mould]
    frame_share: float
    limit: float  # s, for p99


class Now(Struct, frozen=True):
    """What can be said while it runs."""

    sample: Sample
    sent: Sent
    offered_a_second: float
    heard: Heard | None
    draining: bool


class Outcome(Struct, frozen=True):
    """What one run found. Latencies in s; ``within``: p99 is at most the limit, None if nothing was disclosed."""

    shape: Profile
    sent: Sent
    sent_by_second: Mapping[int, int]
    samples: list[Sample]
    latency: Mapping[str, float | None]
    latency_by_second: Mapping[int, Mapping[str, Any]]
    verdict: Verdict
    within: bool | None
    summary: Mapping[str, Any]
    faults: list[str]

    @property
    def passed(self) -> bool:
        """Held, and within the limit."""
        return self.verdict.held and bool(self.within)


class Watch:
    """Follows one run: what the workers tell, and where the stages stand."""

    def __init__(self, stand: Stand, generator: Worker, begin: int, show: Callable[[Now], None]) -> None:
        self.stand, self.generator, self.begin, self.show = stand, generator, begin, show
        self.samples: list[Sample] = []
        self.sent = Sent()
        self.heard: Heard | None = None
        self.done: Done | None = None

    def look(self, reader: Worker) -> Sample:
        """One sample, shown."""
        self.stand.check()
        before, at = self.sent.offered, self.samples[-1].at if self.samples else 0.0
        for message in self.generator.told():
            self.sent = message.sent
            if isinstance(message, Done):
                self.done = message
        for message in reader.told():
            self.heard = message
        sample = take(self.stand, self.begin)
        self.samples.append(sample)
        rate = (self.sent.offered - before) / max(1e-3, sample.at - at)
        self.show(Now(sample, self.sent, rate, self.heard, self.done is not None))
        return sample

    def offer(self, reader: Worker, stop: Event, until_broken: bool) -> Done:
        """Watches until the generator has done."""
        self._pace(stop)
        while self.done is None:
            self.look(reader)
            if stop.is_set() or (until_broken and fell_behind(self.samples)):
                self.generator.stop.set()
            self._pace(None if stop.is_set() else stop)
        return self.done

    def _pace(self, stop: Event | None) -> None:
        """Sleeps until the next whole second of the run, or until told to stop."""
        left = EVERY - (self.stand.clock.now() - self.begin) / SECOND % EVERY
        if stop:
            stop.wait(left)
        else:
            time.sleep(left)

    def drain(self, reader: Worker) -> None:
        """Watches until nothing waits, or nothing moves."""
        began, moved, idle = time.monotonic(), time.monotonic(), 0
        while idle < DRAINED_ROW and time.monotonic() - moved < STUCK_SECONDS:
            before, sample = self.samples[-1], self.look(reader)
            if {k: v.committed for k, v in sample.stages.items()} != {k: v.committed for k, v in before.stages.items()}:
                moved = time.monotonic()
            idle = idle + 1 if not any(standing.lag for standing in sample.stages.values()) else 0
            if time.monotonic() - began > DRAIN_SECONDS:
                return
            self._pace(None)


def take(stand: Stand, begin: int) -> Sample:
    """Where every stage stands now."""
    found = stand.groups.standing()
    stages = {stage: Standing(end, committed) for stage, (end, committed) in found.items()}
    return Sample((stand.clock.now() - begin) / SECOND, stages)


def run(
    stand: Stand, shape: Profile, show: Callable[[Now], None], stop: Event, *, until_broken: bool = False
) -> Outcome:
    """One run of a profile. ``stop`` ends it early, and so does a stage that falls behind, if that is wanted."""
    base = time.time_ns() // 1_000  # wall time in µs: no other run, and no camera, has these sequences
    events = room(shape)
    evidence_from = ends(access.connection_of(User.OVERSIGHT, stand.settings), [AUDIT.name])
    job = Job(stand.settings, stand.clock, shape, base, stand.reads, stand.frames, stand.frame_share)
    ear = Ear(stand.settings, stand.clock, base, events)
    with Worker("reader", listen, ear) as reader, Worker("generator", generate, job) as generator:
        for worker in (reader, generator):
            worker.wait_for(Ready, READY_SECONDS)
        begin = stand.clock.now() + LEAD
        for worker in (reader, generator):
            worker.tell(begin)
        watch = Watch(stand, generator, begin, show)
        done = watch.offer(reader, stop, until_broken)
        watch.drain(reader)
        found = evidence(stand, base, events, evidence_from)
        reader.stop.set()
        account: Account = reader.wait_for(Account, ENDING_SECONDS)
    return conclude(stand, shape, watch.samples, done, account, found)


def evidence(stand: Stand, base: int, events: int, since: Mapping[Place, int]) -> tuple[books.Tally, books.Tally]:
    """How often each event was decided, and how often that was to disclose it, by the evidence of this run."""
    decided, allowed = books.new(events), books.new(events)
    connection = access.connection_of(User.OVERSIGHT, stand.settings)
    decode = codecs_of(stand.settings)(AUDIT).decode
    for delivery in read_all(connection, [AUDIT.name], since=since):
        books.enter(decided, allowed, base, decode(delivery.value))
    return decided, allowed


def conclude(
    stand: Stand, shape: Profile, samples: list[Sample], done: Done, account: Account,
    found: tuple[books.Tally, books.Tally],
) -> Outcome:  # fmt: skip
    """Verdict and books of a run."""
    waiting = {stage: standing.lag for stage, standing in samples[-1].stages.items()}
    decided, allowed = found
    kept = books.Books(
        _tally(done.fates, len(decided)), _tally(done.frames, len(decided)), decided, allowed,
        _tally(account.tally, len(decided)),
    )  # fmt: skip
    p99 = account.total["p99"]
    return Outcome(
        shape=shape,
        sent=done.sent,
        sent_by_second=done.by_second,
        samples=samples,
        latency=account.total,
        latency_by_second=account.by_second,
        verdict=judge(samples, done.sent, waiting),
        within=None if p99 is None else p99 <= stand.limit,
        summary=books.summary(kept),
        faults=books.faults(kept, waiting[User.ENFORCEMENT]),
    )


def _tally(counts: bytes, events: int) -> books.Tally:
    """The counts, filled up with 0 for events that were never due."""
    tally = books.new(events)
    tally[: len(counts)] = np.frombuffer(counts, np.uint8)
    return tally
