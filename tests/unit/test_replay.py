"""A user's own pictures as a camera's frames: what is sent of them, in which order, and what is left out."""

import time
from threading import Event

import cv2
import numpy as np
import pytest
from msgspec import structs

from producers.replay import send
from producers.replay.folder import passings, pictures
from producers.replay.picture import MOST_SIDE, ROOM, as_jpeg, detail, opened, passage_of, pixels
from producers.replay.wanted import Replay, checked
from producers.replay.when import When
from ringfence.clock import Clock
from ringfence.errors import FileError, SettingError
from ringfence.kafka_io import Connection
from ringfence.metrics import Metrics
from ringfence.run import Context
from ringfence.settings import Settings
from schemas.codec import codec
from schemas.records import Frame
from schemas.topics import FRAMES
from tests.unit.files import HEIGHT, READABLE, WIDTH, bomb, exif, saved, scans
from tests.unit.made import OPENING

SHARP = np.random.default_rng(3).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)


def coded(picture=SHARP, ending=".jpg"):
    return cv2.imencode(ending, picture)[1].tobytes()


def blurred(by):
    return cv2.GaussianBlur(SHARP, (0, 0), by)


def sent_of(wanted):
    """The passages of a folder, all of them."""
    return list(passings(wanted, lambda: False))


def size(jpeg):
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_UNCHANGED).shape


@pytest.mark.parametrize("kind", READABLE)
def test_whatever_kind_of_picture_it_is_a_jpeg_is_sent(kind):
    assert size(as_jpeg(pixels(READABLE[kind]))) == (HEIGHT, WIDTH, 3)


def test_a_large_one_is_made_smaller_and_fits_its_topic():
    noise = np.random.default_rng(3).integers(0, 255, (1_500, 2_000, 3), np.uint8)
    sent = as_jpeg(noise)
    assert len(sent) < FRAMES.most_bytes
    assert max(size(sent)) == MOST_SIDE
    assert sum(map(len, passage_of([noise] * 8))) <= ROOM


def test_metadata_do_not_travel():
    data = coded()
    assert b"SMUGGLED" not in as_jpeg(pixels(data[:2] + b"\xff\xfe\x00\x0aSMUGGLED" + data[2:]))
    assert b"Exif" not in as_jpeg(pixels(saved("JPEG", exif=exif(6))))


@pytest.mark.parametrize("data", [b"", b"no picture", coded()[:40], bytes(1_000), scans(200), bomb()])
def test_what_is_no_picture_is_left_out_and_said(data, tmp_path, capsys):
    (tmp_path / "a.jpg").write_bytes(data)
    assert opened(tmp_path / "a.jpg") is None
    assert "a.jpg" in capsys.readouterr().out


def test_a_folder_is_read_in_order_and_what_is_no_picture_is_left_out(tmp_path):
    (tmp_path / "b.jpg").write_bytes(coded())
    (tmp_path / "a.PNG").write_bytes(coded(ending=".png"))
    (tmp_path / "c.jpg").write_bytes(b"broken")
    (tmp_path / "d.jpg").mkdir()
    (tmp_path / "e.jpg").symlink_to(tmp_path / "nowhere")
    (tmp_path / "notes.txt").write_text("no picture")
    assert [path.name for path in pictures(tmp_path)] == ["a.PNG", "b.jpg", "c.jpg", "d.jpg", "e.jpg"]
    assert [passing is not None for passing in sent_of(Replay(str(tmp_path), 1))] == [True, True, False, False, False]


def test_a_folder_without_pictures_is_named(tmp_path):
    with pytest.raises(FileError, match="holds no picture"):
        pictures(tmp_path)
    with pytest.raises(FileError, match="is no folder"):
        pictures(tmp_path / "nowhere")


