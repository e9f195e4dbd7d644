"""Dashboards, rules and docs/monitoring.md fit together and ask for what there is. Without a Prometheus."""

import re

import prometheus_client
import pytest
import yaml

from ringfence.dashboards import parts
from ringfence.dashboards.__main__ import BOARDS, FOLDER, rendered
from ringfence.settings import ROOT
from schemas.topics import LIVE
from tests.monitoring import queries
from tests.monitoring.queries import ADDED, PROCESS, alerts, known, of_alerts, of_annotations, of_panels, panels

ASKED = [*of_panels(), *of_annotations(), *of_alerts()]
PAGE = (ROOT / "docs/monitoring.md").read_text()
TESTS = yaml.safe_load((ROOT / "docker/prometheus/tests/alerts.yml").read_text())["tests"]
OKABE_ITO = {"#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#999999"}
WIDTH = 24
PANELS = [pytest.param(panel, id=f"{uid}/{panel['title']}") for uid, panel in panels()]


@pytest.mark.parametrize("name", rendered())
def test_the_json_is_as_the_python_has_it(name):
    assert (FOLDER / name).read_text() == rendered()[name], "run make dashboards"


def test_every_file_is_a_dashboard_of_ours():
    assert {path.stem for path in queries.BOARDS} == set(BOARDS)
    assert len({board["uid"] for board in queries.boards()}) == len(BOARDS)


@pytest.mark.parametrize("board", queries.boards(), ids=lambda board: board["uid"])
def test_a_dashboard_is_fixed_fresh_and_leads_to_the_others(board):
    assert board["uid"].startswith("ringfence-")
    assert (board["refresh"], board["time"]) == ("5s", {"from": "now-15m", "to": "now"})
    assert [link["tags"] for link in board["links"]] == [board["tags"]] == [["ringfence"]]
    assert {one["name"] for one in board["annotations"]["list"]} == {"Suspensions", "Bundle swaps", "Restarts"}
    assert [panel["id"] for panel in board["panels"]] == list(range(1, len(board["panels"]) + 1))
    (variable,) = board["templating"]["list"]
    assert (variable["name"], variable["type"], variable["query"]) == ("datasource", "datasource", "prometheus")


@pytest.mark.parametrize("board", queries.boards(), ids=lambda board: board["uid"])
def test_panels_fill_whole_rows_and_lie_on_no_other(board):
    taken = {
        (x, y)
        for panel in board["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    }
    assert len(taken) == sum(panel["gridPos"]["w"] * panel["gridPos"]["h"] for panel in board["panels"])
    assert len(taken) == WIDTH * (1 + max(y for _, y in taken))
    assert max(x for x, _ in taken) < WIDTH


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_says_what_it_shows_in_which_unit_and_what_nothing_means(panel):
    defaults = panel["fieldConfig"]["defaults"]
    assert panel["description"].endswith((".", "0."))
    assert defaults["unit"]
    assert defaults["noValue"]
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert all(target["datasource"] == panel["datasource"] and target["legendFormat"] for target in panel["targets"])


@pytest.mark.parametrize("name", [path.name for path in queries.BOARDS])
def test_colours_can_be_told_apart_by_everyone_on_both_themes(name):
    assert set(re.findall(r"#[0-9A-F]{6}\b", (FOLDER / name).read_text())) <= OKABE_ITO
    named = re.findall(r'"(?:color|fixedColor|iconColor)": "([^#"]+)"', (FOLDER / name).read_text())
    assert named == []


def test_every_topic_and_every_part_has_its_colour():
    assert {topic.name for topic in LIVE} == set(parts.TOPICS)
    jobs = yaml.safe_load((ROOT / "docker/prometheus/prometheus.yml").read_text())["scrape_configs"]
    assert {job["job_name"] for job in jobs} == set(parts.PARTS)


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: asked.where)
def test_a_query_is_promql_and_asks_for_what_there_is(asked):
    found = queries.selectors(asked)
    assert found
    for metric, matched in found:
        assert metric in known()
        assert matched <= known()[metric] | ADDED, metric
    labels = set().union(*(known()[metric] for metric, _ in found)) | ADDED
    assert queries.grouped(asked) <= labels


@pytest.mark.parametrize("asked", of_panels(), ids=lambda asked: asked.where)
def test_a_legend_names_labels_that_the_query_keeps(asked):
    assert asked.labels <= queries.grouped(asked)


def test_the_names_of_one_process_are_those_that_the_client_gives():
    found = {sample.name for family in prometheus_client.PROCESS_COLLECTOR.collect() for sample in family.samples}
    assert found >= set(PROCESS)


def test_the_broker_shows_nothing_that_nobody_looks_at():
    asked = {metric for one in ASKED for metric, _ in queries.selectors(one)}
    assert {rule["name"] for rule in yaml.safe_load(queries.JMX.read_text())["rules"]} <= asked


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_an_alert_says_what_and_leads_to_what_to_do(rule):
    assert rule["labels"]["severity"] in {"page", "warn"}
    assert rule["annotations"].keys() == {"summary", "description", "runbook"}
    page, anchor = rule["annotations"]["runbook"].split("#")
    assert (page, anchor) == ("docs/monitoring.md", rule["alert"].lower())
    section = re.search(rf"^### {rule['alert']}\n(.*?)(?=^##|\Z)", PAGE, re.M | re.S)
    assert section, f"docs/monitoring.md has no section on {rule['alert']}"
    assert "What to do: " in section[1]


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_an_alert_is_shown_to_fire_and_not_to_fire(rule):
    mine = [test["name"] for test in TESTS if test["name"].startswith(f"{rule['alert']} ")]
    assert any(name.startswith(f"{rule['alert']} fires ") for name in mine)
    assert any(name.startswith(f"{rule['alert']} does not fire ") for name in mine)


def test_the_page_has_no_alert_that_there_is_not():
    section = PAGE.split("\n## Alerts\n")[1].split("\n## ")[0]
    assert re.findall(r"^### (\w+)$", section, re.M) == [rule["alert"] for rule in alerts()]
