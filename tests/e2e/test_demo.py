"""The demo as a user runs it: its books, its pictures, one seed one day, and every way to stop it."""

import json
import signal
import subprocess
import sys
import time

import psutil
import pytest

from ringfence.demo.command import BALANCED
from tests.contract.commands import RINGFENCE, clean_environment
from tests.contract.conftest import HOME
from tests.contract.waiting import until

KEYS = {
    "seed", "regime", "seconds", "passages", "frames", "reads", "ocr", "decisions", "denied_by_reason",
    "disclosed_by_form", "police_received", "police_images_received", "decisions_audited", "dead_letters",
    "late_sends", "latency_seconds", "kafka_version",
}  # fmt: skip
SHORT = ("--duration", "6", "--rate", "60", "--seed", "7")


class Demo:
    """``ringfence demo`` as a process of its own, its output in a file."""

    def __init__(self, out, *arguments, **environment):
        self.out, self.log = out, out.with_suffix(".log")
        command = [RINGFENCE, "demo", *arguments, "--out", str(out), "--home", str(HOME)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                env=clean_environment() | environment,
            )  # fmt: skip

    def text(self):
        return self.log.read_text()

    def family(self):
        """The processes under it, once the cameras run."""
        until(lambda: "allowed" in self.text(), 90)
        found = psutil.Process(self.process.pid).children(recursive=True)
        assert len(found) == 6, "the broker, the cameras and four stages"
        return found

    def summary(self):
        return json.loads((self.out / "summary.json").read_text())


@pytest.fixture
def demo(tmp_path):
    """Starts demos, and kills what a failed test leaves."""
    started = []

    def start(name, *arguments, **environment):
        started.append(Demo(tmp_path / name, *arguments, **environment))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
        one.process.wait()


@pytest.fixture(scope="module")
def twice(tmp_path_factory):
    """The same short day, run twice."""
    folder = tmp_path_factory.mktemp("demo")
    demos = []
    for name in ("first", "second"):
        demos.append(Demo(folder / name, *SHORT))
        demos[-1].process.wait(180)
    return demos


def gone(process):
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def assert_nothing_left(family):
    until(lambda: all(gone(process) for process in family), 20)


def test_it_says_what_it_did_and_the_books_balance(twice):
    for one in twice:
        assert one.process.returncode == 0, one.text()
        assert BALANCED in one.text()
        found = one.summary()
        assert found.keys() >= KEYS
        assert found["balanced"]
        assert found["decisions_audited"] == sum(found["reads"].values()) + found["images"]
        assert found["decisions_audited"] == sum(found["decisions"].values())
        assert found["decisions"]["DENY"] == sum(found["denied_by_reason"].values()) > 0
        assert found["decisions"]["ALLOW"] == sum(found["disclosed_by_form"].values())
        assert found["police_received"] == found["disclosed_by_form"]["text"] > 0
        assert found["police_images_received"] == found["disclosed_by_form"]["contextual"] > 0
        assert sum(found["ocr"].values()) == found["frames"]
        assert found["passages"] == found["frames"] + found["reads"]["on_board"]
        assert found["dead_letters"] == 0
        assert found["latency_seconds"].keys() == {"p50", "p99", "max"}


def test_it_leaves_pictures(twice):
    for name, head in (("contact-sheet.png", b"\x89PNG"), ("map.png", b"\x89PNG"), ("screen.svg", b"<svg")):
        picture = (twice[0].out / name).read_bytes()
        assert picture.startswith(head)
        assert len(picture) > 5_000


def test_without_a_terminal_it_prints_a_line_now_and_then(twice):
    lines = [line for line in twice[0].text().splitlines() if "cameras" in line and "lag" in line]
    assert 1 <= len(lines) <= 3
    assert "\x1b" not in twice[0].text()


def test_one_seed_one_day(twice):
    """The same frames and reads byte for byte, and the same decisions: rule ids, forms, reasons."""
    first, second = (one.summary() for one in twice)
    assert first["digests"].keys() == {"frames", "reads", "decisions"}
    times = ("latency_seconds", "peak_memory_bytes", "cpu_seconds", "decision_batches", "late_sends")
    assert {k: v for k, v in first.items() if k not in times} == {k: v for k, v in second.items() if k not in times}


def test_logs_hold_no_mark_and_no_password(twice):
    passwords = [file.read_text().strip() for file in (HOME / "secrets").glob("*.password")]
    assert passwords
    logs = "".join(log.read_text() for log in (twice[0].out / "logs").glob("*.log")) + twice[0].text()
    assert [password for password in passwords if password in logs] == []
    assert "LK" not in logs


def test_ctrl_c_drains_and_a_pinned_regime_holds(demo):
    """Stopped early under limited-2015: what was sent is decided, no image went out, nothing is left running."""
    one = demo("stopped", "--duration", "600", "--rate", "60", "--regime", "limited-2015")
    family = one.family()
    one.process.send_signal(signal.SIGINT)
    assert one.process.wait(60) == 0, one.text()
    found = one.summary()
    assert found["regime"] == "limited-2015"
    assert found["balanced"]
    assert found["police_received"] > 0
    assert set(found["disclosed_by_form"]) == {"text"}
    assert_nothing_left(family)


def test_settings_of_another_broker_do_not_disturb_it_and_a_pinned_regime_is_named(demo):
    one = demo(
        "elsewhere", "--duration", "3", "--rate", "60", RINGFENCE_PASSWORD="another", RINGFENCE_SECURITY="SASL_SSL",
        RINGFENCE_BOOTSTRAP="127.0.0.1:1", RINGFENCE_MEMBER="7", RINGFENCE_REGIME="quashed",
    )  # fmt: skip
    assert one.process.wait(120) == 0, one.text()
    assert one.summary()["regime"] == "quashed (counterfactual)"


@pytest.mark.parametrize("moment", ["Starting Apache Kafka", "Ready after"])
def test_ctrl_c_before_the_opening_stops_it_soon(demo, moment):
    one = demo("early", "--duration", "600")
    until(lambda: moment in one.text(), 60)
    family = psutil.Process(one.process.pid).children(recursive=True)
    one.process.send_signal(signal.SIGINT)
    assert one.process.wait(30) == 130, one.text()
    assert "stopped before" in one.text()
    assert "Traceback" not in one.text()
    assert_nothing_left(family)


def test_ctrl_c_twice_kills(demo):
    one = demo("killed", "--duration", "600")
    family = one.family()
    one.process.send_signal(signal.SIGINT)
    time.sleep(0.5)  # two at once would be one
    one.process.send_signal(signal.SIGINT)
    assert one.process.wait(5) == 130
    assert_nothing_left(family)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_kill_minus_nine_leaves_nothing_running(demo):
    one = demo("gone", "--duration", "600")
    family = one.family()
    one.process.kill()
    assert_nothing_left(family)


def test_a_stage_that_dies_ends_the_demo_with_one_line(demo):
    one = demo("bereft", "--duration", "600")
    family = one.family()
    (gate,) = [process for process in family if "consumers.enforcement" in process.cmdline()]
    gate.kill()
    assert one.process.wait(30) == 2
    (line,) = [line for line in one.text().splitlines() if line.startswith("ringfence: ")]
    assert "enforcement" in line
    assert "Traceback" not in one.text()
    assert_nothing_left(family)
