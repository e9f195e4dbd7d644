"""docs/asyncapi.yaml: the topics as an AsyncAPI 3 document, from the table of topics and the Avro schemas.

``python -m tests.docs.asyncapi`` writes it. Everything is derived, so nothing in it can go stale unseen.
"""

import tomllib
from typing import Any

import yaml

from ringfence import dead_letters
from ringfence.registry import subject
from ringfence.settings import ROOT, Settings
from schemas.codec import schema_of
from schemas.records import DeadLetter, Record
from schemas.topics import LIVE, TOPICS, Topic, User

PAGE = ROOT / "docs" / "asyncapi.yaml"
AVRO = "application/vnd.apache.avro;version=1.9.0"  # the newest that AsyncAPI names
KAFKA = "0.5.0"  # version of the Kafka bindings
LETTER = "AsItCame"
ABOUT = (
    "What is on the topics of Ringfence, who writes and who reads. Made from the table in schemas/topics.py and the"
    " Avro schemas beside it. A value is an Avro body in single-object encoding: C3 01, the CRC-64-AVRO fingerprint of"
    " the schema, the body. With a schema registry it is in the Confluent wire format where the message says so: 00,"
    " the number of the schema in 4 bytes, big endian, the body. See docs/registry.md."
)


def document() -> dict[str, Any]:
    """The whole document."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    records = [topic.record for topic in LIVE if topic.record]
    messages = {topic.record.__name__: _message(topic) for topic in LIVE if topic.record}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Ringfence: the topics", "version": project["version"], "description": ABOUT,
            "license": {"name": project["license"]},
        },
        "defaultContentType": "avro/binary",
        "servers": {"kafka": _server()},
        "channels": {topic.name: _channel(topic) for topic in TOPICS},
        "operations": dict(_operation(topic, user, action) for topic in TOPICS for action, user in _parts(topic)),
        "components": {
            "securitySchemes": {"scram": {"type": "scramSha512", "description": "One user for each stage."}},
            "messages": {**messages, LETTER: _letter()},
            "schemas": {record.__name__: _schema(record) for record in (*records, DeadLetter)},
        },
    }  # fmt: skip


def _server() -> dict[str, Any]:
    return {
        "host": Settings.model_fields["bootstrap"].default,
        "protocol": "kafka",
        "description": "The embedded Kafka of `ringfence broker`. Any other Kafka will do: RINGFENCE_BOOTSTRAP.",
        "security": [_ref("components/securitySchemes", "scram")],
    }


def _channel(topic: Topic) -> dict[str, Any]:
    name = topic.record.__name__ if topic.record else LETTER
    return {
        "address": topic.name,
        "description": f"Key: {topic.key}.",
        "messages": {name: _ref("components/messages", name)},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": {
                    "cleanup.policy": ["delete"],
                    "retention.ms": topic.retention_ms,
                    "max.message.bytes": topic.most_bytes,
                },
                "bindingVersion": KAFKA,
            }
        },
    }


def _parts(topic: Topic) -> list[tuple[str, User]]:
    return [("send", user) for user in sorted(topic.writers)] + [("receive", user) for user in sorted(topic.readers)]


def _operation(topic: Topic, user: User, action: str) -> tuple[str, dict[str, Any]]:
    done = "writes to" if action == "send" else "reads"
    return f"{user}.{action}.{topic.name}", {
        "action": action,
        "channel": _ref("channels", topic.name),
        "summary": f"{user} {done} {topic.name}",
        "tags": [{"name": str(user)}],
    }


def _message(topic: Topic) -> dict[str, Any]:
    record = topic.record
    assert record is not None
    framing = (
        "Always in single-object encoding: it must be readable with nothing but its schema."
        if topic.lasting
        else f"With a schema registry in the Confluent wire format, subject {subject(topic)}."
    )
    return {
        "name": record.__name__,
        "summary": schema_of(record)["doc"],
        "description": framing,
        "payload": _ref("components/schemas", record.__name__),
    }


def _letter() -> dict[str, Any]:
    return {
        "name": LETTER,
        "contentType": "application/octet-stream",
        "summary": "A record that a stage could not handle: its bytes, key and headers as they came.",
        "headers": {
            "type": "object",
            "required": [dead_letters.HEADER],
            "properties": {
                dead_letters.HEADER: {
                    "type": "string",
                    "format": "binary",
                    "description": "Why. A DeadLetter (components/schemas/DeadLetter) in single-object encoding.",
                }
            },
        },
        "payload": {"description": "Whatever it was."},
    }


def _schema(record: type[Record]) -> dict[str, Any]:
    return {"schemaFormat": AVRO, "schema": schema_of(record)}


def _ref(where: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/{where}/{name}"}


class _NoAliases(yaml.SafeDumper):
    """Writes everything out, so that every reader of YAML can read it."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def text() -> str:
    """The document as YAML."""
    head = "# Made by tests/docs/asyncapi.py from schemas/topics.py and schemas/*.avsc. Checked by `make asyncapi`.\n"
    return head + yaml.dump(document(), Dumper=_NoAliases, sort_keys=False, allow_unicode=True, width=116)


if __name__ == "__main__":
    PAGE.write_text(text(), "utf-8")
