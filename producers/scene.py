"""Renders what a camera sees: a road, a vehicle, its plate in perspective, the weather, a JPEG.

``render`` is pure: the same view makes the same bytes. What many frames share (roads, rain, grain, glare)
is painted once and kept, so that a frame costs a few milliseconds.
"""

from functools import cache

import cv2
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from producers.plate_art import ONE_LINE, TWO_LINES, PlateArt, draw
from producers.sky import glare, grain, lamp, rain, road
from producers.traffic import Light, Weather
from producers.vehicle_art import BODIES, PAINTS, Body, Part, parts
from ringfence.vrm import Style

Picture = NDArray[np.uint8]
Points = NDArray[np.float64]

WIDTH, HEIGHT = 640, 360
MOST_BYTES = 25_000
QUALITIES = (72, 60, 48, 36, 24, 12, 5)
PLATE_WIDTHS = (70.0, 200.0)  # pixels, of a plate with one line
# How bright paint, lamps and plates are; by night a plate throws the camera's own light back.
BRIGHT = {Light.DAY: (1.0, 1.0, 0.97), Light.DUSK: (0.52, 0.95, 0.80), Light.NIGHT: (0.20, 1.0, 0.88)}
# GK: share of the plates of these styles that are silver on black.
BLACK_SHARE = {Style.DATELESS: 0.4, Style.SUFFIX: 0.25}
EMPTY_ROAD = 0.5  # of the frames in which no plate can be seen
DIRT = (62, 84, 98)


class View(Struct, frozen=True):
    """What there is to see. ``vrm`` None: no plate. ``dirt`` is 0 to 1, ``blur`` in pixels, ``seed`` 0 or more."""

    vrm: str | None
    style: Style = Style.CURRENT
    rear: bool = False
    two_line: bool = False
    green_flash: bool = False
    uk_band: bool = False
    light: Light = Light.DAY
    weather: Weather = Weather.CLEAR
    dirt: float = 0.0
    obscured: bool = False
    blur: float = 0.0
    seed: int = 0


class Frame(Struct, frozen=True):
    """A picture: JPEG of 640 by 360 in at most 25,000 bytes.

    ``corners``: where the plate is, 4 by 2 pixels, clockwise from its upper left; None without a plate.
    """

    jpeg: bytes
    corners: Points | None


class _Stage(Struct, frozen=True):
    """Where the vehicle stands: its shape, and the homography from its millimetres to pixels."""

    body: Body
    to_pixels: Points
    light: Light


def render(view: View) -> Frame:
    """Paints the view. ValueError if the mark has characters other than A-Z and 0-9."""
    rng = np.random.default_rng(view.seed)
    picture = road(view.light, int(rng.integers(6))).copy()
    stage = _stage(view, rng)
    corners = None
    if view.vrm is not None or rng.random() > EMPTY_ROAD:
        _vehicle(picture, stage, view, rng)
    if view.vrm is not None:
        corners = _plate(picture, stage, view, view.vrm, rng)
    _atmosphere(picture, view, rng)
    return Frame(_jpeg(picture), corners)


def _stage(view: View, rng: np.random.Generator) -> _Stage:
    """Chooses a vehicle and a place for it: near or far, seen a little from the side and from above."""
    fit = [body for body in BODIES if body.holds_two_lines or not view.two_line]
    body = fit[int(rng.integers(len(fit)))]
    low, high = PLATE_WIDTHS
    scale = float(low * (high / low) ** rng.random()) / ONE_LINE[0]
    across = 0.30 * max(0.0, 1 - scale)
    centre = (WIDTH * (0.5 + rng.uniform(-across, across)), HEIGHT * rng.uniform(0.55, 0.74))
    turn = np.radians([rng.uniform(-24, 24), rng.uniform(4, 18), rng.normal(0, 1.6)])
    return _Stage(body, homography(turn, scale, centre), view.light)


