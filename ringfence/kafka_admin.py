"""What an administrator does to a broker: topics, users, rights. With kafka_io the only importer of kafka-python."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager

from kafka import KafkaAdminClient
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
    UserScramCredentialUpsertion,
)
from kafka.errors import KafkaError

from ringfence.errors import BrokerError
from ringfence.kafka_io import SCRAM, Connection, admin, check, translate
from ringfence.rights import Grant, Kind
from schemas.topics import Topic

SETTLE_SECONDS = 10.0
MAX_MESSAGE_BYTES = 1024 * 1024
PRINCIPAL = "User:"


@contextmanager
def session(connection: Connection) -> Iterator[KafkaAdminClient]:
    """An admin client for a while; what goes wrong is a BrokerError."""
    check(connection)
    try:
        with closing(admin(connection)) as client:
            yield client
    except KafkaError as error:
        raise translate(error) from error


def create_topics(client: KafkaAdminClient, topics: Sequence[Topic]) -> list[str]:
    """Creates those that are missing and names them."""
    there = {topic["name"] for topic in client.describe_topics()}
    missing = {t.name: {"num_partitions": t.partitions, "configs": configs(t)} for t in topics if t.name not in there}
    if missing:
        client.create_topics(missing, wait_for_metadata=True)
    return list(missing)


def configs(topic: Topic) -> dict[str, str]:
    """A topic's configuration. Raw topics carry the broker's time, which bounds the cameras' clocks."""
    raw = topic.name.startswith("anpr.")
    return {
        "retention.ms": str(topic.retention_ms),
        "cleanup.policy": "compact" if topic.compacted else "delete",
        "max.message.bytes": str(MAX_MESSAGE_BYTES),
        "message.timestamp.type": "LogAppendTime" if raw else "CreateTime",
    }


def set_passwords(client: KafkaAdminClient, passwords: Mapping[str, str]) -> None:
    """Gives each user its SCRAM credential."""
    wanted = [UserScramCredentialUpsertion(str(user), SCRAM, password) for user, password in passwords.items()]
    failed = {user: why for user, why in client.alter_user_scram_credentials(wanted).items() if why}
    if failed:
        raise BrokerError(f"the broker did not take the password of {sorted(failed)[0]}: {failed[sorted(failed)[0]]}")


def match_rights(client: KafkaAdminClient, wanted: Sequence[Grant]) -> tuple[list[Grant], list[Grant]]:
    """Makes the broker's ACLs exactly these grants. Returns what was added and what was removed."""
    there = {_grant(acl) for acl in _all(client)}
    added = [one for one in wanted if one not in there]
    removed = sorted(there - set(wanted))
    if added:
        client.create_acls([_acl(one) for one in added])
    if removed:
        client.delete_acls([_acl(one) for one in removed])
    _settle(client, set(wanted))
    return added, removed


def _settle(client: KafkaAdminClient, wanted: set[Grant]) -> None:
    """Waits until the broker itself answers with these grants: they reach it through its metadata log."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while {_grant(acl) for acl in _all(client)} != wanted:
        if time.monotonic() > deadline:
            raise BrokerError(f"the broker did not take all rights within {SETTLE_SECONDS:.0f} s: run it again")
        time.sleep(0.02)


def _all(client: KafkaAdminClient) -> list[ACL]:
    anything = ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY)
    found, _ = client.describe_acls(ACLFilter(None, None, ACLOperation.ANY, ACLPermissionType.ANY, anything))
    acls: list[ACL] = found
    return acls


def _acl(grant: Grant) -> ACL:
    pattern = ACLResourcePatternType.PREFIXED if grant.prefixed else ACLResourcePatternType.LITERAL
    resource = ResourcePattern(ResourceType[grant.kind], str(grant.name), pattern)
    return ACL(f"{PRINCIPAL}{grant.user}", "*", ACLOperation[grant.operation], ACLPermissionType.ALLOW, resource)


def _grant(acl: ACL) -> Grant:
    resource = acl.resource_pattern
    return Grant(
        acl.principal.removeprefix(PRINCIPAL),
        Kind[ResourceType(resource.resource_type).name],
        resource.resource_name,
        ACLOperation(acl.operation).name,
        resource.pattern_type == ACLResourcePatternType.PREFIXED,
    )
