"""Whether the pipeline held, and which stage fell behind first: from samples of where each stage stood. Pure."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from msgspec import Struct

from schemas.topics import INPUTS

WALK = tuple(INPUTS)  # the order in which a record meets the stages
BEHIND = 2.0  # seconds
ROW = 3  # samples, one after the other
LATE_SHARE = 0.01  # of what was offered
GENERATOR = "generator"
# The marker that ends a transaction takes an offset too: one a partition may be left, and nothing is waiting.
MARKERS = max(sum(topic.partitions for topic in topics) for topics in INPUTS.values())


class Standing(Struct, frozen=True):
    """Where a stage stands: the end of its input topics, and what it has committed, in offsets over all partitions."""

    end: int
    committed: int

    @property
    def lag(self) -> int:
        """Records that wait; 0 where only the markers of transactions are left."""
        left = self.end - self.committed
        return left if left > MARKERS else 0


class Sample(Struct, frozen=True):
    """Where every stage stood, ``at`` seconds after the first moment of the run."""

    at: float
    stages: Mapping[str, Standing]


class Sent(Struct, frozen=True):
    """What the generator did. ``late``: more than 250 ms after the intended moment; ``unsent``: not surely."""

    offered: int = 0
    late: int = 0
    unsent: int = 0


class Verdict(Struct, frozen=True):
    """``stage`` is what fell behind first, and ``at`` (s) when it began to; None if all held."""

    held: bool
    why: str
    stage: str | None = None
    at: float | None = None


def seconds_behind(samples: Sequence[Sample], stage: str) -> list[float]:
    """How long ago the stage's topics ended where it stands now, at each sample; 0 if nothing waits."""
    ends = [sample.stages[stage].end for sample in samples]
    return [_behind(samples, ends, i, sample.stages[stage]) for i, sample in enumerate(samples)]


def _behind(samples: Sequence[Sample], ends: Sequence[int], i: int, now: Standing) -> float:
    if not now.lag:
        return 0.0
    after = bisect_right(ends, now.committed, 0, i)  # the first sample at which the topics ended further on
    if after == 0:
        return samples[i].at - samples[0].at
    before, then = samples[after - 1], samples[after]
    share = (now.committed - ends[after - 1]) / (ends[after] - ends[after - 1])
    return samples[i].at - (before.at + share * (then.at - before.at))


def fell_behind(samples: Sequence[Sample]) -> tuple[str, float] | None:
    """The first stage that was more than 2 s behind for three samples on end, and when (s) that began."""
    found = []
    for place, stage in enumerate(stage for stage in WALK if samples and stage in samples[0].stages):
        behind = seconds_behind(samples, stage)
        for i in range(ROW - 1, len(behind)):
            if min(behind[i - ROW + 1 : i + 1]) > BEHIND:
                first = i - ROW + 1
                found.append((max(0.0, samples[first].at - behind[first]), place, str(stage)))
                break
    if not found:
        return None
    at, _, name = min(found)
    return name, at


def judge(samples: Sequence[Sample], sent: Sent, waiting: Mapping[str, int]) -> Verdict:
    """The verdict. ``waiting``: records that each stage had still to handle when nothing moved any more."""
    first = fell_behind(samples)
    if sent.unsent or sent.late > LATE_SHARE * sent.offered:
        why = f"the generator itself fell behind: {sent.late:,} late and {sent.unsent:,} unsent of {sent.offered:,}"
        return Verdict(False, why + (f"; so did {first[0]}" if first else ""), GENERATOR)
    if first:
        return Verdict(False, f"{first[0]} fell behind first, from {first[1]:.0f} s on", *first)
    for stage in WALK:
        if waiting.get(stage):
            return Verdict(False, f"{stage} left {waiting[stage]:,} records waiting", str(stage))
    return Verdict(True, "every stage kept up")
