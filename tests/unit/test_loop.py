"""The loop's own judgement, without Kafka: what it decodes, what it sets aside, what it survives."""

import pytest
from msgspec.structs import replace

from ringfence import dead_letters
from ringfence.errors import BrokerError, FencedError, ModelError, RecordError, RegistryError
from ringfence.kafka_io import Place
from ringfence.loop import MOST_TRIES, Limits, Loop
from ringfence.metrics import Metrics
from ringfence.stage import Handled, Output
from schemas.codec import UndecodableError, codec
from schemas.records import DeadLetter, Read
from schemas.topics import READS, User
from tests.unit.made import CLOCK, OPENING, Delivery, delivery, read


class Echo:
    """Passes every read on; stumbles over a VRM of POISON."""

    user, inputs, most = User.ENFORCEMENT, (READS,), 100

    def __init__(self):
        self.done, self.changes = [], iter(())

    def prepare(self):
        return next(self.changes, False)

    def handle(self, batches, now):
        handled = Handled()
        for batch in batches:
            for record in batch.records:
                if record.vrm == "BROKEN":
                    raise ModelError("no model answers")
                if record.vrm == "POISON":
                    raise KeyError("POISON")
                handled.outputs.append(Output("police", batch.partition, None, record.vrm.encode()))
        return handled

    def committed(self, batches, handled, now):
        self.done.append(handled)


class FakeInput:
    """One gathering, then nothing."""

    def __init__(self, deliveries):
        self.gathered = {}
        for d in deliveries:
            self.gathered.setdefault(Place(d.topic, d.partition), []).append(d)
        self.rewound, self.stepped = 0, {}

    def gather(self, idle, linger, most):
        return self.gathered

    def mark(self, topic, partition):
        return ""

    def assigned(self):
        return True

    def rewind(self):
        self.rewound += 1


class FakeWriter:
    def __init__(self, error=None):
        self.sent, self.aborted, self.error = [], 0, error

    def begin(self):
        self.sent.clear()

    def send(self, topic, partition, key, value, headers=None):
        self.sent.append((topic, partition, key, value, headers))

    def flush(self):
        pass

    def commit(self, source, gathered, marks):
        if self.error:
            raise self.error

    def abort(self):
        self.aborted += 1


def loop(deliveries, error=None, stage=None):
    made = Loop(stage or Echo(), Limits(10, 100), CLOCK, Metrics())
    made.input, made.writer = FakeInput(deliveries), FakeWriter(error)
    return made


def reads(*vrms):
    return [delivery(read(sequence=i, vrm=vrm), READS.name, offset=i) for i, vrm in enumerate(vrms)]


def test_sound_records_pass():
    made = loop(reads("A", "B"))
    made._turn()
    assert [value for _, _, _, value, _ in made.writer.sent] == [b"A", b"B"]
    assert len(made.stage.done) == 1


@pytest.mark.parametrize("value", [None, b"", b"junk", b"\xc3\x01junkjunk" + b"x" * 40])
def test_an_undecodable_record_goes_whole_to_the_dead_letters_and_the_others_go_on(value):
    bad = Delivery(READS.name, 0, 1, 0, 1, b"key", value, [("mine", b"1")])
    first, last = reads("A", "B")
    made = loop([first, bad, last])
    made._turn()
    letters = [one for one in made.writer.sent if one[0] == READS.dlq]
    assert [value for topic, _, _, value, _ in made.writer.sent if topic == "police"] == [b"A", b"B"]
    ((_, _, key, kept, headers),) = letters
    assert (key, kept) == (b"key", value)
    letter = dead_letters.read(headers)
    assert (letter.topic, letter.partition, letter.offset) == (READS.name, 0, 1)
    assert (letter.stage, letter.error) == ("enforcement", "UndecodableError")
    assert dead_letters.original(headers) == [("mine", b"1")]


class Count(Echo):
    """Takes its topic as it comes, and only counts."""

    inputs = (replace(READS, record=None),)

    def handle(self, batches, now):
        return Handled(note=sum(len(batch.records) for batch in batches))


