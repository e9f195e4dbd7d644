"""Draws what a camera sees that is no number plate, in gray: grounds, patterns with and without letters, vehicles.

Everything is a function of its generator of chance. Sizes are pixels; a vehicle's are millimetres, with the
middle of its plate at (0, 0).
"""

from collections.abc import Callable, Sequence
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from producers.sky import road
from producers.traffic import Light

Picture = NDArray[np.uint8]
Points = NDArray[np.float64]
Rng = np.random.Generator

WIDTH, HEIGHT = 320, 192
LOWER = "abcdefghijklmnopqrstuvwxyz"
UPPER = LOWER.upper()
FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX, cv2.FONT_HERSHEY_TRIPLEX,
         cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, cv2.FONT_HERSHEY_PLAIN)  # fmt: skip
FACE = (2_000, 1_500)  # millimetres of a vehicle that are drawn: across, down
FACE_TOP = 1_050  # of these are above the plate


def level(rng: Rng) -> int:
    """Any gray."""
    return int(rng.integers(256))


def ground(rng: Rng, photographs: Sequence[Picture] = ()) -> Picture:
    """A background of 192 by 320: noise, shapes, a street, a wall, a road of ours, a photograph if there are any."""
    makers: list[Callable[[Rng], Picture]] = [noise, noise, shapes, street, street, wall, our_road]
    if photographs:
        makers += [lambda chance: photograph(chance, photographs)] * 3
    picture = makers[int(rng.integers(len(makers)))](rng)
    if rng.random() < 0.6:
        rough = octaves(rng, float(rng.uniform(0.5, 1.3))) - 0.5
        picture = np.clip(picture + rough * rng.uniform(8, 90), 0, 255).astype(np.uint8)
    return picture


def octaves(rng: Rng, steep: float, size: tuple[int, int] = (HEIGHT, WIDTH)) -> NDArray[np.float32]:
    """Noise at several scales, 0 to 1. ``steep``: how much stronger each coarser one is; 0 is white noise."""
    height, width = size
    stretch = 2.0 ** rng.uniform(-1.2, 1.2) if rng.random() < 0.4 else 1.0
    total = np.zeros(size, np.float32)
    for scale in (2, 4, 9, 20, 45, 100):
        tall, wide = max(2, int(height / scale * stretch)), max(2, int(width / scale / stretch))
        part = rng.random((tall, wide), np.float32) - 0.5
        total += cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR) * scale**steep
    low, high, _, _ = cv2.minMaxLoc(total)
    return np.asarray((total - low) / max(high - low, 1e-6), np.float32)


def noise(rng: Rng) -> Picture:
    """Clouds, or hard spots as of leaves and gravel."""
    cloud = octaves(rng, float(rng.uniform(0.0, 1.2)))
    if rng.random() < 0.4:
        cloud = np.clip((cloud - rng.uniform(0.35, 0.6)) * rng.uniform(3, 20) + 0.5, 0, 1)
    dark, bright = sorted(rng.uniform(0, 255, 2))
    return (dark + cloud * (bright - dark)).astype(np.uint8)


def shapes(rng: Rng) -> Picture:
    """Polygons, discs and lines of any size."""
    picture = np.full((HEIGHT, WIDTH), level(rng), np.uint8)
    for _ in range(int(rng.integers(5, 60))):
        middle = rng.uniform(0, (WIDTH, HEIGHT))
        size = 4 * 40 ** rng.random()
        match int(rng.integers(4)):
            case 0:
                spread = rng.normal(0, size, (int(rng.integers(3, 7)), 2))
                cv2.fillPoly(picture, [np.round(middle + spread).astype(np.int32)], level(rng), cv2.LINE_AA)
            case 1:
                low, high = middle - size * rng.random(2), middle + size * rng.random(2)
                cv2.rectangle(picture, _at(low), _at(high), level(rng), int(rng.integers(-1, 4)) or -1)
            case 2:
                axes = _at(size * rng.uniform(0.3, 1, 2))
                thick = int(rng.integers(1, 5)) if rng.random() < 0.5 else -1
                cv2.ellipse(picture, _at(middle), axes, float(rng.uniform(0, 180)), 0, 360, level(rng), thick)
            case _:
                end = middle + rng.normal(0, 2 * size, 2)
                cv2.line(picture, _at(middle), _at(end), level(rng), int(rng.integers(1, 7)), cv2.LINE_AA)
    return picture


