"""What is ordered: a fold over governance.orders. Pure."""

from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ringfence.errors import RecordError
from ringfence.policy.facts import DOCUMENTS, Purpose
from ringfence.policy.sealed import Enacted, enact
from ringfence.vrm import normalise
from schemas.records import Order, OrderKind

ALL = "all"
SCOPES = ("zone/", "camera/", "form/")
SUBJECTS = ("vrm/", "camera/", "zone/")
MOST_WORDS = 2_000  # characters of a justification
DAY = 86_400_000_000  # µs
# How long an authorisation may last (GK): one for a place would otherwise be a disclosure in bulk by another name.
LONGEST = {"vrm/": 366 * DAY, "camera/": DAY, "zone/": DAY}
K = TypeVar("K")
V = TypeVar("V")


class OrderRefusedError(RecordError):
    """An order that makes no sense: it names nothing that there is, or lacks what it needs."""


class Warrant(Struct, frozen=True):
    """An authorisation on record: ``subject`` is vrm/…, camera/… or zone/…; what was captured from ``lo`` up to ``hi``.

    Moments in µs since 1970.
    """

    subject: str
    purpose: Purpose
    lo: int
    hi: int


class Head(Struct, frozen=True):
    """The last order of an office: its number, and its key in the topic, which is the hash of it."""

    number: int
    key: str


class Objection(Struct, frozen=True):
    """What the advisers put on record. It blocks nothing."""

    subject: str
    why: str
    at: int


class Force(Struct, frozen=True):
    """What is in force.

    ``suspended``: scopes (all, zone/…, camera/…, form/…). ``activated``: for each tranche, by order, from when on
    (µs) it was activated or no longer was. ``warrants`` by office and number of the order that gave them
    (police/5). ``hotlist``: the lists that a VRM is on. ``on_record``: the documents that are. ``enacted``: the
    bundle. ``heads``: the last order of each office; ``due``: the one that an office must come to again before
    anything is disclosed, as an order is missing (an empty key: any); ``offset``: the next one to be read.
    """

    suspended: frozenset[str] = frozenset()
    activated: Mapping[str, tuple[tuple[int, bool], ...]] = {}
    warrants: Mapping[str, Warrant] = {}
    hotlist: Mapping[str, frozenset[str]] = {}
    on_record: frozenset[str] = frozenset()
    objections: tuple[Objection, ...] = ()
    enacted: Enacted | None = None
    heads: Mapping[str, Head] = {}
    due: Mapping[str, Head] = {}
    offset: int = 0

    @property
    def shut(self) -> bool:
        """Whether nothing at all may be disclosed."""
        return ALL in self.suspended or bool(self.due)

    def last(self, office: str) -> int:
        """The number of an office's last order; 0 if it gave none."""
        return self.heads[office].number if office in self.heads else 0

    @property
    def missing(self) -> int:
        """How many orders are missing."""
        return sum(head.number - self.last(office) for office, head in self.due.items())

    def canonical(self) -> bytes:
        """Stable bytes of what is in force, for the register digest."""
        return msgspec.json.encode(replace(self, enacted=None, offset=0), order="deterministic")


def obey(force: Force, order: Order, taken_at: int, signers: Collection[str] = ()) -> Force:
    """What is in force after a genuine order. OrderRefusedError if it makes no sense.

    ``taken_at``: when the broker took it (µs), which is what counts, and not what the order says of itself.
    ``signers``: the public keys that may sign bundles. PolicyError if the order's bundle must not be used.
    """
    if not order.why.strip() or not order.issued_by.strip() or len(order.why) > MOST_WORDS:
        raise OrderRefusedError("an order needs a justification of at most 2,000 characters, and who gives it")
    if order.kind is OrderKind.BUNDLE:
        return replace(force, enacted=enact(order.bundle, signers, force.enacted))
    return OBEY[order.kind](force, replace(order, issued_at=taken_at))


def _suspend(force: Force, order: Order) -> Force:
    _known(order.subject, SCOPES, also=ALL)
    return replace(force, suspended=force.suspended | {order.subject})


def _resume(force: Force, order: Order) -> Force:
    """Of ``all``: whatever was suspended."""
    _known(order.subject, SCOPES, also=ALL)
    return replace(force, suspended=frozenset() if order.subject == ALL else force.suspended - {order.subject})


