"""Frames in; reads and, apart, images out.

A frame that is no picture goes to the dead letters, and so does one for which the model gives no sane answer. A model
that gives none at all stops the stage: nothing is committed, and the frames wait for a better one.
"""

import time
from collections import Counter
from collections.abc import Iterator, Sequence

from msgspec import Struct, field

from consumers.ocr.choose import per_cent, settled
from consumers.ocr.fuse import Seen, best
from consumers.ocr.network import NoSaneAnswerError
from consumers.ocr.passage import Passage, opened
from consumers.ocr.patches import encode_patch
from consumers.ocr.pictures import FrameUnreadableError
from consumers.ocr.sight import Sight, Sighting
from ringfence.dead_letters import Rejected
from ringfence.kafka_io import Delivery
from ringfence.metrics import Metrics
from ringfence.stage import Batch, Handled, Output, reject
from schemas.codec import Codecs, plain
from schemas.records import Flag, Image, Read
from schemas.topics import FRAMES, IMAGES, READS, User

NO_PLATE, UNSURE, READ = "no_plate", "below_gate", "read"
MOST_PIXELS = 24_000_000  # of the pictures that are in memory together, or those of one passage


Opened = tuple[Passage, Delivery]


class Note(Struct):
    """What became of the frames, and how sure the reads are, in whole per cent. Counted once it is committed."""

    outcomes: Counter[str] = field(default_factory=Counter)
    confidences: list[int] = field(default_factory=list)


class Ocr:
    """The OCR stage. ``least`` is the least confidence for a read, 0 to 1."""

    user = User.OCR
    inputs = (FRAMES,)
    most = 32

    def __init__(self, sight: Sight, least: float, metrics: Metrics, codecs: Codecs = plain) -> None:
        self.sight, self.least, self.metrics = sight, least, metrics
        self.encode_read, self.encode_image = codecs(READS).encode, codecs(IMAGES).encode
        self.outcomes = Counter({READ: 0, UNSURE: 0, NO_PLATE: 0})

    def prepare(self) -> bool:
        """Nothing stands beside this stream."""
        return False

    def handle(self, batches: Sequence[Batch], now: int) -> Handled:
        """Finds every plate, reads them in batches, keeps the best of each frame, from all its shots."""
        del now
        began = time.perf_counter()
        handled = Handled(note=Note())
        for group in _groups(batches, handled.rejected):
            pictures = [picture for passage, _ in group for picture in passage.pictures]
            shots = iter(self.sight.see(pictures, lambda reading: settled(reading, self.least)))
            for passage, delivery in group:
                self._decide(passage, delivery, [next(shots) for _ in passage.pictures], handled)
        self.metrics.ocr_batch.observe(time.perf_counter() - began)
        return handled

    def _decide(self, passage: Passage, delivery: Delivery, seen: Sequence[list[Sighting]], handled: Handled) -> None:
        """Adds what comes of one passage to what is handled."""
        if not all(sighting.sound for sightings in seen for sighting in sightings):
            handled.rejected.append(reject(delivery, NoSaneAnswerError("the plate model gave no sane answer")))
            return
        found = best(seen, self.sight.grammar, self.least)
        if found is None or found.sighting.reading.confidence < self.least:
            handled.note.outcomes[UNSURE if any(seen) else NO_PLATE] += 1
            return
        handled.note.outcomes[READ] += 1
        handled.note.confidences.append(per_cent(found.sighting.reading))
        handled.outputs.extend(self._outputs(passage, found))

    def _outputs(self, one: Passage, found: Seen) -> list[Output]:
        frame, reading = one.frame, found.sighting.reading
        flags = frame.flags | (Flag.REPAIRED if reading.repaired else 0)
        identity = (frame.camera, frame.sequence, frame.captured_at)
        read = Read(*identity, reading.vrm, reading.raw, per_cent(reading), flags)
        corners = [round(float(xy)) for point in found.sighting.corners for xy in point]
        image = Image(*identity, encode_patch(found.sighting.patch), one.overviews[found.shot], corners)
        return [
            Output(READS.name, one.partition, one.key, self.encode_read(read)),
            Output(IMAGES.name, one.partition, one.key, self.encode_image(image)),
        ]

    def committed(self, batches: Sequence[Batch], handled: Handled, now: int) -> None:
        """Counts what became of the frames, and how sure the reads are."""
        del batches, now
        note = handled.note or Note()
        for outcome, number in note.outcomes.items():
            self.outcomes[outcome] += number
            self.metrics.ocr.labels(outcome).inc(number)
        for confidence in note.confidences:
            self.metrics.confidence.observe(confidence)

    def report(self) -> dict[str, int]:
        """How many frames were read, read but below the gate, or seen without a plate."""
        return dict(self.outcomes)


def _groups(batches: Sequence[Batch], rejected: list[Rejected]) -> Iterator[list[Opened]]:
    """The passages of frames that hold a picture, some at a time, so that memory is bounded."""
    group: list[Opened] = []
    pixels = 0
    for batch in batches:
        for frame, delivery in zip(batch.records, batch.deliveries, strict=True):
            try:
                passage = opened(frame, delivery.key, batch.partition)
            except FrameUnreadableError as error:
                rejected.append(reject(delivery, error))
                continue
            size = sum(picture.size for picture in passage.pictures)
            if group and pixels + size > MOST_PIXELS:
                yield group
                group, pixels = [], 0
            group.append((passage, delivery))
            pixels += size
    if group:
        yield group
