"""Frames in; reads and, apart, images out. A frame that is no picture goes to the dead letters."""

import time
from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from consumers.ocr.choose import Choice, choose, settled
from consumers.ocr.locate import Located, encode_patch, locate
from consumers.ocr.pictures import FrameUnreadableError, decode, overview
from consumers.ocr.reader import PlateReader, Reading
from ringfence.dead_letters import Rejected
from ringfence.metrics import Metrics
from ringfence.stage import Batch, Handled, Output, reject
from schemas.codec import Codecs, plain
from schemas.records import Flag, Frame, Image, Read
from schemas.topics import FRAMES, IMAGES, READS, User

NO_PLATE, UNSURE, READ = "no_plate", "below_gate", "read"


class Seen(Struct, frozen=True):
    """One frame, its picture without metadata, and the places in it where a plate may be."""

    frame: Frame
    overview: bytes
    key: bytes | None
    partition: int
    found: list[Located]


class Ocr:
    """The OCR stage. ``gate`` is the least confidence, in per cent of the least certain character, for a read."""

    user = User.OCR
    inputs = (FRAMES,)
    most = 32

    def __init__(self, reader: PlateReader, gate: int, metrics: Metrics, codecs: Codecs = plain) -> None:
        self.reader, self.gate, self.metrics = reader, gate, metrics
        self.encode_read, self.encode_image = codecs(READS).encode, codecs(IMAGES).encode
        self.outcomes = Counter({READ: 0, UNSURE: 0, NO_PLATE: 0})

    def prepare(self) -> bool:
        """Nothing stands beside this stream."""
        return False

    def handle(self, batches: Sequence[Batch], now: int) -> Handled:
        """Locates every plate, reads them in batches, keeps the best of each frame."""
        del now
        began = time.perf_counter()
        handled = Handled(note=Counter())
        seen = [one for batch in batches for one in _look(batch, handled.rejected)]
        for one, readings in zip(seen, self._read(seen), strict=True):
            choice = choose(readings, self.gate)
            if choice is None:
                handled.note[UNSURE if one.found else NO_PLATE] += 1
                continue
            handled.note[READ] += 1
            handled.outputs.extend(self._outputs(one, choice))
        self.metrics.ocr_batch.observe(time.perf_counter() - began)
        return handled

    def _read(self, seen: Sequence[Seen]) -> list[list[Reading]]:
        """The readings of each frame: of its likeliest place, and of the others only where that settles nothing."""
        firsts = iter(self.reader.read([one.found[0].patch for one in seen if one.found]))
        readings = [[next(firsts)] if one.found else [] for one in seen]
        doubtful = [i for i, first in enumerate(readings) if first and not settled(first[0], self.gate)]
        others = iter(self.reader.read([place.patch for i in doubtful for place in seen[i].found[1:]]))
        for i in doubtful:
            readings[i] += [next(others) for _ in seen[i].found[1:]]
        return readings

    def _outputs(self, one: Seen, choice: Choice) -> list[Output]:
        frame, place = one.frame, one.found[choice.index]
        flags = frame.flags | (Flag.REPAIRED if choice.repaired else 0)
        self.metrics.confidence.observe(choice.confidence)
        identity = (frame.camera, frame.sequence, frame.captured_at)
        read = Read(*identity, choice.vrm, choice.raw, choice.confidence, flags)
        corners = [round(float(xy)) for point in place.corners for xy in point]
        image = Image(*identity, encode_patch(place.patch), one.overview, corners)
        return [
            Output(READS.name, one.partition, one.key, self.encode_read(read)),
            Output(IMAGES.name, one.partition, one.key, self.encode_image(image)),
        ]

    def committed(self, batches: Sequence[Batch], handled: Handled, now: int) -> None:
        """Counts what became of the frames."""
        del batches, now
        for outcome, number in (handled.note or {}).items():
            self.outcomes[outcome] += number
            self.metrics.ocr.labels(outcome).inc(number)

    def report(self) -> dict[str, int]:
        """How many frames were read, read but below the gate, or seen without a plate."""
        return dict(self.outcomes)


def _look(batch: Batch, rejected: list[Rejected]) -> list[Seen]:
    seen = []
    for frame, delivery in zip(batch.records, batch.deliveries, strict=True):
        try:
            found, picture = locate(decode(frame.jpeg)), overview(frame.jpeg)
        except FrameUnreadableError as error:
            rejected.append(reject(delivery, error))
        else:
            seen.append(Seen(frame, picture, delivery.key, batch.partition, found))
    return seen
