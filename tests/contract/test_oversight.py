"""Oversight on a real broker: a disclosure that no decision stands behind is seen, and after a restart too."""

from consumers.oversight.stage import Oversight
from schemas.records import PoliceRead
from schemas.topics import BY_NAME, POLICE, READS, User
from tests.contract.conftest import Running, gate
from tests.contract.waiting import until
from tests.unit.made import read

SECRET = PoliceRead(1, 10_000, 0, "LK19ABC", 95, 2, "inner-2022", "text")


def oversight(broker, member="0"):
    context = broker.context(User.OVERSIGHT, member=member)
    return Running(Oversight(context.metrics), context.connection, context.clock, context.metrics, member)


def value(running, name, **labels):
    return running.metrics.registry.get_sample_value(name, labels)


def seen(running, topic):
    return value(running, "ringfence_consumed_records_total", stage="oversight", topic=topic.name) or 0


def difference(*members):
    return sum(value(one, "ringfence_disclosures_unaudited") for one in members)


def test_what_was_smuggled_to_the_police_is_seen_whatever_it_holds(broker):
    now = broker.clock.now()
    broker.send(User.CAMERAS, READS, [read(1, i, now) for i in range(5)])
    with gate(broker), oversight(broker) as running:
        until(
            lambda: seen(running, POLICE) == 5 and value(running, "ringfence_audited_decisions_total", effect="ALLOW")
        )
        until(lambda: difference(running) == 0)
        broker.send(User.ENFORCEMENT, POLICE, [SECRET, b"junk"], partition=2)
        until(lambda: difference(running) == 2)
    with oversight(broker) as again:  # nothing new comes in, and it still knows
        until(lambda: difference(again) == 2)
        assert seen(again, POLICE) == 0
    assert not broker.all(User.OPERATOR, BY_NAME[POLICE.dlq])


def partitions(running):
    """How many partitions a member shows the lag of."""
    return sum(m.name == "ringfence_lag_records" for m in running.metrics.registry.collect() for _ in m.samples)


def test_two_members_share_the_topics_and_their_sum_is_the_difference(broker):
    with oversight(broker, "0") as one, oversight(broker, "1") as other:
        until(lambda: min(partitions(one), partitions(other)) > 0)
        until(lambda: difference(one, other) == 2)
        for place in range(POLICE.partitions):
            broker.send(User.ENFORCEMENT, POLICE, [SECRET], partition=place)
        until(lambda: difference(one, other) == 2 + POLICE.partitions)
        assert max(difference(one), difference(other)) < 2 + POLICE.partitions