def street(rng: Rng) -> Picture:
    """A sky, houses with windows, a road with marks, trees, posts."""
    horizon = int(rng.uniform(0.1, 0.6) * HEIGHT)
    picture = np.full((HEIGHT, WIDTH), level(rng), np.uint8)
    x = 0
    while x < WIDTH:
        wide, top = int(rng.integers(20, 140)), int(rng.uniform(-0.5, 0.9) * horizon)
        house = window_rows(rng) if rng.random() < 0.6 else bricks(rng)
        tall = max(8, horizon + 30 - top)
        house = cv2.resize(house, (wide, tall), interpolation=cv2.INTER_AREA).astype(np.uint8)
        area = picture[max(0, top) : top + tall, x : x + wide]
        area[:] = house[max(0, -top) : max(0, -top) + area.shape[0], : area.shape[1]]
        x += wide
    picture[horizon:] = np.linspace(level(rng), level(rng), HEIGHT - horizon)[:, None].astype(np.uint8)
    far = np.array([rng.uniform(0, WIDTH), horizon - 10])
    for _ in range(int(rng.integers(0, 7))):
        near = np.array([rng.uniform(-WIDTH, 2 * WIDTH), HEIGHT])
        cv2.line(picture, _at(far), _at(near), level(rng), int(rng.integers(1, 6)), cv2.LINE_AA)
    for _ in range(int(rng.integers(0, 5))):
        x, wide = int(rng.integers(WIDTH)), int(rng.integers(1, 14))
        cv2.rectangle(picture, (x, int(rng.integers(-40, horizon + 1))), (x + wide, HEIGHT), level(rng), -1)
    return picture


def wall(rng: Rng) -> Picture:
    """One pattern over everything."""
    made = pattern(rng)
    shape = (int(WIDTH * rng.uniform(1, 2.5)), int(HEIGHT * rng.uniform(1, 2.5)))
    big = cv2.resize(made, shape, interpolation=cv2.INTER_LINEAR)
    return big[:HEIGHT, :WIDTH].astype(np.uint8)


@cache
def _our_road(light: Light, number: int) -> Picture:
    return cv2.cvtColor(road(light, number), cv2.COLOR_BGR2GRAY).astype(np.uint8)


def our_road(rng: Rng) -> Picture:
    """A part of a road of the simulator."""
    return _crop(_our_road(list(Light)[int(rng.integers(3))], int(rng.integers(6))), rng)


def photograph(rng: Rng, photographs: Sequence[Picture]) -> Picture:
    """A part of a photograph, perhaps mirrored."""
    part = _crop(photographs[int(rng.integers(len(photographs)))], rng)
    return part[:, ::-1].copy() if rng.random() < 0.5 else part


def _crop(picture: Picture, rng: Rng) -> Picture:
    height, width = picture.shape
    most = min(height / HEIGHT, width / WIDTH)
    scale = most * float(rng.uniform(0.25, 1.0))
    tall, wide = int(HEIGHT * scale), int(WIDTH * scale)
    y, x = int(rng.integers(height - tall + 1)), int(rng.integers(width - wide + 1))
    cut = picture[y : y + tall, x : x + wide]
    return cv2.resize(cut, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA).astype(np.uint8)


def pattern(rng: Rng) -> Picture:
    """Something flat that a careless finder takes for a plate."""
    makers = (writing, writing, writing, bricks, window_rows, slats, slats, mesh, bars, panel, chevrons, round_sign)
    return makers[int(rng.integers(len(makers)))](rng)


def writing(rng: Rng) -> Picture:
    """Words on a sign or a van: small letters, long words, telephone numbers, several lines, or very short."""
    lines = [_words(rng) for _ in range(1 if rng.random() < 0.6 else int(rng.integers(2, 6)))]
    font, scale, thick = FONTS[int(rng.integers(len(FONTS)))], float(rng.uniform(0.7, 1.6)), int(rng.integers(1, 6))
    sizes = [cv2.getTextSize(line, font, scale, thick)[0] for line in lines]
    tall = max(size[1] for size in sizes) + int(rng.integers(4, 18))
    margin = int(rng.integers(2, 40))
    paper, ink = _apart(rng)
    sheet = np.full((tall * len(lines) + 2 * margin, max(size[0] for size in sizes) + 2 * margin), paper, np.uint8)
    for number, line in enumerate(lines):
        at = (margin, margin + tall * (number + 1) - 6)
        cv2.putText(sheet, line, at, font, scale, ink, thick, cv2.LINE_AA)
    return sheet


