"""How many plates a second one core reads, JPEG in, mark out, and where the time goes. No Kafka.

Two questions: crops (a patch that a camera has cut out, 3 kB at most), and whole overview frames (found, then read).
The floor is the networks alone, on the very tensors that they were given, in the same run.
"""

import json
import platform
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import psutil
import typer
from msgspec import Struct

from consumers.ocr.choose import choose, settled
from consumers.ocr.eyes import sight_of
from consumers.ocr.grammar import Reading
from consumers.ocr.patches import encode_patch, rectify
from consumers.ocr.pictures import decode
from consumers.ocr.reader import OnnxReader
from consumers.ocr.sight import Sight, Sighting
from producers.scene import View, render
from producers.traffic import Light, Weather
from ringfence.entry import main
from ringfence.errors import BooksError
from ringfence.settings import load

MARKS = ("LK19ABC", "AB51XYZ", "WD70HAD", "GM20HEW", "PM18ECY", "NF22TNE", "LB18SRP", "KO19DZR")
LEAST_RIGHT = 0.5  # less, and the run measures something that does not read


class Session:
    """In the place of a network's session: runs it, adds up its time, and keeps what it is given if told to."""

    def __init__(self, session: Any) -> None:
        self.session, self.spent, self.keeping = session, 0.0, False
        self.kept: list[tuple[Any, Any]] = []

    def run(self, names: Any, feed: Any, options: Any = None) -> Any:
        """As the session runs."""
        if self.keeping:
            self.kept.append((names, feed))
        began = time.perf_counter()
        answer = self.session.run(names, feed, options)
        self.spent += time.perf_counter() - began
        return answer

    def again(self) -> float:
        """Seconds for all that was kept, and nothing else."""
        began = time.perf_counter()
        for names, feed in self.kept:
            self.session.run(names, feed)
        return time.perf_counter() - began


class Work(Struct, frozen=True):
    """JPEGs of known marks, and a way to read a batch of them; ``sessions`` by name: those of the networks."""

    jpegs: list[bytes]
    marks: list[str]
    read: Callable[[Sequence[bytes]], list[str]]
    sessions: dict[str, Session]
    spent: Counter[str]


def ocr(
    pictures: Annotated[int, typer.Option(min=8, help="Pictures of each kind.")] = 512,
    batch: Annotated[int, typer.Option(min=1, help="Pictures in a batch.")] = 32,
    repetitions: Annotated[int, typer.Option(min=1, help="Times that all are read.")] = 9,
    model: Annotated[Path | None, typer.Option(help="The plate model, ONNX. [RINGFENCE_MODEL]")] = None,
    out: Annotated[Path, typer.Option(help="Where the result goes.")] = Path("out/bench/ocr.json"),
) -> None:
    """Measure reading: crops and whole frames a second on one core, against the networks alone."""
    own = psutil.Process()
    if hasattr(own, "cpu_affinity"):  # not on macOS
        own.cpu_affinity(own.cpu_affinity()[:1])
    sight, least = sight_of(load(model=model)), load().least_confidence
    result = {
        "question": "how many plates a second does one core read, JPEG in, mark out",
        "host": {"cores": psutil.cpu_count(), "machine": platform.machine(), "python": platform.python_version()},
        "pictures": pictures, "batch": batch, "repetitions": repetitions,
        "crops": measured(of_crops(sight, pictures), batch, repetitions),
        "frames": measured(of_frames(sight, pictures, least), batch, repetitions),
    }  # fmt: skip
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps({kind: result[kind] for kind in ("crops", "frames")}, indent=2))


