"""Makes crops of plates as cameras, finders and people cut them out: any width, angle, light and weather.

Every crop has one main condition, by which the evaluation is reported, and a little of most others. All of it
follows from the random generator that is given.
"""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from models.faces import CHARACTERS, Face
from models.marks import mark
from models.plates import Picture, Plate, plate

Floats = NDArray[np.float32]
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
    drawn = _worn(drawn, rng, condition, severity)
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
        picture = _ground(rng, grounds, (HEIGHT * 2, WIDTH * 2))
        picture = cv2.resize(picture, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
        picture = _sensed(picture.astype(np.float32), rng, condition, severity)
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
    room = np.vstack([corners, _pixels(to_pixels, _corners((0, 0, width_mm, height_mm)) - [width_mm / 2, height_mm / 2])])
    low = np.floor(corners.min(0)) - 6
    size = np.ceil(corners.max(0) - low).astype(int) + 6
    del room
    canvas = _ground(rng, grounds, (int(size[1]), int(size[0])))
    _put(canvas, drawn.picture, to_pixels, low, scale)
    shot = _sensed(canvas.astype(np.float32), rng, condition, severity)
    corners = corners - low
    if not straight:
        left, top = np.maximum(0, np.round(corners.min(0))).astype(int)
        right, bottom = np.round(corners.max(0)).astype(int)
        patch = shot[top : max(top + 4, bottom), left : max(left + 8, right)]
        return prepared(np.ascontiguousarray(patch))
    off = rng.normal(0, 0.012 * width, (4, 2)).clip(-0.02 * width, 0.02 * width)
    target = np.array([[0, 0], [WIDTH, 0], [WIDTH, HEIGHT], [0, HEIGHT]], np.float32)
    across = max(48, min(240, round(float(np.linalg.norm(corners[1] - corners[0])))))
    down = max(12, round(across * float(np.linalg.norm(corners[3] - corners[0]) / np.linalg.norm(corners[1] - corners[0]))))
    target = target * [across / WIDTH, down / HEIGHT]
    warp = cv2.getPerspectiveTransform((corners + off).astype(np.float32), target.astype(np.float32))
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
    small = cv2.resize(drawn, (max(8, round(width * share)), max(4, round(height * share))), interpolation=cv2.INTER_AREA)
    to_mm = np.array([[width / small.shape[1], 0, -width / 2], [0, height / small.shape[0], -height / 2], [0, 0, 1.0]])
    shift = np.array([[1, 0, -low[0]], [0, 1, -low[1]], [0, 0, 1.0]])
    warp = shift @ to_pixels @ to_mm
    size = canvas.shape[1], canvas.shape[0]
    shown = cv2.warpPerspective(small, warp, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    mask = cv2.warpPerspective(np.full_like(small, 255), warp, size, flags=cv2.INTER_LINEAR)
    canvas[:] = np.where(mask > 127, shown, canvas)


def _worn(drawn: Plate, rng: np.random.Generator, condition: str, severity: float) -> Plate:
    """Dirt, screws, a tow bar, a bend."""
    picture = drawn.picture
    if condition == "dirty" or rng.random() < 0.25:
        picture = _dirty(picture, rng, severity * (1.0 if condition == "dirty" else 0.4))
    if condition == "screws" or rng.random() < 0.25:
        picture = _screwed(picture.copy(), rng, drawn.box)
    if condition == "tow_bar":
        picture = _barred(picture.copy(), rng, severity)
    if condition == "bent" or rng.random() < 0.06:
        picture = _bent(picture, rng, severity)
    return Plate(picture, drawn.box, drawn.two_line)


def _dirty(picture: Picture, rng: np.random.Generator, severity: float) -> Picture:
    height, width = picture.shape
    coarse = rng.random((int(rng.integers(2, 8)), int(rng.integers(4, 20)))).astype(np.float32)
    fine = rng.random((height // 4, width // 4)).astype(np.float32)
    cloud = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    cloud += 0.5 * cv2.resize(fine, (width, height), interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.4:  # more of it lower down
        cloud += np.linspace(-0.4, 0.4, height, dtype=np.float32)[:, None]
    cover = (np.clip(cloud - rng.uniform(0.5, 0.9), 0, 1) * rng.uniform(0.4, 1.6) * severity).clip(0, 0.8)
    level = rng.uniform(60, 200)
    return (picture * (1 - cover) + level * cover).astype(np.uint8)


def _screwed(picture: Picture, rng: np.random.Generator, box: tuple[float, float, float, float]) -> Picture:
    height, width = picture.shape
    left, top, right, bottom = box
    for _ in range(int(rng.integers(1, 5))):
        level = float(rng.choice([rng.uniform(0, 60), rng.uniform(180, 255), rng.uniform(60, 180)]))
        at = int(rng.integers(0, width)), round(float(rng.uniform(top, bottom)))
        if rng.random() < 0.3:
            at = int(rng.choice([left - 12, right + 12])), round((top + bottom) / 2)
        radius = int(rng.integers(5, 10))
        cv2.circle(picture, at, radius, level, -1, cv2.LINE_AA)
        if rng.random() < 0.5:
            cv2.circle(picture, at, radius, float(255 - level), 1, cv2.LINE_AA)
    del height
    return picture


def _barred(picture: Picture, rng: np.random.Generator, severity: float) -> Picture:
    """Something thin before the plate: a tow bar's neck, a wire, a branch, a bicycle rack's strap."""
    height, width = picture.shape
    x = float(rng.uniform(0, width))
    lean = float(rng.normal(0, 0.25)) * height
    thick = int(rng.integers(3, 5 + round(11 * severity)))
    level = float(rng.uniform(0, 120))
    end = height if rng.random() < 0.5 else round(height * rng.uniform(0.3, 0.7))
    cv2.line(picture, (round(x + lean), height), (round(x), height - end), level, thick, cv2.LINE_AA)
    if end < height:
        cv2.circle(picture, (round(x), height - end), int(rng.integers(8, 20)), level, -1, cv2.LINE_AA)
    return picture


def _bent(picture: Picture, rng: np.random.Generator, severity: float) -> Picture:
    height, width = picture.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    wave = rng.uniform(2, 12) * severity
    y = y + (wave * np.sin(x / width * np.pi * rng.uniform(0.8, 2.6) + rng.uniform(0, 6))).astype(np.float32)
    x = x + (0.4 * wave * np.sin(y / height * np.pi * rng.uniform(0.5, 1.5) + rng.uniform(0, 6))).astype(np.float32)
    return cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.uint8, copy=False)


def _sensed(shot: Floats, rng: np.random.Generator, condition: str, severity: float) -> Picture:
    """Light, lens, motion, sensor, coding."""
    shot = LIGHTS.get(condition, _no_light)(shot, rng, severity)
    blur = float(0.25 + abs(rng.normal(0, 0.55)) * severity)
    if condition == "low_quality":
        blur += rng.uniform(0.2, 1.0) * severity
    shot = cv2.GaussianBlur(shot, (0, 0), blur * float(np.clip(shot.shape[1] / 110, 0.6, 2.4)))
    if condition == "motion" or rng.random() < 0.08:
        shot = _moved(shot, rng, severity * (1 if condition == "motion" else 0.5))
    gain, lift = rng.uniform(0.35, 1.1), rng.uniform(0, 70) * (rng.random() < 0.4)
    shot = 255 * (np.clip(shot * gain + lift, 0, 255) / 255) ** rng.uniform(0.6, 1.6)
    ramp = np.linspace(rng.uniform(0.75, 1.05), rng.uniform(0.75, 1.05), shot.shape[1], dtype=np.float32)
    noise = rng.standard_normal(shot.shape, dtype=np.float32)
    shot = shot * ramp + noise * np.float32(abs(rng.normal(0, 5)) * severity + 0.5)
    seen = np.clip(shot, 0, 255).astype(np.uint8)
    if rng.random() < 0.12:  # sharpened, as many cameras do
        soft = cv2.GaussianBlur(seen, (0, 0), 1.2)
        seen = cv2.addWeighted(seen, 1.8, soft, -0.8, 0)
    if condition == "low_quality" or rng.random() < 0.75:
        quality = int(rng.integers(18, 45)) if condition == "low_quality" else int(rng.integers(40, 96))
        seen = cv2.imdecode(cv2.imencode(".jpg", seen, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_GRAYSCALE)
    return seen.astype(np.uint8, copy=False)


def _moved(shot: Floats, rng: np.random.Generator, severity: float) -> Floats:
    length = max(2, round(float(rng.uniform(0.008, 0.032)) * shot.shape[1] * severity))
    kernel = np.zeros((length, length), np.float32)
    angle = float(rng.choice([0, np.pi / 2, rng.uniform(0, np.pi)], p=[0.45, 0.35, 0.2]))
    middle = (length - 1) / 2
    for step in np.linspace(-middle, middle, 4 * length):
        kernel[round(middle + step * np.sin(angle)), round(middle + step * np.cos(angle))] = 1
    return cv2.filter2D(shot, -1, kernel / kernel.sum())


def _no_light(shot: Floats, rng: np.random.Generator, severity: float) -> Floats:
    if rng.random() < 0.12:
        return _shadow(shot, rng, 0.6 * severity)
    return shot


def _shadow(shot: Floats, rng: np.random.Generator, severity: float) -> Floats:
    """The edge of a shadow across the plate."""
    height, width = shot.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    across = (x - width * rng.uniform(0.2, 0.8)) * np.cos(angle) + (y - height * rng.uniform(0.2, 0.8)) * np.sin(angle)
    edge = 1 / (1 + np.exp(-np.clip(across / rng.uniform(0.5, 8), -30, 30)))
    return (shot * (1 - edge * (0.25 + rng.uniform(0, 0.5) * severity))).astype(np.float32)


def _low_sun(shot: Floats, rng: np.random.Generator, severity: float) -> Floats:
    """A bright spot with a wide glow, little contrast left in it."""
    height, width = shot.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    far = ((x - width * rng.uniform(-0.1, 1.1)) ** 2 + (y - height * rng.uniform(-0.5, 1.5)) ** 2) ** 0.5
    glow = np.exp(-far / (width * rng.uniform(0.12, 0.5))) * rng.uniform(0.3, 0.85) * severity
    return (shot * (1 - 0.75 * glow) + 235 * glow).astype(np.float32)


def _headlights(shot: Floats, rng: np.random.Generator, severity: float) -> Floats:
    """A dark picture and lamps beside the plate that bloom into it."""
    height, width = shot.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    dark = shot * rng.uniform(0.3, 0.8)
    for side in (-1, 1):
        centre = width * (0.5 + side * rng.uniform(0.5, 0.9)), height * rng.uniform(-0.4, 0.7)
        far = ((x - centre[0]) ** 2 + (y - centre[1]) ** 2) ** 0.5
        dark = dark + 255 * np.exp(-far / (width * rng.uniform(0.04, 0.16))) * severity
    return dark.astype(np.float32)


def _infra_red(shot: Floats, rng: np.random.Generator, severity: float) -> Floats:
    """A filtered camera with a lamp of its own: the plate shines, all else is nearly black."""
    del severity
    shone = np.clip((shot - rng.uniform(20, 90)) * rng.uniform(1.0, 1.9), 0, 255)
    halo = cv2.GaussianBlur(shone, (0, 0), max(1.0, shot.shape[1] / rng.uniform(20, 60)))
    return (shone + rng.uniform(0.05, 0.3) * halo).astype(np.float32)


def _rain(shot: Floats, rng: np.random.Generator, severity: float) -> Floats:
    """Streaks before the plate and drops on the glass."""
    height, width = shot.shape
    veil = np.zeros_like(shot)
    for _ in range(int(rng.integers(3, 26))):
        x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
        length = int(rng.integers(3, max(4, height // 2)))
        cv2.line(veil, (x, y), (x + int(rng.integers(-2, 3)), y + length), float(rng.uniform(20, 90)), 1, cv2.LINE_AA)
    soft = cv2.GaussianBlur(shot, (0, 0), max(0.6, width / 90))
    drops = cv2.resize(rng.random((5, 9)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    share = (np.clip(drops - 0.55, 0, 1) * 2 * severity).clip(0, 0.9)
    return (shot * (1 - share) + soft * share + veil * severity).astype(np.float32)


LIGHTS: dict[str, Callable[[Floats, np.random.Generator, float], Floats]] = {
    "shadow": _shadow, "low_sun": _low_sun, "headlights": _headlights, "infra_red": _infra_red, "rain": _rain,
}  # fmt: skip


def _ground(rng: np.random.Generator, grounds: Sequence[Picture], size: tuple[int, int]) -> Picture:
    """Some piece of a ground, brighter or darker."""
    height, width = size
    whole = grounds[int(rng.integers(len(grounds)))]
    share = rng.uniform(0.5, 1.0)
    down, across = (max(8, min(full, round(part * share))) for part, full in zip(size, whole.shape, strict=True))
    y, x = int(rng.integers(0, whole.shape[0] - down + 1)), int(rng.integers(0, whole.shape[1] - across + 1))
    piece = cv2.resize(whole[y : y + down, x : x + across], (width, height), interpolation=cv2.INTER_LINEAR)
    return cv2.convertScaleAbs(piece, alpha=rng.uniform(0.5, 1.1)).astype(np.uint8, copy=False)


def grounds(rng: np.random.Generator, number: int) -> list[Picture]:
    """What plates are mounted on: paint, plastic, shadows, grilles, lamps, and words that are no marks."""
    return [_painted(rng) for _ in range(number)]


def _painted(rng: np.random.Generator) -> Picture:
    size = 512
    picture = np.full((size, size), rng.uniform(10, 230), np.float32)
    for octave in (2, 5, 12, 40):
        if rng.random() < 0.7:
            part = rng.normal(0, 60 / octave**0.7, (octave, octave)).astype(np.float32)
            picture += cv2.resize(part, (size, size), interpolation=cv2.INTER_CUBIC)
    picture = np.clip(picture, 0, 255).astype(np.uint8)
    for _ in range(int(rng.integers(4, 40))):
        level = float(rng.uniform(0, 255))
        a, b = rng.integers(0, size, 2), rng.integers(0, size, 2)
        kind = rng.random()
        if kind < 0.35:
            cv2.line(picture, a.tolist(), b.tolist(), level, int(rng.integers(1, 14)), cv2.LINE_AA)
        elif kind < 0.6:
            end = a + rng.integers(8, 220, 2)
            cv2.rectangle(picture, a.tolist(), end.tolist(), level, int(rng.choice([-1, 2, 4])))
        elif kind < 0.72:
            cv2.ellipse(picture, a.tolist(), rng.integers(6, 90, 2).tolist(), float(rng.uniform(0, 180)), 0, 360, level,
                        int(rng.choice([-1, 3])), cv2.LINE_AA)  # fmt: skip
        elif kind < 0.82:  # a grille
            step = int(rng.integers(5, 18))
            for y in range(int(a[1]), min(size, int(a[1]) + 120), step):
                cv2.line(picture, (int(a[0]), y), (int(a[0]) + 200, y), level, max(1, step // 3))
        else:
            words = "".join(rng.choice(list(CHARACTERS + "abcdefghijklmnopqrstuvwxyz  "), size=int(rng.integers(3, 14))))
            cv2.putText(picture, words, a.tolist(), int(rng.integers(0, 8)), float(rng.uniform(0.4, 2.4)), level,
                        int(rng.integers(1, 5)), cv2.LINE_AA)  # fmt: skip
    return cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.5, 3))).astype(np.uint8, copy=False)