def _words(rng: Rng) -> str:
    kind = rng.random()
    if kind < 0.2:
        digits = "".join(str(d) for d in rng.integers(0, 10, 11))
        return f"{digits[:5]} {digits[5:]}" if rng.random() < 0.6 else f"0{digits[1:4]} {digits[4:7]} {digits[7:]}"
    letters = LOWER if kind < 0.55 else UPPER
    if kind > 0.88:  # too short for a mark
        return "".join(rng.choice(list(UPPER + "0123456789"), int(rng.integers(1, 4))))
    sizes = rng.integers(4, 11, int(rng.integers(1, 4))) if letters is LOWER else rng.integers(9, 13, 1)
    if letters is UPPER and rng.random() < 0.5:
        sizes = rng.integers(4, 9, int(rng.integers(2, 4)))
    words = ["".join(rng.choice(list(letters), int(size))) for size in sizes]
    return " ".join(word.title() if rng.random() < 0.3 else word for word in words)


def bricks(rng: Rng) -> Picture:
    """Courses of bricks."""
    tall, wide = int(rng.integers(5, 16)), int(rng.integers(12, 40))
    brick, mortar = _apart(rng)
    sheet = np.full((tall * int(rng.integers(4, 14)), wide * int(rng.integers(3, 9))), mortar, np.uint8)
    gap = int(rng.integers(1, 3))
    for row, y in enumerate(range(0, sheet.shape[0], tall)):
        for x in range(-(row % 2) * (wide // 2), sheet.shape[1], wide):
            shade = int(np.clip(brick + rng.normal(0, 12), 0, 255))
            cv2.rectangle(sheet, (x, y), (x + wide - gap - 1, y + tall - gap - 1), shade, -1)
    return sheet


def window_rows(rng: Rng) -> Picture:
    """Windows in rows."""
    tall, wide = int(rng.integers(12, 36)), int(rng.integers(10, 40))
    stone = level(rng)
    sheet = np.full((tall * int(rng.integers(2, 7)), wide * int(rng.integers(2, 9))), stone, np.uint8)
    inset_x, inset_y = wide * float(rng.uniform(0.1, 0.35)), tall * float(rng.uniform(0.1, 0.35))
    glass = level(rng)
    for y in range(0, sheet.shape[0], tall):
        for x in range(0, sheet.shape[1], wide):
            shade = glass if rng.random() < 0.8 else level(rng)
            low, high = (x + inset_x, y + inset_y), (x + wide - inset_x, y + tall - inset_y)
            cv2.rectangle(sheet, _at(low), _at(high), shade, -1)
            if rng.random() < 0.5:
                cv2.line(sheet, (int(x + wide / 2), int(low[1])), (int(x + wide / 2), int(high[1])), stone, 1)
    return sheet


def slats(rng: Rng) -> Picture:
    """A grille, a shutter, railings, a zebra crossing: stripes one way, of one distance."""
    along, count = int(rng.integers(60, 260)), int(rng.integers(3, 26))
    step, dark, bright = int(rng.integers(4, 16)), *_apart(rng)
    sheet = np.full((step * count, along), dark, np.uint8)
    thick = max(1, int(step * rng.uniform(0.2, 0.7)))
    for y in range(0, sheet.shape[0], step):
        sheet[y : y + thick] = bright
    if rng.random() < 0.4:
        cv2.rectangle(sheet, (0, 0), (along - 1, step * count - 1), level(rng), int(rng.integers(2, 8)))
    return sheet.T.copy() if rng.random() < 0.5 else sheet


def mesh(rng: Rng) -> Picture:
    """A net of wires or holes."""
    step, dark, bright = int(rng.integers(5, 16)), *_apart(rng)
    rows, columns = int(rng.integers(3, 12)), int(rng.integers(6, 24))
    sheet = np.full((rows * step, columns * step), dark, np.uint8)
    round_hole = rng.random() < 0.5
    for row in range(rows):
        for column in range(columns):
            x, y = int((column + 0.5 * (row % 2)) * step), row * step
            if round_hole:
                cv2.circle(sheet, (x, y), step // 3, bright, -1, cv2.LINE_AA)
            else:
                cv2.line(sheet, (x, y), (x + step, y + step), bright, 1, cv2.LINE_AA)
                cv2.line(sheet, (x + step, y), (x, y + step), bright, 1, cv2.LINE_AA)
    return sheet


def bars(rng: Rng) -> Picture:
    """Upright strokes of any width, like a code, a radiator or people in a row."""
    wide, tall = int(rng.integers(80, 300)), int(rng.integers(20, 80))
    paper, ink = _apart(rng)
    sheet = np.full((tall, wide), paper, np.uint8)
    x = int(rng.integers(4, 12))
    while x < wide - 8:
        stroke = int(rng.integers(1, 16))
        top, bottom = (int(rng.uniform(0, 0.3) * tall), int(rng.uniform(0.7, 1) * tall))
        sheet[top:bottom, x : x + stroke] = ink
        x += stroke + int(rng.integers(2, 16))
    return sheet


def panel(rng: Rng) -> Picture:
    """A blank plate: a board with an edge, and perhaps a few spots."""
    wide = int(rng.integers(60, 300))
    paper, ink = _apart(rng)
    sheet = np.full((max(12, int(wide / rng.uniform(1.0, 6.0))), wide), paper, np.uint8)
    cv2.rectangle(sheet, (0, 0), (wide - 1, sheet.shape[0] - 1), ink, int(rng.integers(1, 6)))
    for _ in range(int(rng.integers(0, 5))):
        spot = int(rng.integers(wide)), int(rng.integers(sheet.shape[0]))
        cv2.circle(sheet, spot, int(rng.integers(2, 9)), level(rng), -1, cv2.LINE_AA)
    return sheet


def chevrons(rng: Rng) -> Picture:
    """The slanted stripes at the rear of a lorry, or on a barrier."""
    wide, tall, step = int(rng.integers(100, 300)), int(rng.integers(16, 80)), int(rng.integers(8, 40))
    paper, ink = _apart(rng)
    sheet = np.full((tall, wide), paper, np.uint8)
    lean = int(tall * rng.uniform(-1.2, 1.2))
    for x in range(-abs(lean) - step, wide + abs(lean), 2 * step):
        stripe = np.array([[x, 0], [x + step, 0], [x + step + lean, tall], [x + lean, tall]], np.int32)
        cv2.fillPoly(sheet, [stripe], ink, cv2.LINE_AA)
    return sheet


def round_sign(rng: Rng) -> Picture:
    """A speed limit, a wheel, a badge."""
    sheet = np.full((100, 100), level(rng), np.uint8)
    paper, ink = _apart(rng)
    cv2.circle(sheet, (50, 50), 48, ink, -1, cv2.LINE_AA)
    cv2.circle(sheet, (50, 50), int(rng.integers(28, 44)), paper, -1, cv2.LINE_AA)
    if rng.random() < 0.6:
        text = str(int(rng.integers(1, 100)))
        cv2.putText(sheet, text, (18, 66), FONTS[int(rng.integers(4))], 1.5, ink, int(rng.integers(2, 7)), cv2.LINE_AA)
    return sheet


def face(rng: Rng, scale: float) -> tuple[Picture, Picture]:
    """A front or a rear of some vehicle, and 255 where it is. ``scale``: pixels a millimetre."""
    wide, tall = (max(8, round(size * scale)) for size in FACE)
    picture, mask = np.zeros((tall, wide), np.uint8), np.zeros((tall, wide), np.uint8)

    def box(left: float, top: float, right: float, bottom: float, shade: int, lean: float = 0.0) -> None:
        corners = np.array([[left + lean, top], [right - lean, top], [right, bottom], [left, bottom]])
        shifted = ((corners + np.array([FACE[0] / 2, FACE_TOP])) * scale * 16).round().astype(np.int32)
        cv2.fillConvexPoly(picture, shifted, shade, cv2.LINE_AA, 4)
        cv2.fillConvexPoly(mask, shifted, 255, cv2.LINE_AA, 4)

    def lay(patch: Picture, left: float, top: float, right: float, bottom: float) -> None:
        x0, y0 = round((left + FACE[0] / 2) * scale), round((top + FACE_TOP) * scale)
        x1, y1 = round((right + FACE[0] / 2) * scale), round((bottom + FACE_TOP) * scale)
        if x0 >= 0 and y0 >= 0 and x1 - x0 > 1 and y1 - y0 > 1 and x1 <= wide and y1 <= tall:
            picture[y0:y1, x0:x1] = cv2.resize(patch, (x1 - x0, y1 - y0), interpolation=cv2.INTER_AREA)

    paint = level(rng)
    half, foot = float(rng.uniform(600, 980)), float(rng.uniform(60, 430))
    top, waist = -float(rng.uniform(300, 1_040)), -float(rng.uniform(120, 700))
    box(-half, top, half, foot, paint, float(rng.uniform(0, 0.3)) * half)
    if top < waist - 150:
        box(-half * 0.86, top + 60, half * 0.86, waist, level(rng), float(rng.uniform(0, 0.3)) * half)
    box(-half, waist, half, foot, paint)
    if rng.random() < 0.6:
        split = float(rng.uniform(-140, 90))
        box(-half, split, half, foot, int(np.clip(paint * rng.uniform(0.1, 1.3), 0, 255)))
    if rng.random() < 0.4:
        box(-half, foot - float(rng.uniform(10, 120)), half, foot, level(rng) // 3)
    for _ in range(int(rng.integers(0, 3))):  # seams
        seam = float(rng.uniform(waist, foot))
        box(-half * 0.95, seam, half * 0.95, seam + float(rng.uniform(4, 16)), level(rng) // 2)
    lamp, across, down = level(rng), float(rng.uniform(80, 380)), float(rng.uniform(60, 320))
    lamp_top = float(rng.uniform(-420, 40))
    for side in (-1, 1):
        near, far = sorted((side * half * 0.98, side * (half * 0.98 - across)))
        box(near, lamp_top, far, lamp_top + down, lamp, float(rng.uniform(-10, 20)))
        box(near + across * 0.25, lamp_top + down * 0.2, far - across * 0.25, lamp_top + down * 0.7, level(rng))
    if rng.random() < 0.6:
        y, reach = float(rng.uniform(-330, 160)), float(rng.uniform(200, 520))
        grille = slats(rng) if rng.random() < 0.6 else mesh(rng)
        lay(grille, -reach, y, reach, y + float(rng.uniform(60, 260)))
    for _ in range(int(rng.integers(0, 4))):  # names, numbers, stickers
        x, y, size = float(rng.uniform(-half, half * 0.6)), float(rng.uniform(top, foot)), float(rng.uniform(25, 120))
        words = writing(rng)
        lay(words, x, y, x + size * words.shape[1] / words.shape[0], y + size)
    if rng.random() < 0.5:
        badge = round_sign(rng)
        y = float(rng.uniform(-420, -90))
        lay(badge, -45, y, 45, y + 90)
    if rng.random() < 0.6:
        x, y = float(rng.uniform(275, 420)), float(rng.uniform(60, 170))
        box(-x, -y, x, y * float(rng.uniform(0.6, 1.2)), level(rng), float(rng.uniform(-20, 40)))
    for _ in range(int(rng.integers(0, 6))):  # what the paint and the glass throw back
        x, y, long = float(rng.uniform(-half, half)), float(rng.uniform(top, foot)), float(rng.uniform(40, 700))
        box(x, y, min(half, x + long), y + float(rng.uniform(4, 60)), level(rng), float(rng.uniform(-30, 30)))
    ramp = np.linspace(rng.uniform(0.5, 1.3), rng.uniform(0.5, 1.3), tall, dtype=np.float32)[:, None]
    across_it = np.linspace(rng.uniform(0.7, 1.2), rng.uniform(0.7, 1.2), wide, dtype=np.float32)[None]
    return np.clip(picture * ramp * across_it, 0, 255).astype(np.uint8), mask


def _apart(rng: Rng) -> tuple[int, int]:
    """Two grays that can be told from each other."""
    one = int(rng.integers(256))
    other = int(one + rng.uniform(40, 200)) if one < 128 else int(one - rng.uniform(40, 200))
    return one, int(np.clip(other, 0, 255))


def _at(point: Points | Sequence[float]) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))
