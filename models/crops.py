"""Makes crops of plates as cameras, finders and people cut them out: any width, angle, light and weather.

Every crop has one main condition, by which the evaluation is reported, and a little of most others. All of it
follows from the random generator that is given.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from models.faces import Face
from models.grounds import ground
from models.light import sensed
from models.marks import mark
from models.plates import Picture, Plate, plate
from models.wear import worn

Points = NDArray[np.float64]

HEIGHT, WIDTH = 48, 128
CONDITIONS = {
    "plain": 0.31, "odd_spacing": 0.10, "raised": 0.06, "dirty": 0.09, "bent": 0.04, "screws": 0.05, "tow_bar": 0.02,
    "shadow": 0.06, "low_sun": 0.05, "headlights": 0.03, "infra_red": 0.07, "rain": 0.04, "motion": 0.04,
    "low_quality": 0.04,
}  # fmt: skip
WIDTHS = (44.0, 300.0)  # pixels, of a plate with one line; one in forty is smaller
TINY = (20.0, 44.0)
STEEP = 40  # degrees


class Crop(Struct, frozen=True):
    """48 by 128 gray pixels and what is true of them. ``width``: of the plate, in pixels of its camera."""

    picture: Picture
    text: str
    style: str
    width: float
    two_line: bool
    source: str
    condition: str


def crop(rng: np.random.Generator, faces: Sequence[Face], grounds: Sequence[Picture], severity: float = 1.0) -> Crop:
    """A random crop; one in sixteen has no plate. ``severity``: 0 to 1, how bad light, dirt and angles may be."""
    condition = str(rng.choice(list(CONDITIONS), p=list(CONDITIONS.values())))
    severity *= rng.uniform(0.25, 1.0)
    if rng.random() < 1 / 16:
        return _empty(rng, faces, grounds, condition, severity)
    text = mark(rng)
    face = faces[int(rng.integers(len(faces)))]
    raised = condition == "raised" or rng.random() < 0.12
    drawn = plate(text, face, rng, condition == "odd_spacing", raised)
    drawn = worn(drawn, rng, condition, severity)
    low, high = TINY if rng.random() < 1 / 40 else WIDTHS
    width = float(low * (high / low) ** rng.random())
    picture = _taken(drawn, rng, grounds, condition, severity, width, _box(drawn, rng))
    return Crop(picture, text.text, str(text.style), width, drawn.two_line, "drawn", condition)


def _empty(
    rng: np.random.Generator, faces: Sequence[Face], grounds: Sequence[Picture], condition: str, severity: float
) -> Crop:
    """A ground without a plate, words that are no mark, or a plate that is mostly out of the picture."""
    kind = rng.random()
    if kind < 0.55:
        picture = ground(rng, grounds, (HEIGHT * 2, WIDTH * 2))
        picture = cv2.resize(picture, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
        picture = sensed(picture.astype(np.float32), rng, condition, severity)
    else:
        text = mark(rng)
        drawn = plate(text, faces[int(rng.integers(len(faces)))], rng, False, False)
        width = float(WIDTHS[0] * (WIDTHS[1] / WIDTHS[0]) ** rng.random())
        left, top, right, bottom = _box(drawn, rng)
        across, down = right - left, bottom - top
        gone = rng.uniform(0.6, 0.95) * rng.choice([-1, 1])
        if rng.random() < 0.6:
            box = (left + gone * across, top, right + gone * across, bottom)
        else:
            box = (left, top + gone * down, right, bottom + gone * down)
        picture = _taken(drawn, rng, grounds, condition, severity, width, box)
    return Crop(prepared(picture), "", "none", 0.0, False, "drawn", condition)


def prepared(picture: Picture) -> Picture:
    """As the reader takes it: 48 by 128, from full black to full white."""
    small = cv2.resize(picture, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
    return cv2.normalize(small, np.empty_like(small), 0, 255, cv2.NORM_MINMAX).astype(np.uint8, copy=False)


def _box(drawn: Plate, rng: np.random.Generator) -> tuple[float, float, float, float]:
    """What is cut out, in millimetres of the plate: around the characters, around the plate, or wide of it."""
    left, top, right, bottom = drawn.box
    tall = (bottom - top) / (2.3 if drawn.two_line else 1)
    height, width = drawn.picture.shape
    kind = rng.random()
    if kind < 0.35:  # the characters, and a little
        slop = rng.uniform([-0.03, -0.07, -0.03, -0.07], [0.7, 0.42, 0.7, 0.42]) * tall
        return left - slop[0], top - slop[1], right + slop[2], bottom + slop[3]
    slop = rng.normal(0.04, 0.10, 4) if kind < 0.8 else rng.uniform(0.05, [0.9, 0.6, 0.9, 0.6], 4)
    slop = np.maximum(slop, -0.10) * tall
    box = -slop[0], -slop[1], width + slop[2], height + slop[3]
    inside = 0.02 * tall  # no character may be cut off
    return (min(box[0], left - inside), min(box[1], top - inside), max(box[2], right + inside),
            max(box[3], bottom + inside))  # fmt: skip


def _taken(
    drawn: Plate, rng: np.random.Generator, grounds: Sequence[Picture], condition: str, severity: float,
    width: float, box: tuple[float, float, float, float],
) -> Picture:  # fmt: skip
    """Photographs the plate at a width in pixels, cuts the box out, and gives it the reader's size."""
    height_mm, width_mm = drawn.picture.shape
    scale = width / (520 if not drawn.two_line else 290)
    to_pixels = _camera(rng, scale, severity)
    corners = _pixels(to_pixels, _corners(box) - [width_mm / 2, height_mm / 2])
    straight = rng.random() < 0.45
    low = np.floor(corners.min(0)) - 6
    size = np.ceil(corners.max(0) - low).astype(int) + 6
    canvas = ground(rng, grounds, (int(size[1]), int(size[0])))
    _put(canvas, drawn.picture, to_pixels, low, scale)
    shot = sensed(canvas.astype(np.float32), rng, condition, severity)
    corners = corners - low
    if not straight:
        left, top = np.maximum(0, np.round(corners.min(0))).astype(int)
        right, bottom = np.round(corners.max(0)).astype(int)
        patch = shot[top : max(top + 4, bottom), left : max(left + 8, right)]
        return prepared(np.ascontiguousarray(patch))
    off = rng.normal(0, 0.012 * width, (4, 2)).clip(-0.02 * width, 0.02 * width)
    upper, side = (float(np.linalg.norm(corners[corner] - corners[0])) for corner in (1, 3))
    across = max(48, min(240, round(upper)))
    down = max(12, round(across * side / upper))
    target = np.array([[0, 0], [across, 0], [across, down], [0, down]], np.float32)
    warp = cv2.getPerspectiveTransform((corners + off).astype(np.float32), target)
    flat = cv2.warpPerspective(shot, warp, (across, down), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return prepared(flat)


def _camera(rng: np.random.Generator, scale: float, severity: float) -> Points:
    """A homography from millimetres on the plate, about its middle, to pixels."""
    steep = STEEP * severity
    yaw = rng.normal(0, 0.42) * steep if rng.random() < 0.8 else rng.uniform(-steep, steep)
    yaw = float(np.clip(yaw, -steep - 10, steep + 10))
    pitch, roll = float(rng.uniform(-8, 26) * severity), float(rng.normal(0, 3.2) * severity)
    if rng.random() < 0.06:
        roll *= 3
    a, b, c = np.radians([yaw, pitch, roll])
    turn_y = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    turn_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    turn_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    turn = turn_z @ turn_x @ turn_y
    distance = float(rng.uniform(1_800, 12_000))
    focus = scale * distance
    return np.array([[focus * turn[0, 0], focus * turn[0, 1], 0], [focus * turn[1, 0], focus * turn[1, 1], 0],
                     [turn[2, 0], turn[2, 1], distance]])  # fmt: skip


def _corners(box: tuple[float, float, float, float]) -> Points:
    left, top, right, bottom = box
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)


def _pixels(to_pixels: Points, points: Points) -> Points:
    x, y, w = to_pixels @ np.vstack([points.T, np.ones(len(points))])
    return np.column_stack([x / w, y / w])


def _put(canvas: Picture, drawn: Picture, to_pixels: Points, low: Points, scale: float) -> None:
    """Warps the plate onto the canvas, without aliasing."""
    height, width = drawn.shape
    share = min(1.0, 1.3 * scale)
    size = max(8, round(width * share)), max(4, round(height * share))
    small = cv2.resize(drawn, size, interpolation=cv2.INTER_AREA)
    to_mm = np.array([[width / small.shape[1], 0, -width / 2], [0, height / small.shape[0], -height / 2], [0, 0, 1.0]])
    shift = np.array([[1, 0, -low[0]], [0, 1, -low[1]], [0, 0, 1.0]])
    warp = shift @ to_pixels @ to_mm
    size = canvas.shape[1], canvas.shape[0]
    shown = cv2.warpPerspective(small, warp, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    mask = cv2.warpPerspective(np.full_like(small, 255), warp, size, flags=cv2.INTER_LINEAR)
    canvas[:] = np.where(mask > 127, shown, canvas)
