"""Frozen records that mirror the .avsc files, field for field and in the same order.

Times are integers: microseconds since 1970 UTC, on the pipeline's clock. Pictures are JPEG bytes.
"""

from enum import IntFlag, StrEnum

from msgspec import Struct


class Flag(IntFlag):
    """Bits of ``Read.flags`` and ``Frame.flags``."""

    REPAIRED = 1
    ON_BOARD = 2
    DELAYED = 4
    REAR = 8


class Effect(StrEnum):
    """A decision of the PDP."""

    ALLOW = "ALLOW"
    DENY = "DENY"


class OrderKind(StrEnum):
    """What an order may order."""

    SUSPEND = "SUSPEND"
    RESUME = "RESUME"
    ACTIVATE = "ACTIVATE"
    DEACTIVATE = "DEACTIVATE"
    AUTHORISE = "AUTHORISE"
    REVOKE = "REVOKE"
    LIST = "LIST"
    UNLIST = "UNLIST"
    RECORD = "RECORD"
    OBJECT = "OBJECT"
    BUNDLE = "BUNDLE"


# gc=False: these hold no reference that could make a cycle, so the collector need not track them.
class Frame(Struct, frozen=True, gc=False):
    """A picture from a camera, and further ones of the same passage."""

    camera: int
    sequence: int
    captured_at: int
    flags: int
    jpeg: bytes
    shots: list[bytes] = []


class Read(Struct, frozen=True, gc=False):
    """What an OCR made of one passage. ``confidence``: that the mark is right, in whole per cent."""

    camera: int
    sequence: int
    captured_at: int
    vrm: str
    raw: str
    confidence: int
    flags: int


class Image(Struct, frozen=True, gc=False):
    """The pictures that belong to a read. ``corners`` are x0 y0 … x3 y3 in pixels."""

    camera: int
    sequence: int
    captured_at: int
    plate_patch: bytes
    overview: bytes
    corners: list[int]


class PoliceRead(Struct, frozen=True, gc=False):
    """A disclosed read; None where the form does not list the field."""

    camera: int
    sequence: int
    captured_at: int
    vrm: str | None
    confidence: int | None
    flags: int | None
    regime: str
    form: str


class PoliceImage(Struct, frozen=True, gc=False):
    """A disclosed image; None where the form does not list the field."""

    camera: int
    sequence: int
    captured_at: int
    overview: bytes | None
    plate_patch: bytes | None
    regime: str
    form: str


class Outcome(Struct, frozen=True):
    """One row of the decision table, as evidence."""

    row: int
    regime: str
    effect: Effect
    form: str
    reason: str
    rules: list[str]


class DecisionBatch(Struct, frozen=True):
    """Every decision that one transaction took on one input partition, in columns of equal length."""

    gate: str
    topic: str
    partition: int
    first_offset: int
    last_offset: int
    decided_at: int
    bundle: bytes
    register: bytes
    orders_offset: int
    pinned: str
    purpose: str
    clock_bound: int
    previous: bytes
    outcomes: list[Outcome]
    cameras: list[int]
    sequences: list[int]
    captured: list[int]
    decisions: list[int]


class Order(Struct, frozen=True):
    """An order of an office. None where a kind of order has no such thing."""

    sequence: int
    office: str
    kind: OrderKind
    subject: str
    issued_by: str
    why: str
    issued_at: int
    expires_at: int | None = None
    purpose: str = ""
    covers_from: int | None = None
    covers_until: int | None = None
    vrms: list[str] = []
    bundle: bytes = b""
    signature: bytes = b""


class Listed(Struct, frozen=True):
    """A file of a bundle: its path and the SHA-256 of its bytes."""

    path: str
    sha256: bytes


class SealedBundle(Struct, frozen=True):
    """A policy bundle as it is signed, kept and sent. ``contents``: bytes by path."""

    number: int
    files: list[Listed]
    contents: dict[str, bytes]
    signer: str = ""
    signature: bytes = b""


class DeadLetter(Struct, frozen=True):
    """Why a record could not be handled."""

    topic: str
    partition: int
    offset: int
    stage: str
    error: str
    detail: str
    failed_at: int


Record = Frame | Read | Image | PoliceRead | PoliceImage | DecisionBatch | Order | SealedBundle | DeadLetter
