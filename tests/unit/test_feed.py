"""The feed of orders: whatever fails while it reads, no order that was read is lost."""

from types import SimpleNamespace

import pytest

from consumers.enforcement import feed as module
from consumers.enforcement.feed import OrderFeed
from ringfence.errors import BrokerError
from ringfence.kafka_io import KafkaError
from ringfence.metrics import Metrics
from ringfence.policy.authority import key_of
from ringfence.seal import Signer
from schemas.codec import codec
from schemas.records import Order, OrderKind
from schemas.topics import ORDERS
from tests.unit.made import CLOCK, Delivery
from tests.unit.test_orders import TRUST, order, sign

WALL = 1_800_000_000_000


class Topic:
    """governance.orders as the feed sees it, and the group that remembers. ``failing``: calls that fail once."""

    def __init__(self, orders, failing):
        self.records = [
            Delivery(ORDERS.name, 0, i, WALL, 1, key_of(one), codec(Order).encode(one), [])
            for i, one in enumerate(orders)
        ]
        self.at, self.kept, self.failing = 0, None, set(failing)

    def fail(self, name):
        if name in self.failing:
            self.failing.remove(name)
            raise KafkaError(f"{name} failed")

    def assign(self, places): ...

    def seek_to_beginning(self, place):
        self.at = 0

    def seek(self, place, offset):
        self.at = offset

    def position(self, place):
        return self.at

    def end_offsets(self, places):
        self.fail("end_offsets")
        return dict.fromkeys(places, len(self.records))

    def poll(self, timeout_ms):
        found, self.at = self.records[self.at :], len(self.records)
        return {module.PLACE: found} if found else {}

    def committed(self, place, metadata):
        if self.kept is not None:
            self.fail("committed")
        return self.kept

    def commit(self, offsets):
        self.fail("commit")
        self.kept = SimpleNamespace(**offsets[module.PLACE]._asdict())

    def send(self, *given, **more):
        self.fail("send")
        return SimpleNamespace(get=lambda timeout: None)


@pytest.mark.parametrize("failing", [[], ["commit"], ["send"], ["end_offsets"], ["committed"], ["send", "commit"]])
def test_a_suspension_outlives_whatever_fails_right_after_it_was_read(monkeypatch, failing):
    first, suspension = order(1, OrderKind.RECORD), order(2, OrderKind.SUSPEND)
    forged = sign(order(3, OrderKind.RESUME), Signer.new()[0])
    topic = Topic([first], [])
    monkeypatch.setattr(module, "consumer", lambda *_: topic)
    monkeypatch.setattr(module, "producer", lambda *_: topic)
    feed = OrderFeed(None, TRUST, CLOCK, Metrics())
    force = feed.catch_up()
    assert force.last("governor") == 1
    topic.records += Topic([first, suspension, forged], []).records[1:]
    topic.failing = set(failing)
    for _ in range(len(failing) + 3):
        feed._asked = 0.0
        try:
            force = feed.follow(force)
        except BrokerError:
            continue
    assert (force.suspended, force.last("governor")) == ({"all"}, 2)
