"""Videos made for tests: a still road, and vehicles of the simulator's that drive through the picture."""

import cv2
import numpy as np

from producers.scene import View, render

RATE = 25
WIDTH, HEIGHT = 640, 360


def decoded(jpeg):
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)


def road():
    return decoded(render(View(None, seed=1)).jpeg)


def passing(vrm, frames=20, seed=3):
    """A vehicle comes up from below, stops being blurred in the middle of its way, and leaves below."""
    vehicle, still = decoded(render(View(vrm, seed=seed)).jpeg), road()
    for i in range(frames):
        away = abs(2 * i / (frames - 1) - 1)  # 1, at first and at last; 0 in the middle
        down = round(HEIGHT * 0.9 * away**2)
        moved = still.copy()
        moved[down:] = vehicle[: HEIGHT - down]
        yield cv2.GaussianBlur(moved, (0, 0), 0.2 + 4 * away) if away > 0.1 else moved


def write(path, vrms, still=25, rate=RATE, frames=20):
    """A video in which each vehicle passes once, with ``still`` frames of the road alone before, between and after."""
    video = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), rate, (WIDTH, HEIGHT))
    rng = np.random.default_rng(5)

    def put(picture):  # a sensor is never quite still
        noise = rng.normal(0, 2, picture.shape)
        video.write(np.clip(picture + noise, 0, 255).astype(np.uint8))

    for vrm in vrms:
        for _ in range(still):
            put(road())
        for picture in passing(vrm, frames):
            put(picture)
    for _ in range(still):
        put(road())
    video.release()
    return path
