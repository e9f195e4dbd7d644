"""Orders on a real broker: obeyed when genuine, refused and kept when not, and none lost to compaction."""

import time

import pytest
from kafka.admin import ConfigResource, ConfigResourceType
from msgspec.structs import replace

from ringfence import keys
from ringfence.errors import RecordError, RingfenceError, SettingError
from ringfence.estate import load
from ringfence.governance import history
from ringfence.kafka_admin import session
from ringfence.policy.authority import key_of, sign
from ringfence.policy.orders import Head
from ringfence.seal import Signer
from schemas.codec import codec
from schemas.records import Order, OrderKind
from schemas.topics import BY_NAME, ORDERS, READS, User
from tests.contract.commands import run
from tests.contract.conftest import HOME, gate
from tests.contract.waiting import until
from tests.unit.made import read

LETTERS = BY_NAME[ORDERS.dlq]


def genuine(broker, kind, subject, office="governor", **more):
    """The next order of an office, signed, but not sent."""
    last = history(broker.context(User.GOVERNANCE), keys.trust(HOME))[1].last
    new = Order(last(office) + 1, office, kind, subject, "a test", "a test", broker.clock.now(), **more)
    return sign(new, keys.signer(HOME, office))


def put(broker, *orders):
    for one in orders:
        broker.send(User.GOVERNANCE, ORDERS, [one], partition=0, key=key_of(one))


def test_a_tranche_opens_by_order_and_closes_by_order(broker):
    estate = load(broker.settings.policies / "estate")
    camera = next(c for c in estate.cameras.values() if c.tranche == "inner-1")

    def disclosed(sequence):
        broker.send(User.CAMERAS, READS, [read(camera.id, sequence, broker.clock.now())])
        until(lambda: [1 for (_, c, s), _ in broker.decided() if (c, s) == (camera.id, sequence)])
        return any((r.camera, r.sequence) == (camera.id, sequence) for r in broker.police())

    with gate(broker):
        assert not disclosed(1)
        broker.order(OrderKind.ACTIVATE, "inner-1")
        time.sleep(1.0)
        assert disclosed(2)
        broker.order(OrderKind.DEACTIVATE, "inner-1")
        time.sleep(1.0)
        assert not disclosed(3)


def test_what_is_no_order_of_the_office_is_refused_counted_and_kept_once(broker):
    forged = sign(genuine(broker, OrderKind.SUSPEND, "all"), Signer.new()[0])
    unsigned = replace(forged, signature=b"")
    last, *_ = [given.order for given in reversed(history(broker.context(User.GOVERNANCE), keys.trust(HOME))[0])]
    put(broker, forged, unsigned, last)
    late = genuine(broker, OrderKind.RESUME, "all", expires_at=broker.clock.now() - 1)
    put(broker, late)
    put(broker, genuine(broker, OrderKind.SUSPEND, "all", office="advisers"))
    put(broker, genuine(broker, OrderKind.SUSPEND, "the moon"))
    for _ in range(2):
        with gate(broker) as running:
            time.sleep(1.0)
    refused = {
        sample.labels["error"]: sample.value
        for metric in running.metrics.registry.collect()
        for sample in metric.samples
        if sample.name == "ringfence_orders_refused_total"
    }
    assert refused == {
        "ForgedOrderError": 2, "ReplayedOrderError": 1, "ExpiredOrderError": 1, "NoPowerError": 1,
        "OrderRefusedError": 1,
    }  # fmt: skip
    kept = [codec(Order).decode(letter.value) for letter in broker.all(User.OPERATOR, LETTERS)]
    assert len(kept) == 6
    assert kept[:4] == [forged, unsigned, last, late]
    assert running.stage.register.force.suspended == frozenset()


def test_an_order_that_would_be_refused_is_not_sent(broker):
    before = len(broker.all(User.GOVERNANCE, ORDERS))
    with pytest.raises(RecordError):
        broker.order(OrderKind.RECORD, "a poem")
    with pytest.raises(RecordError):
        broker.order(OrderKind.SUSPEND, office="police")
    with pytest.raises(RingfenceError, match="keys new"):
        broker.order(OrderKind.SUSPEND, office="nobody")
    assert len(broker.all(User.GOVERNANCE, ORDERS)) == before


def test_given_listed_and_explained_by_command(broker):
    at = {"bootstrap": broker.kafka.bootstrap, "home": HOME.resolve(), "clock_offset": broker.settings.clock_offset}
    code, out, error = run("order", "give", "list", "stolen", "--office", "police", "--why", "theft", "--by", "a desk",
                           "--vrm", "LK19 ABC", **at)  # fmt: skip
    assert (code, error) == (0, "")
    assert "LIST stolen, acknowledged" in out
    code, out, error = run("order", "list", **at)
    assert code == 0
    assert "stolen (1 marks)" in " ".join(out.split())
    assert "LK19ABC" not in out
    for wrong, said in (
        (["activate", "nowhere"], "no tranche 'nowhere'"),
        (["deactivate", "original"], "needs no activation"),
        (["suspend", "zone/nowhere"], "no zone 'nowhere'"),
        (["revoke", "999"], "would be refused"),
        (["suspend", "all", "--expires", "2030-01-01T00:00:00Z"], "has no date"),
    ):
        code, _, error = run("order", "give", *wrong, "--why", "a test", "--by", "a test", **at)
        assert (code, said in error) == (2, True), error