def views(number: int) -> Iterator[View]:
    """What cameras see by day and by night, in any weather."""
    for seed in range(number):
        yield View(
            MARKS[seed % len(MARKS)], rear=bool(seed % 2), light=list(Light)[seed % 3],
            weather=list(Weather)[seed // 3 % 3], blur=seed % 4 * 0.2, seed=seed,
        )  # fmt: skip


def of_crops(sight: Sight, number: int) -> Work:
    """Crops: decode, resize, network, grammar."""
    frames = [(view.vrm, render(view)) for view in views(number)]
    cut = [
        encode_patch(rectify(decode(frame.jpeg), frame.corners.astype("f4")))
        for _, frame in frames
        if frame.corners is not None
    ]
    spent: Counter[str] = Counter()

    def read(jpegs: Sequence[bytes]) -> list[str]:
        with clock(spent, "decode"):
            patches = [decode(jpeg) for jpeg in jpegs]
        with clock(spent, "reader"):
            chances = sight.reader.chances(patches)
        with clock(spent, "grammar"):
            return [reading.vrm for reading in sight.grammar.decode_all(chances)]

    return Work(cut, [str(mark) for mark, _ in frames], read, sessions_of(sight, finds=False), spent)


def of_frames(sight: Sight, number: int, least: float) -> Work:
    """Whole frames: decode, find, resize, network, grammar, choice, as the stage does it."""
    frames = [(view.vrm, render(view)) for view in views(number)]
    spent: Counter[str] = Counter()
    timed = Sight(*(Timed(part, spent, name) for part, name in (
        (sight.finder, "finder"), (sight.reader, "reader"), (sight.grammar, "grammar"))))  # type: ignore[arg-type]  # fmt: skip

    def read(jpegs: Sequence[bytes]) -> list[str]:
        with clock(spent, "decode"):
            pictures = [decode(jpeg) for jpeg in jpegs]
        return [mark_of(seen, least) for seen in timed.see(pictures, lambda reading: settled(reading, least))]

    return Work([frame.jpeg for _, frame in frames], [str(mark) for mark, _ in frames], read, sessions_of(sight), spent)


class Timed:
    """Anything, with the time of its calls added up under a name."""

    def __init__(self, part: Any, spent: Counter[str], name: str) -> None:
        self.part, self.spent, self.name = part, spent, name

    def __getattr__(self, called: str) -> Any:
        def call(*given: Any) -> Any:
            with clock(self.spent, self.name):
                return getattr(self.part, called)(*given)

        return call


@contextmanager
def clock(spent: Counter[str], name: str) -> Iterator[None]:
    """Adds the seconds that pass within."""
    began = time.perf_counter()
    yield
    spent[name] += time.perf_counter() - began  # type: ignore[assignment]  # seconds, not whole ones


def mark_of(seen: Sequence[Sighting], least: float) -> str:
    """The mark of the best plate of a picture, or none."""
    readings: list[Reading] = [sighting.reading for sighting in seen]
    best = choose(readings, least)
    return "" if best is None else readings[best].vrm


def sessions_of(sight: Sight, finds: bool = True) -> dict[str, Session]:
    """The sessions of the networks, replaced by such as are timed. The classes are not made for it: private names."""
    assert isinstance(sight.reader, OnnxReader)
    recognizer, finder = sight.reader._recognizer, sight.finder
    if not isinstance(recognizer.model, Session):
        recognizer.model = Session(recognizer.model)
    found = {"read_network": recognizer.model}
    if finds and hasattr(finder, "_session"):
        if not isinstance(finder._session, Session):
            finder._session = Session(finder._session)
        found["find_network"] = finder._session
    return found


def measured(work: Work, batch: int, repetitions: int) -> dict[str, Any]:
    """Pictures a second, the floor, and the shares of the time. BooksError if what is read is not what was drawn."""
    parts = [work.jpegs[at : at + batch] for at in range(0, len(work.jpegs), batch)]
    for session in work.sessions.values():
        session.kept, session.keeping = [], True
    read = [mark for part in parts for mark in work.read(part)]
    right = sum(map(str.__eq__, read, work.marks)) / len(work.marks)
    if right < LEAST_RIGHT:
        raise BooksError(f"only {right:.0%} of what was drawn was read right: this measures no reader")
    for session in work.sessions.values():
        session.keeping, session.spent = False, 0.0
    work.spent.clear()
    whole, floor = [], []
    for _ in range(repetitions):
        began = time.perf_counter()
        for part in parts:
            work.read(part)
        whole.append(time.perf_counter() - began)
        floor.append(sum(session.again() for session in work.sessions.values()))
    return {
        "right": round(right, 4),
        "mean_bytes": round(sum(map(len, work.jpegs)) / len(work.jpegs)),
        "a_second": round(len(work.jpegs) / median(whole)),
        "networks_alone_a_second": round(len(work.jpegs) / median(floor)),
        "over_floor": round(median(whole) / median(floor), 3),
        "share_of_time": shares(work, sum(whole)),
    }


def shares(work: Work, whole: float) -> dict[str, float]:
    """Where the time went. ``find`` and ``resize`` are what the finder and the reader take without their networks."""
    spent = {name: session.spent for name, session in work.sessions.items()}
    spent |= {
        "decode": work.spent["decode"],
        "find": work.spent["finder"] - spent.get("find_network", 0.0),
        "resize": work.spent["reader"] - spent["read_network"],
        "grammar": work.spent["grammar"],
    }
    spent["other"] = whole - sum(spent.values())
    return {name: round(seconds / whole, 4) for name, seconds in spent.items()}


if __name__ == "__main__":
    main(ocr)
