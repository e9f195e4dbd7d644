"""Who may do what, as the broker itself answers."""

from contextlib import closing

import pytest
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ConfigResource,
    ConfigResourceType,
    ResourcePattern,
    ResourceType,
)  # fmt: skip
from msgspec import structs

from ringfence import access, kafka_admin
from ringfence.errors import (
    BrokerError,
    FileError,
    LoginError,
    NotAllowedError,
    TooLargeError,
    UnreachableError,
)  # fmt: skip
from ringfence.kafka_io import Connection, KafkaError, Place, check, consumer, producer, translate
from ringfence.rights import grants
from schemas.topics import AUDIT, FRAMES, IMAGES, LIVE, POLICE, READS, TOPICS, User
from tests.contract.conftest import HOME
from tests.contract.waiting import until


def test_applying_the_table_again_changes_nothing(broker):
    assert access.apply(broker.kafka.admin, HOME) == []


def test_a_right_that_is_not_in_the_table_is_taken_away(broker):
    from ringfence.rights import Grant, Kind

    stray = Grant("police", Kind.TOPIC, READS.name, "READ")
    with kafka_admin.session(broker.kafka.admin) as client:
        kafka_admin.match_rights(client, (*grants(), stray))
    check(broker.connection(User.POLICE), read=[READS.name])
    assert access.apply(broker.kafka.admin, HOME) == ["right removed: police may READ TOPIC anpr.reads"]
    with pytest.raises(NotAllowedError):
        check(broker.connection(User.POLICE), read=[READS.name])


def test_rights_that_are_not_ours_to_give_are_left_alone(broker):
    """Another application's rights, and rights of our users that the table does not model."""
    anything = ResourcePattern(ResourceType.TOPIC, "theirs", ACLResourcePatternType.LITERAL)
    cluster = ResourcePattern(ResourceType.CLUSTER, "kafka-cluster", ACLResourcePatternType.LITERAL)
    theirs = [
        ACL("User:another", "*", ACLOperation.READ, ACLPermissionType.ALLOW, anything),
        ACL("User:police", "*", ACLOperation.DESCRIBE, ACLPermissionType.ALLOW, cluster),
        ACL("User:police", "*", ACLOperation.READ, ACLPermissionType.DENY, anything),
    ]
    with kafka_admin.session(broker.kafka.admin) as client:
        client.create_acls(theirs)
        until(lambda: set(theirs) <= set(kafka_admin._all(client)))
    assert access.apply(broker.kafka.admin, HOME) == []
    with kafka_admin.session(broker.kafka.admin) as client:
        assert set(theirs) <= set(kafka_admin._all(client))
        client.delete_acls(theirs)


def test_a_topic_that_carries_the_senders_time_is_corrected(broker):
    with kafka_admin.session(broker.kafka.admin) as client:
        wrong = {"message.timestamp.type": "CreateTime", "max.message.bytes": "2000000"}
        client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, READS.name, configs=wrong)])
    assert access.apply(broker.kafka.admin, HOME) == [
        "topic anpr.reads: max.message.bytes set to 1048576",
        "topic anpr.reads: message.timestamp.type set to LogAppendTime",
    ]
    assert access.apply(broker.kafka.admin, HOME) == []


def test_a_topic_with_another_number_of_partitions_is_refused(broker):
    with kafka_admin.session(broker.kafka.admin) as client, pytest.raises(BrokerError, match=r"4 partitions .* have 9"):
        kafka_admin.match_topics(client, [structs.replace(READS, partitions=9)])


def test_a_record_larger_than_its_topic_takes_is_told_apart(broker):
    for topic, size in ((FRAMES, 600_000), (READS, 5_000_000)):  # refused by the broker, and by the client
        with closing(producer(broker.connection(User.CAMERAS))) as writer, pytest.raises(KafkaError) as refused:
            writer.send(topic.name, value=bytes(size), partition=0).get(timeout=10)
        assert isinstance(translate(refused.value), TooLargeError)


def test_topics_are_as_the_table_says(broker):
    with kafka_admin.session(broker.kafka.admin) as client:
        described = {t["name"]: len(t["partitions"]) for t in client.describe_topics()}
    assert {t.name: t.partitions for t in TOPICS}.items() <= described.items()


