import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice, pairwise, takewhile
from pathlib import Path

import msgspec
import numpy as np
import pytest

from producers.chance import fraction, fractions, mix, mixed
from producers.marks import MOST_VEHICLES, Fleet, age_identifier, periods, split
from producers.traffic import (
    DAY_FACTORS,
    HOUR,
    HOUR_SHARES,
    SECOND,
    Demand,
    Light,
    constant,
    curve,
    light,
    local,
)  # fmt: skip
from producers.trips import LONGEST, SLOT, SLOTS_AN_HOUR, Trips
from producers.world import REACH, Passage, World
from ringfence.estate import Estate, load
from ringfence.vrm import Style, classify

ESTATE = load(Path(__file__).parents[2] / "policies" / "estate")
DELAYED = 30 * SECOND
MINUTES = 8


def moment(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * SECOND)


START = moment("2022-06-15T08:00:00+01:00")
MIDNIGHT = START - 8 * HOUR


def stream(seconds: float, seed: int = 1, demand: Demand | None = None, start: int = START) -> list[Passage]:
    passages = World(ESTATE, seed, demand or curve(0.02), start).passages()
    return list(takewhile(lambda p: p.due_at < start + seconds * SECOND, passages))


def digest(passages: list[Passage]) -> str:
    return hashlib.sha256(msgspec.msgpack.encode(passages)).hexdigest()


@pytest.fixture(scope="module")
def passages() -> list[Passage]:
    """A quarter of London on a Wednesday from eight in the morning."""
    return stream(MINUTES * 60, demand=curve(0.25))


@pytest.fixture(scope="module")
def minute() -> list[Passage]:
    """The first minute of a fiftieth of London."""
    return stream(60)


