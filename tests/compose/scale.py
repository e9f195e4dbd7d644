"""The scale layer, really run: one of three brokers is killed and comes back, one of two members too; alerts say so.

`LAYERS=scale make test-compose`. The tests build on each other, in their order.
"""

import subprocess

import pytest

from tests.compose.stack import Stack

STACK = Stack("scale")
BEHIND = "sum(kafka_under_replicated_partitions)"


@pytest.fixture(scope="module", autouse=True)
def stack():
    STACK.up()
    yield
    STACK.down()


def firing(name):
    return STACK.ask(f'ALERTS{{alertname="{name}", alertstate="firing"}}')


def number(expr):
    return sum(float(one["value"][1]) for one in STACK.ask(expr))


def members():
    return {one["metric"]["job"]: int(one["value"][1]) for one in STACK.ask("count by (job) (up == 1)")}


def test_three_brokers_and_two_members_each_are_seen():
    STACK.until(
        lambda: members() == {"cameras": 1, "ocr": 2, "enforcement": 2, "oversight": 1, "police": 1, "kafka": 3}
    )
    STACK.grows()
    STACK.until(lambda: number(BEHIND) == 0)


def test_a_broker_of_three_that_is_killed_stops_nothing_and_is_said():
    STACK.compose("kill", "kafka-2")
    STACK.grows()
    STACK.until(lambda: number(BEHIND) > 0)
    print(f"{number(BEHIND):.0f} partitions are short of a replica")
    STACK.until(lambda: firing("ReplicaMissing"))
    assert members()["kafka"] == 2, "what is stopped leaves the DNS"
    assert not firing("BrokerDown")
    STACK.grows()


def test_it_comes_back_and_catches_up():
    STACK.compose("start", "kafka-2")
    STACK.until(STACK.healthy)
    STACK.until(lambda: number(BEHIND) == 0)
    STACK.until(lambda: not firing("ReplicaMissing"))
    STACK.until(lambda: members()["kafka"] == 3)
    STACK.grows()


def test_a_member_of_two_that_is_stopped_is_said_and_the_other_goes_on():
    one, _ = STACK.compose("ps", "--quiet", "ocr").stdout.split()
    subprocess.run(["docker", "stop", one], capture_output=True, check=True)
    STACK.until(lambda: [a["metric"]["job"] for a in firing("PartDown")] == ["ocr"], 180)
    STACK.grows()
    subprocess.run(["docker", "start", one], capture_output=True, check=True)
    STACK.until(STACK.healthy)
    STACK.until(lambda: not firing("PartDown"))


def test_nothing_else_was_said():
    said = STACK.ask('count by (alertname) (last_over_time(ALERTS{alertstate="firing"}[1h]))')
    names = {one["metric"]["alertname"] for one in said}
    # While the parts find out that their broker is gone, they do fall behind.
    assert names - {"LagGrowing"} == {"ReplicaMissing", "PartDown"}


def test_the_count_of_disclosures_wavers_around_nothing():
    for extreme in ("max", "min"):
        print(extreme, STACK.ask(f"{extreme}_over_time(sum(ringfence_disclosures_unaudited)[1h:5s])"))
    assert not STACK.ask("max_over_time(sum(ringfence_disclosures_unaudited)[2m:5s]) < 0")


def test_the_books_balance_after_all_of_this():
    STACK.check_books()
