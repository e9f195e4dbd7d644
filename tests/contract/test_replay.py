"""A user's video and pictures, through a real broker: each vehicle that passes is one read, whatever lies beside it."""

import pytest

from consumers.ocr.eyes import sight_of
from consumers.ocr.stage import Ocr
from producers.scene import View, render
from ringfence.settings import load
from schemas.codec import codec
from schemas.records import Frame, Read
from schemas.topics import BY_NAME, FRAMES, READS, User
from tests.contract.commands import run
from tests.contract.conftest import HOME, Running, gate
from tests.contract.waiting import until
from tests.unit.videos import write

CAMERA, ANOTHER = 7, 9  # in the Congestion Charge Zone
MARKS = ["LK19ABC", "BD51SMR"]
WRONG_CLOCK = "clock_out_of_bounds"


def replay(broker, source, *options, camera=CAMERA):
    code, _, error = run(
        "cameras", "--replay", source, "--camera", camera, *options, seconds=60,
        home=HOME.resolve(), bootstrap=broker.kafka.bootstrap, clock_offset=broker.settings.clock_offset,
    )  # fmt: skip
    return code, error


@pytest.fixture
def folder(tmp_path):
    """A picture with a time in its name, and one that is none."""
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "2019-06-15T08-00-00.jpg").write_bytes(render(View("AB12CDE", seed=5)).jpeg)
    (tmp_path / "pictures" / "b.jpg").write_bytes(b"no picture")
    return tmp_path / "pictures"


def reading(broker):
    """The OCR stage, at work."""
    context = broker.context(User.OCR)
    stage = Ocr(sight_of(load()), 0.8, context.metrics)
    return Running(stage, context.connection, context.clock, context.metrics)


def reads(broker, camera):
    found = (codec(Read).decode(d.value) for d in broker.all(User.OVERSIGHT, READS))
    return sorted((read for read in found if read.camera == camera), key=lambda read: read.sequence)


def reasons(broker, camera):
    """Why each read of a camera was denied, "" where it was not; in order of their numbers."""
    decided = sorted((key[2], outcome.reason) for key, outcome in broker.decided() if key[:2] == (READS.name, camera))
    return [reason for _, reason in decided]


def test_a_video_and_a_folder_become_reads_and_a_bad_frame_spoils_nothing(broker, tmp_path, folder):
    film, began = write(tmp_path / "film.avi", MARKS), broker.clock.now()
    broken = Frame(CAMERA, 1, began, 0, b"no picture", [b"nor this"])
    broker.send(User.CAMERAS, FRAMES, [broken], partition=CAMERA % FRAMES.partitions)
    assert replay(broker, film, "--when", "frame", "--shots", 2)[0] == 0
    assert replay(broker, folder, "--rate", 20)[0] == 0
    frames = [codec(Frame).decode(d.value) for d in broker.all(User.OCR, FRAMES)]
    assert [len(frame.shots) for frame in frames] == [1, 1, 1, 0]
    with reading(broker), gate(broker):
        until(lambda: len(reasons(broker, CAMERA)) == 3)
        (letter,) = until(lambda: broker.all(User.OPERATOR, BY_NAME[FRAMES.dlq]))
    found = reads(broker, CAMERA)
    assert [read.vrm for read in found] == [*MARKS, "AB12CDE"]
    assert found[1].captured_at - found[0].captured_at in range(1_600_000, 2_000_000)  # by the video's own clock
    assert all(began <= read.captured_at <= broker.clock.now() for read in found)
    assert WRONG_CLOCK not in reasons(broker, CAMERA)
    assert letter.value == codec(Frame).encode(broken)


def test_a_picture_of_another_day_is_read_and_denied_and_the_sender_says_so(broker, folder):
    code, said = replay(broker, folder, "--when", "name", camera=ANOTHER)
    assert code == 0
    assert "the gate will deny" in said
    with reading(broker), gate(broker):
        until(lambda: reasons(broker, ANOTHER) == [WRONG_CLOCK])
    (read,) = reads(broker, ANOTHER)
    assert (read.vrm, read.captured_at) == ("AB12CDE", 1_560_582_000_000_000)  # 08:00 in London, in summer


def test_what_cannot_be_replayed_is_one_line(broker, tmp_path):
    (tmp_path / "v.mp4").write_bytes(b"no video")
    for source, words in ((tmp_path / "v.mp4", "is no video"), ("ftp://127.0.0.1/v", "a stream begins with")):
        code, error = replay(broker, source)
        assert (code, "Traceback" in error) == (2, False)
        assert words in error.strip().splitlines()[-1]
