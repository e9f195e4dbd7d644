"""The comparison: each measure on a day so small that the answer can be counted by hand."""

import json
from html import escape
from math import isnan, nan

import numpy as np
import pytest

from ringfence.compare import measures as m
from ringfence.compare.day import Places, day_of
from ringfence.compare.judge import Seen
from ringfence.compare.report import Row, Scene, assumptions, figure, page, report, said, said_more, to_json

HOUR = 3_600_000_000
MIDNIGHT = 1_655_247_600_000_000
# Cameras 1 and 2 stand in the congestion zone, 3 in inner London, 4 outside; 1 and 2 are close to each other.
PLACES = Places(np.array([0, 0, 0, 1, 2]), np.array([[0, 0], [0, 0], [0.5, 0], [5, 0], [20, 0]], float))


def day(*passages):
    """A day of (vehicle, hour, camera) and, if wanted, what is special: wrong, listed, framed."""
    columns = {name: [] for name in ("camera", "captured", "vehicle", "right", "listed", "framed")}
    for vehicle, hour, camera, *special in passages:
        row = (camera, MIDNIGHT + round(hour * HOUR), vehicle, "wrong" not in special, "listed" in special,
               "framed" in special)  # fmt: skip
        for column, value in zip(columns.values(), row, strict=True):
            column.append(int(value))
    return day_of(columns, [f"V{i}" for i in range(len(passages))], PLACES)


def seen(of, cameras, images=()):
    """What the police get if these cameras give text, and these overviews."""
    text = np.isin(of.camera, cameras)
    overview = np.isin(of.camera, images) & of.framed
    return Seen(text, overview, np.zeros(len(of), bool), {}, {})


def test_a_day_is_put_in_order_of_vehicle_and_time():
    made = day((2, 8, 1), (1, 9, 2), (1, 8, 3))
    assert made.vehicle.tolist() == [1, 1, 2]
    assert made.camera.tolist() == [3, 2, 1]
    assert made.vrms == ["V2", "V1", "V0"]


def test_a_gap_of_half_an_hour_ends_a_trip():
    made = day((1, 8, 1), (1, 8.5, 2), (1, 9.1, 3), (2, 9.1, 3))
    assert made.trip.tolist() == [0, 0, 1, 2]


def test_counts():
    of = day((1, 8, 1, "framed", "listed"), (1, 8.1, 2, "framed"), (2, 8, 1, "wrong", "listed"), (3, 8, 4))
    found = m.measures(of, seen(of, [1, 2], images=[1]), MIDNIGHT, 1)
    wanted = {
        "reads offered": 4, "reads disclosed": 3, "reads denied": 1, "reads whose image was withheld": 1,
        "images offered": 2, "overviews disclosed": 1, "overviews withheld": 1, "plate patches withheld": 2,
        "vehicles on the road": 3, "vehicles disclosed": 1, "misreads disclosed": 1, "hits": 1, "false hits": 1,
        "trips": 1, "trips that can be followed": 1,
    }  # fmt: skip
    assert {name: found[name] for name in wanted} == wanted


def test_a_trip_needs_two_cameras_to_be_followed():
    of = day((1, 8, 1), (1, 8.1, 1), (2, 8, 1), (2, 8.1, 3))
    assert m.measures(of, seen(of, [1]), MIDNIGHT, 1)["trips that can be followed"] == 0
    assert m.measures(of, seen(of, [1, 3]), MIDNIGHT, 1)["trips that can be followed"] == 1


def test_unicity_counts_those_whom_points_of_their_own_single_out():
    """1 and 2 share a camera and hour, and differ at another; 3 and 4 are the same all day."""
    of = day((1, 8, 1), (1, 9, 2), (2, 8, 1), (2, 9, 3), (3, 10, 4), (4, 10.2, 4))
    known = np.ones(len(of), bool)
    assert list(m.unicity(of, known, 1))[1:] == [0.5] * 5
    assert m.unicity(of, known, 1)[0] in (0.0, 0.25, 0.5)
    assert all(isnan(share) for share in m.unicity(of, ~known, 1))


