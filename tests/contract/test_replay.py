"""A user's video and pictures, through a real broker: each vehicle that passes is one read, whatever lies beside it."""

from consumers.ocr.eyes import sight_of
from consumers.ocr.stage import Ocr
from producers.scene import View, render
from ringfence.settings import load
from schemas.codec import codec
from schemas.records import Frame, Read
from schemas.topics import BY_NAME, FRAMES, READS, User
from tests.contract.commands import run
from tests.contract.conftest import HOME, Running
from tests.contract.waiting import until
from tests.unit.videos import write

CAMERA = 7
MARKS = ["LK19ABC", "BD51SMR"]


def replay(broker, source, *options):
    code, _, error = run(
        "cameras", "--replay", source, "--camera", CAMERA, *options, seconds=60,
        home=HOME.resolve(), bootstrap=broker.kafka.bootstrap, clock_offset=broker.settings.clock_offset,
    )  # fmt: skip
    return code, error


def test_a_video_and_a_folder_become_reads_and_a_bad_frame_spoils_nothing(broker, tmp_path):
    film = write(tmp_path / "film.avi", MARKS)
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(render(View("AB12CDE", seed=5)).jpeg)
    (folder / "b.jpg").write_bytes(b"no picture")
    broken = Frame(CAMERA, 1, broker.clock.now(), 0, b"no picture", [b"nor this"])
    began = broker.clock.now()
    broker.send(User.CAMERAS, FRAMES, [broken], partition=CAMERA % FRAMES.partitions)
    assert replay(broker, film, "--when", "frame", "--shots", 2)[0] == 0
    assert replay(broker, folder, "--rate", 20)[0] == 0
    frames = [codec(Frame).decode(d.value) for d in broker.all(User.OCR, FRAMES)]
    assert [len(frame.shots) for frame in frames] == [1, 1, 1, 0]
    context = broker.context(User.OCR)
    stage = Ocr(sight_of(load()), 0.8, context.metrics)
    with Running(stage, context.connection, context.clock, context.metrics):
        sound = until(lambda: len(found := broker.all(User.OVERSIGHT, READS)) == 3 and found)
        (letter,) = until(lambda: broker.all(User.OPERATOR, BY_NAME[FRAMES.dlq]))
    reads = sorted((codec(Read).decode(d.value) for d in sound), key=lambda read: read.sequence)
    assert [read.vrm for read in reads] == [*MARKS, "AB12CDE"]
    assert {read.camera for read in reads} == {CAMERA}
    assert reads[1].captured_at - reads[0].captured_at in range(1_600_000, 2_000_000)  # by the video's own clock
    assert all(began <= read.captured_at <= broker.clock.now() for read in reads)
    assert letter.value == codec(Frame).encode(broken)


def test_what_cannot_be_replayed_is_one_line(broker, tmp_path):
    (tmp_path / "v.mp4").write_bytes(b"no video")
    for source, words in ((tmp_path / "v.mp4", "is no video"), ("ftp://127.0.0.1/v", "a stream begins with")):
        code, error = replay(broker, source)
        assert (code, "Traceback" in error) == (2, False)
        assert words in error.strip().splitlines()[-1]
