"""Finding plates: what is no picture is refused, what is a plate is found."""

import cv2
import numpy as np
import pytest

from consumers.ocr.locate import MOST_FOUND, MOST_PATCH_BYTES, encode_patch, locate
from consumers.ocr.pictures import FrameUnreadableError, decode
from producers.scene import View, render


def jpeg(height, width):
    return cv2.imencode(".jpg", np.zeros((height, width, 3), np.uint8))[1].tobytes()


GOOD = jpeg(48, 64)


def sized(width, height):
    """A JPEG whose header claims another size than it has."""
    start = GOOD.index(b"\xff\xc0")
    return GOOD[: start + 5] + height.to_bytes(2) + width.to_bytes(2) + GOOD[start + 9 :]


UNREADABLE = {
    "empty": b"",
    "no JPEG": b"\x89PNG\r\n" + bytes(100),
    "text": b"not a picture at all",
    "header alone": GOOD[:20],
    "truncated": GOOD[:-40],
    "0 by 0": sized(0, 0),
    "0 wide": sized(0, 48),
    "30 megapixels": jpeg(5_000, 6_000),
    "a bomb of 4 gigapixels": sized(65_535, 65_535),
    "random after the mark": b"\xff\xd8\xff" + np.random.default_rng(1).bytes(500),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_is_no_picture_of_ours_is_refused(name):
    with pytest.raises(FrameUnreadableError):
        decode(UNREADABLE[name])


def test_damage_inside_a_jpeg_never_raises_anything_else():
    rng = np.random.default_rng(2)
    good = render(View("LK19ABC")).jpeg
    for _ in range(200):
        broken = bytearray(good)
        for at in rng.integers(2, len(good) - 2, 20):
            broken[at] = rng.integers(256)
        try:
            locate(decode(bytes(broken)))
        except FrameUnreadableError:
            continue


@pytest.mark.parametrize("picture", [
    np.zeros((360, 640, 3), np.uint8), np.full((360, 640), 255, np.uint8), np.zeros((1, 1, 3), np.uint8),
    np.zeros((2_000, 3, 3), np.uint8), np.random.default_rng(1).integers(0, 256, (360, 640, 3), np.uint8),
])  # fmt: skip
def test_any_picture_gives_at_most_four_places(picture):
    assert len(locate(picture)) <= MOST_FOUND


def test_the_first_place_is_nearly_always_the_plate():
    found = 0
    for seed in range(60):
        frame = render(View("LK19ABC", rear=bool(seed % 2), seed=seed))
        places = locate(decode(frame.jpeg))
        middle = frame.corners.mean(0)
        found += bool(places) and cv2.pointPolygonTest(places[0].corners, tuple(map(float, middle)), False) > 0
    assert found >= 55


def test_the_same_picture_gives_the_same_places():
    picture = decode(render(View("LK19ABC", seed=8)).jpeg)
    one, other = locate(picture), locate(picture)
    assert [p.corners.tolist() for p in one] == [p.corners.tolist() for p in other]
    assert all((a.patch == b.patch).all() for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("size", [(12, 48), (60, 240), (400, 240)])
def test_a_patch_fits_into_3000_bytes(size):
    noise = np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8)
    assert 0 < len(encode_patch(noise)) <= MOST_PATCH_BYTES
    assert decode(encode_patch(noise)).ndim == 2
