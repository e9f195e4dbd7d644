"""The comparison: each measure on a day so small that the answer can be counted by hand."""

import json
from html import escape
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.compare import measures as m
from ringfence.compare.day import Places, day_of
from ringfence.compare.judge import Seen
from ringfence.compare.measures import Share
from ringfence.compare.page import page
from ringfence.compare.report import (
    NO_RANGE,
    Row,
    Scene,
    against,
    assumptions,
    figure,
    report,
    said,
    said_more,
    to_json,
)  # fmt: skip
from ringfence.compare.views import PANELS, comparison, headline, words_of

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
    assert list(m.unicity(of, known, MIDNIGHT, 1))[1:] == [Share(2, 4)] * 5
    assert m.unicity(of, known, MIDNIGHT, 1)[0].part in (0, 1, 2)
    assert m.unicity(of, ~known, MIDNIGHT, 1) == [Share(0, 0)] * 6


def test_cameras_of_any_id_are_told_apart():
    """Two vehicles, a camera each, whose ids are the same in their lowest 16 bits, and one hour."""
    places = Places(np.zeros(1, np.int64), np.zeros((1, 2)))
    columns = {"camera": [5, 5 + 2**30], "captured": [MIDNIGHT] * 2, "vehicle": [1, 2]}
    of = day_of(columns | {name: [1, 1] for name in ("right", "listed", "framed")}, ["A", "B"], places)
    assert m.unicity(of, of.right, MIDNIGHT, 1) == [Share(2, 2)] * 6


def test_unicity_never_falls_with_more_points():
    rng = np.random.default_rng(5)
    of = day(*((int(v), float(h), int(c)) for v, h, c in zip(
        rng.integers(0, 60, 400), rng.uniform(0, 24, 400), rng.integers(1, 5, 400), strict=True)))  # fmt: skip
    shares = m.unicity(of, np.ones(len(of), bool), MIDNIGHT, 1)
    assert all(one.part <= other.part for one, other in pairwise(shares))
    assert shares == m.unicity(of, np.ones(len(of), bool), MIDNIGHT, 1)


def test_a_crossing_leaves_no_record_if_neither_side_saw_it():
    of = day((1, 8, 1), (1, 8.1, 3), (1, 8.2, 4), (2, 8, 1), (2, 8.1, 2), (2, 9, 4))
    assert m.unrecorded(of, seen(of, [1]).text) == Share(1, 2)  # 1 to 3 was seen at 1; 3 to 4 was not
    assert m.unrecorded(of, seen(of, [3]).text) == Share(0, 2)
    assert m.unrecorded(of, seen(of, []).text) == Share(2, 2)
    assert m.unrecorded(day((1, 8, 1)), np.ones(1, bool)) == Share(0, 0)


def test_a_misread_that_is_disclosed_is_a_record_of_the_crossing():
    of = day((1, 8, 1, "wrong"), (1, 8.1, 3, "wrong"))
    found = m.measures(of, seen(of, [1]), MIDNIGHT, 1)
    assert found["crossings without a record"] == Share(0, 1)
    assert found["vehicles disclosed"] == 0


@pytest.mark.parametrize(
    ("passages", "share"),
    [
        ([(1, 8, 1), (1, 18, 2)], Share(1, 1)),
        ([(1, 8, 1), (1, 18, 3)], Share(0, 1)),  # not near
        ([(1, 11, 1), (1, 18, 1)], Share(0, 1)),  # not in the morning
        ([(1, 8, 1), (1, 12, 1)], Share(0, 1)),  # not in the evening
        ([(1, 8, 1), (1, 18, 1), (2, 8, 1), (2, 18, 4)], Share(1, 2)),
        ([(1, 8, 1, "wrong"), (1, 18, 1)], Share(0, 1)),
    ],
)
def test_a_day_shows_the_night_if_it_begins_and_ends_near(passages, share):
    of = day(*passages)
    assert m.nights(of, of.right, MIDNIGHT) == share
    assert m.nights(of, np.zeros(len(of), bool), MIDNIGHT).part == 0


DAYS = 5
SCENE = Scene("2022-06-15", list(range(1, DAYS + 1)), 0.01, "b", "e")
NIGHTS = "nights shown"


