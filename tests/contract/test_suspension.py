"""Suspension on a real broker: nothing while it lasts, within a second of the order, and none forgotten."""

import time
from threading import Event, Thread

from schemas.records import Effect, OrderKind
from schemas.topics import IMAGES, READS, User
from tests.contract.conftest import gate
from tests.contract.waiting import until
from tests.unit.made import image, read


class Traffic:
    """About a hundred reads a second of a camera that is open, until it is stopped."""

    def __init__(self, broker, first):
        self.broker, self.sequence, self.stop = broker, first, Event()
        self.thread = Thread(target=self.run, daemon=True)

    def run(self):
        while not self.stop.is_set():
            now = self.broker.clock.now()
            self.broker.send(User.CAMERAS, READS, [read(1, self.sequence + i, now) for i in range(10)])
            self.sequence += 10
            time.sleep(0.08)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exception):
        self.stop.set()
        self.thread.join(10)


def test_an_order_takes_effect_within_a_second(broker, resumed):
    with gate(broker), Traffic(broker, 0):
        until(lambda: len(broker.police()) > 50)
        broker.order(OrderKind.SUSPEND)
        acknowledged = broker.clock.now()
        suspended = until(lambda: [b for b in broker.evidence() if any(o.reason == "suspended" for o in b.outcomes)])
        time.sleep(1.5)
    first = min(batch.decided_at for batch in suspended)
    taken = (first - acknowledged) / 1_000_000
    print(f"order acknowledged to first batch under it: {taken * 1000:.0f} ms")
    assert taken <= 1.0
    late = [b for b in broker.evidence() if b.decided_at > acknowledged + 1_000_000]
    assert late, "traffic went on"
    assert {o.effect for b in late for o in b.outcomes} == {Effect.DENY}


def test_a_gate_that_starts_under_suspension_discloses_nothing(broker, resumed):
    """The orders are read to their end before the first decision."""
    broker.order(OrderKind.SUSPEND)
    before = len(broker.police()), len(broker.police_images())
    now = broker.clock.now()
    broker.send(User.CAMERAS, READS, [read(1, 1_000_000 + i, now) for i in range(200)])
    broker.send(User.OCR, IMAGES, [image(1, 1_000_000 + i, now) for i in range(20)])
    with gate(broker):
        until(lambda: sum(1 for (_, _, s), _ in broker.decided() if s >= 1_000_000) >= 220)
    assert (len(broker.police()), len(broker.police_images())) == before


def test_after_resumption_disclosure_goes_on(broker):
    broker.order(OrderKind.SUSPEND)
    broker.order(OrderKind.RESUME)
    broker.send(User.CAMERAS, READS, [read(1, 2_000_000, broker.clock.now())])
    with gate(broker):
        until(lambda: [r for r in broker.police() if r.sequence == 2_000_000])


def test_a_broken_order_is_refused_and_dead_lettered_once(broker):
    from schemas.topics import BY_NAME, ORDERS

    broker.send(User.GOVERNANCE, ORDERS, [b"no order at all"], partition=0)
    for _ in range(2):
        with gate(broker) as running:
            time.sleep(1.0)
    letters = broker.all(User.OPERATOR, BY_NAME[ORDERS.dlq])
    assert [d.value for d in letters] == [b"no order at all"]
    assert not running.stage.register.force.suspended
