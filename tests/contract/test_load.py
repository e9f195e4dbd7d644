"""The load test on a real broker: its books, its report, and the stage that it names."""

import json
import os
import signal
from contextlib import closing, contextmanager

import pytest

from ringfence.broker import free_port
from ringfence.demo.scrape import scrape
from ringfence.errors import NotAllowedError
from ringfence.groups import Groups
from schemas.topics import INPUTS, POLICE, User
from tests.contract.commands import run, start
from tests.contract.conftest import HOME
from tests.contract.waiting import until

SECONDS = 3
BOOKS = {"sent", "unsure", "frames", "frames_without_a_read", "decided", "disclosed", "received"}
PERCENTILES = {"p50", "p90", "p99", "p99.9", "max"}


def load(out, *arguments, **settings):
    code, printed, error = run("load", "--out", out, *arguments, seconds=120, home=HOME.resolve(), **settings)
    return code, printed, error, json.loads((out / "report.json").read_text())


def test_on_a_broker_of_its_own_the_books_balance_and_the_report_is_whole(tmp_path):
    """Held or not is up to the machine; what it did is not."""
    code, printed, error, found = load(tmp_path / "out", "--rate", "200", "--duration", str(SECONDS), "--warm-up", "0")
    assert code in (0, 1), error
    assert found["faults"] == []
    assert found["host"].keys() == {"cores", "memory_bytes", "machine", "python", "kafka", "load_average"}
    assert found["held"] is (code == 0)
    assert found["offered"]["offered"] == 200 * SECONDS
    assert found["books"].keys() == BOOKS
    assert found["books"]["sent"] == found["books"]["decided"] == 200 * SECONDS
    assert 0 < found["books"]["disclosed"] == found["books"]["received"] < 200 * SECONDS
    assert found["latency_seconds"].keys() == PERCENTILES
    assert found["latency_seconds"]["p50"] <= found["latency_seconds"]["p99"] <= found["latency_seconds"]["max"]
    assert sum(second["sent"] for second in found["seconds"]) == 200 * SECONDS
    assert sum(second["disclosed"] for second in found["seconds"]) == found["books"]["received"]
    assert set(found["samples"][-1]["lag"].items()) == {("enforcement", 0), ("police", 0), ("oversight", 0)}
    assert (tmp_path / "out/load.png").read_bytes().startswith(b"\x89PNG")
    assert found["verdict"]["why"] in printed


def test_oversight_may_see_where_every_group_stands_and_the_police_only_its_own(broker):
    names = {str(user): [topic.name for topic in topics] for user, topics in INPUTS.items()}
    with closing(Groups(broker.connection(User.OVERSIGHT), names)) as groups:
        assert groups.standing().keys() == names.keys()
    with closing(Groups(broker.connection(User.POLICE), {"police": [POLICE.name]})) as groups:
        assert groups.standing().keys() == {"police"}
    with (
        closing(Groups(broker.connection(User.POLICE), {"enforcement": [POLICE.name]})) as groups,
        pytest.raises(NotAllowedError),
    ):
        groups.standing()


@contextmanager
def stage(broker, name):
    """A stage as a process of its own, once it is ready."""
    port = free_port()
    process = start(
        name, home=HOME.resolve(), bootstrap=broker.kafka.bootstrap, metrics_port=port,
        clock_offset=broker.settings.clock_offset,
    )  # fmt: skip
    try:
        until(lambda: scrape([port], float).total("ringfence_ready") or process.poll())
        assert process.poll() is None
        yield process
    finally:
        os.kill(process.pid, signal.SIGCONT)
        process.kill()
        process.communicate()


def test_a_stage_that_stands_still_is_named_and_nothing_is_lost(tmp_path, broker):
    there = {"bootstrap": broker.kafka.bootstrap, "clock_offset": broker.settings.clock_offset}
    with stage(broker, "enforce") as gate:
        gate.send_signal(signal.SIGSTOP)
        arguments = ("--bootstrap", broker.kafka.bootstrap, "--rate", "200", "--duration", "3", "--warm-up", "0")
        code, printed, error, found = load(tmp_path / "out", *arguments, **there)
        gate.send_signal(signal.SIGCONT)
        until(lambda: len({key for key, _ in broker.decided()}) == 600)
    assert code == 1, error
    assert found["verdict"]["stage"] == User.ENFORCEMENT
    assert "Not held: enforcement fell behind first" in printed
    assert "nothing was disclosed" in printed
    assert found["faults"] == []
    assert found["books"]["decided"] == 0
    assert found["samples"][-1]["lag"]["enforcement"] == found["books"]["sent"] == 600
    assert len(broker.decided()) == 600


def test_a_stage_that_is_far_behind_already_is_said_before_anything_is_sent(tmp_path, broker, monkeypatch):
    from producers.load import places
    from ringfence.clock import Clock
    from ringfence.errors import BrokerError
    from tests.unit.made import OPENING

    monkeypatch.setattr(places, "CATCH_UP_SECONDS", 0.5)
    monkeypatch.setattr(places, "BACKLOG", 100)
    site = places.Site(broker.settings, Clock(0), None, lambda: None, lambda: None)
    reads = [made(i, OPENING) for i in range(120)]
    broker.send(User.CAMERAS, places.READS, reads)
    with pytest.raises(BrokerError, match="enforcement is 120 records behind"), places.groups_of(site, False):
        pass


def made(sequence, at):
    from schemas.records import Read

    return Read(1, sequence, at, "LK19ABC", "LK19ABC", 95, 2)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--rate", "5", "--londons", "1"), "give --londons or --rate, not both"),
        (("--bootstrap", "127.0.0.1:1", "--regime", "inner-2022"), "--regime is for a pipeline of its own"),
        (("--bootstrap", "127.0.0.1:1"), "no broker answers"),
        (("--regime", "none-such"), "none-such"),
        (("--out", "/dev/null/x"), "cannot be used"),
    ],
)
def test_what_cannot_be_is_one_line(arguments, said, tmp_path):
    code, printed, error = run("load", *arguments, seconds=60, home=HOME.resolve())
    assert code == 2
    assert said in error
    assert len(error.strip().splitlines()) == 1
    assert "Traceback" not in printed + error
