"""The decision itself: columns of facts in, outcomes out. Used by the gate and by every replay of it. Pure."""

from collections.abc import Sequence

from msgspec import Struct

from ringfence.policy.facts import UNKNOWN_CAMERA, Kind
from ringfence.policy.register import Register
from ringfence.policy.table import Table
from schemas.records import Outcome


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
) -> list[Outcome]:
    """One outcome a record, in order. The hot path.

    ``captured`` is the camera's time and ``seen`` the broker's, both in µs on the pipeline's clock; the
    three columns have one length.
    """
    table, suspended, bound = law.table, register.standing.suspended, law.clock_bound
    lo = hi = 0.0
    outcomes = []
    for camera, at, seen_at in zip(cameras, captured, seen, strict=True):
        if not lo <= at < hi:
            plan, span = table.plan(kind, suspended, at), register.span(at)
            lo, hi = max(plan.lo, span.lo), min(plan.hi, span.hi)
            rows, place = plan.rows, span.places.get
        apart = not -bound <= seen_at - at <= bound
        outcomes.append(rows[2 * place(camera, UNKNOWN_CAMERA) + apart])
    return outcomes
