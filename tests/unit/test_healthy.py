"""The health check of a container: a counter that stands still does not pass for a camera that sends."""

import sys

import pytest
from prometheus_client import CollectorRegistry

from ringfence import healthy
from ringfence.broker import free_port
from ringfence.metrics import Metrics, serve

NAME = "ringfence_acknowledged_timestamp_seconds"


@pytest.mark.parametrize(
    ("values", "within", "sound"),
    [([1.0], None, True), ([0.0, 2.0], None, True), ([0.0], None, False), ([], None, False),
     ([940.0], 60, True), ([100.0, 990.0], 60, True), ([939.0], 60, False), ([0.0], 60, False), ([], 60, False)],
)  # fmt: skip
def test_above_zero_or_not_long_ago(values, within, sound):
    assert healthy.judge("x", values, within, 1_000.0)[0] is sound


def test_only_that_metric_counts():
    lines = ["# HELP x y", "x 1.0", 'x{a="b c"} 2.5', "x_total 9", "xy 9"]
    assert healthy.samples("x", lines) == [1.0, 2.5]


def test_it_asks_the_process_and_notices_one_that_is_stuck(monkeypatch, capsys):
    metrics = Metrics(CollectorRegistry())
    server = serve(metrics, "127.0.0.1", free_port())
    monkeypatch.setenv("RINGFENCE_METRICS_PORT", str(server.server_port))
    monkeypatch.setattr(sys, "argv", ["healthy", NAME, "--within", "60"])
    assert healthy.main() == 1
    assert "never yet" in capsys.readouterr().out
    metrics.acknowledged.set_to_current_time()
    assert healthy.main() == 0
    metrics.acknowledged.set(1_000)
    assert healthy.main() == 1
    server.shutdown()
    server.server_close()
    assert healthy.main() == 1
    assert "no metrics" in capsys.readouterr().out
