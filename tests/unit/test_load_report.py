"""What a load test leaves: the report, the table, the chart, the line while it runs."""

from io import StringIO

import pytest
from rich.console import Console

from producers.load.chart import draw
from producers.load.profiles import Name, profile
from producers.load.reader import Heard
from producers.load.report import of_run, of_search, rows
from producers.load.screen import Screen
from producers.load.trial import Now, Outcome
from producers.load.verdict import Sample, Sent, Standing, Verdict

NAMES = ("p50", "p90", "p99", "p99.9", "max")
LIMIT = 0.25


def outcome(p99=0.1, held=True, faults=(), seconds=4, ran=4):
    """A run of 10 events a second, of which half are disclosed; it was ended after ``ran`` seconds."""
    latency = dict.fromkeys(NAMES, p99)
    return Outcome(
        shape=profile(Name.CONSTANT, 10, seconds),
        sent=Sent(10 * ran),
        sent_by_second=dict.fromkeys(range(ran), 10),
        samples=[
            Sample(float(i), {"enforcement": Standing(10 * i, 10 * i), "police": Standing(100 * i, 0)})
            for i in range(ran)
        ],
        latency=latency,
        latency_by_second={0: {"count": 5, **latency}},
        verdict=Verdict(held, "every stage kept up" if held else "police fell behind first, from 0 s on"),
        within=None if p99 is None else p99 <= LIMIT,
        summary={
            "sent": 10 * ran, "unsure": 0, "frames": 2, "frames_without_a_read": 1, "decided": 40, "disclosed": 20,
            "received": 20,
        },
        faults=list(faults),
    )  # fmt: skip


def test_a_run_has_every_second_and_every_sample():
    found = of_run(outcome())
    assert [s["second"] for s in found["seconds"]] == [0, 1, 2, 3]
    assert [s["intended_rate"] for s in found["seconds"]] == [10] * 4
    assert [s["disclosed"] for s in found["seconds"]] == [5, 0, 0, 0]
    assert found["seconds"][0]["p99"] == 0.1
    assert "p99" not in found["seconds"][1]
    assert [s["lag"] for s in found["samples"]][-1] == {"enforcement": 0, "police": 300}
    assert found["samples"][-1]["seconds_behind"] == {"enforcement": 0, "police": 3}


def test_a_run_that_was_ended_early_has_only_the_seconds_that_it_ran():
    assert len(of_run(outcome(seconds=600, ran=3))["seconds"]) == 3


@pytest.mark.parametrize(
    ("trials", "largest", "p99"),
    [
        ([(10, 0.1), (20, 0.3), (20, 0.4), (15, 0.2)], 15, 0.2),
        ([(10, 0.5), (10, 0.6)], None, 0.6),
        ([(10, None)], None, None),
    ],
)
def test_a_search_shows_the_run_of_the_largest_rate_or_else_the_last(trials, largest, p99):
    found = of_search([(rate, outcome(latency)) for rate, latency in trials])
    assert found["largest_rate"] == largest
    assert found["latency_seconds"]["p99"] == p99
    assert [trial["rate"] for trial in found["trials"]] == [rate for rate, _ in trials]


def test_a_search_keeps_the_faults_of_every_trial():
    tried = [(10, outcome(faults=["decided more than once: 1"])), (20, outcome())]
    assert of_search(tried)["faults"] == ["decided more than once: 1"]


def test_the_table_says_it_in_words():
    found = dict(rows(of_run(outcome()), LIMIT))
    assert found["offered"] == "40"
    assert found["frames, without a read"] == "2, 1"
    assert found["p99"] == "100 ms"
    assert found["p99 within 250 ms"] == "yes"
    assert dict(rows(of_run(outcome(None)), LIMIT))["p99"] == "-"


@pytest.mark.parametrize(
    "report", [of_run(outcome()), of_run(outcome(None)), of_search([(10, outcome()), (20, outcome(0.4))])]
)
def test_the_chart_can_be_drawn_of_any_report(report, tmp_path):
    draw(report, "a title", LIMIT, tmp_path / "load.png")
    assert (tmp_path / "load.png").read_bytes().startswith(b"\x89PNG")


def test_the_line_while_it_runs():
    out = StringIO()
    screen = Screen(Console(file=out, width=300))
    heard = Heard(17, dict.fromkeys(NAMES, 0.08))
    now = Now(Sample(2.0, {"enforcement": Standing(1_000, 100)}), Sent(40, late=1), 20.0, heard, draining=False)
    with screen.run("constant", 60):
        screen.show(now)
        screen.show(now)
    (line,) = out.getvalue().splitlines()
    for fact in (
        "at 2 of 60 s",
        "sending 20/s",
        "sent 40",
        "late 1",
        "readable 17",
        "p99 80 ms",
        "lag enforcement 900",
    ):
        assert fact in line
