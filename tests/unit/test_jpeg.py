"""A picture without what a JPEG may carry besides."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from producers.scene import View, render
from ringfence.jpeg import stripped

PLATE = render(View("LK19ABC", seed=3)).jpeg
SECRET = b"the driver is Mr Smith"


def pixels(jpeg):
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)


def loaded():
    """The same picture with EXIF, a comment, an unknown application segment and bytes after its end."""
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    out = io.BytesIO()
    Image.open(io.BytesIO(PLATE)).save(out, "JPEG", exif=exif, comment=SECRET, progressive=True, quality=80)
    plain = out.getvalue()
    segment = b"\xff\xef" + (len(SECRET) + 2).to_bytes(2) + SECRET
    return plain[:2] + segment + b"\xff" + plain[2:] + SECRET


def test_what_is_besides_the_picture_goes():
    assert loaded().count(SECRET) == 4
    clean = stripped(loaded())
    assert SECRET not in clean
    assert (pixels(clean) == pixels(loaded())).all()


def test_a_picture_of_ours_stays_as_it_looks_and_a_second_time_changes_nothing():
    once = stripped(PLATE)
    assert (pixels(once) == pixels(PLATE)).all()
    assert stripped(once) == once
    assert len(once) <= len(PLATE)


def test_a_marker_that_stands_alone_has_no_length():
    plain = stripped(PLATE)
    assert stripped(plain[:2] + b"\xff\x01" + plain[2:]) == plain


@pytest.mark.parametrize("restart", [0, 3])
def test_restart_markers_belong_to_the_data(restart):
    jpeg = cv2.imencode(".jpg", pixels(PLATE), [cv2.IMWRITE_JPEG_RST_INTERVAL, restart])[1].tobytes()
    assert (pixels(stripped(jpeg)) == pixels(jpeg)).all()


@pytest.mark.parametrize("cut", [0, 1, 2, 3, 5, 20, 100, len(PLATE) // 2, len(PLATE) - 1])
def test_what_is_cut_off_is_no_picture(cut):
    with pytest.raises(ValueError, match="JPEG"):
        stripped(PLATE[:cut])


def test_random_damage_ends_and_never_raises_anything_else():
    rng = np.random.default_rng(5)
    for _ in range(300):
        broken = bytearray(PLATE)
        for at in rng.integers(2, len(PLATE), 10):
            broken[at] = rng.integers(256)
        try:
            stripped(bytes(broken))
        except ValueError:
            continue
