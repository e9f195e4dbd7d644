"""Puts up the simulated cameras: ``python -m producers.siting > policies/estate/cameras.csv``.

Real positions are withheld (FOI s.31/38/43), so these are drawn at random, from one seed,
inside the outlines in policies/estate/zones.geojson. The only importer of shapely.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random

import shapely
from msgspec import Struct

from ringfence.estate import HEADER, Camera

OUTLINES = Path(__file__).parent.parent / "policies" / "estate" / "zones.geojson"
SEED = 2022
# Of so many random places the one farthest from the cameras already there is taken (Mitchell's best
# candidate), so that they spread over the zone.
CANDIDATES = 8
# A degree of longitude is so much shorter than one of latitude at 51.5 degrees north.
SQUEEZE = 0.6225
CHARING_CROSS = (-0.1246, 51.5074)
ON_BOARD_SHARE = 2 / 3
COMMENT = (
    "# Simulated positions: the real ones are withheld (FOI s.31/38/43).\n"
    "# Made by `python -m producers.siting`. zone: the scheme that the camera was put up to enforce.\n"
)

Point = tuple[float, float]
Outlines = Mapping[str, shapely.Geometry]


class Site(Struct, frozen=True):
    """So many cameras of one zone inside ``outline`` (degrees)."""

    zone: str
    count: int
    outline: shapely.Geometry


def outlines(geojson: str) -> dict[str, shapely.Geometry]:
    """Zone id -> valid outline in degrees, ``gla`` among them, from the text of zones.geojson."""
    features = json.loads(geojson)["features"]
    return {f["id"]: shapely.make_valid(shapely.from_geojson(json.dumps(f["geometry"]))) for f in features}


def sites(zones: dict[str, shapely.Geometry]) -> tuple[Site, ...]:
    """How many cameras go where. 1,300 enforced ccz and lez in 2015, 1,544 stood in 2022-23 (V).

    The split of the 1,300 and the last 60, which stand for the expansion of 2023, are our own choice.
    """
    inner = zones["ulez-2021"]
    return (
        Site("ccz", 300, zones["ccz"]),
        Site("lez", 1_000, zones["lez"]),
        Site("ulez-2021", 184, inner.difference(zones["ccz"])),
        Site("ulez-2023", 60, zones["gla"].difference(inner)),
    )


def cameras(zones: dict[str, shapely.Geometry], seed: int = SEED) -> Iterator[Camera]:
    """Every camera of the estate, numbered from 1; the same ones for the same seed."""
    rng, taken = Random(seed), list[Point]()
    for site in sites(zones):
        readers = {*rng.sample(range(site.count), round(site.count * ON_BOARD_SHARE))}
        for i, (lon, lat) in enumerate(_spread(site, rng)):
            taken.append((lon, lat))
            yield Camera(len(taken), site.zone, _tranche(site.zone, lon, lat), i in readers, lon, lat)


def ring(zones: Outlines, lon: float, lat: float) -> int:
    """The part of London that a point lies in: 0 the congestion zone, 1 inner London around it, 2 the rest."""
    inside = [shapely.contains_xy(zones[name], lon, lat) for name in ("ccz", "ulez-2021")]
    return 0 if inside[0] else 1 if inside[1] else 2


def csv(listed: Iterator[Camera]) -> str:
    """The text of cameras.csv."""
    rows = [f"{c.id},{c.zone},{c.tranche},{'yes' if c.on_board else 'no'},{c.lon:.5f},{c.lat:.5f}" for c in listed]
    return COMMENT + "\n".join([HEADER, *rows]) + "\n"


def _spread(site: Site, rng: Random) -> Iterator[Point]:
    shapely.prepare(site.outline)
    points: list[Point] = []
    for _ in range(site.count):
        places = [_place(site.outline, rng) for _ in range(CANDIDATES)]
        points.append(max(places, key=lambda place: _gap(place, points)))
        yield points[-1]


def _place(outline: shapely.Geometry, rng: Random) -> Point:
    """A random place inside an outline, rounded to the five decimals (1 m) of the register."""
    west, south, east, north = outline.bounds
    while True:
        lon, lat = round(rng.uniform(west, east), 5), round(rng.uniform(south, north), 5)
        if shapely.contains_xy(outline, lon, lat):
            return lon, lat


def _gap(place: Point, others: list[Point]) -> float:
    x, y = place
    return min((((x - other[0]) * SQUEEZE) ** 2 + (y - other[1]) ** 2 for other in others), default=float("inf"))


def _tranche(zone: str, lon: float, lat: float) -> str:
    """Tranches follow the map: quadrants round Charing Cross, anticlockwise from the north east."""
    east, north = lon >= CHARING_CROSS[0], lat >= CHARING_CROSS[1]
    if zone == "ulez-2021":
        quadrant = {(True, True): 1, (False, True): 2, (False, False): 3, (True, False): 4}
        return f"inner-{quadrant[east, north]}"
    if zone == "ulez-2023":
        return "outer-1" if north else "outer-2"
    return "original"


if __name__ == "__main__":
    print(csv(cameras(outlines(OUTLINES.read_text("utf-8")))), end="")