def _activate(force: Force, order: Order) -> Force:
    """From when it says, but never for what was captured before the order was taken.

    It replaces whatever earlier orders said of the time from its own moment on.
    """
    since = max(order.issued_at, order.covers_from or order.issued_at)
    before = (turn for turn in force.activated.get(order.subject, ()) if turn[0] < since)
    turns = (*before, (since, order.kind is OrderKind.ACTIVATE))
    return replace(force, activated={**force.activated, order.subject: turns})


def _authorise(force: Force, order: Order) -> Force:
    _known(order.subject, SUBJECTS)
    if order.covers_from is None or order.covers_until is None or order.covers_from >= order.covers_until:
        raise OrderRefusedError("an authorisation says from when until when")
    if order.purpose not in set(Purpose):
        raise OrderRefusedError("an authorisation names its purpose")
    kind, _, name = order.subject.partition("/")
    if order.covers_until - order.covers_from > LONGEST[f"{kind}/"]:
        raise OrderRefusedError(f"an authorisation for a {kind} lasts {LONGEST[f'{kind}/'] // DAY} days at most")
    if kind == "vrm" and normalise(name) != name:
        raise OrderRefusedError("a mark is written in capitals, without spaces")
    given = Warrant(order.subject, Purpose(order.purpose), order.covers_from, order.covers_until)
    return replace(force, warrants={**force.warrants, f"{order.office}/{order.sequence}": given})


def _revoke(force: Force, order: Order) -> Force:
    if order.subject not in force.warrants:
        raise OrderRefusedError("there is no authorisation of that number: name its office and number, as police/5")
    return replace(force, warrants=_without(force.warrants, lambda number: number == order.subject))


def _list(force: Force, order: Order) -> Force:
    _marks(order)
    now = {vrm: force.hotlist.get(vrm, frozenset()) | {order.subject} for vrm in order.vrms}
    return replace(force, hotlist={**force.hotlist, **now})


def _unlist(force: Force, order: Order) -> Force:
    """Off that list; a mark that another list has, too, stays on that one."""
    _marks(order)
    if not any(order.subject in names for names in force.hotlist.values()):
        raise OrderRefusedError("there is no such list")
    left = {vrm: force.hotlist.get(vrm, frozenset()) - {order.subject} for vrm in order.vrms}
    lists = {**force.hotlist, **left}
    return replace(force, hotlist={vrm: names for vrm, names in lists.items() if names})


def _record(force: Force, order: Order) -> Force:
    if order.subject not in DOCUMENTS:
        raise OrderRefusedError("no such document: " + ", ".join(DOCUMENTS))
    return replace(force, on_record=force.on_record | {order.subject})


def _object(force: Force, order: Order) -> Force:
    return replace(force, objections=(*force.objections, Objection(order.subject, order.why, order.issued_at)))


OBEY: dict[OrderKind, Callable[[Force, Order], Force]] = {
    OrderKind.SUSPEND: _suspend,
    OrderKind.RESUME: _resume,
    OrderKind.ACTIVATE: _activate,
    OrderKind.DEACTIVATE: _activate,
    OrderKind.AUTHORISE: _authorise,
    OrderKind.REVOKE: _revoke,
    OrderKind.LIST: _list,
    OrderKind.UNLIST: _unlist,
    OrderKind.RECORD: _record,
    OrderKind.OBJECT: _object,
}


def _marks(order: Order) -> None:
    """Raises OrderRefusedError unless the order names a list and marks, each as a mark is written."""
    if not order.subject.strip() or not order.vrms or any(normalise(vrm) != vrm or not vrm for vrm in order.vrms):
        raise OrderRefusedError("a list has a name, and at least one mark, in capitals and without spaces")


def _without(mapping: Mapping[K, V], gone: Callable[[K], bool]) -> dict[K, V]:
    return {key: value for key, value in mapping.items() if not gone(key)}


def _known(subject: str, prefixes: tuple[str, ...], also: str = "") -> None:
    """Raises OrderRefusedError unless the subject is of a kind that exists and names something."""
    fits = any(subject.startswith(prefix) and len(subject) > len(prefix) for prefix in prefixes)
    if not fits and subject != also:
        raise OrderRefusedError(
            f"its subject must be {', '.join(f'{p}…' for p in prefixes)}{' or all' if also else ''}"
        )
