"""Kafka: clients, what the broker says, and what went wrong. The only importer of kafka-python."""

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from typing import Any

from kafka import ConsumerRebalanceListener as RebalanceListener
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, OffsetAndMetadata
from kafka import TopicPartition as Place
from kafka import errors as kafka_errors
from kafka.consumer.fetcher import ConsumerRecord as Delivery
from kafka.errors import CorruptRecordError, KafkaError, KafkaTimeoutError, UnsupportedCodecError
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


__all__ = [
    "BROKER_TIME",
    "Connection",
    "CorruptRecordError",
    "Delivery",
    "KafkaError",
    "KafkaTimeoutError",
    "OffsetAndMetadata",
    "Place",
    "RebalanceListener",
    "UnsupportedCodecError",
    "admin",
    "check",
    "consumer",
    "producer",
    "taken_at",
    "translate",
    "translated",
]