def shown(name, *values):
    return figure(name, [{name: value} for value in values], 0.01)


def more(name, one, other, days=1):
    return against(name, [{name: one}] * days, [{name: other}] * days, 0.01)


def test_small_counts_are_suppressed_and_nothing_is_said():
    assert shown("hits", 4, 40) == {"suppressed": "under 5"}
    assert figure("hits", [{"hits": 0}, {}], 0.01)["mean"] == 0
    assert said(shown("hits", 3)) == "under 5 in the sample"
    assert said(shown("hits", 0)) == "none in the sample"


def test_other_counts_are_rounded_to_the_nearest_five():
    assert [shown("hits", n)["mean"] for n in (5, 7, 8, 12, 13)] == [5, 5, 10, 10, 15]
    assert shown("hits", 5, 7, 8, 9, 43) == {"mean": 15, "lowest": 5, "highest": 45, "london": 1500}


@pytest.mark.parametrize(
    ("share", "wanted"),
    [
        (Share(0, 1000), {"mean": 0}),
        (Share(3, 1000), {"suppressed": "under 5"}),
        (Share(8, 1000), {"mean": 0.01}),
        (Share(997, 1000), {"suppressed": "all but under 5"}),
        (Share(1000, 1000), {"mean": 1}),
        (Share(0, 3), {"suppressed": "under 5"}),
        (Share(0, 0), {"none": True}),
    ],
)
def test_shares_of_few_or_of_all_but_few_are_suppressed(share, wanted):
    assert shown(NIGHTS, share) == wanted


def test_a_difference_of_few_is_suppressed_and_one_with_a_small_count_is_not_shown():
    assert more("hits", 43, 40) == more("hits", 3, 0) == {"suppressed": "under 5"}
    assert said_more(more("hits", 43, 40)) == "under 5 in the sample"
    assert said_more(more("hits", 1000, 3)) == "not shown: one of the two is under 5 in the sample"
    assert said_more(more("hits", 40, 40)) == "the same"
    assert more(NIGHTS, Share(43, 1000), Share(40, 1000)) == {"suppressed": "under 5"}
    assert more(NIGHTS, Share(50, 1000), Share(40, 1000)) == {"mean": 0.01}
    assert more(NIGHTS, Share(0, 0), Share(40, 1000)) == {"none": True}


COUNTS = st.integers(0, 12) | st.integers(0, 300)


@settings(deadline=None)
@given(st.lists(st.tuples(*[COUNTS] * 6), min_size=1, max_size=6))
def test_nothing_published_comes_to_a_small_count(drawn):
    """Parts of a whole by subtraction, under one regime and between two; shares by multiplication."""
    days = [[_figures(*values) for values in drawn], [_figures(*values[::-1]) for values in drawn]]
    scene = Scene("2022-06-15", list(range(len(drawn))), 0.01, "b", "e")
    found = report(
        scene, [Row(name, name, "in force", "", "crime", {}, some) for name, some in zip("ab", days, strict=True)], "a"
    )
    figures = [regime["figures"] for regime in found["regimes"]]
    for one, other in [*((f[w], f[p]) for f in figures for w, p, _ in PARTS), *_same(figures)]:
        for end in _ends(one, other):
            assert _is_safe((one[end] - other[end]) * (len(drawn) if end == "mean" else 1))
    for b in (regime["against_baseline"] for regime in found["regimes"]):
        assert all(_is_safe(f["mean"] * len(drawn)) for name, f in b.items() if "london" in f)
    if len(drawn) == 1:
        for f in figures:
            for share, whole in ((NIGHTS, "vehicles on the road"), ("unicity at 4", "vehicles disclosed")):
                if "mean" in f[share] and "mean" in f[whole]:
                    assert _is_safe(f[share]["mean"] * f[whole]["mean"])
                    assert _is_safe((1 - f[share]["mean"]) * f[whole]["mean"])


PARTS = (
    ("reads offered", "reads disclosed", "reads denied"),
    ("images offered", "overviews disclosed", "overviews withheld"),
    ("vehicles on the road", "vehicles disclosed", ""),
)


