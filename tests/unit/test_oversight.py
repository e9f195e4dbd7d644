"""Oversight without Kafka: it follows the chain, and holds what reached the police against what was allowed."""

import json

import pytest

from consumers.oversight.stage import Oversight, recall
from ringfence.audit.chain import link
from ringfence.kafka_io import Place
from ringfence.metrics import Metrics
from ringfence.stage import Batch
from schemas.codec import codec
from schemas.records import DecisionBatch, Effect, Outcome
from schemas.topics import AUDIT, IMAGES, POLICE, POLICE_IMAGES, READS
from tests.unit.made import OPENING, Delivery

ALLOW, DENY = Outcome(1, "r", Effect.ALLOW, "text", "", []), Outcome(2, "r", Effect.DENY, "", "why", [])
OFFSET_METADATA_BYTES = 4096  # what a broker keeps with an offset, unless told otherwise


def evidence(decisions, topic=READS.name, partition=0, previous=b""):
    n = len(decisions)
    return DecisionBatch(
        "enforcement-0", topic, partition, 0, n, OPENING, b"", b"", 0, "", "crime", 0, previous,
        [ALLOW, DENY], [1] * n, list(range(n)), [OPENING] * n, decisions,
    )  # fmt: skip


def audited(*records, partition=0, mark=""):
    deliveries = [
        Delivery(AUDIT.name, partition, i, 0, 1, None, codec(DecisionBatch).encode(r), [])
        for i, r in enumerate(records)
    ]
    return Batch(AUDIT.name, partition, list(records), deliveries, mark)


def disclosed(number, topic=POLICE, partition=0, mark=""):
    return Batch(topic.name, partition, [b"whatever"] * number, [], mark)


def difference(marks, stage=None):
    stage = stage or Oversight(Metrics())
    stage.remembered({Place(*place): mark for place, mark in marks.items()})
    return stage.metrics.registry.get_sample_value("ringfence_disclosures_unaudited")


def test_as_many_disclosures_as_were_allowed_leave_nothing():
    handled = Oversight(Metrics()).handle(
        [audited(evidence([0, 1, 0]), evidence([0], IMAGES.name)), disclosed(2), disclosed(1, POLICE_IMAGES)], OPENING
    )
    assert difference(handled.marks) == 0


@pytest.mark.parametrize(("number", "left"), [(1, -1), (2, 0), (5, 3)])
def test_the_difference_is_disclosures_less_allowed(number, left):
    handled = Oversight(Metrics()).handle([audited(evidence([0, 1, 0])), disclosed(number)], OPENING)
    assert difference(handled.marks) == left


def test_counts_go_on_from_the_marks():
    stage = Oversight(Metrics())
    first = stage.handle([audited(evidence([0])), disclosed(2)], OPENING).marks
    place, police = (AUDIT.name, 0), (POLICE.name, 0)
    again = stage.handle([disclosed(3, mark=first[police])], OPENING).marks
    assert recall(again[police]).disclosed == 5
    assert difference(first | again) == 4
    assert recall(first[place]).allowed == 1


def test_members_share_the_partitions_and_their_sum_is_what_counts():
    marks = Oversight(Metrics()).handle(
        [audited(evidence([0, 0]), partition=1), disclosed(1, partition=1), disclosed(1, POLICE_IMAGES, partition=1)],
        OPENING,
    ).marks  # fmt: skip
    mine = {place: mark for place, mark in marks.items() if place[0] == AUDIT.name}
    theirs = {place: mark for place, mark in marks.items() if place[0] != AUDIT.name}
    assert (difference(mine), difference(theirs)) == (-2, 2)


def test_two_batches_of_one_partition_are_both_counted():
    marks = Oversight(Metrics()).handle([disclosed(2), disclosed(3)], OPENING).marks
    assert recall(marks[POLICE.name, 0]).disclosed == 5


def test_a_partition_that_went_to_another_member_is_no_longer_counted_here():
    stage = Oversight(Metrics())
    marks = stage.handle([disclosed(2)], OPENING).marks
    assert difference(marks, stage) == 2
    assert difference({}, stage) == 0


def test_a_mark_from_before_there_were_counts_keeps_its_heads():
    one = evidence([0])
    data = codec(DecisionBatch).encode(one)
    old = json.dumps({f"{READS.name}/0": link(data).hex()})
    stage = Oversight(Metrics())
    assert stage.handle([audited(evidence([0], previous=link(data)), mark=old)], OPENING).note == []
    assert stage.handle([audited(evidence([0]), mark=old)], OPENING).note != []


def test_a_mark_fits_where_it_is_kept():
    stage, mark = Oversight(Metrics()), ""
    for topic in (READS.name, IMAGES.name):
        for partition in range(16):  # many more inputs than ever lead to one partition of the evidence
            batch = audited(evidence([0] * 1_000, topic, partition), mark=mark)
            mark = stage.handle([batch], OPENING).marks[AUDIT.name, 0]
    assert recall(mark).allowed == 32_000
    assert len(mark) < OFFSET_METADATA_BYTES