def test_with_group_pictures_that_differ_in_a_last_number_are_one_passage_the_sharpest_first(tmp_path):
    for name, by in {"van_1": 3.0, "van_2": 0.5, "van_3": 1.5, "car_1": 1.0, "20220615_083000": 1.0}.items():
        (tmp_path / f"{name}.png").write_bytes(coded(blurred(by), ".png"))
    wanted = Replay(str(tmp_path), 1, group=True, shots=2)
    _, _, van = sent_of(wanted)
    assert [len(passing.jpegs) for passing in sent_of(wanted)] == [1, 1, 2]
    assert [jpeg == as_jpeg(blurred(by)) for jpeg, by in zip(van.jpegs, (0.5, 1.5), strict=True)] == [True, True]
    assert len(sent_of(structs.replace(wanted, group=False))) == 5


def test_one_broken_picture_does_not_spoil_its_passage(tmp_path):
    (tmp_path / "van_1.jpg").write_bytes(b"broken")
    (tmp_path / "van_2.jpg").write_bytes(coded())
    (only,) = sent_of(Replay(str(tmp_path), 1, group=True))
    assert len(only.jpegs) == 1


def test_detail_is_what_blur_takes_away():
    assert detail(SHARP) > detail(blurred(1)) > detail(blurred(2)) > detail(np.zeros_like(SHARP)) == 0
    assert detail(SHARP[:1]) == 0


@pytest.mark.parametrize(("when", "names"), [(When.NAME, "ba"), (When.EXIF, "ab")])
def test_pictures_go_in_order_of_their_times_and_what_has_none_is_left_out(when, names, tmp_path, capsys):
    (tmp_path / "a 2022-06-15T08-00-05.jpg").write_bytes(saved("JPEG", exif=exif(taken="2022:06:15 08:00:00")))
    (tmp_path / "b 2022-06-15T08-00-00.jpg").write_bytes(saved("JPEG", exif=exif(taken="2022:06:15 08:00:05")))
    (tmp_path / "c.jpg").write_bytes(coded())
    found = sent_of(Replay(str(tmp_path), 1, when=when))
    assert [(passing.at, passing.position) for passing in found] == [(OPENING, 0.0), (OPENING + 5_000_000, 5.0)]
    assert "c.jpg" in capsys.readouterr().out


def test_if_no_picture_has_a_time_that_is_an_error(tmp_path):
    (tmp_path / "c.jpg").write_bytes(coded())
    with pytest.raises(FileError, match="try --when now"):
        sent_of(Replay(str(tmp_path), 1, when=When.EXIF))


@pytest.mark.parametrize(("given", "words"), [
    ({"when": When.FRAME}, "no frame clock"), ({"start": 5}, "--when frame"),
    ({"when": When.EXIF, "loop": True}, "same moments"), ({"source": "v.mp4", "group": True}, "--group"),
    ({"source": "v.mp4", "when": When.EXIF}, "--when exif"),
    ({"source": "v.mp4", "when": When.FRAME, "start": 5, "loop": True}, "same moments"),
])  # fmt: skip
def test_what_does_not_go_together_is_refused(given, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "v.mp4").write_bytes(b"")
    with pytest.raises(SettingError, match=words):
        checked(Replay(**{"source": str(tmp_path), "camera": 1} | given))


def test_what_is_not_there_is_refused(tmp_path):
    for source in ("", str(tmp_path / "nowhere")):
        with pytest.raises(FileError, match="is not there"):
            checked(Replay(source, 1))
    with pytest.raises(SettingError, match="a stream begins with"):
        checked(Replay("file:///etc/passwd", 1))


def test_pictures_go_one_a_second_and_what_has_a_clock_by_that(tmp_path):
    assert checked(Replay(str(tmp_path), 1)).rate == 1.0
    assert checked(Replay(str(tmp_path), 1, when=When.EXIF)).rate is None
    assert checked(Replay("rtsp://127.0.0.1/1", 1)).rate is None


class Kept:
    """A sender that keeps what it is given."""

    def __init__(self, context):
        self.frames, self.lost = [], type("None", (), {"total": lambda self: 0})()
        Kept.last = self

    def send(self, topic, partition, key, value, headers):
        self.frames.append((time.monotonic(), codec(Frame).decode(value)))
        return True

    def close(self):
        pass


