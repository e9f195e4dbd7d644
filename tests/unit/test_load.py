"""The load test's pure parts: when to send, who fell behind, how the search goes, what the books say."""

from collections import Counter
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from producers.load import books
from producers.load.books import NOT_SENT, SENT, UNSURE, Books
from producers.load.events import moulds
from producers.load.find import PRECISION, Trial, best, next_rate
from producers.load.generator import LATE_AFTER, MOST_IN_FLIGHT, PATIENCE, Job, Sender, run
from producers.load.latency import Latencies
from producers.load.mould import is_frame
from producers.load.profiles import BURST, Name, Segment, length, moments, profile, rate_at, room
from producers.load.verdict import GENERATOR, MARKERS, Sample, Sent, Standing, fell_behind, judge, seconds_behind
from ringfence.clock import SECOND
from ringfence.estate import load as load_estate
from schemas.codec import plain
from schemas.records import DecisionBatch, Effect, Flag, Frame, Outcome, Read
from schemas.topics import IMAGES, READS
from tests.unit.made import OPENING

PROFILES = [name for name in Name if name is not Name.FIND]
rates = st.floats(0.5, 3_000)
lengths = st.floats(1, 30)


# --- profiles


@given(st.sampled_from(PROFILES), rates, lengths)
def test_moments_are_in_order_within_the_profile_and_as_many_as_the_rate_makes(name, rate, seconds):
    shape = profile(name, rate, seconds)
    found = list(moments(shape))
    assert found == sorted(found)
    assert all(0 <= at <= seconds * (1 + 1e-9) for at in found)
    assert abs(len(found) - sum(s.events for s in shape)) <= 0.5 + 1e-6
    assert len(found) <= room(shape)
    assert list(moments(shape)) == found


@given(st.sampled_from(PROFILES), rates, lengths, st.floats(0, 1))
def test_by_any_moment_as_many_are_sent_as_the_rate_adds_up_to(name, rate, seconds, share):
    shape, at = profile(name, rate, seconds), share * seconds
    due = sum(_part(s, at) for s in shape)
    assert abs(sum(moment <= at for moment in moments(shape)) - due) <= 0.5 + 1e-6 * (1 + due)


def _part(s, at):
    until = min(max(at, s.begins), s.ends)
    last = s.first + (s.last - s.first) * (until - s.begins) / (s.ends - s.begins)
    return (s.first + last) / 2 * (until - s.begins)


def test_each_profile_has_its_shape():
    assert [rate_at(profile(Name.CONSTANT, 100, 10), at) for at in (0, 5, 9.9)] == [100, 100, 100]
    assert [rate_at(profile(Name.RAMP, 100, 10), at) for at in (0, 5, 9)] == [0, 50, 90]
    day = [rate_at(profile(Name.DAY, 100, 24), hour + 0.5) for hour in range(24)]
    assert max(day) == day[16] == 100
    assert min(day) == day[2] < 6
    burst = Counter(rate_at(profile(Name.BURST, 100, 40), at + 0.5) for at in range(40))
    assert burst == {100: 32, 100 * BURST: 8}
    assert rate_at(profile(Name.SOAK, 100, 10), 10) == 0
    assert length(profile(Name.DAY, 100, 24)) == 24


def test_a_steep_and_a_flat_segment_give_exact_moments():
    assert Segment(2, 4, 10, 10).after(5) == 2.5
    assert Segment(0, 2, 0, 8).after(2) == pytest.approx(1)
    assert Segment(0, 2, 8, 0).after(6) == pytest.approx(1)


@given(st.floats(0, 1), st.integers(1, 3_000))
def test_frames_have_their_share_all_along(share, number):
    assert abs(sum(is_frame(i, share) for i in range(number)) - share * number) <= 1