def homography(turn: Points, scale: float, centre: tuple[float, float]) -> Points:
    """From mm on a plane to pixels: 3 by 3.

    ``turn``: yaw, pitch and roll in radians. ``scale``: pixels a mm at the origin, which falls on ``centre``.
    """
    yaw, pitch, roll = (float(angle) for angle in turn)
    distance = 7_000.0  # mm; a little nearer than it is, so that perspective shows
    spin = cv2.Rodrigues(np.array([0.0, 0.0, roll]))[0]
    tilt = cv2.Rodrigues(np.array([pitch, 0.0, 0.0]))[0]
    swing = cv2.Rodrigues(np.array([0.0, yaw, 0.0]))[0]
    plane = (spin @ tilt @ swing)[:, :2]
    lens = np.array([[scale * distance, 0, centre[0]], [0, scale * distance, centre[1]], [0, 0, 1]])
    return np.asarray(lens @ np.column_stack([plane, [0.0, 0.0, distance]]), np.float64)


def _project(to_pixels: Points, points: Points) -> Points:
    """Pixels of N by 2 millimetres."""
    x, y, w = to_pixels @ np.vstack([points.T, np.ones(len(points))])
    return np.column_stack([x / w, y / w])


@cache
def _parts(body: Body, paint: int, rear: bool) -> tuple[tuple[Part, ...], Points, tuple[int, ...]]:
    """The parts of a vehicle, all their points in one array, and where each part ends in it."""
    made = tuple(parts(body, PAINTS[paint], rear))
    points = np.array([point for part in made for point in part.polygon])
    return made, points, tuple(np.cumsum([len(part.polygon) for part in made])[:-1].tolist())


def _vehicle(picture: Picture, stage: _Stage, view: View, rng: np.random.Generator) -> None:
    paint, lit, _ = BRIGHT[view.light]
    made, points, ends = _parts(stage.body, int(rng.integers(len(PAINTS))), view.rear)
    pixels = np.round(_project(stage.to_pixels, points) * 16).astype(np.int32)
    for part, polygon in zip(made, np.split(pixels, ends), strict=True):
        factor = lit if part.lit else paint
        colour = tuple(channel * factor for channel in part.colour)
        cv2.fillConvexPoly(picture, polygon, colour, cv2.LINE_AA, 4)
    if view.light is not Light.DAY:
        _glow(picture, stage, view.rear)


def _glow(picture: Picture, stage: _Stage, rear: bool) -> None:
    """The light around lamps that are on."""
    half, level = stage.body.half * (0.88 if rear else 0.78), (stage.body.waist + 260 if rear else -165)
    reach = int(np.hypot(*stage.to_pixels[:2, 0]) / stage.to_pixels[2, 2] * (320 if rear else 420))
    lamps = _project(stage.to_pixels, np.array([[-half, level], [half, level]])).round().astype(int)
    for x, y in lamps.tolist():
        left, top, right, bottom = max(0, x - reach), max(0, y - reach), min(WIDTH, x + reach), min(HEIGHT, y + reach)
        if left < right and top < bottom:
            sprite = lamp(reach, rear)[top - y + reach : bottom - y + reach, left - x + reach : right - x + reach]
            cv2.add(picture[top:bottom, left:right], sprite, dst=picture[top:bottom, left:right])