def run(monkeypatch, wanted, seconds=0.0, clock=None, stop=None):
    """The frames that a replay sends, and when."""
    monkeypatch.setattr(send, "Sender", Kept)
    nowhere = Connection("127.0.0.1:1", "cameras", "")
    context = Context(Settings(), clock or Clock(), Metrics(), nowhere)
    assert send.replay(context, wanted, seconds, stop or Event()) == len(Kept.last.frames)
    return Kept.last.frames


def folder_of(tmp_path, *names):
    for name in names:
        (tmp_path / name).write_bytes(coded())
    return str(tmp_path)


def test_the_rate_is_kept_and_moments_are_those_of_sending(tmp_path, monkeypatch):
    clock = Clock(-1_000_000_000_000)
    frames = run(monkeypatch, Replay(folder_of(tmp_path, "a.jpg", "b.jpg", "c.jpg"), 7, rate=20.0), clock=clock)
    times = [at for at, _ in frames]
    assert times[2] - times[0] >= 0.08
    assert all(abs(frame.captured_at - clock.now()) < 5_000_000 for _, frame in frames)
    assert [frame.camera for _, frame in frames] == [7, 7, 7]


def test_a_loop_goes_on_at_the_same_rate_until_the_time_is_over(tmp_path, monkeypatch):
    frames = run(monkeypatch, Replay(folder_of(tmp_path, "a.jpg"), 1, rate=20.0, loop=True), seconds=0.5)
    assert 5 <= len(frames) <= 11
    assert len({frame.sequence for _, frame in frames}) == len(frames)


@pytest.mark.parametrize("rate", [0.25, None])
def test_the_time_is_over_also_while_the_next_picture_is_waited_for(tmp_path, monkeypatch, rate):
    names, began = ("20220615_083000.jpg", "20220615_103000.jpg"), time.monotonic()
    frames = run(monkeypatch, Replay(folder_of(tmp_path, *names), 1, rate=rate, when=When.NAME), seconds=0.5)
    assert (len(frames), time.monotonic() - began < 2) == (1, True)


def test_a_loop_over_nothing_that_can_be_sent_ends(tmp_path, monkeypatch):
    (tmp_path / "a.jpg").write_bytes(b"broken")
    assert run(monkeypatch, Replay(str(tmp_path), 1, rate=50.0, loop=True), seconds=5) == []


def test_two_pictures_of_one_moment_have_two_numbers_the_same_each_time(tmp_path, monkeypatch):
    wanted = Replay(folder_of(tmp_path, "a_20220615_083000.jpg", "b_20220615_083000.jpg"), 1, when=When.NAME)
    one, other = ([frame for _, frame in run(monkeypatch, wanted)] for _ in range(2))
    assert one == other
    assert len({frame.sequence for frame in one}) == 2


def test_pictures_with_times_go_at_their_own_pace(tmp_path, monkeypatch):
    names = ("20220615_083000.000.jpg", "20220615_083000.300.jpg")
    (first, _), (second, frame) = run(monkeypatch, Replay(folder_of(tmp_path, *names), 1, when=When.NAME))
    assert 0.25 < second - first < 2
    assert frame.captured_at % 1_000_000 == 300_000


def test_a_time_that_the_gate_will_deny_is_said_once_with_the_offset_that_mends_it(tmp_path, monkeypatch, capsys):
    run(monkeypatch, Replay(folder_of(tmp_path, "20220615_083000.jpg", "20220615_083001.jpg"), 1, 99.0, when=When.NAME))
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "will deny" in line]
    assert "clock_offset=-" in line.replace("\x1b[35m", "").replace("\x1b[0m", "").replace("\x1b[36m", "")


def test_a_stop_ends_it_at_once(tmp_path, monkeypatch):
    stop = Event()
    stop.set()
    assert run(monkeypatch, Replay(folder_of(tmp_path, "a.jpg"), 1, 1.0, loop=True), stop=stop) == []
