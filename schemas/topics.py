"""THE table of topics. Topics, ACLs, the README's table and the tests are made from it."""

from enum import StrEnum

from msgspec import Struct

from schemas.records import DecisionBatch, Frame, Image, Order, PoliceImage, PoliceRead, Read, Record

DLQ_SUFFIX = ".dlq"
KIB, MIB = 1024, 1024 * 1024
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
FOREVER = -1
# What a client sends at most. A dead letter is a record and why it is one, so no live topic takes quite as much.
MOST_BYTES = 4 * MIB


class User(StrEnum):
    """A Kafka principal. Its consumer groups and transactional ids begin with its name."""

    CAMERAS = "cameras"
    OCR = "ocr"
    ENFORCEMENT = "enforcement"
    POLICE = "police"
    OVERSIGHT = "oversight"
    GOVERNANCE = "governance"
    OPERATOR = "operator"


class Topic(Struct, frozen=True):
    """One topic: what is in it, how it is kept, who writes and who reads.

    ``record`` is None in a dead-letter topic, which keeps the bytes as they came.
    ``retention_ms`` is on the broker's clock, which is wall time; FOREVER keeps all. ``most_bytes`` is the
    largest batch that the broker takes: what is made from a record always fits where it goes next. ``broker_time``:
    records carry the time at which the broker took them, and not their sender's. ``lasting``: its values keep
    the default framing, whatever the settings: orders and evidence must be readable with nothing but this contract.
    """

    name: str
    record: type[Record] | None
    key: str
    partitions: int
    retention_ms: int
    writers: frozenset[User]
    readers: frozenset[User]
    most_bytes: int = MIB
    broker_time: bool = False
    lasting: bool = False

    @property
    def dlq(self) -> str:
        """Name of the dead-letter topic of this topic."""
        return self.name + DLQ_SUFFIX


def _users(*users: User) -> frozenset[User]:
    return frozenset(users)


FRAMES = Topic(
    "anpr.frames", Frame, "camera", 4, HOUR_MS,
    _users(User.CAMERAS, User.OPERATOR), _users(User.OCR, User.OVERSIGHT), most_bytes=512 * KIB,
    broker_time=True,
)  # fmt: skip
READS = Topic(
    "anpr.reads", Read, "camera", 4, DAY_MS,
    _users(User.CAMERAS, User.OCR, User.OPERATOR), _users(User.ENFORCEMENT, User.OVERSIGHT), broker_time=True,
)  # fmt: skip
IMAGES = Topic(
    "anpr.images", Image, "camera", 4, HOUR_MS,
    _users(User.OCR, User.OPERATOR), _users(User.ENFORCEMENT, User.OVERSIGHT), broker_time=True,
)  # fmt: skip
POLICE = Topic(
    "police", PoliceRead, "camera", 4, 7 * DAY_MS,
    _users(User.ENFORCEMENT), _users(User.POLICE, User.OVERSIGHT),
)  # fmt: skip
POLICE_IMAGES = Topic(
    "police.images", PoliceImage, "camera", 4, 7 * DAY_MS,
    _users(User.ENFORCEMENT), _users(User.POLICE, User.OVERSIGHT),
)  # fmt: skip
AUDIT = Topic(
    "oversight.audit", DecisionBatch, "input partition", 4, FOREVER,
    _users(User.ENFORCEMENT), _users(User.OVERSIGHT), most_bytes=3 * MIB, lasting=True,
)  # fmt: skip
ORDERS = Topic(
    "governance.orders", Order, "hash of the order", 1, FOREVER,
    _users(User.GOVERNANCE), _users(User.GOVERNANCE, User.ENFORCEMENT, User.OVERSIGHT),
    most_bytes=3 * MIB, broker_time=True, lasting=True,
)  # fmt: skip

LIVE = (FRAMES, READS, IMAGES, POLICE, POLICE_IMAGES, AUDIT, ORDERS)
# Who handles a topic and so may find a record in it that it cannot handle.
HANDLERS = {
    FRAMES: User.OCR,
    READS: User.ENFORCEMENT,
    IMAGES: User.ENFORCEMENT,
    POLICE: User.POLICE,
    POLICE_IMAGES: User.POLICE,
    AUDIT: User.OVERSIGHT,
    ORDERS: User.ENFORCEMENT,
}
# What each stage takes in by its group; orders come to the gate beside the stream.
INPUTS = {
    user: tuple(topic for topic in LIVE if HANDLERS[topic] is user and topic is not ORDERS)
    for user in (User.OCR, User.ENFORCEMENT, User.POLICE, User.OVERSIGHT)
}


def _dead_letters(topic: Topic) -> Topic:
    return Topic(
        topic.dlq, None, "as it came", 1, 7 * DAY_MS,
        _users(HANDLERS[topic]), _users(User.OPERATOR, User.OVERSIGHT), most_bytes=MOST_BYTES,
    )  # fmt: skip


DEAD_LETTERS = tuple(_dead_letters(topic) for topic in LIVE)
TOPICS = LIVE + DEAD_LETTERS
BY_NAME = {topic.name: topic for topic in TOPICS}
