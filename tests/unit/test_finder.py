"""The finder that ships: plates of any size and angle, many at once, none on an empty road."""

import json

import cv2
import numpy as np
import pytest

from consumers.ocr.finder import STILL_WIDTHS, Finder, packed
from consumers.ocr.network import NoSaneAnswerError
from consumers.ocr.pictures import decode
from producers.plate_art import PlateArt, draw
from producers.scene import View, render
from producers.traffic import Light, Weather
from ringfence.errors import FileError, ModelError
from ringfence.settings import Settings
from ringfence.vrm import Style

MODEL = Settings().finder
CARD = MODEL.parent / "CARD.md"
MOST_AWAY = 0.4  # of the height of a plate: how far the corners may be off, in the mean


@pytest.fixture(scope="module")
def finder():
    return Finder(MODEL)


@pytest.fixture(scope="module")
def stills():
    return Finder(MODEL, STILL_WIDTHS)


def plate(two_line=False):
    art = PlateArt("LK19ABC", Style.CURRENT, rear=False, two_line=two_line, green_flash=False, uk_band=False)
    return cv2.cvtColor(draw(art), cv2.COLOR_BGR2GRAY)


def put(picture, drawn, wide, middle, turn=0.0):
    """Draws a plate ``wide`` pixels wide onto the picture; its corners."""
    height, width = drawn.shape
    times = wide / width
    shrunk = cv2.resize(drawn, None, fx=times, fy=times, interpolation=cv2.INTER_AREA)
    height, width = shrunk.shape
    warp = cv2.getRotationMatrix2D((width / 2, height / 2), turn, 1.0)
    warp += np.array([[0, 0, middle[0] - width / 2], [0, 0, middle[1] - height / 2]])
    size = picture.shape[1::-1]
    body = cv2.warpAffine(np.ones((height * 3, round(width * 1.6)), np.uint8), warp @ np.array(
        [[1, 0, -0.3 * width], [0, 1, -height], [0, 0, 1]]), size)  # fmt: skip
    picture[body > 0] = 45  # a plate hangs on a car
    shown, mask = cv2.warpAffine(shrunk, warp, size), cv2.warpAffine(np.ones_like(shrunk), warp, size)
    picture[mask > 0] = shown[mask > 0]
    edges = np.array([[[0, 0], [width, 0], [width, height], [0, height]]], np.float32)
    return cv2.transform(edges, warp)[0]


def ground(width=640, height=360):
    return cv2.GaussianBlur(np.random.default_rng(4).integers(90, 130, (height, width), np.uint8), (0, 0), 3)


def away(corners, truth):
    """How far the corners are off, in heights of the plate."""
    return np.linalg.norm(corners - truth, axis=1).mean() / np.linalg.norm(truth[3] - truth[0])


@pytest.mark.parametrize("turn", [-14, 0, 9])
@pytest.mark.parametrize("wide", [70, 110, 180, 300])
def test_a_plate_is_found_to_its_corners_at_any_size_and_angle(finder, wide, turn):
    picture = ground()
    truth = put(picture, plate(), wide, (330, 190), turn)
    (places,) = finder.find([picture])
    assert len(places) == 1
    assert away(places[0].corners, truth) < MOST_AWAY
    assert places[0].patch.ndim == 2


@pytest.mark.parametrize("wide", [60, 140])
def test_a_plate_with_two_lines_is_one_place(finder, wide):
    picture = ground()
    truth = put(picture, plate(two_line=True), wide, (300, 170), 4)
    (places,) = finder.find([picture])
    assert len(places) == 1
    assert away(places[0].corners, truth) < MOST_AWAY


def test_many_plates_in_one_picture_are_all_found(finder):
    picture = ground()
    spots = [(110, 70), (330, 70), (540, 80), (120, 200), (340, 210), (530, 290)]
    truths = [put(picture, plate(), 90 + 8 * i, spot, 3 * i - 6) for i, spot in enumerate(spots)]
    (places,) = finder.find([picture])
    assert len(places) == len(truths)
    assert max(min(away(place.corners, truth) for place in places) for truth in truths) < 0.5


@pytest.mark.parametrize("wide", [90, 400, 1_100])
def test_a_large_photograph_is_searched_for_small_plates_and_large_ones(stills, wide):
    picture = ground(1_600, 1_200)
    truth = put(picture, plate(), wide, (800, 640), -5)
    (places,) = stills.find([picture])
    assert places
    assert away(places[0].corners, truth) < MOST_AWAY


