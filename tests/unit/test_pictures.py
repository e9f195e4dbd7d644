"""Bytes to a gray picture: what can be read is read, the rest is refused with a line, and never decoded first."""

from contextlib import suppress
from struct import pack

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.ocr import pictures
from consumers.ocr.pictures import FrameUnreadableError, decode, opened, overview
from producers.scene import View, render
from ringfence.headers import header
from ringfence.jpeg import stripped
from tests.unit.files import HEIGHT, READABLE, WIDTH, bomb, exif, gray, saved, scans

PLAIN = saved("JPEG")


def blank(height, width):
    return cv2.imencode(".jpg", np.zeros((height, width, 3), np.uint8))[1].tobytes()


GOOD = blank(48, 64)


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
    "30 megapixels": blank(5_000, 6_000),
    "a bomb of 4 gigapixels": sized(65_535, 65_535),
    "random after the mark": b"\xff\xd8\xff" + np.random.default_rng(1).bytes(500),
}


def file(folder, data):
    path = folder / "picture"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("kind", READABLE)
def test_every_kind_of_file_becomes_the_same_gray_picture(kind, tmp_path):
    found = opened(file(tmp_path, READABLE[kind])).gray
    assert (found.shape, found.dtype) == ((HEIGHT, WIDTH), np.uint8)
    there = np.s_[: HEIGHT // 2]  # of what was cut off the lower part is lost
    assert np.abs(found[there].astype(int) - gray()[there]).mean() < 10


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_picture_is_turned_upright_as_its_exif_says(kind, tmp_path):
    found = opened(file(tmp_path, saved(kind, exif=exif(orientation=6)))).gray
    assert found.shape == (WIDTH, HEIGHT)
    assert found[:, -20:].mean() > 220  # the bright bar of the top is now on the right


@pytest.mark.parametrize(("data", "words"), [
    (b"", "empty"), (b"no picture at all", "is no JPEG"), (saved("PNG")[:20], "ends before"),
    (saved("PNG")[:-40], "cut off"), (saved("WEBP")[:60], "cut off"), (bytes(5_000), "is no JPEG"),
    (scans(200), "scans"),
])  # fmt: skip
def test_what_is_no_picture_is_refused_with_a_line(data, words, tmp_path):
    with pytest.raises(FrameUnreadableError, match=words):
        opened(file(tmp_path, data))


@pytest.mark.parametrize("where", ["nowhere", "."])
def test_a_file_that_cannot_be_read_is_refused_with_a_line(where, tmp_path):
    with pytest.raises(FrameUnreadableError, match="cannot be read"):
        opened(tmp_path / where)


def test_a_bomb_is_never_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr(pictures.cv2, "imdecode", None)
    with pytest.raises(FrameUnreadableError, match="20000 by 20000 pixels"):
        opened(file(tmp_path, bomb()))


def test_a_file_that_is_too_large_is_not_even_read(tmp_path, monkeypatch):
    path = file(tmp_path, b"")
    with path.open("wb") as sparse:
        sparse.truncate(pictures.FILE_BYTES + 1)
    with pytest.raises(FrameUnreadableError, match="64 MB are too many"):
        opened(path)


def test_a_large_photograph_is_decoded_at_half_its_size(tmp_path):
    large = cv2.imencode(".jpg", np.full((4_000, 5_000), 90, np.uint8))[1].tobytes()
    found = opened(file(tmp_path, large))
    assert (found.gray.shape, found.smaller) == ((2_000, 2_500), 2)


@pytest.mark.parametrize("kind", [kind for kind in READABLE if "JPEG" in kind and "cut" not in kind])
def test_a_camera_may_send_any_whole_jpeg(kind):
    assert decode(READABLE[kind]).shape == (HEIGHT, WIDTH)


@pytest.mark.parametrize("kind", [kind for kind in READABLE if "JPEG" not in kind or "cut" in kind])
def test_a_camera_may_send_nothing_else(kind):
    with pytest.raises(FrameUnreadableError):
        decode(READABLE[kind])


def test_an_overview_is_what_was_sent_without_its_metadata():
    assert overview(PLAIN) == stripped(PLAIN)


def test_an_overview_stands_upright_as_the_picture_that_was_read():
    turned = saved("JPEG", exif=exif(orientation=6))
    assert (header(overview(turned)).width, header(overview(turned)).height) == (HEIGHT, WIDTH)
    assert np.abs(decode(overview(turned)).astype(int) - decode(turned)).mean() < 3
    assert b"Exif" not in overview(turned)


@given(st.binary(max_size=300), st.sampled_from(sorted(READABLE)), st.integers(0, 200))
def test_no_bytes_raise_anything_else(tail, kind, keep):
    data = READABLE[kind][:keep] + tail
    for door in (decode, overview):
        with suppress(FrameUnreadableError):
            assert len(door(data))
    with suppress(ValueError):
        assert header(data).kind


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
            decode(bytes(broken))
        except FrameUnreadableError:
            continue


@pytest.mark.parametrize("marker", [0x01, 0xD0, 0xD7])
def test_a_size_behind_a_marker_without_a_length_is_seen(marker):
    """A decoder goes on right behind it; whoever skips a length there takes the comment's size for the picture's."""
    lie = b"\xff\xc0" + (11).to_bytes(2) + b"\x08" + (8).to_bytes(2) + (8).to_bytes(2) + b"\x01\x01\x11\x00"
    comment = b"\xff\xfe" + (len(lie) + 2).to_bytes(2) + lie
    large = sized(60_000, 60_000)
    with pytest.raises(FrameUnreadableError, match="60000 by 60000"):
        decode(large[:2] + bytes([0xFF, marker]) + comment + large[2:])


def test_of_a_tiff_tag_that_is_there_twice_the_first_counts(tmp_path):
    tags = [(0x100, 60_000), (0x101, 60_000), (0x100, 8), (0x101, 8)]
    entries = b"".join(pack("<HHII", tag, 3, 1, value) for tag, value in tags)
    data = pack("<2sHIH", b"II", 42, 8, len(tags)) + entries + bytes(4)
    with pytest.raises(FrameUnreadableError, match="60000 by 60000"):
        opened(file(tmp_path, data))
