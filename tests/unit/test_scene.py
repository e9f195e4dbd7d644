"""Frames as they are rendered: pure, small, with the plate where the corners say."""

import cv2
import numpy as np
import pytest
from msgspec.structs import replace

from producers.scene import HEIGHT, MOST_BYTES, WIDTH, View, render
from producers.traffic import Light, Weather
from ringfence.vrm import Style

PLAIN = View("LK19ABC", seed=3)


def picture(view):
    return cv2.imdecode(np.frombuffer(render(view).jpeg, np.uint8), cv2.IMREAD_COLOR)


def views():
    rng = np.random.default_rng(5)
    for i in range(60):
        yield View(
            vrm="LK19ABC" if i % 6 else None, rear=bool(i % 2), two_line=i % 10 == 1, green_flash=i % 7 == 0,
            uk_band=i % 9 == 0, light=list(Light)[i % 3], weather=list(Weather)[i // 3 % 3], dirt=float(rng.random()),
            obscured=i % 11 == 0, blur=float(rng.random() * 2), seed=i,
        )  # fmt: skip


@pytest.mark.parametrize("view", list(views()))
def test_every_frame_is_small_and_whole(view):
    frame = render(view)
    assert len(frame.jpeg) <= MOST_BYTES
    assert picture(view).shape == (HEIGHT, WIDTH, 3)
    assert (frame.corners is None) == (view.vrm is None)


def test_the_same_view_makes_the_same_bytes():
    assert [render(view).jpeg for view in views()] == [render(view).jpeg for view in views()]


def test_another_seed_makes_another_picture():
    assert render(PLAIN).jpeg != render(replace(PLAIN, seed=4)).jpeg


def test_the_plate_is_where_the_corners_say():
    frame = render(PLAIN)
    assert frame.corners is not None
    middle = frame.corners.mean(0).round().astype(int)
    half = (np.ptp(frame.corners, 0) * 0.35).astype(int)
    shown = picture(PLAIN)[middle[1] - half[1] : middle[1] + half[1], middle[0] - half[0] : middle[0] + half[0]]
    # Black on white: both are there, and there is much white.
    assert shown.min() < 90
    assert np.percentile(shown, 75) > 170


def test_a_rear_plate_is_yellow_and_a_front_plate_is_not():
    def blueness(view):
        corners = render(view).corners
        middle, half = corners.mean(0), np.ptp(corners, 0) * 0.4
        (left, top), (right, bottom) = (middle - half).astype(int), (middle + half).astype(int)
        blue, _, red = picture(view)[top:bottom, left:right].reshape(-1, 3).mean(0)
        return float(blue - red)

    assert blueness(replace(PLAIN, rear=True)) < -40 < blueness(PLAIN)


def test_night_is_darker_than_dusk_and_dusk_than_day():
    day, dusk, night = (float(picture(replace(PLAIN, light=light)).mean()) for light in Light)
    assert night < dusk < day


@pytest.mark.parametrize("weather", [w for w in Weather if w is not Weather.CLEAR])
def test_weather_shows(weather):
    assert render(replace(PLAIN, weather=weather)).jpeg != render(PLAIN).jpeg


def test_dirt_and_blur_show():
    assert render(replace(PLAIN, dirt=0.9)).jpeg != render(PLAIN).jpeg
    assert render(replace(PLAIN, blur=1.5)).jpeg != render(PLAIN).jpeg


def test_a_foreign_mark_is_drawn_too():
    assert render(View("B7XY123Q", Style.FOREIGN_OR_UNKNOWN)).corners is not None