def test_a_topic_that_is_taken_as_it_comes_knows_no_dead_letters():
    junk = [Delivery(READS.name, 0, i, 0, 1, b"key", value, []) for i, value in enumerate((None, b"", b"junk"))]
    made = loop([*reads("A"), *junk], stage=Count())
    made.input.stepped = {Place(READS.name, 1): (10, 13)}
    made._turn()
    assert made.writer.sent == []
    assert [done.note for done in made.stage.done] == [4 + 3]  # a stretch that cannot be parsed counts in full


def test_a_record_that_the_stage_cannot_take_is_found_and_set_aside():
    made = loop(reads("A", "POISON", "B"))
    made._turn()
    assert [(topic, value) for topic, _, _, value, _ in made.writer.sent if topic == "police"] == [
        ("police", b"A"), ("police", b"B"),
    ]  # fmt: skip
    ((_, _, _, value, headers),) = [one for one in made.writer.sent if one[0] == READS.dlq]
    assert codec(Read).decode(value).vrm == "POISON"
    assert dead_letters.read(headers).error == "KeyError"
    labels = {"stage": "enforcement", "topic": READS.name, "error": "KeyError"}
    assert made.metrics.registry.get_sample_value("ringfence_dead_letters_total", labels) == 1


def test_a_transaction_that_may_be_tried_again_is_aborted_and_rewound():
    made = loop(reads("A"), BrokerError("a blip"))
    made._turn()
    assert (made.writer.aborted, made.input.rewound, made.stage.done) == (1, 1, [])


def test_it_waits_longer_each_time_and_gives_up_in_the_end(monkeypatch):
    made, waits = loop(reads("A"), BrokerError("down")), []
    monkeypatch.setattr(made.stop, "wait", waits.append)
    for _ in range(MOST_TRIES - 1):
        made._turn()
    with pytest.raises(BrokerError, match="down"):
        made._turn()
    assert len(waits) == MOST_TRIES - 1 == made.input.rewound
    assert waits == sorted(waits)
    assert waits[-1] == 5.0


class Blind(Echo):
    """Cannot see what stands beside the stream, the first ``times`` times."""

    def __init__(self, times, error=None):
        super().__init__()
        self.times, self.error = times, error or BrokerError("orders cannot be read")

    def prepare(self):
        if self.times:
            self.times -= 1
            raise self.error
        return False


def ready(made):
    return made.metrics.registry.get_sample_value("ringfence_ready", {"stage": "enforcement"})


def test_while_the_orders_cannot_be_read_nothing_is_handled_and_nothing_is_lost():
    made = loop(reads("A"), stage=Blind(2))
    made.stop.set()
    made._turn()
    assert (made.writer.sent, made.writer.aborted, made.input.rewound, ready(made)) == ([], 0, 1, 0)
    made._turn()
    made._turn()
    assert [value for _, _, _, value, _ in made.writer.sent] == [b"A"]
    assert (made.unprepared, made.input.rewound, ready(made)) == (0, 2, 1)


def test_orders_that_stay_unreadable_end_the_stage_and_so_does_what_will_not_pass():
    made = loop([], stage=Blind(100))
    made.stop.set()
    for _ in range(MOST_TRIES - 1):
        made._turn()
    with pytest.raises(BrokerError, match="orders cannot be read"):
        made._turn()
    with pytest.raises(FencedError):
        loop([], stage=Blind(1, FencedError("another took over")))._turn()


def test_a_client_that_answers_only_after_half_a_minute_is_not_asked_again(monkeypatch):
    made, now = loop([], stage=Blind(1)), iter((0.0, 30.0))
    made.stop.set()
    monkeypatch.setattr("ringfence.loop.time.monotonic", lambda: next(now))
    with pytest.raises(BrokerError, match="orders cannot be read"):
        made._turn()


