"""The rights of every user, made from the table of topics. Pure."""

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from schemas.topics import MIB, TOPICS, Topic, User

# Stages run transactions; cameras and the governing authority only write.
TRANSACTIONAL = (User.OCR, User.ENFORCEMENT, User.POLICE, User.OVERSIGHT)


class Kind(StrEnum):
    """What a right is to."""

    TOPIC = "TOPIC"
    GROUP = "GROUP"
    TRANSACTIONAL_ID = "TRANSACTIONAL_ID"


class Operation(StrEnum):
    """What may be done to a topic, as Kafka names it. Nobody but the administrator deletes."""

    READ = "READ"
    WRITE = "WRITE"
    DESCRIBE = "DESCRIBE"
    DELETE = "DELETE"


class Grant(Struct, frozen=True, order=True):
    """One right: ``user`` may do ``operation`` to the ``kind`` of that name, or of every name that begins so."""

    user: str
    kind: Kind
    name: str
    operation: str
    prefixed: bool = False


# Bytes a second that one client of a user may send, each by its own client id: one mad camera cannot starve the rest.
# A whole London at its peak sends 2 MB/s of frames and reads.
QUOTAS = {User.CAMERAS: 16 * MIB}


def grants(topics: Sequence[Topic] = TOPICS) -> tuple[Grant, ...]:
    """Every right there is, and no other: sorted, without doubles."""
    found = {Grant(user, Kind.TOPIC, t.name, "WRITE") for t in topics for user in t.writers}
    found |= {Grant(user, Kind.TOPIC, t.name, "READ") for t in topics for user in t.readers}
    found |= {Grant(user, Kind.TOPIC, t.name, "DESCRIBE") for t in topics for user in t.writers | t.readers}
    for user in {user for t in topics for user in t.readers}:
        found |= {Grant(user, Kind.GROUP, user, "READ", prefixed=True)}
        # Oversight may see how far each stage has come: where a group stands is no record of anyone.
        found |= {Grant(User.OVERSIGHT, Kind.GROUP, user, "DESCRIBE", prefixed=True)}
    for user in TRANSACTIONAL:
        for operation in ("WRITE", "DESCRIBE"):
            found |= {Grant(user, Kind.TRANSACTIONAL_ID, user, operation, prefixed=True)}
    return tuple(sorted(found))
