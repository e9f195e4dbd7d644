"""What an administrator does to a broker: topics, users, rights. With kafka_io the only importer of kafka-python."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ConfigResource,
    ConfigResourceType,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
    UserScramCredentialUpsertion,
)
from kafka.errors import KafkaError
from kafka.protocol.admin import AlterClientQuotasRequest, DescribeClientQuotasRequest

from ringfence.errors import BrokerError
from ringfence.kafka_io import SCRAM, Connection, admin, check, translate
from ringfence.rights import Grant, Kind
from schemas.topics import Topic, User

SETTLE_SECONDS = 10.0
RATE, USER, CLIENT = "producer_byte_rate", "user", "client-id"
ENTRY, COMPONENT = AlterClientQuotasRequest.EntryData, DescribeClientQuotasRequest.ComponentData
DEFAULT, ANY = 1, 2  # how the broker is asked for quotas: of the default, of any
PRINCIPAL = "User:"
OURS = frozenset(f"{PRINCIPAL}{user}" for user in User)


@contextmanager
def session(connection: Connection) -> Iterator[KafkaAdminClient]:
    """An admin client for a while; what goes wrong is a BrokerError."""
    check(connection)
    try:
        with closing(admin(connection)) as client:
            yield client
    except KafkaError as error:
        raise translate(error) from error


def match_topics(client: KafkaAdminClient, topics: Sequence[Topic]) -> list[str]:
    """Creates what is missing, corrects what is configured otherwise. Says what it did, a line each.

    BrokerError if a topic has another number of partitions: only its owner can say what shall become of its records.
    """
    there = {topic["name"]: len(topic["partitions"]) for topic in client.describe_topics()}
    for t in topics:
        if there.get(t.name, t.partitions) != t.partitions:
            raise BrokerError(
                f"topic {t.name!r} has {there[t.name]} partitions and must have {t.partitions}: delete it, if what is"
                " in it may go, and run this again"
            )
    missing = {t.name: {"num_partitions": t.partitions, "configs": configs(t)} for t in topics if t.name not in there}
    if missing:
        client.create_topics(missing, wait_for_metadata=True)
    return [f"topic {name} created" for name in missing] + _correct(client, [t for t in topics if t.name in there])


def _correct(client: KafkaAdminClient, topics: Sequence[Topic]) -> list[str]:
    """Sets what differs from the table in the configuration of topics that were there before."""
    if not topics:
        return []
    kind = ConfigResourceType.TOPIC
    found = client.describe_configs([ConfigResource(kind, t.name) for t in topics], config_filter="all")
    wrong = {t.name: wrong for t in topics if (wrong := _differing(configs(t), _entries(found, t.name)))}
    if wrong:
        changes = [ConfigResource(kind, name, configs=values) for name, values in wrong.items()]
        answers = client.alter_configs(changes)["topic"]
        refused = {name: answer for name, answer in answers.items() if answer != "OK"}
        if refused:
            raise BrokerError(f"the broker did not take the configuration of {refused}")
    return [f"topic {name}: {key} set to {value}" for name, values in wrong.items() for key, value in values.items()]


def _entries(found: Mapping[str, Any], topic: str) -> dict[str, str]:
    """Key -> value of one topic's configuration, as describe_configs has it."""
    return {key: entry["value"] for key, entry in found.get("topic", {}).get(topic, {}).items()}


def _differing(wanted: Mapping[str, str], there: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in wanted.items() if there.get(key) != value}


def configs(topic: Topic) -> dict[str, str]:
    """A topic's configuration."""
    return {
        "retention.ms": str(topic.retention_ms),
        "cleanup.policy": "delete",  # nothing is compacted: decision 9
        "max.message.bytes": str(topic.most_bytes),
        "message.timestamp.type": "LogAppendTime" if topic.broker_time else "CreateTime",
        # Whatever a foreign producer chose: our clients need no codec that is not installed.
        "compression.type": "uncompressed" if topic.broker_time else "producer",
    }


