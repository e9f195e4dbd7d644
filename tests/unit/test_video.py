"""A video as passages: what moves is one, its sharpest frames are sent, and a stream comes from one's own network."""

import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from consumers.ocr.pictures import decode
from producers.replay import address, send
from producers.replay.address import local_stream, shown
from producers.replay.folder import Passing
from producers.replay.video import LONGEST, STILL, Motion, Seen, passages, passings
from producers.replay.wanted import Replay
from producers.replay.when import When
from ringfence.errors import FileError, SettingError
from tests.unit.made import OPENING
from tests.unit.test_replay import Kept, run
from tests.unit.videos import RATE, passing, road, write

BLACK = np.zeros((2, 2, 3), np.uint8)


def seen(*moving, rate=RATE):
    """Frames of which each says how much moves in it."""
    return iter([Seen(i / rate, np.full((1, 1, 3), i % 256, np.uint8), float(much)) for i, much in enumerate(moving)])


def indices(groups):
    return [[int(shot.picture[0, 0, 0]) for shot in group] for group in groups]


STOP = [0] * 20


def test_a_passage_is_what_moves_between_two_stills_its_sharpest_frames_first():
    assert indices(passages(seen(0, 0, 3, 5, 9, 7, *STOP, 1, 4, 6, *STOP), 2)) == [[4, 5], [28, 27]]


def test_one_frame_that_flickers_is_no_passage():
    assert not list(passages(seen(0, 9, 0, 0, 9, 0, *STOP), 3))


def test_a_short_pause_does_not_end_a_passage():
    pause = [0] * (int(STILL * RATE) - 1)
    assert len(indices(passages(seen(2, 2, *pause, 3, 3, *STOP), 9))) == 1


def test_a_queue_that_never_ends_is_cut():
    assert len(list(passages(seen(*[1] * int(3 * LONGEST * RATE)), 1))) == 3


def test_a_passage_at_the_end_of_a_video_is_sent():
    assert indices(passages(seen(0, 2, 3), 1)) == [[2]]


def test_a_vehicle_moves_and_the_road_does_not():
    motion, rng = Motion(), np.random.default_rng(2)
    noisy = [np.clip(road() + rng.normal(0, 3, road().shape), 0, 255).astype(np.uint8) for _ in range(20)]
    assert [motion.box(picture) for picture in noisy] == [None] * 20
    left, top, right, bottom = motion.box(list(passing("LK19ABC"))[10])
    assert (right - left) * (bottom - top) > 0.1 * road().shape[0] * road().shape[1]


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return str(write(tmp_path_factory.mktemp("film") / "2022-06-15T08-00-00.avi", ["LK19ABC", "BD51SMR"]))


def all_of(film, **given):
    return list(passings(Replay(film, 1, **given), lambda: OPENING, lambda: False))


def test_each_vehicle_in_a_video_is_one_passage_of_its_sharpest_frames(film):
    found = all_of(film, shots=2)
    assert [len(one.jpegs) for one in found] == [2, 2]
    for one, vrm in zip(found, ("LK19ABC", "BD51SMR"), strict=True):
        sharp = [decoded_gray(picture) for picture in passing(vrm)][9:11]
        assert min(np.abs(decode(one.jpegs[0]).astype(int) - other).mean() for other in sharp) < 4


def decoded_gray(picture):
    return picture.mean(2)


@pytest.mark.parametrize(("given", "first"), [
    ({"when": When.FRAME}, OPENING), ({"when": When.NAME}, OPENING),
    ({"when": When.FRAME, "start": 5_000_000}, 5_000_000),
])  # fmt: skip
def test_the_moment_of_capture_is_that_of_the_frame(film, given, first):
    one, other = all_of(film, **given)
    assert one.at - first == pytest.approx(1_400_000, abs=200_000)  # 25 still frames, then the middle of 20
    assert other.at - one.at == pytest.approx(1_800_000, abs=200_000)
    assert one.position < other.position


def test_by_now_nothing_is_said_of_the_moment(film):
    assert [one.at for one in all_of(film)] == [None, None]


def test_a_video_is_sent_at_its_own_pace(film, monkeypatch):
    (first, one), (second, other) = run(monkeypatch, Replay(film, 1, when=When.FRAME))
    assert second - first == pytest.approx(1.8, abs=0.6)
    assert other.captured_at - one.captured_at == pytest.approx(1_800_000, abs=200_000)
    assert len(one.shots) == 2


def test_at_a_rate_it_is_sent_as_fast_as_that(film, monkeypatch):
    (first, _), (second, _) = run(monkeypatch, Replay(film, 1, rate=50.0))
    assert second - first < 1.5