@pytest.fixture(scope="module")
def day() -> tuple[Trips, np.ndarray]:
    """The trips of a fiftieth of London and every passage of that Wednesday."""
    trips = Trips(ESTATE, 1, curve(0.02))
    slots = range(MIDNIGHT // SLOT - REACH, MIDNIGHT // SLOT + 24 * SLOTS_AN_HOUR)
    rows = np.concatenate([trips.slot(slot) for slot in slots])
    inside = (rows["captured"] >= MIDNIGHT) & (rows["captured"] < MIDNIGHT + 24 * HOUR)
    return trips, rows[inside]


# The stream


def test_one_seed_makes_one_stream_and_another_seed_another(minute: list[Passage]) -> None:
    assert digest(stream(60)) == digest(minute)
    assert digest(stream(60, seed=2)) != digest(minute)


def test_a_minute_is_the_beginning_of_five(minute: list[Passage]) -> None:
    longer = stream(300)
    assert len(minute) > 300
    assert len(longer) > 4 * len(minute)
    assert longer[: len(minute)] == minute


def test_two_iterators_of_one_world_do_not_disturb_each_other() -> None:
    world = World(ESTATE, 1, curve(0.02), START)
    first, second = world.passages(), world.passages()
    both = [(next(first), next(second)) for _ in range(500)]
    assert all(a == b for a, b in both)


def test_a_slot_does_not_depend_on_the_slots_made_before_it() -> None:
    slot = START // SLOT
    forward, lone = Trips(ESTATE, 1, curve(0.1)), Trips(ESTATE, 1, curve(0.1))
    made = [forward.slot(slot + i) for i in range(3)]
    assert np.array_equal(lone.slot(slot + 2), made[2])


def test_a_trip_stays_within_the_reach_that_warms_up_the_stream() -> None:
    slot = START // SLOT
    rows = Trips(ESTATE, 1, curve(1)).slot(slot)
    assert rows["captured"].min() >= slot * SLOT
    assert rows["captured"].max() < (slot + REACH) * SLOT
    assert rows["captured"].max() - slot * SLOT > LONGEST // 2


def test_passages_come_in_order_of_due_time_and_begin_at_the_start(passages: list[Passage]) -> None:
    assert all(a.due_at <= b.due_at for a, b in pairwise(passages))
    assert START <= passages[0].due_at < START + SECOND
    assert min(p.captured_at for p in passages) >= START


def test_a_camera_numbers_its_passages_by_capture_without_a_gap(passages: list[Passage]) -> None:
    by_camera = defaultdict(list)
    for p in passages:
        by_camera[p.camera].append((p.sequence, p.captured_at))
    assert len({(p.camera, p.sequence) for p in passages}) == len(passages)
    missing = 0
    for seen in by_camera.values():
        seen.sort()
        assert [at for _, at in seen] == sorted(at for _, at in seen)
        assert seen[0][0] >= START // 1_000
        missing += seen[-1][0] - START // 1_000 + 1 - len(seen)
    # What is missing was captured, and is due after the end of the sample.
    assert missing < 0.01 * len(passages)


def test_a_later_run_never_gives_a_number_twice(passages: list[Passage]) -> None:
    first = {(p.camera, p.sequence) for p in passages}
    assert not first & {(p.camera, p.sequence) for p in stream(60, start=START + 60 * SECOND)}


# How much


def test_the_rate_at_eight_is_a_quarter_of_londons(passages: list[Passage]) -> None:
    rate = len(passages) / (MINUTES * 60)
    assert rate == pytest.approx(0.25 * 21e6 * 0.0703 * 1.06 / 3_600, rel=0.03)


def test_a_constant_rate_ignores_the_hour() -> None:
    start = moment("2022-06-19T03:10:00+01:00")
    assert len(stream(300, seed=2, demand=constant(60), start=start)) / 300 == pytest.approx(60, rel=0.03)


def test_trips_are_under_way_when_the_stream_begins(passages: list[Passage]) -> None:
    minutes = Counter((p.captured_at - START) // (60 * SECOND) for p in passages)
    assert minutes[0] == pytest.approx(minutes[MINUTES - 2], rel=0.08)


def test_the_stream_follows_the_curve_of_the_day(day: tuple[Trips, np.ndarray]) -> None:
    captured = day[1]["captured"]
    shares = np.bincount((captured - MIDNIGHT) // HOUR) / len(captured)
    assert np.corrcoef(shares, HOUR_SHARES)[0, 1] > 0.998
    assert shares == pytest.approx(HOUR_SHARES, rel=0.06)
    assert len(captured) == pytest.approx(0.02 * 21e6 * 1.06, rel=0.03)


def test_the_rate_steps_with_the_hour(day: tuple[Trips, np.ndarray]) -> None:
    captured = day[1]["captured"]
    seven = MIDNIGHT + 7 * HOUR
    quarter = 15 * 60 * SECOND
    before = ((captured >= seven - quarter) & (captured < seven)).sum()
    after = ((captured >= seven) & (captured < seven + quarter)).sum()
    assert after / before == pytest.approx(0.0703 / 0.0455, rel=0.06)


def test_the_curve_adds_up_to_21_million_a_day() -> None:
    monday = moment("2022-06-13T00:30:00+01:00")
    hours = [curve(1).at(monday + h * HOUR) * 3_600 for h in range(7 * 24)]
    assert sum(hours) / 7 == pytest.approx(21e6, rel=0.002)
    assert sum(hours[:24]) == pytest.approx(21e6 * DAY_FACTORS[0], rel=0.001)
    assert max(hours) / 3_600 == pytest.approx(457 * 1.12, rel=0.01)


def test_demand_must_be_more_than_nothing() -> None:
    for make in (curve, constant):
        with pytest.raises(ValueError, match="more than 0"):
            make(0)


# What it is like


def share(passages: list[Passage], wanted: list[bool]) -> float:
    return sum(wanted) / len(passages)


def test_odd_events_have_their_shares(passages: list[Passage]) -> None:
    frames, reads = [[p for p in passages if p.on_board is b] for b in (False, True)]
    assert len(frames) / len(passages) == pytest.approx(1 / 3, abs=0.03)
    assert share(passages, [p.again for p in passages]) == pytest.approx(0.05, abs=0.005)
    assert share(passages, [p.due_at - p.captured_at > DELAYED for p in passages]) == pytest.approx(0.01, abs=0.002)
    assert share(passages, [p.obscured for p in passages]) == pytest.approx(0.01, abs=0.0015)
    assert share(reads, [p.misread for p in reads]) == pytest.approx(0.03, abs=0.003)
    assert share(frames, [p.vrm is None for p in frames]) == pytest.approx(0.04, abs=0.005)
    assert all(p.vrm for p in reads)
    assert not any(p.misread or (p.vrm is None and p.obscured) for p in frames)


def test_late_events_come_out_of_order(passages: list[Passage]) -> None:
    latest: dict[int, int] = {}
    overtaken = 0
    for p in passages:
        late = p.captured_at < latest.get(p.camera, 0)
        assert not late or p.due_at - p.captured_at > DELAYED
        overtaken += late
        latest[p.camera] = max(latest.get(p.camera, 0), p.captured_at)
    assert overtaken > 0.005 * len(passages)


def test_a_repeat_follows_its_first_passage_at_that_camera_within_seconds(passages: list[Passage]) -> None:
    firsts = defaultdict(list)
    for p in passages:
        if not p.again:
            firsts[p.camera, p.vehicle].append(p.captured_at)
    repeats = [p for p in passages if p.again and p.captured_at > START + 60 * SECOND]
    followed = [
        any(3 * SECOND <= p.captured_at - at <= 40 * SECOND for at in firsts[p.camera, p.vehicle]) for p in repeats
    ]
    assert len(repeats) > 1_000
    assert share(repeats, followed) > 0.97  # the first of the others is sent late, after the sample


def test_trips_cross_zones_over_neighbouring_cameras_at_the_speeds_of_the_roads(
    passages: list[Passage],
) -> None:
    trips = defaultdict(list)
    for p in passages:
        if not p.again:
            trips[p.vehicle].append((p.captured_at, ESTATE.cameras[p.camera]))
    crossings, speeds = 0, []
    for seen in trips.values():
        seen.sort(key=lambda pair: pair[0])
        for (at, a), (then, b) in pairwise(seen):
            km = float(np.hypot((a.lon - b.lon) * 69.4, (a.lat - b.lat) * 111.2))
            crossings += a.zone != b.zone
            speeds.append(km * 3_600 * SECOND / (then - at))
    assert crossings > 1_000
    # As the crow flies, with a detour of 1.3: from a jam in the centre to a clear road in the suburbs.
    assert 6 < float(np.median(speeds)) < 25
    assert max(speeds) < 40


def test_motorcycles_are_seen_from_behind_and_both_sides_occur(passages: list[Passage]) -> None:
    fleet = Fleet(1, START)
    for p in passages[:20_000]:
        if fleet.mark(p.vehicle).motorcycle:
            assert p.rear
            assert p.two_line
    assert 0.25 < share(passages, [p.rear for p in passages]) < 0.5


def test_light_follows_the_sun() -> None:
    seen = [light(moment(f"2022-06-15T{hour}:00+01:00")) for hour in ("02:00", "04:40", "13:00", "21:30")]
    assert seen == [Light.NIGHT, Light.DUSK, Light.DAY, Light.DUSK]
    assert light(moment("2022-12-15T17:00:00+00:00")) is Light.NIGHT


def test_local_time_knows_summer() -> None:
    def hour(text: str) -> int:
        return local(round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * SECOND)).hour

    assert [hour(f"2022-03-27T{t}") for t in ("00:59:59", "01:00:00")] == [0, 2]
    assert [hour(f"2022-10-30T{t}") for t in ("00:59:59", "01:00:00")] == [1, 1]


# Vehicles and marks


def test_three_quarters_of_the_vehicles_are_seen_on_a_day_some_very_often(
    day: tuple[Trips, np.ndarray],
) -> None:
    trips, rows = day
    distinct, reads = np.unique(rows["vehicle"], return_counts=True)
    assert len(distinct) == pytest.approx(0.02 * 1_974_000, rel=0.05)
    assert len(rows) / trips.vehicles == pytest.approx(8 * 1.06, rel=0.05)
    assert np.percentile(reads, 99) > 6 * np.median(reads)


def test_no_vehicle_is_in_two_places_at_a_time(day: tuple[Trips, np.ndarray]) -> None:
    rows = np.sort(day[1], order=["vehicle", "captured"])
    cameras = [ESTATE.cameras[i] for i in sorted(ESTATE.cameras)]
    places = np.array([(c.lon * 69.4, c.lat * 111.2) for c in cameras])[rows["camera"]]
    same = rows["vehicle"][1:] == rows["vehicle"][:-1]
    hours = np.diff(rows["captured"]) / HOUR
    km = np.hypot(*np.diff(places, axis=0).T)
    # From one trip to the next it may be at a distance, but never out of a car's reach.
    assert (km[same] <= 80 * hours[same] + 0.001).all()


def test_no_two_vehicles_share_a_mark() -> None:
    fleet = Fleet(7, START)
    sample = [*range(150_000), *range(MOST_VEHICLES - 50_000, MOST_VEHICLES)]
    assert len({fleet.mark(vehicle).vrm for vehicle in sample}) == len(sample)


@pytest.mark.parametrize("day", ["2002-10-01", "2007-07-17"])
def test_marks_stay_apart_when_there_are_few_ages(day: str) -> None:
    fleet = Fleet(7, moment(f"{day}T12:00:00+00:00"))
    sample = range(0, MOST_VEHICLES, 197)
    assert len({fleet.mark(vehicle).vrm for vehicle in sample}) == len(sample)


def marks(day: str, count: int = 30_000) -> Iterator[tuple[str, Style]]:
    fleet = Fleet(3, moment(f"{day}T12:00:00+01:00"))
    return ((mark.vrm, mark.style) for mark in map(fleet.mark, range(count)))


def test_every_mark_is_of_the_style_it_claims() -> None:
    fleet = Fleet(3, START)
    for vehicle in range(0, MOST_VEHICLES, 997):
        mark = fleet.mark(vehicle)
        assert classify(mark.vrm) is mark.style, mark.vrm


def test_styles_have_their_shares() -> None:
    found = Counter(style for _, style in marks("2022-06-15"))
    assert found[Style.CURRENT] / 30_000 == pytest.approx(0.93 * 0.985, abs=0.005)
    assert found[Style.PREFIX] / 30_000 == pytest.approx(0.04 * 0.985, abs=0.003)
    assert found[Style.FOREIGN_OR_UNKNOWN] / 30_000 == pytest.approx(0.015, abs=0.002)
    assert set(found) == set(Style)


def test_ages_end_on_the_simulated_day_and_london_tags_lead() -> None:
    for day, newest, never in (("2022-06-15", "22", "72"), ("2016-01-10", "65", "16")):
        current = [vrm for vrm, style in marks(day) if style is Style.CURRENT]
        ages = Counter(vrm[2:4] for vrm in current)
        assert ages[newest] > 0
        assert ages[never] == 0
        known = {age_identifier(p) for p in periods(moment(f"{day}T12:00:00+00:00"))}
        assert set(ages) == known
        assert sum(vrm[0] == "L" for vrm in current) / len(current) == pytest.approx(0.6, abs=0.02)


def test_newer_cars_are_more_common_than_old_ones() -> None:
    ages = Counter(vrm[2:4] for vrm, style in marks("2022-06-15") if style is Style.CURRENT)
    assert ages["70"] > 2 * ages["08"] > 2 * ages["51"]
    assert ages["22"] < ages["71"]  # its half-year has only begun


def test_a_world_before_the_current_style_is_refused() -> None:
    with pytest.raises(ValueError, match="September 2001"):
        Fleet(1, moment("2001-01-01T00:00:00+00:00"))
    with pytest.raises(ValueError, match="not below"):
        Fleet(1, START).mark(MOST_VEHICLES)


def test_only_new_zero_emission_vehicles_have_a_green_flash() -> None:
    fleet = Fleet(3, START)
    found = [fleet.mark(v) for v in range(30_000)]
    assert {m.vrm[2:4] for m in found if m.green_flash} == {"70", "21", "71", "22"}
    assert {m.vrm[2:4] for m in found if m.uk_band} == {"71", "22"}


def test_split_keeps_numbers_apart_and_shares_exact() -> None:
    pairs = [split(k, (5, 3, 2)) for k in range(1_000)]
    assert len(set(pairs)) == 1_000
    assert Counter(choice for choice, _ in pairs) == {0: 500, 1: 300, 2: 200}
    assert max(k for choice, k in pairs if choice == 2) == 199


def test_chance_is_the_same_for_one_key_and_for_many() -> None:
    keys = np.array([0, 1, 2**40, 2**63], np.uint64)
    assert mixed((3, 4), keys).tolist() == [mix(3, 4, int(k)) for k in keys]
    assert fractions((3, 4), keys).tolist() == [fraction(3, 4, int(k)) for k in keys]
    assert mix(1, 2) != mix(2, 1)


def test_a_small_estate_works_too() -> None:
    camera = ESTATE.cameras[1]
    tiny = Estate({1: camera}, ESTATE.tranches, ("ccz",), b"")
    seen = list(islice(World(tiny, 1, constant(1), START).passages(), 50))
    assert {p.camera for p in seen} == {1}


def test_the_pure_files_import_no_clock_environment_socket_or_thread() -> None:
    folder = Path(__file__).parents[2] / "producers"
    for name in ("chance", "traffic", "marks", "trips", "world"):
        text = (folder / f"{name}.py").read_text("utf-8")
        assert not re.search(r"^(?:import|from) (?:time|os|socket|threading|random|pathlib)\b", text, re.M)
        assert ".now(" not in text
