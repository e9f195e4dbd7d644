"""Every query of every panel and every alert, put to a real Prometheus that watches the real pipeline.

``make test-monitoring``: it needs Prometheus, so that the plain `make test` leaves it out.
"""

import math
import re
import subprocess
import time

import promql_parser
import pytest

from ringfence.settings import ROOT
from tests.monitoring import pipeline, queries
from tests.monitoring.queries import of_alerts, of_annotations, of_panels

pytestmark = [pytest.mark.monitoring, pytest.mark.timeout(170)]
PROMETHEUS = ROOT / "docker" / "prometheus"
NEVER = {
    "DisclosureWhileSuspended", "DisclosureWithoutAudit", "DisclosureMissing", "EvidenceBroken", "BrokerDown",
    "ReplicaMissing", "GateSilent",
}  # fmt: skip


@pytest.fixture(scope="module")
def observed(tmp_path_factory):
    """The pipeline after everything rare has happened, and the moment from which on it was watched."""
    with pipeline.running(tmp_path_factory.mktemp("monitoring")) as made:
        pipeline.events(made)
        yield made


def bare(expr):
    """Without what stands in for nothing: then only what is really there is left."""
    return re.sub(r"vector\(\d\)", "(vector(0) > 1)", expr)


def asked_of(observed, asked):
    """The series over the whole run; only those with a number in them."""
    now = time.time()
    expr = bare(queries.substituted(asked.expr, "10s", f"{int(now - observed.started)}s"))
    found = observed.prometheus.ask_range(expr, observed.started, now)
    return [one for one in found if any(math.isfinite(float(value)) for _, value in one["values"])]


def test_the_configuration_is_sound():
    for command in (
        ["promtool", "check", "config", "--syntax-only", "prometheus.yml"],
        ["promtool", "check", "rules", *map(str, sorted(queries.RULES.glob("*.yml")))],
        ["promtool", "test", "rules", "tests/alerts.yml"],
    ):
        done = subprocess.run(command, cwd=PROMETHEUS, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("asked", of_panels(), ids=lambda asked: asked.where)
def test_a_panel_has_series_and_they_have_what_its_legend_names(observed, asked):
    found = asked_of(observed, asked)
    assert found, f"nothing for {asked.expr}"
    for one in found:
        assert all(one["metric"].get(label) for label in asked.labels), one["metric"]


@pytest.mark.parametrize("asked", of_annotations()[:3], ids=lambda asked: asked.where)
def test_an_annotation_marks_what_happened(observed, asked):
    assert asked_of(observed, asked)


@pytest.mark.parametrize("asked", of_alerts(), ids=lambda asked: asked.where)
def test_the_expression_of_an_alert_can_be_worked_out_and_all_that_it_asks_for_is_there(observed, asked):
    observed.prometheus.ask(asked.expr)
    for node in queries.nodes(asked):
        if isinstance(node, promql_parser.VectorSelector):
            selector = re.sub(r"\s+offset .*", "", node.prettify())
            assert observed.prometheus.ask(f"last_over_time({selector}[10m])"), selector


def test_what_was_made_to_happen_is_said_and_nothing_else(observed):
    observed.wait('ALERTS{alertname="DeadLetters", alertstate="firing"}')
    observed.wait('ALERTS{alertname="OrderRefused", alertstate="firing"}')
    observed.wait('ALERTS{alertname="ClockSkew"}')
    fired = {one["metric"]["alertname"] for one in observed.prometheus.ask("last_over_time(ALERTS[10m])")}
    assert not fired & NEVER


def test_the_police_topics_and_the_evidence_agree_until_something_is_smuggled(observed):
    """The last test: after it the difference stays."""
    wavered = "min_over_time(sum(ringfence_disclosures_unaudited)[15s:1s]) > 0"
    now = time.time()
    assert not observed.prometheus.ask_range(wavered, observed.started + 16, now)
    pipeline.smuggle(observed)
    observed.wait('ALERTS{alertname="DisclosureWithoutAudit"}')
    observed.wait("min_over_time(sum(ringfence_disclosures_unaudited)[5s:1s]) == 2")
