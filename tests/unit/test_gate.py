"""The gate without Kafka: what it discloses, what it withholds, what it leaves as evidence."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from msgspec.structs import replace

from consumers.enforcement.stage import QUIET, Gate
from ringfence.audit.chain import link, verify
from ringfence.errors import PolicyError, RecordError
from ringfence.metrics import Metrics
from ringfence.policy.bundle import Bound, Form, load
from ringfence.policy.decide import Law, decide
from ringfence.policy.facts import Kind
from ringfence.policy.fields import check_form
from ringfence.policy.orders import ALL, Force
from ringfence.policy.register import register
from ringfence.policy.table import compile_bundle
from ringfence.stage import Batch
from schemas.codec import codec
from schemas.records import DecisionBatch, Effect, PoliceImage, PoliceRead
from schemas.topics import AUDIT, IMAGES, POLICE, POLICE_IMAGES, READS
from tests.unit.made import CLOCK, ESTATE, OPENING, OVERVIEW, PATCH, delivery, image, jpeg, read

BUNDLE = load(Path("policies"))
BOUND = 300_000_000
REGISTER = register(ESTATE, Force())


def law(regime=None):
    return Law(compile_bundle(BUNDLE, regime), BUNDLE.digest, BOUND, regime or "")


def gate(regime=None, follow=lambda force: force, metrics=None):
    return Gate("enforcement-0", lambda force: law(regime), REGISTER, follow, CLOCK, metrics or Metrics())


def batch(records, topic=READS.name, mark="", at=None):
    deliveries = [delivery(record, topic, offset=i, at=at) for i, record in enumerate(records)]
    return Batch(topic, 0, list(records), deliveries, mark)


def written(handled, topic, kind):
    return [codec(kind).decode(out.value) for out in handled.outputs if out.topic == topic.name]


def evidence(handled):
    return written(handled, AUDIT, DecisionBatch)


def test_june_2022_discloses_text_of_the_old_cameras_and_withholds_the_rest():
    handled = gate().handle([batch([read(camera) for camera in (1, 2, 3, 4, 5, 99)])], OPENING)
    assert [r.camera for r in written(handled, POLICE, PoliceRead)] == [1, 2]
    (found,) = evidence(handled)
    reasons = [found.outcomes[i].reason for i in found.decisions]
    assert reasons == ["", "", "authorised_not_activated", "authorised_not_activated", "outside_camera_scope",
                       "unknown_camera"]  # fmt: skip


def test_an_image_is_a_separate_decision_and_loses_its_plate_patch():
    handled = gate().handle([batch([image(1), image(3)], IMAGES.name)], OPENING)
    (disclosed,) = written(handled, POLICE_IMAGES, PoliceImage)
    assert (disclosed.overview, disclosed.plate_patch, disclosed.form) == (OVERVIEW, None, "contextual")


@pytest.mark.parametrize("smuggled", [b"\xff\xfe\x00\x09LK19ABC", b"\xff\xe1\x00\x09LK19ABC"])
@pytest.mark.parametrize("regime", ["inner-2022", "reduced-2025"])
def test_no_form_carries_what_is_no_picture(regime, smuggled):
    """Whoever may write images cannot send the police text in a comment, nor metadata."""
    overview = OVERVIEW[:2] + smuggled + OVERVIEW[2:] + b"trailing"
    handled = gate(regime).handle([batch([replace(image(1), overview=overview)], IMAGES.name)], OPENING)
    (disclosed,) = written(handled, POLICE_IMAGES, PoliceImage)
    assert disclosed.overview == OVERVIEW


def test_a_form_holds_its_fields_and_no_others():
    (disclosed,) = written(gate().handle([batch([read(1)])], OPENING), POLICE, PoliceRead)
    assert disclosed == PoliceRead(1, 0, OPENING, "LK19ABC", 95, 2, "inner-2022", "text")


@pytest.mark.parametrize("regime", ["limited-2015", "quashed"])
def test_no_image_under(regime):
    handled = gate(regime).handle([batch([image(c) for c in (1, 2, 3, 5)], IMAGES.name)], OPENING)
    assert not written(handled, POLICE_IMAGES, PoliceImage)


def test_the_evidence_names_every_decision_both_digests_and_both_times():
    (found,) = evidence(gate().handle([batch([read(1, 7), read(3, 8)])], OPENING + 5))
    assert (found.cameras, found.sequences, found.captured) == ([1, 3], [7, 8], [OPENING] * 2)
    assert (found.bundle, found.register, found.decided_at) == (BUNDLE.digest, REGISTER.digest, OPENING + 5)
    assert (found.first_offset, found.last_offset, found.topic, found.partition) == (0, 1, READS.name, 0)
    assert found.outcomes[found.decisions[1]].rules == ["I22-4"] or found.outcomes[found.decisions[1]].rules == [
        "I22-5"
    ]


def test_each_batch_names_the_one_before():
    one = gate()
    first = one.handle([batch([read(1)])], OPENING)
    mark = first.marks[READS.name, 0]
    second = one.handle([batch([read(1, 1)], mark=mark)], OPENING)
    values = [out.value for handled in (first, second) for out in handled.outputs if out.topic == AUDIT.name]
    assert evidence(second)[0].previous == link(values[0]) == bytes.fromhex(mark)
    assert verify(values) == []
    assert verify(values[::-1]) != []
    assert verify([values[0], values[0]]) != []


def test_while_suspended_nothing_is_disclosed_and_everything_is_evidence():
    closed = gate(follow=lambda _: Force(suspended=frozenset({ALL}), offset=4))
    closed.prepare()
    handled = closed.handle([batch([read(c) for c in (1, 2, 3)]), batch([image(1)], IMAGES.name)], OPENING)
    assert {out.topic for out in handled.outputs} == {AUDIT.name}
    assert {o.reason for found in evidence(handled) for o in found.outcomes} == {"suspended"}
    assert {found.orders_offset for found in evidence(handled)} == {4}
    assert evidence(handled)[0].register != REGISTER.digest


@pytest.mark.parametrize(("apart", "allowed"), [(0, 1), (BOUND, 1), (BOUND + 1000, 0), (-BOUND - 1000, 0)])
def test_a_clock_out_of_bounds_is_denied(apart, allowed):
    handled = gate("inner-2022").handle([batch([read(1)], at=OPENING + apart)], OPENING)
    assert len(written(handled, POLICE, PoliceRead)) == allowed


def test_a_wrong_clock_does_not_pick_another_law():
    """A camera of 2022 that says it is 2019 is not judged by the law of 2019."""
    year_2019 = OPENING - 3 * 365 * 86_400_000_000
    handled = gate().handle([batch([read(1, at=year_2019)], at=OPENING)], OPENING)
    (found,) = evidence(handled)
    assert found.outcomes[0].reason == "clock_out_of_bounds"


def test_decisions_change_regime_within_one_batch():
    before = OPENING - 60 * 86_400_000_000  # April 2022: limited-2015
    reads = [read(1, 0, at=before), read(1, 1, at=OPENING)]
    times = [r.captured_at for r in reads]
    outcomes = decide(law(), REGISTER, Kind.READ, [1, 1], times, times, ["LK19ABC"] * 2, OPENING)
    assert [o.regime for o in outcomes] == ["limited-2015", "inner-2022"]


def test_activation_counts_from_its_moment():
    known = register(ESTATE, Force(activated={"inner-1": ((OPENING, True),)}))
    times = [OPENING - 1, OPENING]
    outcomes = decide(law(), known, Kind.READ, [3, 3], times, times, ["LK19ABC"] * 2, OPENING)
    assert [o.effect for o in outcomes] == [Effect.DENY, Effect.ALLOW]


def test_a_reduced_image_is_really_made_smaller():
    small, large = image(1, 0), replace(image(1, 1), overview=jpeg(800, 600), plate_patch=jpeg(240, 90))
    handled = gate("reduced-2025").handle([batch([small, large], IMAGES.name)], OPENING)
    as_it_was, reduced = written(handled, POLICE_IMAGES, PoliceImage)
    assert (as_it_was.overview, as_it_was.plate_patch, as_it_was.form) == (OVERVIEW, PATCH, "reduced")
    assert len(large.overview) > 200_000
    assert len(reduced.overview) <= 25_000
    assert len(reduced.plate_patch) <= 3_000
    height, width = cv2.imdecode(np.frombuffer(reduced.plate_patch, np.uint8), cv2.IMREAD_COLOR).shape[:2]
    assert (width, height) <= (120, 60)
    assert height <= 60


def test_a_picture_that_cannot_be_made_smaller_stops_the_record_and_not_the_gate():
    broken = replace(image(1, 1), overview=b"no picture")
    with pytest.raises(RecordError):
        gate("reduced-2025").handle([batch([broken], IMAGES.name)], OPENING)


def test_a_bound_must_be_on_a_picture_of_the_form():
    with pytest.raises(PolicyError, match="vrm"):
        check_form(Form("small", Kind.READ, "receive read", ("vrm",), {"vrm": Bound(10)}))


def test_a_form_may_not_list_what_its_records_do_not_have():
    with pytest.raises(PolicyError, match="raw"):
        check_form(Form("wide", Kind.READ, "receive read", ("vrm", "raw")))


def test_counts_follow_the_commit():
    metrics = Metrics()
    one = gate(metrics=metrics)
    batches = [batch([read(1), read(3)])]
    handled = one.handle(batches, OPENING)
    assert metrics.registry.get_sample_value("ringfence_suspended") == 0
    one.committed(batches, handled, OPENING)
    labels = {"regime": "inner-2022", "kind": "read", "zone": "ccz", "effect": "ALLOW", "form": "text", "reason": ""}
    assert metrics.registry.get_sample_value("ringfence_decisions_total", labels) == 1


def test_cameras_of_the_register_are_counted_while_they_send():
    metrics = Metrics()
    one = gate(metrics=metrics)

    def heard():
        return metrics.registry.get_sample_value("ringfence_cameras_heard")

    assert heard() == 0
    now = CLOCK.now()
    for cameras, at in (((1, 2, 2, 99), now), ((3,), now - QUIET)):
        batches = [batch([read(camera) for camera in cameras])]
        one.committed(batches, one.handle(batches, OPENING), at)
    assert heard() == 2  # 99 is in no register, and 3 was last heard five minutes ago


def test_a_camera_that_is_in_no_register_stands_in_an_unknown_zone():
    metrics = Metrics()
    one = gate(metrics=metrics)
    batches = [batch([read(99)])]
    one.committed(batches, one.handle(batches, OPENING), OPENING)
    found = {s.labels["zone"] for m in metrics.registry.collect() if m.name == "ringfence_decisions" for s in m.samples}
    assert found == {"unknown"}


def test_a_text_longer_than_any_plate_is_set_aside_and_the_rest_is_decided():
    handled = gate().handle([batch([read(1, 1), read(1, 2, vrm="A" * 17), read(2, 3)])], OPENING)
    assert [type(r.error).__name__ for r in handled.rejected] == ["ImplausibleReadError"]
    assert [r.sequence for r in written(handled, POLICE, PoliceRead)] == [1, 3]
    (found,) = evidence(handled)
    assert found.sequences == [1, 3]


@pytest.mark.parametrize("change", [
    {"vrm": ""}, {"vrm": "LK19 ABC"}, {"vrm": "lk19abc"}, {"vrm": "\u041bK19\u0410BC"}, {"raw": "A" * 17},
    {"confidence": 101}, {"confidence": -1}, {"flags": 1 << 40}, {"flags": -1}, {"sequence": -1},
])  # fmt: skip
def test_a_read_that_no_reader_can_have_made_is_set_aside(change):
    handled = gate().handle([batch([replace(read(1, 1), **change), read(2, 3)])], OPENING)
    assert [type(r.error).__name__ for r in handled.rejected] == ["ImplausibleReadError"]
    assert [r.sequence for r in written(handled, POLICE, PoliceRead)] == [3]


def test_the_senders_own_timestamp_bounds_no_clock():
    """On a topic that carries the sender's time, the sender could choose both times, and with them the law."""
    offered = batch([read(1)])
    deliveries = [one._replace(timestamp_type=0) for one in offered.deliveries]
    handled = gate().handle([Batch(offered.topic, 0, offered.records, deliveries, "")], OPENING)
    assert not written(handled, POLICE, PoliceRead)
    assert evidence(handled)[0].outcomes[0].reason == "clock_out_of_bounds"


def test_the_evidence_says_by_what_the_regime_was_chosen():
    (by_date,), (pinned,) = (evidence(gate(r).handle([batch([read(1)])], OPENING)) for r in (None, "quashed"))
    assert (by_date.pinned, pinned.pinned, pinned.clock_bound) == ("", "quashed", BOUND)


def test_a_batch_of_nothing_but_such_texts_leaves_no_evidence():
    handled = gate().handle([batch([read(1, 1, vrm="A" * 5_000)])], OPENING)
    assert (handled.outputs, len(handled.rejected)) == ([], 1)
