"""Pictures from a folder: what is sent of them, and what is left out."""

import cv2
import numpy as np
import pytest

from producers.replay import MOST_SIDE, as_jpeg, pictures, taken
from ringfence.errors import FileError
from schemas.topics import FRAMES


def coded(ending, width=320, height=200, flags=(), depth=np.uint8):
    noise = np.random.default_rng(3).integers(0, 255, (height, width, 3)).astype(depth)
    return cv2.imencode(ending, noise, list(flags))[1].tobytes()


@pytest.mark.parametrize("data", [coded(".jpg"), coded(".png"), coded(".png", depth=np.uint16), coded(".bmp")])
def test_whatever_kind_of_picture_it_is_a_jpeg_is_sent(data):
    sent = cv2.imdecode(np.frombuffer(as_jpeg(data), np.uint8), cv2.IMREAD_UNCHANGED)
    assert (sent.shape, sent.dtype) == ((200, 320, 3), np.uint8)


def test_a_large_one_is_made_smaller_and_fits_its_topic():
    sent = as_jpeg(coded(".jpg", 4_000, 3_000))
    assert len(sent) < FRAMES.most_bytes
    assert max(cv2.imdecode(np.frombuffer(sent, np.uint8), cv2.IMREAD_COLOR).shape) == MOST_SIDE


def test_metadata_do_not_travel():
    data = coded(".jpg")
    assert b"SMUGGLED" not in as_jpeg(data[:2] + b"\xff\xfe\x00\x0aSMUGGLED" + data[2:])


@pytest.mark.parametrize("data", [b"", b"no picture", coded(".jpg")[:40], bytes(1_000)])
def test_what_is_no_picture_is_none(data):
    assert as_jpeg(data) is None


def test_a_bomb_is_refused_before_it_is_decoded():
    """A PNG of a few kilobytes that is 20,000 by 20,000 pixels."""
    assert as_jpeg(cv2.imencode(".png", np.zeros((20_000, 20_000), np.uint8))[1].tobytes()) is None


def test_a_folder_is_read_in_order_and_what_is_no_picture_is_left_out(tmp_path):
    (tmp_path / "b.jpg").write_bytes(coded(".jpg", 100, 50))
    (tmp_path / "a.PNG").write_bytes(coded(".png", 60, 50))
    (tmp_path / "c.jpg").write_bytes(b"broken")
    (tmp_path / "d.jpg").mkdir()
    (tmp_path / "e.jpg").symlink_to(tmp_path / "nowhere")
    (tmp_path / "notes.txt").write_text("no picture")
    found = pictures(tmp_path)
    assert [path.name for path in found] == ["a.PNG", "b.jpg", "c.jpg", "d.jpg", "e.jpg"]
    assert [taken(path) is not None for path in found] == [True, True, False, False, False]


def test_a_folder_without_pictures_is_named(tmp_path):
    with pytest.raises(FileError, match="holds no picture"):
        pictures(tmp_path)
    with pytest.raises(FileError, match="is no folder"):
        pictures(tmp_path / "nowhere")
