"""What a user sees when something is wrong: one line that says what to do, exit code 2, soon."""

import socket
import time

import pytest

from ringfence.broker import free_port
from tests.contract.commands import run
from tests.contract.conftest import HOME

SOON = 10.0  # seconds
PARTS = ("demo", "cameras", "read", "ocr", "enforce", "oversight", "police", "broker", "topics", "dlq", "regimes",
         "suspend", "resume", "order", "keys", "bundle", "compare")  # fmt: skip


def refused(*arguments, **environment):
    """The one line of a refusal."""
    began = time.monotonic()
    code, _, error = run(*arguments, **{"home": HOME.resolve()} | environment)
    assert time.monotonic() - began < SOON
    assert code == 2, error
    assert "Traceback" not in error
    (line,) = [line for line in error.strip().splitlines() if line.startswith("ringfence: ")]
    return line


def test_help_names_every_part():
    code, out, _ = run("--help")
    assert code == 0
    assert [part for part in PARTS if part not in out] == []


@pytest.mark.parametrize("part", PARTS)
def test_every_part_has_help(part):
    code, out, _ = run(part, "--help")
    assert code == 0
    assert "--help" in out


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (["enforce"], {"transaction_ms": 0}, "RINGFENCE_TRANSACTION_MS"),
        (["enforce", "--bootstrap", "nowhere"], {}, "RINGFENCE_BOOTSTRAP"),
        (["ocr", "--wrong-cost", "-1"], {}, "RINGFENCE_WRONG_COST"),
        (["enforce"], {"bootstrp": "127.0.0.1:9092"}, "RINGFENCE_BOOTSTRAP"),  # a slip of the pen gets a hint
        (["regimes", "show", "limited-2051"], {}, "limited-2015"),
        (["regimes", "list"], {"policies": "no/such/folder"}, "no/such/folder"),
        (["demo", "--regime", "nope"], {}, "inner-2022"),
        (["demo", "--rate", "5", "--londons", "1"], {}, "not both"),
        (["demo", "--opening", "yesterday"], {}, "--opening"),
        (["demo", "--out", "/proc/nowhere"], {}, "--out /proc/nowhere"),
        (["cameras", "--start", "yesterday"], {}, "--start"),
        (["cameras", "--replay", "nowhere"], {}, "nowhere is not there"),
        (["cameras", "--replay", "tests", "--when", "frame"], {}, "--when frame"),
        (["cameras", "--replay", "ftp://127.0.0.1/v"], {}, "a stream begins with"),
        (["read", "nowhere.jpg"], {}, "nowhere.jpg is not there"),
        (["read", "README.md", "--model", "nowhere.onnx"], {}, "nowhere.onnx is missing"),
        (["enforce"], {"home": "/no/such/home"}, "/no/such/home"),
        (["dlq", "replay", "nonsense"], {}, "ringfence topics list"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_wrong_setting_is_said_in_one_line(arguments, environment, said):
    assert said in refused(*arguments, **environment)


def test_a_port_in_use(broker):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"port {port}" in refused("broker", "--port", port)
        assert f"{port}" in refused("enforce", "--metrics-port", port, bootstrap=broker.kafka.bootstrap)


@pytest.mark.parametrize("part", ["cameras", "ocr", "enforce", "police", "oversight", "suspend"])
def test_an_unreachable_broker(broker, part):
    address = f"127.0.0.1:{free_port()}"
    assert address in refused(part, *(["--why", "a test"] if part == "suspend" else []), bootstrap=address)


@pytest.mark.parametrize("part", ["cameras", "ocr", "enforce", "police", "oversight"])
def test_a_wrong_password(broker, part):
    assert "password" in refused(part, bootstrap=broker.kafka.bootstrap, password="wrong")


def test_a_missing_model(broker, tmp_path):
    line = refused("ocr", bootstrap=broker.kafka.bootstrap, model=tmp_path / "none.onnx")
    assert "none.onnx" in line


def test_a_model_that_is_none(broker, tmp_path):
    (tmp_path / "bad.onnx").write_bytes(b"not a model")
    (tmp_path / "plate_config.yaml").write_text("nonsense: true\n")
    assert "bad.onnx" in refused("ocr", bootstrap=broker.kafka.bootstrap, model=tmp_path / "bad.onnx")