def _plate(picture: Picture, stage: _Stage, view: View, vrm: str, rng: np.random.Generator) -> Points:
    """Puts the plate where it belongs; its corners."""
    width, height = TWO_LINES if view.two_line else ONE_LINE
    edges = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [width / 2, height / 2]
    corners = _project(stage.to_pixels, edges)
    plate = _worn(view, vrm, rng)
    # Shrunk first, by area: a warp alone would skip pixels of the drawing.
    share = min(1.0, 1.6 * float(np.linalg.norm(corners[1] - corners[0])) / width)
    size = (max(8, round(width * share)), max(4, round(height * share)))
    plate = cv2.resize(plate, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    _paste(picture, plate, corners, view.blur)
    return corners


def _worn(view: View, vrm: str, rng: np.random.Generator) -> Picture:
    """The plate as the road and the light have left it."""
    black = rng.random() < BLACK_SHARE.get(view.style, 0.0)
    plate = draw(PlateArt(vrm, view.style, view.rear, view.two_line, view.green_flash, view.uk_band, bool(black)))
    height, width = plate.shape[:2]
    if view.dirt > 0:
        cover = (_dirt(int(rng.integers(4)))[:height, :width] * min(1.0, view.dirt)).astype(np.uint8)
        cv2.multiply(plate, cv2.cvtColor(255 - cover, cv2.COLOR_GRAY2BGR), dst=plate, scale=1 / 255)
        soil = (cover[:, :, None] / 255 * DIRT).round().astype(np.uint8)
        cv2.add(plate, soil, dst=plate)
    if view.obscured:
        start = 0 if rng.random() < 0.5 else round(width * rng.uniform(0.72, 0.84))
        plate[:, start : start + round(width * rng.uniform(0.16, 0.28))] = (40, 46, 52)
    bright = BRIGHT[view.light][2] * rng.uniform(0.82, 1.04)
    return cv2.convertScaleAbs(plate, alpha=bright).astype(np.uint8, copy=False)


@cache
def _dirt(number: int) -> NDArray[np.float32]:
    """How much each millimetre of a plate is covered (0 to 255): splashes, more of them below."""
    rng = np.random.default_rng(900 + number)
    tall, wide = TWO_LINES[1], ONE_LINE[0]
    coarse = cv2.GaussianBlur(rng.random((tall, wide)).astype(np.float32), (0, 0), 9)
    fine = cv2.GaussianBlur(rng.random((tall, wide)).astype(np.float32), (0, 0), 2)
    cloud = _full(coarse) + 0.5 * _full(fine)
    return np.asarray(np.clip(cloud - 0.35, 0, 1) * 215, np.float32)


def _full(picture: cv2.typing.MatLike) -> NDArray[np.float32]:
    """The same, from 0 to 1."""
    return np.asarray((picture - picture.min()) / np.ptp(picture), np.float32)


def _paste(picture: Picture, plate: Picture, corners: Points, blur: float) -> None:
    """Warps the plate onto the picture, with soft edges, and blurs what lies around it."""
    reach = 4 + int(3 * blur)
    left, top = np.maximum(np.floor(corners.min(0)).astype(int) - reach, 0)
    right, bottom = np.minimum(np.ceil(corners.max(0)).astype(int) + reach, (WIDTH, HEIGHT))
    area = picture[top:bottom, left:right]
    height, width = plate.shape[:2]
    source = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32) - 0.5
    warp = cv2.getPerspectiveTransform(source, (corners - (left, top) - 0.5).astype(np.float32))
    size = (area.shape[1], area.shape[0])
    shown = cv2.warpPerspective(plate, warp, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    mask = np.zeros(area.shape[:2], np.uint8)
    outline = np.round((corners - (left, top) - 0.5) * 16).astype(np.int32)
    cv2.fillConvexPoly(mask, outline, 255, cv2.LINE_AA, 4)
    share = cv2.cvtColor(mask, cv2.COLOR_GRAY2BGR)
    mixed = cv2.add(
        cv2.multiply(shown, share, scale=1 / 255), cv2.multiply(area, cv2.bitwise_not(share), scale=1 / 255)
    )
    area[:] = cv2.GaussianBlur(mixed, (0, 0), 0.45 + max(0.0, blur))


def _atmosphere(picture: Picture, view: View, rng: np.random.Generator) -> None:
    """Rain, a low sun, the grain of the sensor."""
    x, y = (int(v) for v in rng.integers(0, (WIDTH, HEIGHT)))
    if view.weather is Weather.RAIN:
        cv2.addWeighted(picture, 0.9, rain(view.light)[y : y + HEIGHT, x : x + WIDTH], 1.0, 6, dst=picture)
    elif view.weather is Weather.GLARE:
        sun = glare(view.light)[y : y + HEIGHT, x : x + WIDTH]
        cv2.addWeighted(picture, 0.82, sun, 1.0, 10, dst=picture)
    noise = grain(view.light)[y : y + HEIGHT, x : x + WIDTH]
    cv2.addWeighted(picture, 1.0, noise, 1.0, -128, dst=picture)


def _jpeg(picture: Picture) -> bytes:
    """The picture at the best quality that fits into 25,000 bytes."""
    for quality in QUALITIES:
        done, coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if done and len(coded) <= MOST_BYTES:
            break
    return coded.tobytes()