# To its own dead letters it may write, and so describe them: what it may not do there is read.
CLOSED = [t for t in TOPICS if User.POLICE not in t.readers | t.writers]


@pytest.mark.parametrize("topic", CLOSED, ids=lambda t: t.name)
def test_the_broker_refuses_the_police(broker, topic):
    with pytest.raises(NotAllowedError, match=topic.name):
        check(broker.connection(User.POLICE), read=[topic.name])


@pytest.mark.parametrize("topic", [t for t in TOPICS if User.POLICE in t.writers], ids=lambda t: t.name)
def test_the_police_cannot_read_what_it_only_writes(broker, topic):
    thief = consumer(broker.connection(User.POLICE))
    thief.assign([Place(topic.name, 0)])
    try:
        with pytest.raises(KafkaError) as refused:
            _poll_for_a_while(thief)
        assert isinstance(translate(refused.value), NotAllowedError)
    finally:
        thief.close(autocommit=False)


@pytest.mark.parametrize(
    ("user", "topic"),
    [(user, topic) for user in User for topic in LIVE if user not in topic.writers],
    ids=lambda x: getattr(x, "name", str(x)),
)
def test_the_broker_refuses_to_let_others_write(broker, user, topic):
    writer = producer(broker.connection(user), max_block_ms=5_000)
    try:
        with pytest.raises(KafkaError) as refused:
            writer.send(topic.name, value=b"x", partition=0).get(timeout=10)
        assert isinstance(translate(refused.value), NotAllowedError)
    finally:
        writer.close(timeout=1)


def test_the_broker_refuses_another_ones_group(broker):
    thief = consumer(broker.connection(User.POLICE), "enforcement")
    thief.subscribe([POLICE.name])
    try:
        with pytest.raises(KafkaError) as refused:
            _poll_for_a_while(thief)
        assert isinstance(translate(refused.value), NotAllowedError)
    finally:
        thief.close(autocommit=False)


def _poll_for_a_while(reader):
    for _ in range(50):
        reader.poll(timeout_ms=200)


def test_the_broker_refuses_another_ones_transactional_id(broker):
    from ringfence.transact import Writer

    with pytest.raises(BrokerError):
        Writer(broker.connection(User.POLICE), "enforcement-0")


@pytest.mark.parametrize("user", list(User))
def test_everyone_may_do_what_the_table_gives_them(broker, user):
    names = [t.name for t in TOPICS if user in t.readers | t.writers]
    check(broker.connection(user), read=names)


def test_wrong_password_unreachable_and_missing_topic_are_told_apart(broker):
    with pytest.raises(LoginError, match="wrong password"):
        check(Connection(broker.kafka.bootstrap, "police", "wrong"))
    with pytest.raises(UnreachableError, match="ringfence broker"):
        check(Connection("127.0.0.1:1", "police", "any"))
    with pytest.raises(UnreachableError):
        check(Connection("nonsense", "police", "any"))
    with pytest.raises(BrokerError, match="topics apply"):
        check(broker.kafka.admin, read=["no.such.topic"])


def test_passwords_are_made_once_and_kept_to_their_owner(tmp_path):
    first = access.password(tmp_path, "police")
    assert access.password(tmp_path, "police") == first != access.password(tmp_path, "ocr")
    file = tmp_path / "secrets" / "police.password"
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    file.chmod(0o644)
    with pytest.raises(FileError, match="chmod 600"):
        access.password(tmp_path, "police")


def test_a_folder_that_cannot_be_is_said_in_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match="RINGFENCE_HOME"):
        access.password(tmp_path / "file", "police")


def test_processes_that_make_one_password_at_once_agree_on_it(tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: access.password(tmp_path, "police"), range(50)))
    assert len(found) == 1
    assert len(list((tmp_path / "secrets").iterdir())) == 1


def test_a_connection_does_not_show_its_password():
    assert "geheim" not in repr(Connection("h:1", "u", "geheim"))


def test_raw_topics_carry_the_brokers_time():
    assert {kafka_admin.configs(t)["message.timestamp.type"] for t in (FRAMES, READS, IMAGES)} == {"LogAppendTime"}
    assert kafka_admin.configs(AUDIT)["retention.ms"] == "-1"
