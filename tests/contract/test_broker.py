"""The embedded Kafka: it starts, it stops, it leaves nothing behind, and it runs only the jars of the lock."""

import shutil
import signal
import socket
import time
from urllib.request import urlopen

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from ringfence import access
from ringfence.broker import EmbeddedKafka, free_port
from ringfence.errors import FileError, ResourceBusyError
from ringfence.jars import AGENT_LOCK, LOCK, agent, check_jars, jars, read_lock
from schemas.topics import TOPICS
from tests.contract.commands import start
from tests.contract.conftest import HOME
from tests.contract.waiting import until


def test_a_taken_port_is_said_at_once(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ResourceBusyError, match="--port"):
            EmbeddedKafka(tmp_path, "secret", port=taken.getsockname()[1])


@pytest.fixture
def copied(tmp_path):
    """A folder with the real jars, as links, but for one that is a copy of its own."""
    for jar in jars((HOME / "kafka").resolve()):
        (tmp_path / jar.name).symlink_to(jar)
    victim = sorted(tmp_path.iterdir(), key=lambda jar: jar.stat().st_size)[0]
    real = victim.resolve()
    victim.unlink()
    shutil.copy(real, victim)
    return victim


def test_the_jars_are_those_of_the_lock(copied):
    check_jars(copied.parent, read_lock(LOCK))


def test_the_agent_is_that_of_its_lock():
    check_jars(agent((HOME / "kafka").resolve()).parent, read_lock(AGENT_LOCK))


def test_a_jar_with_one_bit_changed_is_refused(copied):
    data = bytearray(copied.read_bytes())
    data[len(data) // 2] ^= 1
    copied.write_bytes(data)
    with pytest.raises(FileError, match=copied.name):
        check_jars(copied.parent, read_lock(LOCK))


def test_a_missing_and_an_added_jar_are_refused(copied):
    moved = copied.rename(copied.with_name("other.jar"))
    with pytest.raises(FileError, match="2 of Kafka's jars"):
        check_jars(moved.parent, read_lock(LOCK))


@pytest.fixture
def alone():
    """`ringfence broker` as a process, ready; with the process of its JVM."""
    process = start("broker", "--port", "0", home=HOME.resolve())
    line = until(lambda: next((line for line in process.stdout if "Ctrl-C stops it" in line), None))
    assert line
    (jvm,) = psutil.Process(process.pid).children(recursive=True)
    yield process, jvm
    process.kill()
    process.communicate()


def _gone(process):
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_ctrl_c_stops_it_cleanly(alone):
    process, jvm = alone
    process.send_signal(signal.SIGINT)
    assert process.wait(15) == 0
    assert _gone(jvm)
    assert not list((HOME / "kafka").glob(f"run-{process.pid}-*"))


def test_kill_minus_nine_leaves_no_jvm_and_the_next_start_cleans_up(alone):
    process, jvm = alone
    process.kill()
    process.wait()
    until(lambda: _gone(jvm), 10)
    left = list((HOME / "kafka").glob(f"run-{process.pid}-*"))
    with EmbeddedKafka(HOME, "secret"):
        assert left
        assert not any(folder.exists() for folder in left)


def test_it_shows_its_own_metrics_if_asked_to():
    port = free_port()
    with EmbeddedKafka(HOME, access.password(HOME, access.ADMIN), metrics_port=port) as kafka:
        access.apply(kafka.admin, HOME)
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            shown = {family.name: family for family in text_string_to_metric_families(answer.read().decode())}
    assert {sample.value for sample in shown["kafka_under_replicated_partitions"].samples} == {0}
    topics = {sample.labels["topic"] for sample in shown["kafka_log_size_bytes"].samples}
    assert topics >= {topic.name for topic in TOPICS}


def test_a_taken_port_for_metrics_is_said_at_once(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ResourceBusyError, match="in use"):
            EmbeddedKafka(tmp_path, "secret", metrics_port=taken.getsockname()[1])


def test_a_second_start_is_quick(broker):
    began = time.monotonic()
    with EmbeddedKafka(HOME, "secret") as second:
        assert second.bootstrap != broker.kafka.bootstrap
    assert time.monotonic() - began < 60  # about 2.5 s on a quiet machine; the bound is for a busy one
