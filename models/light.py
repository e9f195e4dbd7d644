"""Light, lens, motion, sensor and coding: what lies between a plate and its pixels."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from models.plates import Picture

Floats = NDArray[np.float32]


def sensed(shot: Floats, rng: np.random.Generator, condition: str, severity: float) -> Picture:
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