def test_the_plate_of_nearly_every_frame_is_found_to_its_corners_whatever_the_weather(finder):
    frames = [
        render(View("LK19ABC", rear=bool(seed % 2), two_line=seed % 6 == 1, light=list(Light)[seed % 3],
                    weather=list(Weather)[seed // 3 % 3], blur=seed % 4 * 0.2, seed=seed))
        for seed in range(90)
    ]  # fmt: skip
    found = finder.find([decode(frame.jpeg) for frame in frames])
    good = sum(
        bool(places) and away(places[0].corners, frame.corners) < MOST_AWAY
        for places, frame in zip(found, frames, strict=True)
    )
    assert good >= 87


def test_hardly_anything_is_found_where_no_plate_can_be_seen(finder):
    views = [View(None, light=list(Light)[seed % 3], weather=list(Weather)[seed // 3 % 3], seed=seed)
             for seed in range(90)]  # fmt: skip
    found = finder.find([decode(render(view).jpeg) for view in views])
    assert sum(map(bool, found)) <= 5


def test_a_picture_gives_the_same_whatever_else_is_in_the_batch(finder):
    pictures = [decode(render(View("LK19ABC", seed=seed)).jpeg) for seed in range(40)]
    pictures.insert(7, ground(300, 500))
    together = finder.find(pictures)
    for picture, places in zip(pictures, together, strict=True):
        (alone,) = finder.find([picture])
        assert [place.corners.tolist() for place in alone] == [place.corners.tolist() for place in places]
        assert all((one.patch == other.patch).all() for one, other in zip(alone, places, strict=True))


@pytest.mark.parametrize("picture", [
    np.zeros((360, 640), np.uint8), np.full((360, 640), 255, np.uint8), np.zeros((1, 1), np.uint8),
    np.zeros((2_000, 3), np.uint8), np.zeros((3, 2_000), np.uint8), np.zeros((0, 9), np.uint8),
])  # fmt: skip
def test_nothing_is_found_in_a_picture_of_nothing(finder, stills, picture):
    assert finder.find([picture]) == stills.find([picture]) == [[]]


def test_no_pictures_are_no_places(finder):
    assert finder.find([]) == []


def test_a_missing_or_broken_model_is_said_in_one_line(tmp_path):
    broken = tmp_path / "finder.onnx"
    with pytest.raises(FileError, match="is missing: check out"):
        Finder(broken)
    for data in (b"", b"no network", MODEL.read_bytes()[:5_000]):
        broken.write_bytes(data)
        with pytest.raises(FileError, match="no network that finds plates") as error:
            Finder(broken)
        assert "\n" not in str(error.value)


def test_another_network_than_a_finder_is_refused():
    with pytest.raises(FileError, match="no network that finds plates"):
        Finder(Settings().model)


def test_packing_keeps_every_pixel_in_its_block():
    picture = np.arange(2 * 8 * 12, dtype=np.uint8).reshape(2, 8, 12)
    made = packed(picture)
    assert made.shape == (2, 2, 3, 16)
    assert (made[1, 1, 2].reshape(4, 4) == picture[1, 4:8, 8:12]).all()


def test_the_record_meets_what_is_asked_of_finding_and_reading_and_the_card_says_so():
    record = json.loads((MODEL.parent / "finder_evaluation.json").read_text())
    plates, empty = record["network"]["readable"], record["network"]["without_plate"]
    share = plates["right"] / sum(plates.values())
    assert record["frames"] >= 4_500
    assert share >= 0.97
    assert plates["wrong"] <= 0.002 * sum(plates.values())
    assert empty["none"] >= 0.999 * sum(empty.values())
    assert f"{sum(plates.values()):,}\nreadable plates {share:.1%}".replace("%", " %") in CARD.read_text()


class Network:
    """In the place of the network's session: says, of pictures that are not black, what it is told to."""

    def __init__(self, session, answer):
        self.session, self.answer = session, answer

    def run(self, names, feed, options=None):
        (sound,) = self.session.run(names, feed, options)
        return [self.answer(sound)] if next(iter(feed.values())).any() else [sound]


def fail(_):
    raise RuntimeError("broken")


@pytest.mark.parametrize("answer", [lambda sound: sound * np.nan, fail])
def test_a_picture_of_which_the_network_makes_no_sense_is_at_fault(answer):
    finder = Finder(MODEL)
    finder._session = Network(finder._session, answer)
    with pytest.raises(NoSaneAnswerError):
        finder.find([plate()])


def test_a_network_that_makes_sense_of_nothing_is_at_fault_itself():
    finder = Finder(MODEL)
    finder._session = type("Dead", (), {"run": lambda *_: fail(0)})()
    with pytest.raises(ModelError, match="models folder"):
        finder.find([plate()])


def test_a_network_that_does_not_answer_in_time_is_at_fault():
    finder = Finder(MODEL, STILL_WIDTHS)
    finder._longest = 1e-6
    with pytest.raises(ModelError, match="did not answer within"):
        finder.find([np.full((2_000, 2_000), 90, np.uint8)] * 20)