def test_a_quiet_hour_does_not_make_failures_of_long_ago_count():
    made = loop([], stage=Blind(0))
    made.stop.set()
    for _ in range(MOST_TRIES + 1):
        made.stage.times = 1
        made._turn()
        made._turn()
    assert made.unprepared == 0


def test_a_success_ends_the_count_of_failures():
    made = loop(reads("A"), BrokerError("a blip"))
    made._turn()
    made.writer.error = None
    made._turn()
    assert (made.failed, len(made.stage.done)) == (0, 1)


def test_what_was_handled_before_a_change_is_given_up_and_handled_again():
    made = loop(reads("A"))
    made.stage.changes = iter((False, True, True, False))
    made._turn()
    assert (made.writer.aborted, made.input.rewound, len(made.stage.done)) == (2, 0, 1)


def test_what_the_client_cannot_parse_leaves_its_place_with_the_dead_letters():
    made = loop([])
    made.input.stepped = {Place(READS.name, 3): (7, 10)}
    made._turn()
    ((topic, _, key, value, headers),) = made.writer.sent
    letter = dead_letters.read(headers)
    assert (topic, key, value) == (READS.dlq, b"", None)
    assert (letter.partition, letter.offset, letter.error) == (3, 7, "UnreadableError")
    assert "offsets 7 to 9" in letter.detail


def test_what_kafka_python_cannot_write_is_written_as_empty():
    """It takes no record without key and value, and no null header."""
    made = loop([Delivery(READS.name, 0, 1, 0, 1, None, None, [("mine", None)])])
    made._turn()
    ((_, _, key, value, headers),) = made.writer.sent
    assert (key, value) == (b"", None)
    assert dead_letters.original(headers) == [("mine", b"")]


def test_a_dead_letter_never_quotes_a_foreign_error():
    made = loop(reads("POISON"))
    made._turn()
    ((_, _, _, _, headers),) = made.writer.sent
    assert (dead_letters.read(headers).error, dead_letters.read(headers).detail) == ("KeyError", "")


def test_a_fenced_member_stops():
    made = loop(reads("A"), FencedError("another took over"))
    with pytest.raises(FencedError):
        made._turn()
    assert made.stage.done == []


@pytest.mark.parametrize("also", [(), ("POISON",)])
def test_a_broken_model_stops_the_stage_and_no_record_is_blamed(also):
    made = loop(reads("BROKEN", *also))
    with pytest.raises(ModelError):
        made._turn()
    assert (made.writer.sent, made.stage.done) == ([], [])


def test_a_dead_letter_says_why_in_bounds():
    bad = dead_letters.Rejected("anpr.reads", 0, 5, None, b"x", [], RecordError("w" * 5_000))
    letter = dead_letters.read(dead_letters.headers(bad, "ocr", OPENING))
    assert len(letter.detail) == dead_letters.MAX_DETAIL
    assert isinstance(letter, DeadLetter)
    with pytest.raises(UndecodableError):
        dead_letters.read([("other", b"1")])


class Doubtful:
    """A codec whose registry does not answer the first ``failures`` times."""

    def __init__(self, failures):
        self.failures = failures

    def decode(self, value):
        if self.failures:
            self.failures -= 1
            raise RegistryError("no schema registry answers")
        return codec(Read).decode(value)


def test_records_wait_for_a_registry_that_is_down():
    """None is lost, none is a dead letter, and no transaction was begun that could be given up."""
    made = loop(reads("A", "B"))
    made.decoders = {READS.name: Doubtful(1).decode}
    made.stop.set()
    made._turn()
    assert (made.input.rewound, made.writer.sent, made.writer.aborted) == (1, [], 0)
    made._turn()
    assert [value for _, _, _, value, _ in made.writer.sent] == [b"A", b"B"]
    assert made.failed == 0


def test_a_registry_that_stays_down_ends_the_stage():
    made = loop(reads("A"))
    made.decoders = {READS.name: Doubtful(100).decode}
    made.stop.set()
    for _ in range(MOST_TRIES - 1):
        made._turn()
    with pytest.raises(RegistryError):
        made._turn()
    assert made.writer.sent == []