def test_moulds_give_the_worlds_reads_and_frames_with_a_new_id_and_moment():
    estate = load_estate(Path("policies/estate"))
    reads, frames = moulds(estate, 1, OPENING, frames=True)
    assert len(reads) > 4_000
    assert len(frames) == 200
    found = [Read(**mould.fill(7_000 + i, OPENING + i)) for i, mould in enumerate(reads)]
    assert [read.sequence for read in found] == list(range(7_000, 7_000 + len(reads)))
    assert {read.captured_at - read.sequence for read in found} == {OPENING - 7_000}
    assert all(read.vrm and not read.flags & Flag.DELAYED for read in found)
    assert len({read.vrm for read in found}) > 1_000
    assert all(mould.partition == mould.fields["camera"] % READS.partitions for mould in (*reads, *frames))
    frame = Frame(**frames[3].fill(9, OPENING))
    assert (frame.sequence, frame.jpeg[:2]) == (9, b"\xff\xd8")


# --- verdict


def samples(ends, **committed):
    """A sample a second: ``ends`` for every stage, and what each has committed."""
    return [
        Sample(float(i), {stage: Standing(end, done[i]) for stage, done in committed.items()})
        for i, end in enumerate(ends)
    ]


ENDS = [i * 1_000 for i in range(12)]
KEPT_UP = [max(0, end - 100) for end in ENDS]


def stopped(at):
    return [min(end, at * 1_000) for end in ENDS]


def test_seconds_behind_is_how_long_ago_the_topic_ended_there():
    found = samples(ENDS, enforcement=[0, 900, 1_500, 1_500, *ENDS[4:]])
    assert seconds_behind(found, "enforcement") == pytest.approx([0, 0.1, 0.5, 1.5, *[0.0] * 8])


def test_what_keeps_up_held():
    found = samples(ENDS, enforcement=KEPT_UP, police=KEPT_UP)
    assert fell_behind(found) is None
    assert judge(found, Sent(11_000), {"enforcement": 0, "police": 0}).held


@pytest.mark.parametrize("stage", ["ocr", "enforcement", "police", "oversight"])
def test_the_stage_that_stops_is_named_with_its_moment(stage):
    others = {other: KEPT_UP for other in ("ocr", "enforcement", "police", "oversight") if other != stage}
    verdict = judge(samples(ENDS, **{**others, stage: stopped(4)}), Sent(11_000), {stage: 7_000})
    assert (verdict.held, verdict.stage, verdict.at) == (False, stage, pytest.approx(4))


def test_of_two_the_one_that_began_earlier_is_named():
    found = samples(ENDS, enforcement=stopped(6), police=stopped(3))
    assert fell_behind(found) == ("police", pytest.approx(3))
    found = samples(ENDS, police=stopped(3), enforcement=stopped(3))
    assert fell_behind(found)[0] == "enforcement"  # the record meets it first


def test_a_hiccup_is_no_falling_behind():
    hiccup = [*ENDS[:5], 4_000, 4_000, *ENDS[7:]]
    assert fell_behind(samples(ENDS, enforcement=hiccup)) is None


def test_a_stage_that_never_commits_falls_behind():
    assert fell_behind(samples(ENDS, police=[0] * 12)) == ("police", 0)


def test_the_markers_of_transactions_are_no_lag():
    ends = [50 + MARKERS] * 12
    assert seconds_behind(samples(ends, oversight=[50] * 12), "oversight") == [0] * 12


@pytest.mark.parametrize("sent", [Sent(11_000, late=200), Sent(11_000, unsent=1)])
def test_a_generator_that_falls_behind_makes_no_claim(sent):
    verdict = judge(samples(ENDS, enforcement=KEPT_UP), sent, {})
    assert (verdict.held, verdict.stage) == (False, GENERATOR)
    assert "the generator itself fell behind" in verdict.why


def test_records_left_at_the_end_are_no_holding():
    verdict = judge(samples(ENDS, police=KEPT_UP), Sent(11_000), {"police": 40})
    assert (verdict.held, verdict.stage) == (False, "police")


# --- the search


@given(st.floats(1, 100_000), st.floats(2, 400_000))
def test_the_search_ends_close_below_what_breaks(first, limit):
    trials = []
    while (rate := next_rate(first, trials)) is not None:
        trials.append(Trial(rate, rate <= limit))
        assert len(trials) < 60
    assert best(trials) <= limit < best(trials) * PRECISION * (1 + 1e-9)


