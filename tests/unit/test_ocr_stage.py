"""The OCR stage, with a reader that says what it is told: what comes out, and what is set aside."""

import cv2
import numpy as np
import pytest

from consumers.ocr.chances import one_hot
from consumers.ocr.finder import Finder
from consumers.ocr.look import whole
from consumers.ocr.network import NoSaneAnswerError
from consumers.ocr.pictures import decode
from consumers.ocr.sight import Sight
from consumers.ocr.stage import NO_PLATE, READ, UNSURE, Ocr
from producers.scene import View, render
from ringfence.errors import ModelError
from ringfence.jpeg import stripped
from ringfence.metrics import Metrics
from ringfence.settings import Settings
from ringfence.stage import Batch
from schemas.codec import codec
from schemas.records import Flag, Frame, Image, Read
from schemas.topics import FRAMES, IMAGES, READS
from tests.unit.made import OPENING, delivery
from tests.unit.test_pictures import UNREADABLE

SURE, DOUBTFUL, NOTHING = one_hot("LKI9ABC", 0.999), one_hot("LK19ABC", 0.6), one_hot("")
PLATE = render(View("LK19ABC", seed=3)).jpeg
FINDER = Finder(Settings().finder)


class Told:
    """Says the same of every patch, or in turn what it is told."""

    def __init__(self, *says, broken=False):
        self.says, self.asked, self.broken = says, [], broken

    def chances(self, patches):
        self.asked.append(len(patches))
        return np.stack([self.says[i % len(self.says)] for i in range(len(patches))])

    def check(self):
        if self.broken:
            raise ModelError("broken")


class Whole:
    """Finds so many plates in every picture: each is all of it."""

    def __init__(self, places=1):
        self.places = places

    def find(self, pictures):
        return [[whole(picture)] * self.places for picture in pictures]


def handle(*jpegs, says=SURE, flags=0, shots=(), reader=None, finder=None):
    reader = reader or Told(says)
    frames = [Frame(4, i, OPENING + i, flags, jpeg, list(shots)) for i, jpeg in enumerate(jpegs)]
    batch = Batch(FRAMES.name, 2, frames, [delivery(f, FRAMES.name, 2, f.sequence) for f in frames], "")
    return Ocr(Sight(finder or FINDER, reader), 0.8, Metrics()).handle([batch], OPENING), reader


def test_a_frame_becomes_a_read_and_apart_an_image():
    handled, _ = handle(PLATE, flags=Flag.REAR)
    text, picture = handled.outputs
    assert (text.topic, text.partition, text.key) == (READS.name, 2, b"4")
    read = codec(Read).decode(text.value)
    assert (read.camera, read.sequence, read.captured_at) == (4, 0, OPENING)
    assert (read.vrm, read.raw, read.confidence) == ("LK19ABC", "LKI9ABC", 99)
    assert read.flags == Flag.REAR | Flag.REPAIRED
    image = codec(Image).decode(picture.value)
    assert (picture.topic, image.camera, image.sequence, len(image.corners)) == (IMAGES.name, 4, 0, 8)
    assert image.overview == stripped(PLATE)
    assert decode(image.plate_patch).shape[1] <= 240


def test_the_text_is_not_in_the_image_and_the_image_is_not_in_the_read():
    assert "vrm" not in Image.__struct_fields__
    assert not {"plate_patch", "overview", "jpeg"} & set(Read.__struct_fields__)


def test_the_likeliest_places_are_read_in_one_batch_and_when_they_are_sure_no_others():
    _, reader = handle(PLATE, PLATE, PLATE)
    assert reader.asked == [3]


def test_all_places_are_read_when_the_likeliest_settles_nothing():
    _, reader = handle(PLATE, PLATE, says=NOTHING, finder=Whole(places=3))
    assert reader.asked == [2, 4]


@pytest.mark.parametrize("says", [DOUBTFUL, NOTHING])
def test_what_is_unsure_is_no_read(says):
    handled, _ = handle(PLATE, says=says)
    assert not handled.outputs
    assert handled.note.outcomes == {UNSURE: 1}


def test_an_empty_road_is_no_plate():
    handled, _ = handle(cv2.imencode(".jpg", np.full((360, 640, 3), 90, np.uint8))[1].tobytes())
    assert not handled.outputs
    assert handled.note.outcomes == {NO_PLATE: 1}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_frame_that_is_no_picture_is_set_aside_whole_and_the_next_one_is_read(name):
    handled, _ = handle(UNREADABLE[name], PLATE)
    assert [codec(Frame).decode(r.value).jpeg for r in handled.rejected] == [UNREADABLE[name]]
    assert handled.note.outcomes == {READ: 1}
    assert codec(Read).decode(handled.outputs[0].value).sequence == 1


