"""``ringfence broker``, ``topics`` and ``dlq``: what an operator needs."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from ringfence import access, clock, dead_letters, entry, keys, options, terminal
from ringfence.broker import EmbeddedKafka
from ringfence.errors import SettingError
from ringfence.governance import inaugurate
from ringfence.kafka_io import (
    PLAIN,
    Connection,
    Delivery,
    KafkaError,
    OffsetAndMetadata,
    Place,
    consumer,
    producer,
    translate,
)
from ringfence.kafka_read import read_all
from ringfence.lifecycle import stop_event, unwind_on_signal
from ringfence.metrics import Metrics
from ringfence.run import Context
from ringfence.settings import load as load_settings
from ringfence.stage import UnreadableError
from schemas.codec import UndecodableError
from schemas.records import DeadLetter
from schemas.topics import BY_NAME, DEAD_LETTERS, DLQ_SUFFIX, TOPICS, Topic, User

topics = entry.application(help="The topics, users and rights.")
dlq = entry.application(help="The dead letters: records that a stage could not handle.")
PORT = 19092
REPLAYS = f"{User.OPERATOR}-replays"
Source = Annotated[str | None, typer.Option(help="Only those of this topic, for example anpr.reads.")]


def broker(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port for clients; 0 is any.")] = PORT,
    keep: Annotated[bool, typer.Option(help="Keep the data in RINGFENCE_HOME for the next start.")] = False,
    tls: Annotated[bool, typer.Option(help="Speak TLS; give every part RINGFENCE_SECURITY=SASL_SSL.")] = False,
    metrics_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port for the broker's own metrics; 0 is none. Starts slower.")
    ] = 0,
    home: options.Home = None,
) -> None:
    """Run the embedded Apache Kafka alone, with topics, users and rights applied, until Ctrl-C."""
    settings = load_settings(home=home).of_own_broker(tls)
    unwind_on_signal()
    out = terminal.console()
    data = settings.home / "kafka" / "kept" if keep else None
    password = access.password(settings.home, access.ADMIN)
    with EmbeddedKafka(
        settings.home, password, port=port, data=data, tls=tls, metrics_port=metrics_port, say=out.print
    ) as kafka:
        access.apply(kafka.admin, settings.home)
        keys.ensure(settings.home)
        connection = access.connection_of(User.GOVERNANCE, settings, kafka.bootstrap)
        number = inaugurate(Context(settings, clock.Clock(0), Metrics(), connection))
        stop = stop_event()
        out.print(
            f"Apache Kafka {kafka.version} for clients at {kafka.bootstrap}, for admin at {kafka.admin.bootstrap}"
        )
        out.print(f"Passwords are in {settings.home / access.FOLDER}. Bundle {number} is in force.", highlight=False)
        out.print("Ctrl-C stops it.")
        stop.wait()


@topics.command("apply")
def apply_topics(
    bootstrap: Annotated[str, typer.Option(help="The broker's listener for its administrator, host:port.")],
    user: Annotated[str, typer.Option(help="Name of the administrator.")] = access.ADMIN,
    mechanism: Annotated[str, typer.Option(help="PLAIN or SCRAM-SHA-512.")] = PLAIN,
    home: options.Home = None,
) -> None:
    """Make a broker match the table of topics: topics, users, rights. A second run changes nothing."""
    settings = load_settings(home=home)
    given = settings.password.get_secret_value() if settings.password else access.password(settings.home, user)
    connection = access.connect(settings, user, given, mechanism, bootstrap)
    lines = access.apply(connection, settings.home)
    typer.echo("\n".join(lines) or "nothing to change")


@topics.command("list")
def list_topics() -> None:
    """Print the table of topics."""
    table = terminal.table("topic", "record", "key", "partitions", "kept", "written by", "read by")
    for topic in TOPICS:
        kept = _span(topic.retention_ms)
        record = topic.record.__name__ if topic.record else "as it came"
        writers, readers = (", ".join(sorted(users)) for users in (topic.writers, topic.readers))
        table.add_row(topic.name, record, topic.key, str(topic.partitions), kept, writers, readers)
    terminal.console().print(table)


def _span(milliseconds: int) -> str:
    return "for ever" if milliseconds < 0 else f"{milliseconds // 3_600_000} h"


@dlq.command("list")
def list_dead_letters(topic: Source = None, bootstrap: options.Bootstrap = None, home: options.Home = None) -> None:
    """List the dead letters: where from, which stage, why. Never what is in them."""
    table = terminal.table("dead-letter topic", "offset", "from", "stage", "error", "detail", "failed at", "bytes")
    connection = _operator(bootstrap, home)
    for delivery, letter in _letters(connection, topic):
        place = f"{letter.topic}[{letter.partition}] @ {letter.offset}"
        when, size = clock.text(letter.failed_at), str(len(delivery.value or b""))
        table.add_row(
            delivery.topic, str(delivery.offset), place, letter.stage, letter.error, letter.detail, when, size
        )
    terminal.console().print(table if table.row_count else "no dead letters")


@dlq.command("replay")
def replay(
    topic: Annotated[str, typer.Argument(help="The topic whose dead letters are sent again, for example anpr.reads.")],
    again: Annotated[bool, typer.Option(help="Also those that an earlier replay has sent.")] = False,
    bootstrap: options.Bootstrap = None,
    home: options.Home = None,
) -> None:
    """Send dead letters to their topic again, whole, with key and headers, each once. They stay in the DLQ, too."""
    if User.OPERATOR not in _known(topic).writers:
        raise SettingError(f"the operator may not write to {topic}: only {', '.join(_known(topic).writers)} may")
    connection = _operator(bootstrap, home)
    letters = list(_letters(connection, topic))
    try:
        sent, before = _send_again(connection, Place(_known(topic).dlq, 0), letters, again)
    except KafkaError as error:
        raise translate(error) from error
    hollow = sum(1 for _, letter in letters if not _is_whole(letter))
    typer.echo(f"{sent} sent to {topic} again")
    if before:
        typer.echo(f"{before} were sent by an earlier replay: give --again to send them once more")
    if hollow:
        typer.echo(f"{hollow} cannot be sent: they hold a place, and no record")


def _send_again(
    connection: Connection, place: Place, letters: Sequence[tuple[Delivery, DeadLetter]], again: bool
) -> tuple[int, int]:
    """Sends what no earlier replay has sent, one by one, and remembers it in the operator's own group.

    How many were sent, and how many were left because they had been sent before.
    """
    sent = before = 0
    with closing(consumer(connection, REPLAYS)) as memory, closing(producer(connection)) as writer:
        memory.assign([place])
        done = memory.committed(place) or 0
        for delivery, letter in letters:
            if not _is_whole(letter):
                continue
            if delivery.offset < done and not again:
                before += 1
                continue
            writer.send(
                letter.topic, value=delivery.value, key=dead_letters.writable_key(delivery.key, delivery.value),
                partition=letter.partition, headers=dead_letters.original(delivery.headers),
            ).get(timeout=10)  # fmt: skip
            sent += 1
            done = max(done, delivery.offset + 1)
            memory.commit({place: OffsetAndMetadata(done, "", -1)})
    return sent, before


def _is_whole(letter: DeadLetter) -> bool:
    """Whether the record itself is there: not where it could not be parsed, nor where nobody knows whence it came."""
    return letter.offset >= 0 and letter.error != UnreadableError.__name__


def _operator(bootstrap: str | None, home: Path | None) -> Connection:
    return access.connection_of(User.OPERATOR, load_settings(bootstrap=bootstrap, home=home))


def _known(topic: str) -> Topic:
    if topic + DLQ_SUFFIX not in BY_NAME:
        raise SettingError(f"no stage reads {topic!r}: see `ringfence topics list`")
    return BY_NAME[topic]


def _letters(connection: Connection, topic: str | None) -> Iterator[tuple[Delivery, DeadLetter]]:
    """The dead letters of one topic, or of all, with the reason of each."""
    if topic:
        _known(topic)
    names = [topic + DLQ_SUFFIX] if topic else [t.name for t in DEAD_LETTERS]
    for delivery in read_all(connection, names):
        try:
            yield delivery, dead_letters.read(delivery.headers)
        except UndecodableError:
            yield delivery, DeadLetter(delivery.topic, 0, -1, "?", "?", "it has no dead-letter header", 0)
