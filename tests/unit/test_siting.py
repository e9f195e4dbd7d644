from pathlib import Path

import pytest
import shapely

from producers.siting import OUTLINES, cameras, csv, outlines
from ringfence.estate import CAMERAS, Camera, load

FOLDER = Path(__file__).parents[2] / "policies" / "estate"
ZONES = outlines(OUTLINES.read_text("utf-8"))


def inside(zone: str, camera: Camera) -> bool:
    return bool(shapely.contains_xy(ZONES[zone], camera.lon, camera.lat))


def of_zone(zone: str) -> list[Camera]:
    return [camera for camera in load(FOLDER).cameras.values() if camera.zone == zone]


def test_the_committed_register_is_what_siting_prints() -> None:
    assert (FOLDER / CAMERAS).read_text("utf-8") == csv(cameras(ZONES))


def test_another_seed_puts_them_elsewhere() -> None:
    first, other = next(cameras(ZONES, 1)), next(cameras(ZONES, 2))
    assert (first.lon, first.lat) != (other.lon, other.lat)


@pytest.mark.parametrize("zone", ["ccz", "lez", "ulez-2021"])
def test_cameras_stand_inside_their_zone(zone: str) -> None:
    assert all(inside(zone, camera) for camera in of_zone(zone))


def test_expansion_cameras_stand_outside_the_zone_before() -> None:
    assert not any(inside("ccz", camera) for camera in of_zone("ulez-2021"))
    assert not any(inside("ulez-2021", camera) for camera in of_zone("ulez-2023"))
    assert all(inside("gla", camera) for camera in of_zone("ulez-2023"))


def test_lez_cameras_are_spread_over_greater_london() -> None:
    lon, lat = zip(*((camera.lon, camera.lat) for camera in of_zone("lez")), strict=True)
    west, south, east, north = ZONES["lez"].bounds
    assert max(lon) - min(lon) > 0.95 * (east - west)
    assert max(lat) - min(lat) > 0.95 * (north - south)


def test_tranches_follow_the_map() -> None:
    def among(*tranches: int) -> list[Camera]:
        return [c for c in of_zone("ulez-2021") if c.tranche in {f"inner-{i}" for i in tranches}]

    assert max(c.lon for c in among(2, 3)) < min(c.lon for c in among(1, 4))
    assert max(c.lat for c in among(3, 4)) < min(c.lat for c in among(1, 2))


def test_the_outlines_keep_their_attribution() -> None:
    assert "Powered by TfL Open Data" in OUTLINES.read_text("utf-8")