def test_unicity_never_falls_with_more_points():
    rng = np.random.default_rng(5)
    of = day(*((int(v), float(h), int(c)) for v, h, c in zip(
        rng.integers(0, 60, 400), rng.uniform(0, 24, 400), rng.integers(1, 5, 400), strict=True)))  # fmt: skip
    shares = m.unicity(of, np.ones(len(of), bool), 1)
    assert list(shares) == sorted(shares)
    assert shares == m.unicity(of, np.ones(len(of), bool), 1)


def test_a_crossing_leaves_no_record_if_neither_side_saw_it():
    of = day((1, 8, 1), (1, 8.1, 3), (1, 8.2, 4), (2, 8, 1), (2, 8.1, 2), (2, 9, 4))
    assert m.unrecorded(of, seen(of, [1]).text) == 0.5  # 1 to 3 was seen at 1; 3 to 4 was not
    assert m.unrecorded(of, seen(of, [3]).text) == 0
    assert m.unrecorded(of, seen(of, []).text) == 1
    assert isnan(m.unrecorded(day((1, 8, 1)), np.ones(1, bool)))


@pytest.mark.parametrize(
    ("passages", "share"),
    [
        ([(1, 8, 1), (1, 18, 2)], 1.0),
        ([(1, 8, 1), (1, 18, 3)], 0.0),  # not near
        ([(1, 11, 1), (1, 18, 1)], 0.0),  # not in the morning
        ([(1, 8, 1), (1, 12, 1)], 0.0),  # not in the evening
        ([(1, 8, 1), (1, 18, 1), (2, 8, 1), (2, 18, 4)], 0.5),
        ([(1, 8, 1, "wrong"), (1, 18, 1)], 0.0),
    ],
)
def test_a_day_shows_the_night_if_it_begins_and_ends_near(passages, share):
    of = day(*passages)
    assert m.nights(of, of.right, MIDNIGHT) == share
    assert m.nights(of, np.zeros(len(of), bool), MIDNIGHT) == 0


SCENE = Scene("2022-06-15", [1, 2], 0.01, "b", "e")


def test_small_counts_are_suppressed_and_shares_and_nothing_are_not():
    assert figure("hits", [{"hits": 4}, {"hits": 40}], 0.01) == {"suppressed": True}
    assert figure("hits", [{"hits": 0}, {}], 0.01)["mean"] == 0
    assert figure("hits", [{"hits": 5}, {"hits": 7}], 0.01) == {"mean": 6, "lowest": 5, "highest": 7, "london": 600}
    assert figure("nights shown", [{"nights shown": 0.01}], 0.01)["mean"] == 0.01
    assert figure("unicity at 1", [{"unicity at 1": nan}], 0.01) == {"none": True}
    assert said({"suppressed": True}) == "fewer than 5 in the sample"


def rows():
    one, two = {"reads disclosed": 100.0, "hits": 3.0}, {"reads disclosed": 150.0, "hits": 30.0}
    return [Row("a", "a", "in force", "A", "crime", {"ccz": 1}, [one, one]),
            Row("b", "b <x>", "alleged", "B", "crime", {"ccz": 2}, [two, two])]  # fmt: skip


def test_a_report_says_how_much_more_than_the_baseline_and_keeps_suppressed_counts_to_itself():
    found = report(SCENE, rows(), "a")
    b = found["regimes"][1]["against_baseline"]
    assert b["reads disclosed"] == {"mean": 50, "lowest": 50, "highest": 50, "london": 5000, "ratio": 0.5}
    assert b["hits"] == {"none": True}
    assert said_more(b["reads disclosed"]) == "+5,000 (+50.0%)"
    assert '"hits": {\n          "suppressed": true' in to_json(found)


def test_a_page_needs_nothing_else_and_says_that_it_is_a_simulation():
    made = page(report(SCENE, rows(), "a"), {"What": b"png", "Map: a": b"png"})
    assert "This is a simulation" in made
    assert 'src="data:image/png;base64,' in made
    assert "http" not in made.replace("http-equiv", "")
    assert "<x>" not in made
    assert all(escape(line) in made for line in assumptions(SCENE))


def test_the_report_is_json():
    assert json.loads(to_json(report(SCENE, rows(), "a")))["scene"]["sample"] == 0.01
