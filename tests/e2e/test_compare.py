"""``ringfence compare`` as a user runs it: the same bytes every time, and the gate's own decisions."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from producers.camera import read_of
from producers.compare import midnight
from producers.day import hotlist, make_day, places_of
from producers.siting import outlines
from producers.study import Job, study
from producers.traffic import curve
from producers.world import World
from ringfence.compare.report import NO_RANGE
from ringfence.estate import load
from tests.contract.commands import run

MIDNIGHT = 1_655_247_600_000_000  # 2022-06-15 in London
SMALL = ("--sample", "0.0005", "--seeds", "2")


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compare")
    made = {}
    for jobs in (1, 2):
        out = folder / str(jobs)
        code, said, error = run("compare", *SMALL, "--jobs", jobs, "--out", out, "--json", seconds=200)
        assert code == 0, error
        made[jobs] = (out, json.loads(said))
    return made


def test_one_process_or_two_make_the_same_bytes(compared):
    (one, said), (two, again) = compared[1], compared[2]
    names = sorted(path.name for path in one.iterdir())
    assert names == sorted(path.name for path in two.iterdir())
    assert {"report.html", "report.json", "comparison.png", "unicity.png", "map-inner-2022.png"} <= set(names)
    assert [name for name in names if (one / name).read_bytes() != (two / name).read_bytes()] == []
    assert said == again == json.loads((one / "report.json").read_text())


def test_what_the_law_says_shows_in_the_figures(compared):
    regimes = {regime["id"]: regime for regime in compared[1][1]["regimes"]}
    assert len(regimes) == 10
    mean = {name: {k: v.get("mean") for k, v in regime["figures"].items()} for name, regime in regimes.items()}
    assert mean["pre-2007"]["reads disclosed"] == 0
    assert mean["limited-2015"]["overviews disclosed"] == 0
    assert mean["inner-2022:none"]["reads disclosed"] == mean["limited-2015"]["reads disclosed"]
    assert mean["inner-2022:none"]["overviews disclosed"] > 0
    assert mean["inner-2022"]["reads disclosed"] > mean["limited-2015"]["reads disclosed"]
    assert mean["inner-2022"]["reads disclosed"] == mean["inner-2022-as-alleged"]["reads disclosed"]
    assert mean["london-2023"]["reads disclosed"] == mean["london-2023"]["reads offered"]
    assert mean["london-2023"]["crossings without a record"] == 0 < mean["limited-2015"]["crossings without a record"]
    assert mean["reduced-2025"]["plate patches disclosed"] > 0 == mean["inner-2022"]["plate patches disclosed"]
    assert regimes["ns-2007"]["purpose"] == "national_security"
    assert regimes["inner-2022"]["cameras_open"] == {"ccz": 300, "lez": 1000, "ulez-2021": 184, "ulez-2023": 0}
    assert regimes["quashed"]["label"] == "quashed (counterfactual)"
    for one in mean.values():
        assert one["reads disclosed"] + one["reads denied"] == pytest.approx(one["reads offered"], abs=5)
        assert one["overviews disclosed"] + one["overviews withheld"] == pytest.approx(one["images offered"], abs=5)
        assert [name for name, value in one.items() if value and name.startswith("reads") and (2 * value) % 5] == []


def test_two_days_have_no_range_and_what_is_not_crime_is_said(compared):
    out, found = compared[1]
    assert NO_RANGE in found["range"]
    assert NO_RANGE in (out / "report.html").read_text()
    assert '"lowest"' not in (out / "report.json").read_text()
    assert "ns-2007 (for national security)" in [regime["label"] for regime in found["regimes"]]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--regimes", "limited-2051"], "limited-2015"),
        (["--day", "yesterday"], "no date"),
        (["--day", "1999-01-01"], "2002"),
        (["--baseline", "nothing"], "not among"),
        (["--out", "/proc/nowhere"], "--out"),
        (["no/such/folder"], "no/such/folder"),
    ],
)
def test_a_wrong_setting_is_said_in_one_line(arguments, said):
    code, _, error = run("compare", *arguments)
    assert (code, said in error, "Traceback" in error) == (2, True, False), error


@pytest.mark.parametrize(
    ("day", "utc"),
    [
        ("2022-06-15", "2022-06-14T23:00"), ("2022-01-15", "2022-01-15T00:00"), ("2022-03-27", "2022-03-27T00:00"),
        ("2022-10-30", "2022-10-29T23:00"), ("2022-10-31", "2022-10-31T00:00"),
    ],
)  # fmt: skip
def test_a_day_begins_at_midnight_in_london(day, utc):
    assert datetime.fromtimestamp(midnight(day) / 1e6, UTC).isoformat().startswith(utc)


def test_the_day_is_the_one_that_the_cameras_send():
    """Of the cameras with a reader on board: the very reads, by the same seed."""
    folder = Path("policies/estate")
    estate, zones = load(folder), outlines((folder / "zones.geojson").read_text())
    day = make_day(estate, places_of(estate, zones), 1, 0.0005, MIDNIGHT)
    world = World(estate, 1, curve(0.0005), MIDNIGHT)
    end = MIDNIGHT + 3_600_000_000
    sent = set()
    for passage in world.passages():
        if passage.due_at > end + 300_000_000:
            break
        if passage.on_board and passage.captured_at < end:
            read = read_of(passage)
            sent.add((read.camera, read.captured_at, read.vrm))
    rows = zip(day.camera.tolist(), day.captured.tolist(), day.vrms, day.framed.tolist(), strict=True)
    assert {row[:3] for row in rows if row[1] < end and not row[3]} == sent
    assert len(sent) > 5
    assert 0.02 < np.mean(~day.right) < 0.04
    assert len(hotlist(world.fleet)) == pytest.approx(2_625, rel=0.1)


def test_a_study_is_a_function_of_its_job():
    job = Job(Path("policies"), ("limited-2015",), 0.0005, MIDNIGHT, 7)
    assert study(job) == study(job)
    assert study(job) != study(Job(Path("policies"), ("limited-2015",), 0.0005, MIDNIGHT, 8))