def _figures(part, rest, hits, nights, alone, images):
    """A day that adds up."""
    found = {"hits": hits, NIGHTS: Share(min(nights, part + rest), part + rest)}
    found |= {"unicity at 4": Share(min(alone, part), part), "images offered": images + rest}
    found |= {"overviews disclosed": images, "overviews withheld": rest}
    found |= {"reads offered": part + rest, "reads disclosed": part, "reads denied": rest}
    return found | {"vehicles on the road": part + rest, "vehicles disclosed": part}


def _same(figures):
    return [(figures[0][name], figures[1][name]) for name in figures[0] if not name.startswith((NIGHTS, "unicity"))]


def _ends(one, other):
    return [end for end in ("mean", "lowest", "highest") if end in one and end in other]


def _is_safe(value):
    """Not 1 to 4, to within what the six digits of a share leave open."""
    return not 0.5 < abs(value) < 4.5


def rows(days=DAYS):
    one, two = {"reads disclosed": 100, "hits": 3}, {"reads disclosed": 150, "hits": 30}
    return [Row("a", "a", "in force", "A", "crime", {"ccz": 1}, [one] * days),
            Row("b", "b <x>", "alleged", "B", "crime", {"ccz": 2}, [two] * days)]  # fmt: skip


def test_a_report_says_how_much_more_than_the_baseline_and_keeps_suppressed_counts_to_itself():
    found = report(SCENE, rows(), "a")
    b = found["regimes"][1]["against_baseline"]
    wanted = {"mean": 50, "lowest": 50, "highest": 50, "london": 5000, "relative_increase": 0.5}
    assert b["reads disclosed"] == wanted
    assert b["hits"] == {"suppressed": "not shown: one of the two is under 5"}
    assert said_more(b["reads disclosed"]) == "+5,000 (+50.0%)"
    assert '"hits": {\n          "suppressed": "under 5"' in to_json(found)


@pytest.mark.parametrize("days", [1, 4, 5])
def test_fewer_than_five_days_have_no_range_and_the_report_says_so(days):
    found = report(Scene("2022-06-15", list(range(days)), 0.01, "b", "e"), rows(days), "a")
    made = page(found, {})
    ranging = days == 5
    assert (NO_RANGE in found["range"], NO_RANGE in made, '"lowest"' in to_json(found)) == (
        not ranging, not ranging, ranging)  # fmt: skip
    assert (" to " in said(found["regimes"][1]["figures"]["reads disclosed"])) is ranging


def focused():
    row = {name: 0 for name, *_ in PANELS} | {"vehicles disclosed": 100, "unicity at 4": Share(50, 100)}
    then, now = row | {"overviews disclosed": 3}, row | {"vehicles disclosed": 200}
    return report(SCENE, [Row("limited-2015", "limited-2015", "in force", "", "crime", {}, [then] * DAYS),
                          Row("inner-2022", "inner-2022", "in force", "", "crime", {}, [now] * DAYS)],
                  "limited-2015")  # fmt: skip


def test_the_picture_says_what_it_assumes_and_what_it_leaves_out(tmp_path):
    found = focused()
    line = headline(found)
    assert line.startswith("inner-2022 (if every tranche were activated) against limited-2015, a day:\n")
    assert "vehicles +10,000" in line
    assert "images under 5" in line
    assert words_of(found["regimes"][0]["figures"]["overviews disclosed"], 0) == "under 5"
    assert words_of({"none": True}, 0) == "does not apply"
    assert "of the sample" in {name: title for name, title, _ in PANELS}["unicity at 4"]
    comparison(found, tmp_path / "comparison.png")
    assert (tmp_path / "comparison.png").read_bytes().startswith(b"\x89PNG")


def test_a_page_needs_nothing_else_and_says_that_it_is_a_simulation():
    made = page(report(SCENE, rows(), "a"), {"What": b"png", "Map: a": b"png"})
    assert "This is a simulation" in made
    assert 'src="data:image/png;base64,' in made
    assert "http" not in made.replace("http-equiv", "")
    assert "<x>" not in made
    assert all(escape(line) in made for line in assumptions(SCENE))


def test_the_report_is_json():
    assert json.loads(to_json(report(SCENE, rows(), "a")))["scene"]["sample"] == 0.01
