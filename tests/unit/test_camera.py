from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from msgspec.structs import replace

from producers import camera
from producers.camera import (
    AHEAD,
    LATE_AFTER,
    LOOK_ALIKES,
    PATIENCE,
    TRUTH,
    Counts,
    Outcome,
    outgoing,
    read_of,
    send_open_loop,
    view_of,
)  # fmt: skip
from producers.traffic import SECOND, Light, Weather, constant
from producers.world import Passage, World
from ringfence.errors import NotAllowedError, UnreachableError
from ringfence.estate import load
from ringfence.vrm import Style, classify
from schemas.codec import Codecs, codec
from schemas.records import Flag, Frame, Read

START = 1_655_276_400_000_000  # Wednesday 15 June 2022, 08:00 in London
PARTITIONS = 4


@pytest.fixture(scope="module")
def world() -> World:
    return World(load(Path(__file__).parents[2] / "policies" / "estate"), 1, constant(60), START)


@pytest.fixture(scope="module")
def passages(world: World) -> list[Passage]:
    return list(islice(world.passages(), 20_000))


def made(number: int = 0, **changes: object) -> Passage:
    """A plain passage, one every 100 ms, at a camera with a reader on board."""
    at = START + number * 100_000
    plain = Passage(
        camera=7, sequence=number, captured_at=at, due_at=at, vehicle=number, vrm="LK19ABC", style=Style.CURRENT,
        rear=False, on_board=True, two_line=False, green_flash=False, uk_band=False, light=Light.DAY,
        weather=Weather.CLEAR, dirt=0.0, blur=0.0, obscured=False, misread=False, again=False, noise=number,
    )  # fmt: skip
    return replace(plain, **changes)


class FakeClock:
    """Simulated time that passes only while somebody sleeps or works."""

    def __init__(self, at: int = START) -> None:
        self.at = at
        self.slept = 0

    def now(self) -> int:
        return self.at

    def sleep_until(self, at: int) -> None:
        self.slept += max(0, at - self.at)
        self.at = max(self.at, at)


class Broker:
    """Keeps what it is sent; ``answers`` says what the next sends do, then all are taken."""

    def __init__(self, clock: FakeClock, *answers: bool | int | Exception) -> None:
        self.clock, self.answers = clock, deque(answers)
        self.taken: list[tuple[int, str, int, bytes, bytes]] = []
        self.stopped = False

    def send(self, topic: str, partition: int, key: bytes, value: bytes, headers: object) -> bool:
        del headers
        answer = self.answers.popleft() if self.answers else True
        if isinstance(answer, Exception):
            raise answer
        if answer is False:
            return False
        if answer is not True:
            self.clock.at += answer  # it blocks for so many µs
        self.taken.append((self.clock.at, topic, partition, key, value))
        return True

    def is_set(self) -> bool:
        return self.stopped


def run(passages: list[Passage], clock: FakeClock, broker: Broker) -> Counts:
    return send_open_loop(iter(passages), clock, broker.send, broker, PARTITIONS)


# Records


def test_an_on_board_camera_sends_a_read_with_the_truth_apart() -> None:
    sent = outgoing(made(5, rear=True), PARTITIONS)
    assert (sent.topic, sent.partition, sent.key) == ("anpr.reads", 3, b"7")
    assert dict(sent.headers) == {TRUTH: b"LK19ABC"}
    read = codec(Read).decode(sent.value)
    assert (read.camera, read.sequence, read.captured_at) == (7, 5, START + 500_000)
    assert (read.vrm, read.raw) == ("LK19ABC", "LK19ABC")
    assert read.flags == Flag.ON_BOARD | Flag.REAR
    assert 86 <= read.confidence <= 99


