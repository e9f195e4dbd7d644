"""What every stage's ``__main__`` does: settings, log, login, preflight, metrics, the loop, a report."""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import structlog
from msgspec import Struct

from ringfence import log
from ringfence.access import connection_of
from ringfence.clock import SECOND, Clock
from ringfence.errors import FileError
from ringfence.kafka_io import Connection, KafkaError, check, translate
from ringfence.lifecycle import stop_event
from ringfence.loop import Limits, Loop
from ringfence.metrics import Metrics, serve
from ringfence.registry import codecs_of
from ringfence.settings import Settings, load
from ringfence.stage import Stage
from schemas.codec import Codecs, plain
from schemas.topics import TOPICS, Topic, User


class Context(Struct, frozen=True):
    """What a stage is made with."""

    settings: Settings
    clock: Clock
    metrics: Metrics
    connection: Connection
    codecs: Codecs = plain


def enter(user: User, given: Mapping[str, Any]) -> Context:
    """Settings, log, login and /metrics of a process that acts as ``user``. RingfenceError in one line."""
    settings = load(**given)
    log.configure(settings.log_level, json=settings.log_json)
    structlog.contextvars.bind_contextvars(member=settings.member)
    metrics = Metrics()
    serve(metrics, settings.metrics_address, settings.metrics_port)
    clock = Clock(round(settings.clock_offset * SECOND))
    return Context(settings, clock, metrics, connection_of(user, settings), codecs_of(settings))


def preflight(context: Context, user: User) -> None:
    """Raises a BrokerError that says what is missing, before anything is started."""
    ends = check(context.connection, read=_names(user, "readers"), write=_names(user, "writers"))
    context.metrics.certificate.set(ends or 0)


def run_stage(
    user: User,
    given: Mapping[str, Any],
    make: Callable[[Context], Stage],
    report: tuple[Path | None, Callable[[Any], Mapping[str, Any]]] | None = None,
) -> None:
    """Runs a stage until a signal ends it, then writes its report, if one is wanted."""
    stop = stop_event()
    context = enter(user, given)
    preflight(context, user)
    limits = Limits(context.settings.transaction_ms, context.settings.transaction_records)
    try:
        stage = make(context)
        try:
            loop = Loop(stage, limits, context.clock, context.metrics, context.codecs)
            loop.run(context.connection, context.settings.member, stop)
        finally:
            if report and report[0]:
                write_json(report[0], report[1](stage))
    except KafkaError as error:
        raise translate(error) from error


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Writes a report. FileError if that cannot be done."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
    except OSError as error:
        raise FileError(f"cannot write {path}: {error.strerror}") from None


def say(line: str) -> None:
    """A line to standard output, now."""
    print(line, file=sys.stdout, flush=True)


def _names(user: User, role: str) -> list[str]:
    return [topic.name for topic in TOPICS if user in _role(topic, role)]


def _role(topic: Topic, role: str) -> frozenset[User]:
    members: frozenset[User] = getattr(topic, role)
    return members
