"""What a broker really lets a user do to a topic, found out by trying, and without leaving a trace.

Each attempt is one request of Kafka's own protocol, so that the answer is the broker's own error code and not what a
client makes of it: a consumer that may not read sees nothing and says nothing. Nothing is written: the record sent is
none, and the broker looks at the sender's right before it looks at the record. Nothing is deleted: up to offset 0.
"""

from contextlib import closing
from typing import Any

from kafka.protocol.admin.topics import DeleteRecordsRequest
from kafka.protocol.consumer.fetch import FetchRequest
from kafka.protocol.producer.produce import ProduceRequest

from ringfence.errors import BrokerError
from ringfence.kafka_admin import send
from ringfence.kafka_io import NOT_AUTHORISED, Connection, KafkaError, admin, check, translate
from ringfence.rights import Operation

NONE, OUT_OF_RANGE, NOT_LEADER, INVALID_RECORD = 0, 1, 6, 87
# What a broker may say to somebody who has the right.
GRANTED = frozenset({NONE, OUT_OF_RANGE, NOT_LEADER, INVALID_RECORD})
WAIT_MS = 5_000


def attempt(connection: Connection, topics: list[str]) -> dict[tuple[str, Operation], bool]:
    """Whether the broker lets this user do each operation to each topic. BrokerError if it says neither yes nor no."""
    check(connection)
    try:
        with closing(admin(connection)) as client:
            return {
                (topic, operation): _granted(topic, operation, CODES[operation](client, topic))
                for topic in topics
                for operation in Operation
            }
    except KafkaError as error:
        raise translate(error) from error


def _granted(topic: str, operation: Operation, code: int) -> bool:
    if code not in GRANTED | {NOT_AUTHORISED}:
        raise BrokerError(f"asked to {operation} {topic}, the broker answered with error code {code}")
    return code != NOT_AUTHORISED


def _read(client: Any, topic: str) -> int:
    wanted = FetchRequest.FetchTopic.FetchPartition(
        partition=0, fetch_offset=0, partition_max_bytes=1, current_leader_epoch=-1, last_fetched_epoch=-1,
        log_start_offset=-1,
    )  # fmt: skip
    request = FetchRequest(
        max_wait_ms=0, min_bytes=0, max_bytes=1, isolation_level=1, session_id=0, session_epoch=-1,
        topics=[FetchRequest.FetchTopic(topic=topic, partitions=[wanted])], forgotten_topics_data=[], rack_id="",
        min_version=4, max_version=12,  # from 13 on topics go by number
    )  # fmt: skip
    return _only(part.error_code for found in send(client, request).responses for part in found.partitions)


def _write(client: Any, topic: str) -> int:
    data = ProduceRequest.TopicProduceData
    nothing = data.PartitionProduceData(index=0, records=b"")
    request = ProduceRequest(
        transactional_id=None, acks=-1, timeout_ms=WAIT_MS, topic_data=[data(name=topic, partition_data=[nothing])],
        min_version=3, max_version=12,
    )  # fmt: skip
    return _only(part.error_code for found in send(client, request).responses for part in found.partition_responses)


def _delete(client: Any, topic: str) -> int:
    wanted = DeleteRecordsRequest.DeleteRecordsTopic
    nothing = wanted.DeleteRecordsPartition(partition_index=0, offset=0)
    request = DeleteRecordsRequest(topics=[wanted(name=topic, partitions=[nothing])], timeout_ms=WAIT_MS)
    return _only(part.error_code for found in send(client, request).topics for part in found.partitions)


def _describe(client: Any, topic: str) -> int:
    return _only(found["error_code"] for found in client.describe_topics([topic]))


def _only(codes: Any) -> int:
    (code,) = codes
    return int(code)


CODES = {
    Operation.READ: _read,
    Operation.WRITE: _write,
    Operation.DESCRIBE: _describe,
    Operation.DELETE: _delete,
}