def read_of(handled):
    return codec(Read).decode(handled.outputs[0].value)


def image_of(handled):
    return codec(Image).decode(handled.outputs[1].value)


def sure(text, chance):
    return one_hot(text, chance)


def test_shots_that_are_each_unsure_make_one_sure_read():
    told = Told(*[sure("LK19ABC", 0.93)] * 3)
    alone, _ = handle(PLATE, reader=told, finder=Whole())
    assert alone.note.outcomes == {UNSURE: 1}
    handled, _ = handle(PLATE, shots=[PLATE, PLATE], reader=told, finder=Whole())
    assert handled.note.outcomes == {READ: 1}
    assert (len(handled.outputs), read_of(handled).vrm) == (2, "LK19ABC")


def test_one_shot_in_three_that_misreads_is_outvoted():
    told = Told(sure("LK19ABD", 0.98), sure("LK19ABC", 0.97), sure("LK19ABC", 0.97))
    handled, _ = handle(PLATE, shots=[PLATE, PLATE], reader=told, finder=Whole())
    assert (read_of(handled).vrm, len(handled.outputs)) == ("LK19ABC", 2)


def test_the_picture_is_of_the_best_shot():
    other = cv2.imencode(".jpg", np.full((90, 160), 90, np.uint8))[1].tobytes()
    handled, _ = handle(
        PLATE, shots=[other], reader=Told(sure("LK19ABC", 0.98), sure("LK19ABC", 0.999)), finder=Whole()
    )
    assert image_of(handled).overview == stripped(other)


def test_a_shot_of_another_plate_has_no_vote():
    alone, _ = handle(PLATE, reader=Told(sure("LK19ABC", 0.99)), finder=Whole())
    told = Told(sure("LK19ABC", 0.99), sure("WX70YZF", 0.98))
    both, _ = handle(PLATE, shots=[PLATE], reader=told, finder=Whole())
    assert read_of(both) == read_of(alone)


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_shot_that_is_no_picture_does_not_spoil_the_others(name):
    for jpeg, shots in ((UNREADABLE[name], [PLATE]), (PLATE, [UNREADABLE[name]])):
        handled, _ = handle(jpeg, shots=shots)
        assert (handled.note.outcomes, handled.rejected) == ({READ: 1}, [])
        assert image_of(handled).overview == stripped(PLATE)
    handled, _ = handle(UNREADABLE[name], shots=[UNREADABLE[name]] * 2)
    assert (handled.outputs, len(handled.rejected)) == ([], 1)


MAD = np.full((8, 37), np.nan, np.float32)


def test_a_frame_that_the_model_answers_madly_is_set_aside_and_the_others_are_read():
    handled, _ = handle(PLATE, PLATE, PLATE, reader=Told(SURE, MAD, SURE), finder=Whole())
    assert [(r.offset, type(r.error)) for r in handled.rejected] == [(1, NoSaneAnswerError)]
    assert handled.note.outcomes == {READ: 2}


def test_a_model_that_is_broken_as_a_whole_stops_the_stage_and_sets_nothing_aside():
    with pytest.raises(ModelError):
        handle(PLATE, PLATE, reader=Told(MAD, broken=True), finder=Whole())


def test_how_sure_the_reads_are_is_counted_once_they_are_committed_and_not_before():
    metrics = Metrics()
    stage, frame = Ocr(Sight(Whole(), Told(SURE)), 0.8, metrics), Frame(4, 1, OPENING, 0, PLATE, [])
    batches = [Batch(FRAMES.name, 2, [frame], [delivery(frame, FRAMES.name, 2, 1)], "")]
    stage.handle(batches, OPENING)  # a try that came to nothing
    handled = stage.handle(batches, OPENING)
    assert counted(metrics) == 0
    stage.committed(batches, handled, OPENING)
    assert (counted(metrics), stage.report()[READ]) == (1, 1)


def counted(metrics):
    """How many reads the confidence has been observed of."""
    return next(s.value for family in metrics.confidence.collect() for s in family.samples if s.name.endswith("_count"))


def test_large_pictures_are_not_all_in_memory_at_once(monkeypatch):
    monkeypatch.setattr("consumers.ocr.stage.MOST_PIXELS", decode(PLATE).size * 2)
    handled, reader = handle(*[PLATE] * 5, finder=Whole())
    assert (reader.asked, handled.note.outcomes) == ([2, 2, 1], {READ: 5})
