"""What the dashboards and the rules ask Prometheus, as they stand in docker/, and what there is to be asked."""

import json
import re
from functools import cache

import promql_parser
import yaml
from msgspec import Struct
from prometheus_client import CollectorRegistry

from ringfence.dashboards.__main__ import FOLDER
from ringfence.metrics import Metrics
from ringfence.settings import ROOT

RULES = ROOT / "docker" / "prometheus" / "rules"
JMX = ROOT / "docker" / "kafka" / "jmx.yaml"
BOARDS = sorted(FOLDER.glob("*.json"))
# What Prometheus knows by itself, and what it adds to every series.
OWN = {"up": {"job", "instance"}, "ALERTS": {"alertname", "alertstate", "severity"}}
ADDED = {"job", "instance"}
PROCESS = ("process_cpu_seconds_total", "process_resident_memory_bytes", "process_start_time_seconds")
AGENT = {"jvm_memory_used_bytes": {"area"}, "jvm_memory_max_bytes": {"area"}}


class Asked(Struct, frozen=True):
    """One query: where it stands, what it asks, how its series are called."""

    where: str
    expr: str
    legend: str = ""
    instant: bool = False

    @property
    def labels(self):
        """The labels that the legend names."""
        return set(re.findall(r"{{(\w+)}}", self.legend))


def boards():
    return [json.loads(path.read_text()) for path in BOARDS]


def panels():
    return [(board["uid"], panel) for board in boards() for panel in board["panels"]]


def of_panels():
    return [
        Asked(f"{uid}/{panel['id']} {panel['title']}/{t['refId']}", t["expr"], t["legendFormat"], t["instant"])
        for uid, panel in panels()
        for t in panel["targets"]
    ]


def of_annotations():
    return [
        Asked(f"{board['uid']}/{one['name']}", one["expr"], one["titleFormat"])
        for board in boards()
        for one in board["annotations"]["list"]
    ]


def alerts():
    return [rule for path in sorted(RULES.glob("*.yml")) for group in _groups(path) for rule in group["rules"]]


def _groups(path):
    return yaml.safe_load(path.read_text())["groups"]


def of_alerts():
    return [Asked(rule["alert"], rule["expr"]) for rule in alerts()]


def substituted(expr, rate="20s", window="15m"):
    """The expression as Grafana sends it."""
    return expr.replace("$__rate_interval", rate).replace("$__range", window)


def parsed(asked):
    return promql_parser.parse(substituted(asked.expr))


def nodes(asked):
    found = []
    promql_parser.walk(parsed(asked), found.append)
    return found


def selectors(asked):
    """(metric, labels that are matched) of every selector."""
    return [
        (node.name, {m.name for m in node.matchers.matchers})
        for node in nodes(asked)
        if isinstance(node, promql_parser.VectorSelector)
    ]


def grouped(asked):
    """Every label by which something is added up."""
    return {
        label
        for node in nodes(asked)
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier
        for label in node.modifier.labels
    }


@cache
def known():
    """Metric -> labels, of all that there is to be asked."""
    ours = {}
    for metric in vars(Metrics()).values():
        if not isinstance(metric, CollectorRegistry):
            (family,) = metric.describe()
            for suffix, more in _SUFFIXES[family.type].items():
                ours[family.name + suffix] = {*metric._labelnames, *more}
    jmx = {rule["name"]: set(rule.get("labels", ())) for rule in yaml.safe_load(JMX.read_text())["rules"]}
    return {**ours, **jmx, **AGENT, **OWN, **{name: set() for name in PROCESS}}


_SUFFIXES = {
    "counter": {"_total": ()},
    "gauge": {"": ()},
    "histogram": {"_bucket": ("le",), "_sum": (), "_count": ()},
}