def test_a_rate_that_fails_once_is_tried_again():
    assert next_rate(100, [Trial(100, False)]) == 100
    assert next_rate(100, [Trial(100, False), Trial(100, True)]) == 200
    assert next_rate(100, [Trial(100, False), Trial(100, False)]) == 50
    assert best([Trial(100, False), Trial(100, False)]) is None


def test_the_search_gives_up_where_nothing_holds():
    trials = []
    while (rate := next_rate(8, trials)) is not None:
        trials.append(Trial(rate, False))
    assert best(trials) is None
    assert trials[-1].rate >= 1


# --- latency


def test_latencies_are_kept_in_all_and_by_second():
    found = Latencies()
    for i in range(100):
        found.add(0, (i + 1) * 1_000)
    found.add(7, 2 * SECOND)
    assert found.total()["p50"] == pytest.approx(0.051, rel=0.01)
    assert found.total()["max"] == pytest.approx(2, rel=0.01)
    assert found.by_second()[0]["count"] == 100
    assert found.by_second()[7]["p50"] == pytest.approx(2, rel=0.02)
    assert found.since_last()["max"] == pytest.approx(2, rel=0.02)
    assert found.since_last()["p50"] is None


# --- books


def kept(**changed):
    """Four events: two disclosed and received, one denied, one never sent."""
    tallies = {
        "sent": [SENT, SENT, SENT, NOT_SENT], "frames": [0, 0, 0, 0], "decided": [1, 1, 1, 0],
        "allowed": [1, 1, 0, 0], "received": [1, 1, 0, 0],
    } | changed  # fmt: skip
    return Books(**{name: np.array(values, np.uint8) for name, values in tallies.items()})


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"decided": [1, 1, 0, 0]}, "sent and never decided: 1"),
        ({"decided": [2, 1, 1, 0]}, "decided more than once: 1"),
        ({"decided": [1, 1, 1, 1]}, "decided and never sent: 1"),
        ({"received": [1, 0, 0, 0]}, "disclosed and not received: 1"),
        ({"received": [1, 1, 1, 0]}, "received without a decision to disclose: 1"),
        ({"received": [1, 3, 0, 0]}, "received more than once: 1"),
    ],
)
def test_each_fault_is_found(changed, fault):
    assert books.faults(kept(), 0) == []
    assert books.faults(kept(**changed), 0) == [fault]


def test_what_waits_is_not_lost_and_no_more_than_that():
    undecided = kept(decided=[1, 1, 0, 0])
    assert books.faults(undecided, 1) == []
    assert books.faults(kept(decided=[1, 0, 0, 0], allowed=[1, 0, 0, 0], received=[1, 0, 0, 0]), 1)


def test_what_is_unsure_may_be_there_or_not_and_a_frame_may_have_no_read():
    assert books.faults(kept(sent=[SENT, SENT, UNSURE, UNSURE]), 0) == []
    frame = kept(frames=[0, 0, 1, 0], decided=[1, 1, 0, 0])
    assert books.faults(frame, 0) == []
    assert books.summary(frame)["frames_without_a_read"] == 1


def batch(topic, sequences, effects):
    outcomes = [Outcome(0, "r", Effect.DENY, "", "", []), Outcome(1, "r", Effect.ALLOW, "text", "", [])]
    columns = {"cameras": [1] * len(sequences), "sequences": sequences, "captured": [0] * len(sequences)}
    whole = dict.fromkeys(DecisionBatch.__struct_fields__) | columns
    return DecisionBatch(**(whole | {"topic": topic, "outcomes": outcomes, "decisions": effects}))


def test_the_evidence_is_entered_for_this_run_and_for_reads_alone():
    decided, allowed = books.new(3), books.new(3)
    books.enter(decided, allowed, 1_000, batch(READS.name, [999, 1_000, 1_002, 1_002, 1_003], [1, 1, 0, 0, 1]))
    books.enter(decided, allowed, 1_000, batch(IMAGES.name, [1_001], [1]))
    assert decided.tolist() == [1, 0, 2]
    assert allowed.tolist() == [1, 0, 0]


