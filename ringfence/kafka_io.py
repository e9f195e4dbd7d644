"""Kafka: clients, what the broker says, and what went wrong. The only importer of kafka-python."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any

from kafka import ConsumerRebalanceListener as RebalanceListener
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, OffsetAndMetadata
from kafka import TopicPartition as Place
from kafka import errors as kafka_errors
from kafka.consumer.fetcher import ConsumerRecord as Delivery
from kafka.errors import KafkaError
from msgspec import Struct

from ringfence.clock import Clock
from ringfence.errors import BrokerError, FencedError, LoginError, NotAllowedError, TooLargeError
from ringfence.knock import knock
from schemas.topics import MOST_BYTES

PLAIN, SCRAM = "PLAIN", "SCRAM-SHA-512"
PREFLIGHT_SECONDS = 5.0
FETCH_BYTES = 8 * 1024 * 1024
TRANSACTION_TIMEOUT_MS = 15_000
SESSION_MS = 10_000
UNKNOWN_TOPIC, NOT_AUTHORISED = 3, 29
BROKER_TIME = 1  # Kafka's LogAppendTime; any other timestamp is the sender's own, and proves nothing


class Connection(Struct, frozen=True):
    """Where a broker is and who asks. ``ca``: file of the CA that a TLS listener is trusted by; the system's if empty.
    ``client``: by what name the broker knows this process; the user's if empty. Quotas go by it.

    ``repr`` does not show the password.
    """

    bootstrap: str
    user: str
    password: str
    protocol: str = "SASL_PLAINTEXT"
    mechanism: str = SCRAM
    ca: str = ""
    client: str = ""

    @property
    def tls(self) -> bool:
        """Whether its listener speaks TLS."""
        return self.protocol.endswith("SSL")

    def __repr__(self) -> str:
        return f"Connection({self.user}@{self.bootstrap}, {self.protocol}, {self.mechanism})"


def _common(connection: Connection) -> dict[str, Any]:
    login = {
        "sasl_mechanism": connection.mechanism,
        "sasl_plain_username": connection.user,
        "sasl_plain_password": connection.password,
    }
    return {
        "bootstrap_servers": connection.bootstrap,
        "security_protocol": connection.protocol,
        "client_id": connection.client or connection.user,
        **(login if connection.protocol.startswith("SASL") else {}),
        **({"ssl_cafile": connection.ca or None} if connection.tls else {}),
    }


def consumer(
    connection: Connection,
    group: str | None = None,
    *,
    instance: str | None = None,
    max_records: int = 10_000,
) -> KafkaConsumer:
    """A consumer that starts at the beginning, reads committed transactions only and never commits by itself.

    ``instance`` makes the membership static: a process that comes back under the same name takes its
    partitions over at once.
    """
    return KafkaConsumer(
        **_common(connection),
        group_id=group,
        group_instance_id=instance,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        isolation_level="read_committed",
        max_poll_records=max_records,
        max_partition_fetch_bytes=FETCH_BYTES,
        fetch_max_wait_ms=100,
        session_timeout_ms=SESSION_MS,
        heartbeat_interval_ms=SESSION_MS // 4,
        metrics_enabled=False,
    )


def producer(connection: Connection, *, transactional_id: str | None = None, **options: Any) -> KafkaProducer:
    """An idempotent producer that waits for every replica; transactional if it has an id."""
    settings: dict[str, Any] = {
        "acks": "all",
        "enable_idempotence": True,
        "linger_ms": 5,
        "batch_size": 256 * 1024,
        "max_request_size": MOST_BYTES,
        "metrics_enabled": False,
        **({"transactional_id": transactional_id} if transactional_id else {}),
        **({"transaction_timeout_ms": TRANSACTION_TIMEOUT_MS} if transactional_id else {}),
    }
    return KafkaProducer(**_common(connection), **settings | options)


def admin(connection: Connection) -> KafkaAdminClient:
    """An admin client."""
    return KafkaAdminClient(**_common(connection), bootstrap_timeout_ms=int(PREFLIGHT_SECONDS * 1000))


def translate(error: Exception) -> BrokerError:
    """What a Kafka error means for us, in one line."""
    name, text = type(error).__name__, " ".join(str(error).split())[:300]
    fenced = (
        kafka_errors.ProducerFencedError, kafka_errors.InvalidProducerEpochError, kafka_errors.FencedInstanceIdError,
    )  # fmt: skip
    refused = (
        kafka_errors.TopicAuthorizationFailedError, kafka_errors.GroupAuthorizationFailedError,
        kafka_errors.ClusterAuthorizationFailedError, kafka_errors.TransactionalIdAuthorizationFailedError,
    )  # fmt: skip
    # A producer in a fatal state says so by a plain KafkaError that only names the reason.
    if isinstance(error, fenced) or any(kind.__name__ in text for kind in fenced):
        return FencedError(f"another process took over this member's name: give each its own RINGFENCE_MEMBER ({name})")
    if isinstance(error, refused):
        return NotAllowedError(f"the broker does not allow it: {name} {text}")
    if isinstance(error, kafka_errors.SaslAuthenticationFailedError):
        return LoginError(f"the broker refused the login: {text}")
    if isinstance(error, (kafka_errors.MessageSizeTooLargeError, kafka_errors.RecordListTooLargeError)):
        return TooLargeError(f"a record is larger than its topic takes: run `ringfence topics apply` ({name})")
    return BrokerError(f"{name}: {text}")


@contextmanager
def translated() -> Iterator[None]:
    """What the client raises in here comes out as a BrokerError."""
    try:
        yield
    except KafkaError as error:
        raise translate(error) from error


def check(connection: Connection, *, read: Iterable[str] = (), write: Iterable[str] = ()) -> float | None:
    """Asks the broker whether this user may use these topics, within 10 s. A BrokerError says what is wrong.

    Returns when its certificate ends, in seconds since 1970; None without TLS.

    kafka-python's consumer is silent where it may not read; describe_topics answers.
    """
    topics = sorted({*read, *write})
    ends = knock(connection.bootstrap, connection.ca, connection.tls)
    try:
        with closing(_login(connection)) as client:
            described = client.describe_topics(topics) if topics else []
    except KafkaError as error:
        raise translate(error) from error
    for topic in described:
        code = topic["error_code"]
        if code == NOT_AUTHORISED:
            raise NotAllowedError(
                f"user {connection.user!r} has no right to the topic {topic['name']!r}, or there is none:"
                " run `ringfence topics apply`"
            )
        if code == UNKNOWN_TOPIC:
            raise BrokerError(f"there is no topic {topic['name']!r}: run `ringfence topics apply`")
        if code:
            raise BrokerError(f"topic {topic['name']!r} cannot be used: error code {code}")
    return ends


def _login(connection: Connection) -> KafkaAdminClient:
    try:
        return admin(connection)
    except kafka_errors.KafkaTimeoutError:
        raise LoginError(
            f"the broker at {connection.bootstrap} did not let user {connection.user!r} in: wrong password, or a"
            " listener that speaks something else; see RINGFENCE_PASSWORD, RINGFENCE_HOME and RINGFENCE_SECURITY"
        ) from None


def taken_at(delivery: Delivery, clock: Clock) -> int | None:
    """When the broker took a record, in µs on the pipeline's clock; None if it carries its sender's time instead."""
    return clock.of_broker(delivery.timestamp) if delivery.timestamp_type == BROKER_TIME else None


def unreadable(error: Exception) -> bool:
    """Whether a poll failed because the client cannot parse a record: the broker is well, and trying again is vain."""
    broken = (kafka_errors.CorruptRecordError, kafka_errors.UnsupportedCodecError)
    return isinstance(error, broken) or not isinstance(error, KafkaError)


def next_readable(connection: Connection, place: Place, start: int) -> int:
    """The first offset from ``start`` at which the client can parse what is there; the end if there is none.

    A bad record spoils its batch: every offset up to the end of the batch fails. So the end is looked for in
    steps that double, then by halves: a few polls, however long the batch. A sound batch between two bad ones
    may be stepped over with them.
    """
    with closing(consumer(connection, max_records=1)) as asker:
        asker.assign([place])
        end: int = asker.end_offsets([place])[place]
        if start >= end or _parses(asker, place, start):
            return start
        bad, step = start, 1
        while bad + step < end and not _parses(asker, place, bad + step):
            bad, step = bad + step, step * 2
        good = min(bad + step, end)
        while good - bad > 1:
            middle = (bad + good) // 2
            bad, good = (bad, middle) if _parses(asker, place, middle) else (middle, good)
        return good


def _parses(asker: KafkaConsumer, place: Place, offset: int) -> bool:
    asker.seek(place, offset)
    deadline = time.monotonic() + PREFLIGHT_SECONDS
    while asker.position(place) == offset:
        try:
            asker.poll(timeout_ms=200)
        except Exception as error:
            if not unreadable(error):
                raise
            return False
        if time.monotonic() > deadline:
            raise kafka_errors.KafkaTimeoutError(f"nothing came from {place.topic}[{place.partition}]")
    return True


def lag(connection: Connection, group: str, topics: Sequence[str]) -> dict[Place, int]:
    """Records that a group has still to handle, by partition: end offset less committed offset.

    The marker that ends a transaction takes an offset too, so a stage that has handled everything may be
    shown one behind until it commits its position: see Input.settle().
    """
    with closing(consumer(connection, group)) as asker:
        places = [Place(topic, p) for topic in topics for p in asker.partitions_for_topic(topic) or ()]
        ends = asker.end_offsets(places)
        return {place: max(0, end - (asker.committed(place) or 0)) for place, end in ends.items()}


def ends(connection: Connection, topics: Sequence[str]) -> dict[Place, int]:
    """Where each partition of these topics ends now."""
    check(connection, read=topics)
    with translated(), closing(consumer(connection)) as asker:
        found: dict[Place, int] = asker.end_offsets(
            [Place(topic, p) for topic in topics for p in asker.partitions_for_topic(topic) or ()]
        )
        return found


def _set_to_begin(reader: KafkaConsumer, topics: Sequence[str], since: Mapping[Place, int]) -> dict[Place, int]:
    """Puts the reader to where it shall begin; the ends as they are now."""
    places = [Place(topic, p) for topic in topics for p in sorted(reader.partitions_for_topic(topic) or ())]
    if not places:
        return {}
    reader.assign(places)
    until: dict[Place, int] = reader.end_offsets(places)
    reader.seek_to_beginning(*places)
    for place, offset in since.items():
        reader.seek(place, offset)
    return until


def read_all(
    connection: Connection,
    topics: Sequence[str],
    seconds: float = 30.0,
    *,
    since: Mapping[Place, int] | None = None,
) -> Iterator[Delivery]:
    """Every committed record on these topics, from the beginning to the ends as they are now; no group.

    ``since`` gives offsets to begin at instead. BrokerError if nothing more comes for ``seconds``.
    """
    check(connection, read=topics)
    with closing(consumer(connection)) as reader:
        with translated():
            until = _set_to_begin(reader, topics, since or {})
        if not until:
            return
        deadline = time.monotonic() + seconds
        while any(reader.position(place) < end for place, end in until.items()):
            try:
                found = reader.poll(timeout_ms=200)
            except Exception as error:
                if unreadable(error):
                    raise BrokerError(
                        f"{', '.join(topics)}: a record cannot be parsed ({type(error).__name__})"
                    ) from None
                raise translate(error) from error
            for deliveries in found.values():
                yield from deliveries
            if found:
                deadline = time.monotonic() + seconds
            elif time.monotonic() > deadline:
                raise BrokerError(f"{', '.join(topics)}: nothing came for {seconds:.0f} s before the end was read")


__all__ = [
    "BROKER_TIME",
    "Connection",
    "Delivery",
    "KafkaError",
    "OffsetAndMetadata",
    "Place",
    "RebalanceListener",
    "admin",
    "check",
    "consumer",
    "ends",
    "lag",
    "next_readable",
    "producer",
    "read_all",
    "taken_at",
    "translate",
    "unreadable",
]
