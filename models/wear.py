"""What the road does to a plate: dirt, screws, a tow bar before it, a bend."""

import cv2
import numpy as np

from models.plates import Picture, Plate


def worn(drawn: Plate, rng: np.random.Generator, condition: str, severity: float) -> Plate:
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
    left, top, right, bottom = box
    for _ in range(int(rng.integers(1, 5))):
        level = float(rng.choice([rng.uniform(0, 60), rng.uniform(180, 255), rng.uniform(60, 180)]))
        at = int(rng.integers(0, picture.shape[1])), round(float(rng.uniform(top, bottom)))
        if rng.random() < 0.3:
            at = int(rng.choice([left - 12, right + 12])), round((top + bottom) / 2)
        radius = int(rng.integers(5, 10))
        cv2.circle(picture, at, radius, level, -1, cv2.LINE_AA)
        if rng.random() < 0.5:
            cv2.circle(picture, at, radius, float(255 - level), 1, cv2.LINE_AA)
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