# --- the generator


class Tape:
    """A mould that keeps what was sent, and a producer that takes what it is told to take."""

    topic, partition, key = READS.name, 0, b"1"

    def __init__(self):
        self.sent = []
        self.read = structs.asdict(Read(1, 0, 0, "LK19ABC", "LK19ABC", 95, 2))

    def fill(self, sequence, captured_at):
        self.sent.append((sequence, captured_at))
        return self.read


class Future:
    def add_callback(self, done):
        done(None)

    def add_errback(self, *arguments):
        pass


class Waiting(Future):
    def add_callback(self, done):
        pass


def sender_of(shape, clock, future=Future):
    class Producer:
        def partitions_for(self, topic):
            pass

        def send(self, *arguments, **options):
            return future()

    tape = Tape()
    job = Job(None, clock, shape, 5_000, [tape], [], 0.0)
    sender = Sender(job, Producer(), plain)
    sender.begin = clock.at
    return job, sender, tape


class Hands:
    """A clock that moves when someone sleeps, and jumps once by ``jump`` µs."""

    def __init__(self, monkeypatch, jump=0):
        self.at, self.left = 1_000_000, jump
        monkeypatch.setattr("producers.load.generator.time.sleep", self.sleep)

    def now(self):
        return self.at

    def sleep(self, seconds):
        self.at += max(1, round(seconds * SECOND))
        if self.at > 1_500_000:
            self.at, self.left = self.at + self.left, 0


def drive(monkeypatch, jump=0, future=Future, rate=1_000):
    clock = Hands(monkeypatch, jump)
    job, sender, tape = sender_of(profile(Name.CONSTANT, rate, 2), clock, future)
    progress = list(run(job, sender, Event()))
    return sender.done(), tape, progress


def test_every_record_carries_its_intended_moment(monkeypatch):
    done, tape, progress = drive(monkeypatch)
    assert done.sent == Sent(2_000)
    assert tape.sent == [(5_000 + i, 1_000_000 + 1_000 * i + 500) for i in range(2_000)]
    assert done.by_second == {0: 1_000, 1: 1_000}
    assert len(progress) >= 7


def test_after_a_hiccup_nothing_is_left_out_and_the_moments_are_the_intended_ones(monkeypatch):
    """No coordinated omission: what fell due meanwhile is sent at once, counted as late, and timed from its moment."""
    jump = 450_000
    done, tape, _ = drive(monkeypatch, jump)
    assert done.sent.offered == 2_000
    assert done.sent.unsent == 0
    assert done.sent.late == pytest.approx((jump - LATE_AFTER) / 1_000, abs=5)
    assert tape.sent == [(5_000 + i, 1_000_000 + 1_000 * i + 500) for i in range(2_000)]


def test_what_is_long_overdue_is_given_up_and_counted(monkeypatch):
    done, tape, _ = drive(monkeypatch, jump=PATIENCE + SECOND)
    assert done.sent.unsent > 500
    assert done.fates.count(SENT) == len(tape.sent) == 2_000 - done.sent.unsent


def test_it_does_not_wait_for_a_broker_that_acknowledges_nothing(monkeypatch):
    done, tape, _ = drive(monkeypatch, future=Waiting, rate=MOST_IN_FLIGHT * 0.6)
    assert len(tape.sent) == MOST_IN_FLIGHT + 1
    assert done.sent.unsent == MOST_IN_FLIGHT * 1.2 - len(tape.sent)


def test_told_to_stop_it_stops(monkeypatch):
    clock = Hands(monkeypatch)
    job, sender, _ = sender_of(profile(Name.CONSTANT, 1_000, 2), clock)
    stop = Event()
    for progress in run(job, sender, stop):
        if progress.sent.offered > 600:
            stop.set()
    assert 600 < sender.done().sent.offered < 1_200
