"""What many frames share, painted once and kept: roads, rain, a low sun, lamps at night, sensor grain.

Everything is a function of its arguments alone: the generators have fixed seeds. The arrays that come back
are shared; copy before painting on them.
"""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from producers.traffic import Light

Picture = NDArray[np.uint8]

WIDTH, HEIGHT = 640, 360
HORIZON = 96
AMBIENT = {Light.DAY: 1.0, Light.DUSK: 0.55, Light.NIGHT: 0.2}
GRAIN = {Light.DAY: 2.2, Light.DUSK: 3.2, Light.NIGHT: 4.5}  # standard deviation
SKIES = {Light.DAY: (226, 214, 202), Light.DUSK: (132, 112, 142), Light.NIGHT: (44, 34, 30)}


@cache
def road(light: Light, number: int) -> Picture:
    """A road with nothing on it, 360 by 640, BGR; some numbers show houses, some a fence or a hoarding."""
    rng = np.random.default_rng(100 + number)
    picture = np.empty((HEIGHT, WIDTH, 3), np.float32)
    picture[:HORIZON] = SKIES[Light.DAY]
    tarmac = rng.uniform(92, 128)
    picture[HORIZON:] = np.linspace(tarmac + 22, tarmac - 12, HEIGHT - HORIZON)[:, None, None]
    _houses(picture, rng)
    # The houses are out of focus: the lens is set for the plates.
    picture[: HORIZON + 20] = cv2.GaussianBlur(picture[: HORIZON + 20], (0, 0), 1.8)
    _markings(picture, rng)
    if number % 3 == 0:
        _sign(picture, rng)
    texture = cv2.GaussianBlur(rng.normal(0, 1, (HEIGHT, WIDTH)).astype(np.float32), (0, 0), 1.2)
    picture[HORIZON:] += (texture[HORIZON:] * 9)[:, :, None]
    picture = cv2.GaussianBlur(picture, (0, 0), 1.0).astype(np.float32)
    picture *= AMBIENT[light]
    if light is not Light.DAY:
        picture[:HORIZON] = 0.5 * picture[:HORIZON] + 0.5 * np.array(SKIES[light], np.float32)
        picture *= np.array([1.1, 1.0, 0.95], np.float32)
    return _frozen(np.clip(picture, 0, 255).astype(np.uint8))


def _houses(picture: NDArray[np.float32], rng: np.random.Generator) -> None:
    """Walls with windows and doors along the horizon."""
    x = 0
    while x < WIDTH:
        wide, tall = int(rng.integers(60, 140)), int(rng.integers(40, HORIZON))
        brick = np.array([70, 84, 120]) * rng.uniform(0.8, 1.6)
        cv2.rectangle(picture, (x, HORIZON - tall), (x + wide, HORIZON + 8), brick.tolist(), -1)
        for left in range(x + 8, x + wide - 14, 24):
            for top in range(HORIZON - tall + 8, HORIZON - 18, 26):
                cv2.rectangle(picture, (left, top), (left + 11, top + 16), (92, 84, 76), -1)
                cv2.rectangle(picture, (left, top), (left + 11, top + 16), (206, 208, 208), 1)
        x += wide
    cv2.rectangle(picture, (0, HORIZON + 4), (WIDTH, HORIZON + 16), (148, 150, 152), -1)


def _markings(picture: NDArray[np.float32], rng: np.random.Generator) -> None:
    """Kerbs, a dashed line, at times the hatching of a bus lane."""
    vanish = (WIDTH // 2 + int(rng.integers(-60, 60)), HORIZON - 30)
    for foot, colour in ((-330, (150, 152, 154)), (WIDTH + 330, (150, 152, 154)), (-300, (60, 180, 200))):
        cv2.line(picture, vanish, (foot, HEIGHT), colour, 5, cv2.LINE_AA)
    foot = int(rng.integers(60, WIDTH - 60))
    for i in range(9):
        near, far = 0.3 + 0.08 * i, 0.3 + 0.08 * i + 0.045
        ends = [
            (int(vanish[0] + (foot - vanish[0]) * t), int(vanish[1] + (HEIGHT - vanish[1]) * t)) for t in (near, far)
        ]
        cv2.line(picture, ends[0], ends[1], (222, 224, 224), 2 + i // 2, cv2.LINE_AA)


def _sign(picture: NDArray[np.float32], rng: np.random.Generator) -> None:
    """A road sign with strokes like writing on it: something to mistake for a plate."""
    x, y = int(rng.integers(20, WIDTH - 150)), int(rng.integers(20, 60))
    cv2.rectangle(picture, (x, y), (x + 96, y + 30), (238, 240, 240), -1)
    cv2.rectangle(picture, (x + 46, y + 30), (x + 50, HORIZON + 30), (112, 112, 112), -1)
    for i in range(9):
        tall = int(rng.integers(5, 12))
        cv2.rectangle(picture, (x + 8 + 9 * i, y + 15 - tall), (x + 12 + 9 * i, y + 22), (40, 40, 40), -1)


@cache
def rain(light: Light) -> Picture:
    """Streaks to be added, twice as high and wide as a frame."""
    rng = np.random.default_rng(200)
    drops = np.zeros((2 * HEIGHT, 2 * WIDTH), np.uint8)
    for x, y, long in rng.integers((0, 0, 8), (2 * WIDTH, 2 * HEIGHT, 26), (1_500, 3)).tolist():
        cv2.line(drops, (x, y), (x + long // 6, y + long), 70 if light is Light.DAY else 46, 1, cv2.LINE_AA)
    return _frozen(cv2.cvtColor(cv2.GaussianBlur(drops, (0, 0), 0.7), cv2.COLOR_GRAY2BGR).astype(np.uint8))


@cache
def glare(light: Light) -> Picture:
    """A low sun in a haze, twice as high and wide as a frame: cut out anywhere, it shines from there."""
    y, x = np.mgrid[: 2 * HEIGHT, : 2 * WIDTH].astype(np.float32)
    near = np.exp(-np.hypot(x - WIDTH, (y - HEIGHT * 0.7) * 1.2) / 230)
    strength = 150 if light is Light.DAY else 95
    warm = np.array([0.86, 0.95, 1.0], np.float32)
    return _frozen((near[:, :, None] * warm * strength).astype(np.uint8))


@cache
def grain(light: Light) -> Picture:
    """Sensor noise around 128, twice as high and wide as a frame."""
    rng = np.random.default_rng(300)
    noise = rng.normal(128, GRAIN[light], (2 * HEIGHT, 2 * WIDTH)).astype(np.float32)
    colour = rng.normal(0, GRAIN[light] / 3, (2 * HEIGHT, 2 * WIDTH, 3)).astype(np.float32)
    return _frozen(np.clip(noise[:, :, None] + colour + 0.5, 0, 255).astype(np.uint8))


@cache
def lamp(reach: int, red: bool) -> Picture:
    """The glow of a lamp, to be added: a square of twice ``reach`` pixels."""
    y, x = np.mgrid[-reach:reach, -reach:reach].astype(np.float32)
    fall = np.clip(1 - np.hypot(x, y) / max(1, reach), 0, 1) ** 2.4
    tint = np.array([24, 22, 190] if red else [205, 228, 235], np.float32)
    return _frozen((fall[:, :, None] * tint).astype(np.uint8))


def _frozen(picture: Picture) -> Picture:
    picture.setflags(write=False)
    return picture
