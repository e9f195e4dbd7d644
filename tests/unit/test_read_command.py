"""``ringfence read``: what is printed and drawn of a user's pictures, and what is said of what is none."""

import json

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from consumers.ocr.grammar import Reading
from consumers.ocr.look import distinct, may_be_a_plate
from consumers.ocr.patches import rectify
from consumers.ocr.pictures import decode
from consumers.ocr.read_command import files, read
from consumers.ocr.sight import Sighting
from consumers.ocr.sketch import SURE, UNSURE, sketch
from producers.scene import View, render
from ringfence.entry import application
from ringfence.errors import FileError
from ringfence.vrm import Style
from tests.unit.files import bomb, exif, picture, saved

STREET = render(View("BD51SMR", seed=4))
APP = application()
APP.command()(read)
APP.callback()(lambda: None)


def run(*arguments):
    return CliRunner().invoke(APP, ["read", *map(str, arguments)])


def plate_alone(vrm="LK19ABC", seed=9):
    """A picture that is nothing but the plate."""
    frame = render(View(vrm, seed=seed))
    return cv2.imencode(".png", rectify(decode(frame.jpeg), frame.corners.astype(np.float32)))[1].tobytes()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "street.jpg").write_bytes(STREET.jpeg)
    (tmp_path / "pictures" / "alone.png").write_bytes(plate_alone())
    (tmp_path / "pictures" / "road.jpg").write_bytes(render(View(None, seed=1)).jpeg)
    (tmp_path / "pictures" / "notes.txt").write_text("no picture, and not meant as one")
    return tmp_path / "pictures"


def test_every_picture_of_a_folder_is_read_and_drawn(folder, tmp_path):
    result = run(folder, "--json", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    found = {entry["picture"].rsplit("/", 1)[1]: entry for entry in json.loads(result.stdout)}
    assert {name: [plate["vrm"] for plate in entry["plates"]] for name, entry in found.items()} == {
        "street.jpg": ["BD51SMR"], "alone.png": ["LK19ABC"], "road.jpg": [],
    }  # fmt: skip
    (plate,) = found["street.jpg"]["plates"]
    assert (plate["style"], plate["at_gate"]) == ("current", True)
    assert 0.8 <= plate["confidence"] <= 1
    middle = np.mean(plate["corners"], 0)
    assert cv2.pointPolygonTest(STREET.corners.astype(np.float32), tuple(map(float, middle)), False) > 0
    for entry in found.values():
        assert cv2.imread(entry["copy"]) is not None


def test_copies_of_an_earlier_run_are_not_read_again(folder):
    for _ in range(2):
        result = run(folder, "--json", "--out", folder)
        assert len(json.loads(result.stdout)) == 3


def test_the_table_says_what_is_read_and_whether_it_passes_the_gate(folder, tmp_path):
    out = run(folder, "--out", tmp_path / "out").stdout
    (line,) = [line for line in out.splitlines() if "street.jpg" in line]
    assert {"BD51SMR", "current", "read"} <= set(line.split())
    assert "no plate" in out
    below = run(folder / "street.jpg", "--out", tmp_path / "out", "--wrong-cost", 1e6).stdout
    assert "below" in below


def test_what_is_no_picture_is_said_and_the_others_are_read(folder, tmp_path):
    (folder / "[bad].jpg").write_bytes(b"nothing of the kind")
    (folder / "bomb.png").write_bytes(bomb())
    result = run(folder, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "[bad].jpg is no picture that can be read: this is no JPEG" in result.stderr
    assert "20000 by 20000 pixels" in result.stderr
    assert "BD51SMR" in result.stdout
    broken = json.loads(run(folder / "[bad].jpg", "--json", "--out", tmp_path / "out").stdout)
    assert (broken[0]["plates"], broken[0]["copy"]) == ([], None)


def test_an_upright_picture_is_read_however_it_was_held(tmp_path):
    from PIL import Image

    street = cv2.cvtColor(cv2.imdecode(np.frombuffer(STREET.jpeg, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    lying = Image.fromarray(street).rotate(90, expand=True)  # 6 turns it by 90 degrees clockwise
    (tmp_path / "held.jpg").write_bytes(saved("JPEG", lying, quality=95, exif=exif(orientation=6)))
    (entry,) = json.loads(run(tmp_path / "held.jpg", "--json", "--out", tmp_path / "out").stdout)
    assert [plate["vrm"] for plate in entry["plates"]] == ["BD51SMR"]


def test_corners_are_those_of_the_file_even_where_it_is_decoded_smaller(tmp_path):
    street = cv2.imdecode(np.frombuffer(STREET.jpeg, np.uint8), cv2.IMREAD_COLOR)
    large = cv2.resize(street, None, fx=9, fy=9, interpolation=cv2.INTER_CUBIC)  # 18.7 megapixels
    (tmp_path / "large.jpg").write_bytes(cv2.imencode(".jpg", large)[1].tobytes())
    (entry,) = json.loads(run(tmp_path / "large.jpg", "--json", "--out", tmp_path / "out").stdout)
    (plate,) = entry["plates"]
    assert np.abs(np.mean(plate["corners"], 0) - 9 * STREET.corners.mean(0)).max() < 9 * 25


def test_two_pictures_of_one_name_have_two_copies(folder, tmp_path):
    (folder / "street.png").write_bytes(saved("PNG", picture()))
    run(folder, "--out", tmp_path / "out")
    assert {"street.read.jpg", "street-2.read.jpg"} <= {path.name for path in (tmp_path / "out").iterdir()}


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(FileError, match="nowhere is not there"):
        files([tmp_path / "nowhere"])
    with pytest.raises(FileError, match="holds no picture"):
        files([tmp_path])


@pytest.mark.parametrize(("size", "may"), [
    ((40, 180), True), ((110, 150), True), ((300, 1_500), True), ((360, 640), False), ((180, 40), False),
    ((3_000, 4_000), False), ((500, 4_000), False),
])  # fmt: skip
def test_a_small_or_a_wide_picture_may_be_nothing_but_a_plate(size, may):
    assert may_be_a_plate(np.zeros(size, np.uint8)) is may


def plate(text="LK19ABC", left=0.0, width=100.0, confidence=0.9, style=Style.CURRENT):
    corners = np.array([[left, 0], [left + width, 0], [left + width, 20], [left, 20]], np.float32)
    reading = Reading(text, text, style, confidence, False)
    return Sighting(corners, np.zeros((20, 100), np.uint8), reading, np.zeros((8, 37), np.float32))


def test_of_places_that_overlap_the_best_reading_is_kept():
    part = plate("9ABC", left=50, width=50, confidence=0.99, style=Style.FOREIGN_OR_UNKNOWN)
    unsure = plate(width=120, confidence=0.6)
    other = plate("BD51SMR", left=300)
    assert [(one.reading.vrm, one.reading.confidence) for one in distinct([part, unsure, plate(), other])] == [
        ("LK19ABC", 0.9), ("BD51SMR", 0.9),
    ]  # fmt: skip


def test_what_says_nothing_is_no_plate():
    assert distinct([plate(""), plate("1"), plate(confidence=0.1)]) == []


def test_what_passes_the_gate_is_green_and_the_rest_is_orange():
    road = np.full((200, 400, 3), 128, np.uint8)

    def has(drawn, colour):
        return bool((drawn == np.array(colour, np.uint8)).all(2).any())

    drawn = [sketch(road, [plate(left=100, confidence=confidence)], 0.8) for confidence in (0.8, 0.79)]
    assert [(has(one, SURE), has(one, UNSURE)) for one in drawn] == [(True, False), (False, True)]
    assert (road == 128).all()