def test_a_camera_without_a_reader_sends_a_jpeg_of_at_most_25_kb() -> None:
    sent = outgoing(made(5, on_board=False, camera=9), PARTITIONS)
    assert (sent.topic, sent.partition, sent.key) == ("anpr.frames", 1, b"9")
    assert dict(sent.headers) == {TRUTH: b"LK19ABC"}
    frame = codec(Frame).decode(sent.value)
    assert frame.flags == 0
    assert len(frame.jpeg) <= 25_000
    assert frame.jpeg.startswith(b"\xff\xd8")


def test_a_frame_without_a_plate_has_an_empty_truth() -> None:
    sent = outgoing(made(on_board=False, vrm=None), PARTITIONS)
    assert dict(sent.headers) == {TRUTH: b""}


def test_a_late_event_says_so() -> None:
    assert read_of(made(due_at=START + 30 * SECOND)).flags == Flag.ON_BOARD
    assert read_of(made(due_at=START + 30 * SECOND + 1)).flags == Flag.ON_BOARD | Flag.DELAYED


def test_only_a_rear_plate_has_two_lines() -> None:
    assert not view_of(made(two_line=True)).two_line
    assert view_of(made(two_line=True, rear=True)).two_line


def test_a_misread_confuses_one_character_and_is_less_certain() -> None:
    wrong = [read_of(made(i, misread=True)) for i in range(2_000)]
    for read in wrong:
        changed = [(a, b) for a, b in zip("LK19ABC", read.vrm, strict=True) if a != b]
        assert len(changed) == 1
        assert changed[0][1] in LOOK_ALIKES[changed[0][0]]
    right = [read_of(made(i)) for i in range(2_000)]
    mean = [sum(read.confidence for read in reads) / len(reads) for reads in (wrong, right)]
    assert mean[0] + 15 < mean[1]


def test_a_partly_hidden_plate_loses_its_first_or_last_character() -> None:
    texts = {read_of(made(i, misread=True, obscured=True)).vrm for i in range(50)}
    assert texts == {"K19ABC", "LK19AB"}


def test_every_character_of_a_mark_has_a_look_alike_that_is_another() -> None:
    assert set(LOOK_ALIKES) == set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
    assert all(char not in others for char, others in LOOK_ALIKES.items())


def test_reads_of_the_world_are_wrong_as_often_as_the_sources_say(passages: list[Passage]) -> None:
    reads = [(p, read_of(p)) for p in passages if p.on_board]
    wrong = sum(read.vrm != p.vrm for p, read in reads) / len(reads)
    assert wrong == pytest.approx(0.03, abs=0.004)
    still_plausible = [r.vrm for p, r in reads if r.vrm != p.vrm and classify(r.vrm) is Style.CURRENT]
    assert still_plausible  # a misread can look like another vehicle


def test_the_same_passage_makes_the_same_bytes(world: World, passages: list[Passage]) -> None:
    again = list(islice(world.passages(), 200))
    assert [outgoing(p, PARTITIONS) for p in again] == [outgoing(p, PARTITIONS) for p in passages[:200]]
    assert {outgoing(p, PARTITIONS).topic for p in again} == {"anpr.frames", "anpr.reads"}


# The open loop


def test_every_record_is_sent_when_it_is_due_and_in_order() -> None:
    clock = FakeClock(START - SECOND)
    broker = Broker(clock)
    counts = run([made(i) for i in range(50)], clock, broker)
    assert counts == Counts(passages=50, reads=50)
    assert [at for at, *_ in broker.taken] == [START + i * 100_000 for i in range(50)]


def test_the_bytes_do_not_depend_on_timing(passages: list[Passage]) -> None:
    few = [replace(p, on_board=True, vrm=p.vrm or "X1") for p in passages[:300]]
    clocks = FakeClock(START - SECOND), FakeClock(START)
    smooth, blocked = Broker(clocks[0]), Broker(clocks[1], *[150_000] * 20)
    for clock, broker in zip(clocks, (smooth, blocked), strict=True):
        run(few, clock, broker)
    assert [t[1:] for t in smooth.taken] == [t[1:] for t in blocked.taken]
    assert [t[0] for t in smooth.taken] != [t[0] for t in blocked.taken]


