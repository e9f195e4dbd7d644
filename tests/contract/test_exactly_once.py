"""Nothing lost, nothing doubled, every disclosure in the evidence: through kill -9, a rebalance, a takeover."""

import os
import signal
import subprocess
import sys
import time

from ringfence.audit.chain import follow
from ringfence.errors import FencedError
from ringfence.kafka_read import read_all
from schemas.codec import codec
from schemas.records import DecisionBatch, Effect
from schemas.topics import AUDIT, READS, User
from tests.contract.conftest import gate
from tests.contract.waiting import until
from tests.unit.made import read

READS_EACH = 8_000


def breaks(broker):
    heads, found = {}, []
    for delivery in read_all(broker.connection(User.OVERSIGHT), [AUDIT.name]):
        place = delivery.partition
        batch = codec(DecisionBatch).decode(delivery.value)
        heads[place], broken = follow(heads.get(place, {}), delivery.value, batch)
        found += [broken] if broken else []
    return found


def assert_books_balance(broker, first, count):
    decided = [(key, o) for key, o in broker.decided() if first <= key[2] < first + count]
    assert len(decided) == len({key for key, _ in decided}) == count
    allowed = {key[1:] for key, o in decided if o.effect is Effect.ALLOW}
    disclosed = [(r.camera, r.sequence) for r in broker.police() if first <= r.sequence < first + count]
    assert len(disclosed) == len(set(disclosed))
    assert set(disclosed) == allowed
    assert allowed
    assert breaks(broker) == []


def fill(broker, first):
    now = broker.clock.now()
    cameras = [1, 2, 400, 1301, 99_999]
    broker.send(User.CAMERAS, READS, [read(cameras[i % 5], first + i, now) for i in range(READS_EACH)])


def start_gate(broker):
    environment = {
        **os.environ,
        "RINGFENCE_BOOTSTRAP": broker.kafka.bootstrap,
        "RINGFENCE_HOME": str(broker.settings.home),
        "RINGFENCE_CLOCK_OFFSET": str(broker.settings.clock_offset),
        "RINGFENCE_TRANSACTION_RECORDS": "100",
        "RINGFENCE_TRANSACTION_MS": "5",
    }
    return subprocess.Popen([sys.executable, "-m", "consumers.enforcement"], env=environment, start_new_session=True)


def test_kill_minus_nine_in_mid_stream(broker):
    fill(broker, 0)
    killed = 0
    for share in (0.1, 0.4):
        process = start_gate(broker)
        until(lambda share=share: len(broker.decided()) > share * READS_EACH)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        killed = len(broker.decided())
    assert killed < READS_EACH, "the gate was killed before it was done"
    process = start_gate(broker)
    until(lambda: len(broker.decided()) >= READS_EACH)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert_books_balance(broker, 0, READS_EACH)


def test_a_second_member_joins_in_mid_stream(broker):
    first = 1_000_000
    with gate(broker, "0"):
        fill(broker, first)
        with gate(broker, "1"):
            fill(broker, first + READS_EACH)
            until(lambda: sum(1 for key, _ in broker.decided() if key[2] >= first) >= 2 * READS_EACH, 60)
    assert_books_balance(broker, first, 2 * READS_EACH)


def test_a_second_process_under_the_same_name_puts_the_first_one_out(broker):
    """Two gates of one name are a mistake: one of them is fenced and stops, and the books still balance."""
    first = 3_000_000
    one = gate(broker, "0")
    one.thread.start()
    fill(broker, first)
    with gate(broker, "0"):
        fill(broker, first + READS_EACH)
        until(lambda: sum(1 for key, _ in broker.decided() if key[2] >= first) >= 2 * READS_EACH, 60)
        deadline = time.monotonic() + 30
        while one.thread.is_alive() and time.monotonic() < deadline:
            broker.send(User.CAMERAS, READS, [read(1, 9_000_000 + int(time.monotonic() * 1000), broker.clock.now())])
            time.sleep(0.2)
    one.stop.set()
    one.thread.join(20)
    assert not one.thread.is_alive()
    assert isinstance(one.error, FencedError)
    assert_books_balance(broker, first, 2 * READS_EACH)


def test_a_pass_through_that_fails_leaves_nothing(broker, monkeypatch):
    """An aborted transaction is invisible to the police, and its reads are decided on the next try."""
    from ringfence.errors import BrokerError
    from ringfence.transact import Writer

    first, failed = 5_000_000, []
    real = Writer.commit

    def commit(self, source, gathered, marks):
        if not failed:
            self._producer.flush()
            failed.append(len(broker.police()))
            raise BrokerError("a blip")
        real(self, source, gathered, marks)

    monkeypatch.setattr(Writer, "commit", commit)
    before = len(broker.police())
    with gate(broker) as running:
        fill(broker, first)
        until(lambda: sum(1 for key, _ in broker.decided() if key[2] >= first) >= READS_EACH)
    assert failed == [before]
    assert (
        running.metrics.registry.get_sample_value("ringfence_transactions_aborted_total", {"stage": "enforcement"}) == 1
    )
    assert_books_balance(broker, first, READS_EACH)
