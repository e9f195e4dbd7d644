"""What a Kafka node in KRaft mode is told: alone on this machine, or one of several in containers. Pure.

Every node is broker and controller. Three listeners want a login: CLIENT (SCRAM, for the stages), ADMIN (PLAIN, for the
administrator and between brokers), CONTROLLER (PLAIN). SCRAM cannot start a cluster: its users are made later.
"""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from ringfence.certs import BROKER, CA
from ringfence.kafka_io import PLAIN, SCRAM

ADMIN = "admin"
LOOPBACK = "127.0.0.1"


class Ports(Struct, frozen=True):
    """The listeners: for clients, for the administrator, for controllers.

    ``health``: one for the health check, on the loopback of its own container, without TLS; 0 for none.
    """

    client: int
    admin: int
    controller: int
    health: int = 0


class Node(Struct, frozen=True):
    """One node. It listens on ``bind`` (empty: everywhere) and is known as ``host``; ``voters``: host by id, of all.

    ``tls``: folder of its certificates; None for none.
    """

    id: int
    host: str
    bind: str
    ports: Ports
    data: Path
    voters: Mapping[int, str]
    tls: Path | None = None


def text(settings: Mapping[str, str]) -> str:
    """The text of a properties file."""
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def properties(node: Node, password: str) -> dict[str, str]:
    """A node's configuration, sized for a laptop. ``password`` is the administrator's, and stands in it."""
    ports, protocol = node.ports, "SASL_SSL" if node.tls else "SASL_PLAINTEXT"
    known = {"CLIENT": ports.client, "ADMIN": ports.admin}
    bound = {**known, "CONTROLLER": ports.controller}
    listeners = [f"{name}://{node.bind}:{port}" for name, port in bound.items()]
    protocols = dict.fromkeys(bound, protocol)
    if ports.health:
        listeners.append(f"HEALTH://{LOOPBACK}:{ports.health}")
        protocols["HEALTH"] = "SASL_PLAINTEXT"
        known["HEALTH"] = ports.health
    return {
        "process.roles": "broker,controller",
        "node.id": str(node.id),
        "controller.quorum.voters": ",".join(f"{i}@{host}:{ports.controller}" for i, host in node.voters.items()),
        "listeners": ",".join(listeners),
        "advertised.listeners": ",".join(
            f"{name}://{LOOPBACK if name == 'HEALTH' else node.host}:{port}" for name, port in known.items()
        ),
        "listener.security.protocol.map": ",".join(f"{name}:{how}" for name, how in protocols.items()),
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "ADMIN",
        "sasl.mechanism.inter.broker.protocol": PLAIN,
        "sasl.mechanism.controller.protocol": PLAIN,
        **_logins([name for name in protocols if name != "CLIENT"], password),
        **(_tls(node.tls) if node.tls else {}),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:{ADMIN}",
        "allow.everyone.if.no.acl.found": "false",
        "log.dirs": str(node.data),
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        "offsets.topic.num.partitions": "3",
        # A gate that was off for a while must still know which orders it obeyed: a year, not a week.
        "offsets.retention.minutes": "525600",
        "transaction.state.log.num.partitions": "3",
        **_copies(len(node.voters)),
    }


def _logins(plain: list[str], password: str) -> dict[str, str]:
    who = (
        "org.apache.kafka.common.security.plain.PlainLoginModule required "
        f'username="{ADMIN}" password="{password}" user_{ADMIN}="{password}";'
    )
    found = {
        "listener.name.client.sasl.enabled.mechanisms": SCRAM,
        f"listener.name.client.{SCRAM.lower()}.sasl.jaas.config": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
    }
    for name in map(str.lower, plain):
        found[f"listener.name.{name}.sasl.enabled.mechanisms"] = PLAIN
        found[f"listener.name.{name}.plain.sasl.jaas.config"] = who
    return found


def _tls(folder: Path) -> dict[str, str]:
    return {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(folder / BROKER),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(folder / CA),
    }


def _copies(nodes: int) -> dict[str, str]:
    """Copies of what Kafka keeps for itself, and of every topic: three at most, of which two must agree."""
    copies, agree = str(min(3, nodes)), str(2 if nodes >= 3 else 1)
    return {
        "default.replication.factor": copies,
        "min.insync.replicas": agree,
        "offsets.topic.replication.factor": copies,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": agree,
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": agree,
    }