def test_a_send_that_blocks_makes_late_records_and_the_world_goes_on() -> None:
    clock = FakeClock()
    broker = Broker(clock, True, SECOND)  # the second send blocks for a second
    counts = run([made(i) for i in range(50)], clock, broker)
    # Due at 0.1 s and sent at 1.1 s; those due from 0.2 to 0.8 s follow at once, late; 0.9 s is in time.
    assert counts == Counts(passages=50, reads=50, late=8)
    assert broker.taken[-1][0] == START + 49 * 100_000


@pytest.mark.parametrize("refusal", [False, BufferError(), UnreachableError("no broker")])
def test_a_full_buffer_makes_unsent_records_and_the_world_goes_on(refusal: bool | Exception) -> None:
    clock = FakeClock()
    broker = Broker(clock, *[refusal] * 20)
    counts = run([made(i) for i in range(50)], clock, broker)
    assert counts == Counts(passages=50, reads=30, unsent=20)
    assert broker.taken[0][0] == START + 20 * 100_000


def test_an_error_that_will_not_pass_ends_the_loop() -> None:
    clock = FakeClock()
    with pytest.raises(NotAllowedError):
        run([made()], clock, Broker(clock, NotAllowedError("the ACLs refuse it")))


def test_what_is_long_overdue_is_given_up_unmade(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock(START + PATIENCE + 2 * SECOND + 50_000)
    built: list[int] = []
    real = camera.outgoing
    monkeypatch.setattr(camera, "outgoing", lambda p, n, c: built.append(p.sequence) or real(p, n, c))
    counts = run([made(i) for i in range(200)], clock, Broker(clock))
    assert counts.unsent == 21  # due in the first two seconds
    assert built[0] == 21
    assert counts.passages == 200


def test_records_are_made_ahead_but_not_far(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock(START - SECOND)
    leads: list[int] = []
    real = camera.outgoing

    def slow(passage: Passage, partitions: int, codecs: Codecs) -> camera.Outgoing:
        clock.at += 40_000  # rendering takes a while
        leads.append(passage.due_at - clock.at)
        return real(passage, partitions, codecs)

    monkeypatch.setattr(camera, "outgoing", slow)
    broker = Broker(clock)
    counts = run([made(i) for i in range(100)], clock, broker)
    assert counts.late == 0
    assert max(at - (START + i * 100_000) for i, (at, *_) in enumerate(broker.taken)) <= 40_000
    assert AHEAD // 2 < max(leads) < AHEAD + SECOND


def test_every_event_is_told_once() -> None:
    clock = FakeClock()
    told: list[tuple[str, Outcome, int]] = []
    broker = Broker(clock, True, SECOND, False)
    passages = [made(i, on_board=i % 2 == 0) for i in range(30)]
    counts = send_open_loop(iter(passages), clock, broker.send, broker, PARTITIONS, lambda *event: told.append(event))
    assert len(told) == counts.passages == counts.frames + counts.reads + counts.unsent == 30
    assert sum(outcome is Outcome.LATE for _, outcome, _ in told) == counts.late
    sent = [(outcome, late_by) for _, outcome, late_by in told if outcome is not Outcome.UNSENT]
    assert all((late_by > LATE_AFTER) == (outcome is Outcome.LATE) for outcome, late_by in sent)


def test_the_loop_ends_soon_after_it_is_told_to() -> None:
    clock = FakeClock()
    broker = Broker(clock)

    def endless() -> Iterator[Passage]:
        number = 0
        while True:
            if number == 30:
                broker.stopped = True
            yield made(number)
            number += 1

    counts = send_open_loop(endless(), clock, broker.send, broker, PARTITIONS)
    assert 0 < counts.passages < 30
    assert counts.passages == len(broker.taken)


def test_the_loop_sleeps_when_nothing_is_due() -> None:
    clock = FakeClock(START - 5 * SECOND)
    run([made()], clock, Broker(clock))
    assert clock.slept == 5 * SECOND