def test_it_ends_when_its_time_is_over(film):
    assert not list(passings(Replay(film, 1), lambda: OPENING, lambda: True))


def test_a_video_in_which_nothing_passes_is_said(tmp_path, capsys):
    still = str(write(tmp_path / "still.avi", []))
    assert all_of(still) == []
    assert "nothing passes" in capsys.readouterr().out


def test_the_name_must_have_a_time_if_that_is_wanted(tmp_path):
    with pytest.raises(FileError, match="try --when frame"):
        all_of(str(write(tmp_path / "still.avi", [])), when=When.NAME)


@pytest.mark.parametrize("data", [b"", b"no video at all", bytes(5_000), b"RIFF" + bytes(50)])
def test_what_is_no_video_is_refused(data, tmp_path):
    (tmp_path / "v.mp4").write_bytes(data)
    with pytest.raises(FileError, match="is no video"):
        all_of(str(tmp_path / "v.mp4"))


def test_of_a_video_that_was_cut_off_is_sent_what_there_is(film, tmp_path):
    whole = Path(film).read_bytes()
    (tmp_path / "cut.avi").write_bytes(whole[: len(whole) * 6 // 10])
    assert len(all_of(str(tmp_path / "cut.avi"))) >= 1


def test_a_playlist_on_disk_leads_nowhere(tmp_path, served):
    url, asked = served
    (tmp_path / "list.m3u8").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{url}\n#EXT-X-ENDLIST\n")
    with pytest.raises(FileError, match="is no video"):
        all_of(str(tmp_path / "list.m3u8"))
    assert asked == []


@pytest.fixture
def served(film):
    """A video on a web server of this machine: its URL, and what was asked of it."""
    asked, data = [], Path(film).read_bytes()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "video/x-msvideo")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/film.avi", asked
    server.shutdown()
    server.server_close()


def test_a_stream_of_this_machine_is_read(served):
    url, asked = served
    assert len(all_of(url, rate=50.0)) >= 1
    assert asked


def test_with_loop_a_stream_that_breaks_off_is_asked_again(monkeypatch, capsys):
    rounds = iter([[Passing((b"one",))], FileError("it is away"), [], [Passing((b"two",))]])

    def passings(*arguments):
        found = next(rounds)
        if isinstance(found, FileError):
            raise found
        yield from found

    monkeypatch.setattr(send, "PAUSE", 0.1)
    monkeypatch.setattr(send.video, "passings", passings)
    with pytest.raises(RuntimeError, match="StopIteration"):  # there is no fifth time
        run(monkeypatch, Replay("rtsp://127.0.0.1/1", 1, loop=True), seconds=20)
    assert [frame.jpeg for _, frame in Kept.last.frames] == [b"one", b"two"]
    assert "it is away" in capsys.readouterr().out


def test_a_stream_that_does_not_answer_is_an_error(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(FileError, match=f"127.0.0.1:{port} does not answer"):
        all_of(f"rtsp://127.0.0.1:{port}")


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1/a", "file:///etc/passwd", "concat://a", "rtsp://", "://", "rtsp://[/"]
)
def test_what_is_no_stream_is_refused(url):
    with pytest.raises(SettingError):
        local_stream(url)


def test_a_name_must_lead_into_this_network_and_an_address_may_be_any(monkeypatch):
    known = {
        "camera.lan": ["10.1.2.3"],
        "far.example": ["93.184.216.34"],
        "both.example": ["10.1.2.3", "93.184.216.34"],
    }

    def getaddrinfo(host, port):
        return [(0, 0, 0, "", (address, 0)) for address in known[host]]

    monkeypatch.setattr(address.socket, "getaddrinfo", getaddrinfo)
    assert local_stream("rtsp://camera.lan/1")
    assert local_stream("rtsp://93.184.216.34/1")
    assert local_stream("rtsp://[fe80::1]:554/1")
    for far in ("far.example", "both.example"):
        with pytest.raises(SettingError, match="not in this network"):
            local_stream(f"http://{far}/1")


def test_neither_password_nor_query_of_a_url_is_ever_shown():
    assert shown("rtsp://user:secret@10.0.0.7:554/live?token=secret") == "rtsp://10.0.0.7:554/live"
    assert shown("http://[fe80::1]:8080/x") == "http://[fe80::1]:8080/x"
    assert shown("a folder/video.mp4") == "a folder/video.mp4"


def test_a_frame_of_a_video_has_no_more_shots_than_wanted(film):
    assert [len(one.jpegs) for one in all_of(film, shots=1)] == [1, 1]