def test_compaction_takes_no_order_away(broker):
    """Two copies of one record of junk show that compaction has run: the first of them goes, and no order does."""
    orders = [broker.order(kind) for kind in (OrderKind.SUSPEND, OrderKind.RESUME) * 3]
    context = broker.context(User.GOVERNANCE)
    # The topic is not compacted; were it, by somebody's mistake, no order would be lost all the same.
    quick = {
        "cleanup.policy": "compact", "segment.ms": "100", "min.cleanable.dirty.ratio": "0.001",
        "max.compaction.lag.ms": "100",
    }  # fmt: skip
    with session(broker.kafka.admin) as client:
        client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, ORDERS.name, configs=quick)])
    junk = [b"junk 1", b"junk 2", b"junk 3"]
    for value in junk:
        broker.send(User.GOVERNANCE, ORDERS, [value], partition=0, key=b"junk")
        time.sleep(0.3)
    until(lambda: junk[0] not in [d.value for d in broker.all(User.GOVERNANCE, ORDERS)], seconds=60)
    given, force = history(context, keys.trust(HOME))
    assert [one.order for one in given if one.order in orders] == orders
    assert force.last("governor") == orders[-1].sequence


def test_a_last_order_that_is_gone_is_missed_at_every_start(broker):
    """No gap shows it: the gate remembers. A tombstone and compaction take it away, without any office's key."""
    with gate(broker):
        broker.order(OrderKind.SUSPEND, "zone/lez")
        last = broker.order(OrderKind.SUSPEND)
        time.sleep(1.0)
    broker.send(User.GOVERNANCE, ORDERS, [None], partition=0, key=key_of(last))
    until(lambda: is_compacted_away(broker, last), seconds=60)
    for _ in range(3):
        with gate(broker) as running:
            until(lambda: running.stage.register.force.due == {"governor": Head(last.sequence, key_of(last).decode())})
            assert running.stage.register.force.shut
    put(broker, last)
    with gate(broker) as running:
        until(lambda: running.stage.register.force.suspended == {"all", "zone/lez"})
        assert running.stage.register.force.due == {}
    broker.order(OrderKind.RESUME)


def is_compacted_away(broker, order):
    """Writes junk, so that a segment is closed and compaction comes to what lies before, and looks."""
    broker.send(User.GOVERNANCE, ORDERS, [b"junk"], partition=0, key=b"junk")
    time.sleep(0.3)
    return key_of(order) not in [d.key for d in broker.all(User.GOVERNANCE, ORDERS) if d.value]


def test_a_gate_discloses_nothing_while_an_order_is_missing_and_goes_on_once_it_is_there(broker):
    """Signed, and a number skipped: what came between may have been a suspension."""
    now = genuine(broker, OrderKind.RESUME, "all")
    before = len(broker.all(User.OPERATOR, LETTERS))
    put(broker, sign(replace(now, sequence=now.sequence + 1), keys.signer(HOME, "governor")))

    def decided(sequence):
        broker.send(User.CAMERAS, READS, [read(1, sequence, broker.clock.now())])
        return until(lambda: [o.form or o.reason for (_, _, s), o in broker.decided() if s == sequence])[0]

    for sequence in (700, 701):
        with gate(broker) as running:
            until(lambda: running.stage.register.force.due)
            assert decided(sequence) == "suspended"
    assert len(broker.all(User.OPERATOR, LETTERS)) == before + 1, "it is kept, once"
    with gate(broker) as running:
        with pytest.raises(SettingError, match=f"order {now.sequence} of the governor is missing"):
            broker.order(OrderKind.RESUME)
        broker.order(OrderKind.RESUME, in_place=True)
        broker.order(OrderKind.RESUME, in_place=True)
        until(lambda: not running.stage.register.force.due)
        assert decided(702) == "text"


def test_an_order_under_a_foreign_key_is_refused(broker):
    """Compaction would take it away with the next record of that key."""
    made = genuine(broker, OrderKind.SUSPEND, "zone/lez")
    broker.send(User.GOVERNANCE, ORDERS, [made], partition=0, key=b"foo")
    given, force = history(broker.context(User.GOVERNANCE), keys.trust(HOME))
    assert type(given[-1].refused).__name__ == "WrongKeyError"
    assert "zone/lez" not in force.suspended
