"""The decision itself: columns of facts in, outcomes out. Used by the gate and by every replay of it. Pure."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from ringfence.policy.facts import Kind
from ringfence.policy.register import Register
from ringfence.policy.table import CLOCKS, MARKS, Conditions, Table
from schemas.records import Outcome

STEP = len(MARKS) * CLOCKS


class Law(Struct, frozen=True):
    """What is decided by: the compiled table, the digest of its bundle, the clock bound (µs), the pinned regime.

    ``pinned`` is empty where the date of capture selects the regime.
    """

    table: Table
    bundle_digest: bytes
    clock_bound: int
    pinned: str = ""


def decide(
    law: Law,
    register: Register,
    kind: Kind,
    cameras: Sequence[int],
    captured: Sequence[int],
    seen: Sequence[int],
    vrms: Iterable[str],
    now: int,
) -> list[Outcome]:
    """One outcome a record, in order. The hot path.

    ``captured`` is the camera's time and ``seen`` the broker's, both in µs on the pipeline's clock, as is
    ``now``, the one moment at which all of them are decided. ``vrms`` are empty for images: an image is
    judged by its place and time. The columns have one length.
    """
    table, bound = law.table, law.clock_bound
    hotlist, vehicles = register.force.hotlist, register.vehicles
    conditions = Conditions(register.purpose, register.force.on_record, register.halted)
    lo = hi = 0.0
    marked = False
    outcomes = []
    for camera, at, seen_at, vrm in zip(cameras, captured, seen, vrms, strict=False):
        if not lo <= at < hi:
            plan, span = table.plan(kind, conditions, at, now), register.span(at, now)
            lo, hi = max(plan.lo, span.lo), min(plan.hi, span.hi)
            rows, marked = plan.rows, plan.marked
            place, elsewhere = span.places.get, span.elsewhere
        row = place(camera, elsewhere) * STEP + (not -bound <= seen_at - at <= bound)
        if marked and (vrm in hotlist or vrm in vehicles):
            row += CLOCKS * register.mark(vrm, at, now)
        outcomes.append(rows[row])
    return outcomes
