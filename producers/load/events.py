"""The moulds of what is sent: reads and frames of the seeded world, made beforehand."""

from collections.abc import Sequence
from itertools import islice

import msgspec

from producers.camera import frame_of, read_of
from producers.load.mould import Mould
from producers.traffic import constant
from producers.world import Passage, World
from ringfence.estate import Estate
from schemas.records import Flag, Frame, Read
from schemas.topics import FRAMES, READS

READS_MADE, FRAMES_MADE = 5_000, 200
TRAFFIC = 50.0  # reads a second of the world that they are taken from; vehicles cost time to make


def moulds(estate: Estate, seed: int, opening: int, frames: bool) -> tuple[list[Mould], list[Mould]]:
    """Moulds of reads, and of frames if they are wanted (rendering one takes some 10 ms)."""
    passages = World(estate, seed, constant(TRAFFIC), opening).passages()
    seen = [passage for passage in islice(passages, READS_MADE) if passage.vrm]
    reads = [_mould(READS.name, read_of(passage)) for passage in seen]
    return reads, [_mould(FRAMES.name, frame_of(passage)) for passage in _framed(seen)] if frames else []


def _framed(seen: Sequence[Passage]) -> list[Passage]:
    return [passage for passage in seen if not passage.on_board][:FRAMES_MADE]


def _mould(topic: str, record: Read | Frame) -> Mould:
    fields = msgspec.structs.asdict(record)
    fields["flags"] = int(record.flags & ~Flag.DELAYED)  # each is sent when it is captured
    partitions = READS.partitions if topic == READS.name else FRAMES.partitions
    return Mould(topic, record.camera % partitions, b"%d" % record.camera, fields)
