"""Hostile pictures on a real broker: each goes to the dead letters whole, the good one beside them is read."""

import cv2
import numpy as np

from consumers.ocr.eyes import sight_of
from consumers.ocr.stage import Ocr
from producers.scene import View, render
from ringfence import dead_letters
from ringfence.settings import load
from schemas.codec import codec
from schemas.records import Frame, Read
from schemas.topics import BY_NAME, FRAMES, IMAGES, READS, User
from tests.contract.conftest import Running
from tests.contract.waiting import until
from tests.unit.made import OPENING

PLATE = render(View("LK19ABC", seed=3)).jpeg


def empty_size():
    """A JPEG whose header says 0 by 0."""
    at = PLATE.index(b"\xff\xc0")
    return PLATE[: at + 5] + bytes(4) + PLATE[at + 9 :]


def huge():
    """30 megapixels in some hundred kilobytes."""
    return cv2.imencode(".jpg", np.zeros((5000, 6000), np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 5])[1].tobytes()


def test_each_hostile_frame_finds_its_place(broker):
    pictures = {"cut": PLATE[:200], "0 by 0": empty_size(), "huge": huge(), "none": b"", "text": b"no picture" * 9}
    frames = [Frame(400, i, OPENING, 0, jpeg) for i, jpeg in enumerate(pictures.values())]
    unreadable = [None, b"\xc3\x01" + bytes(20), codec(Frame).encode(frames[0])[:30]]
    broker.send(User.CAMERAS, FRAMES, [*frames, *unreadable, Frame(400, 99, OPENING, 0, PLATE)], partition=0)
    context = broker.context(User.OCR)
    stage = Ocr(sight_of(load()), 0.8, context.metrics)
    with Running(stage, context.connection, context.clock, context.metrics):
        (sound,) = until(lambda: broker.all(User.OVERSIGHT, READS))
        letters = until(
            lambda: len(found := broker.all(User.OPERATOR, BY_NAME[FRAMES.dlq])) == 8 and found,
        )
    read = codec(Read).decode(sound.value)
    assert (read.sequence, read.vrm) == (99, "LK19ABC")
    assert len(broker.all(User.OVERSIGHT, IMAGES)) == 1
    assert [d.value for d in letters if d.value in (None, b"")] == [None]
    assert {d.value for d in letters} == {*unreadable, *map(codec(Frame).encode, frames)}
    errors = {letter.offset: letter.error for letter in (dead_letters.read(d.headers) for d in letters)}
    assert errors == dict.fromkeys(range(5), "FrameUnreadableError") | dict.fromkeys(range(5, 8), "UndecodableError")