def set_passwords(client: KafkaAdminClient, passwords: Mapping[str, str]) -> None:
    """Gives each user its SCRAM credential."""
    wanted = [UserScramCredentialUpsertion(str(user), SCRAM, password) for user, password in passwords.items()]
    failed = {user: why for user, why in client.alter_user_scram_credentials(wanted).items() if why}
    if failed:
        raise BrokerError(f"the broker did not take the password of {sorted(failed)[0]}: {failed[sorted(failed)[0]]}")


def match_rights(client: KafkaAdminClient, wanted: Sequence[Grant]) -> tuple[list[Grant], list[Grant]]:
    """Makes the ACLs of our users exactly these grants. Returns what was added and what was removed.

    A right that the table does not model (to the cluster, a prohibition, another host) is left to its owner.
    """
    there = _ours(client)
    added = [one for one in wanted if one not in there]
    removed = sorted(there - set(wanted))
    if added:
        client.create_acls([_acl(one) for one in added])
    if removed:
        client.delete_acls([_acl(one) for one in removed])
    _settle(client, set(wanted))
    return added, removed


def match_quotas(client: KafkaAdminClient, wanted: Mapping[User, int]) -> list[tuple[str, int]]:
    """Bounds what each client of these users may send (bytes a second). Returns what was changed."""
    there = _quotas(client)
    changed = [(user.value, rate) for user, rate in wanted.items() if there.get(user.value) != rate]
    for user, rate in changed:
        # Of every client id: None stands for any that has no quota of its own.
        entity = [ENTRY.EntityData(entity_type=kind, entity_name=name) for kind, name in ((USER, user), (CLIENT, None))]
        limit = ENTRY.OpData(key=RATE, value=float(rate), remove=False)
        request = AlterClientQuotasRequest(entries=[ENTRY(entity=entity, ops=[limit])], validate_only=False)
        for answer in send(client, request).entries:
            if answer.error_code:
                raise BrokerError(f"the broker took no quota for {user}: {answer.error_message}")
    return changed


def _quotas(client: KafkaAdminClient) -> dict[str, int]:
    """Bytes a second by user, of the quotas that any client id of it has."""
    asked = [COMPONENT(entity_type=kind, match_type=how, match=None) for kind, how in ((USER, ANY), (CLIENT, DEFAULT))]
    found: dict[str, int] = {}
    for one in send(client, DescribeClientQuotasRequest(components=asked, strict=True)).entries or ():
        user = next(part.entity_name for part in one.entity if part.entity_type == USER)
        found.update((user, int(value.value)) for value in one.values if value.key == RATE)
    return found


def send(client: KafkaAdminClient, request: Any) -> Any:
    """The broker's answer to a request that kafka-python knows, but has no public way to send."""
    return client._manager.run(client._manager.send, request)


def _settle(client: KafkaAdminClient, wanted: set[Grant]) -> None:
    """Waits until the broker itself answers with these grants: they reach it through its metadata log."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while _ours(client) != wanted:
        if time.monotonic() > deadline:
            raise BrokerError(f"the broker did not take all rights within {SETTLE_SECONDS:.0f} s: run it again")
        time.sleep(0.02)


def _all(client: KafkaAdminClient) -> list[ACL]:
    anything = ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY)
    found, _ = client.describe_acls(ACLFilter(None, None, ACLOperation.ANY, ACLPermissionType.ANY, anything))
    acls: list[ACL] = found
    return acls


def _ours(client: KafkaAdminClient) -> set[Grant]:
    return {_grant(acl) for acl in _all(client) if acl.principal in OURS and _is_plain(acl)}


def _is_plain(acl: ACL) -> bool:
    kind = ResourceType(acl.resource_pattern.resource_type).name
    return kind in Kind.__members__ and acl.host == "*" and acl.permission_type == ACLPermissionType.ALLOW


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
