"""Where a load test takes place: on a broker and stages of our own, or on those that run elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from msgspec import Struct
from rich.console import Console

from producers.load.verdict import Standing
from ringfence import access, keys
from ringfence.broker import EmbeddedKafka
from ringfence.clock import SECOND, Clock
from ringfence.clock import text as clock_text
from ringfence.demo.processes import STAGES, Family, environment, is_ready, wait_for
from ringfence.errors import BrokerError, FileError
from ringfence.governance import inaugurate
from ringfence.groups import Groups
from ringfence.kafka_io import check
from ringfence.metrics import Metrics
from ringfence.policy.bundle import load as load_bundle
from ringfence.run import Context
from ringfence.settings import Settings
from schemas.topics import FRAMES, INPUTS, POLICE, READS, User

START_SECONDS = 90.0
BACKLOG, CATCH_UP_SECONDS = 1_000, 15.0  # records that may wait before a run begins
ARGUMENTS = {"police": ("--quiet",)}


class Site(Struct, frozen=True):
    """A broker with stages. ``check`` raises if a process of ours has ended, ``kill`` ends them all."""

    settings: Settings
    clock: Clock
    kafka: str | None
    check: Callable[[], None]
    kill: Callable[[], None]


def watched(frames: bool) -> dict[str, list[str]]:
    """The stages that have a part in it, and their topics: the OCR only where frames are sent."""
    return {
        str(user): [topic.name for topic in topics] for user, topics in INPUTS.items() if frames or user is not User.OCR
    }


@contextmanager
def own(settings: Settings, opening: int, frames: bool, out: Path, console: Console) -> Iterator[Site]:
    """An embedded Kafka, and the stages as processes of our own, for as long as the context lasts."""
    if settings.regime:
        load_bundle(settings.policies).regime(settings.regime)  # a wrong one is said before anything starts
    with EmbeddedKafka(settings.home, access.password(settings.home, access.ADMIN), say=console.print) as kafka:
        access.apply(kafka.admin, settings.home)
        keys.ensure(settings.home)
        clock = Clock(opening - time.time_ns() // 1_000)
        there = settings.model_copy(update={"bootstrap": kafka.bootstrap, "clock_offset": clock.offset / SECOND})
        inaugurate(Context(there, clock, Metrics(), access.connection_of(User.GOVERNANCE, there)))
        with Family(_logs(out), environment(there, kafka.bootstrap, clock)) as family:
            children = [
                family.start(name, module, ARGUMENTS.get(name, ()))
                for name, module in STAGES.items()
                if name in watched(frames)
            ]
            if not wait_for(children, is_ready, time.monotonic() + START_SECONDS, family.check):
                raise BrokerError(f"the stages did not get ready within {START_SECONDS:.0f} s: see {out / 'logs'}")
            yield Site(there, clock, kafka.version, family.check, family.kill)


def _logs(out: Path) -> Path:
    try:
        (out / "logs").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"--out {out} cannot be used: {error.strerror}") from None
    return out / "logs"


@contextmanager
def elsewhere(settings: Settings, frames: bool) -> Iterator[Site]:
    """A broker and stages that run already. A BrokerError says what is missing."""
    for user, read, write in (
        (User.CAMERAS, (), [READS.name, FRAMES.name][: 1 + frames]), (User.POLICE, [POLICE.name], ()),
    ):  # fmt: skip
        check(access.connection_of(user, settings), read=read, write=write)

    def nothing() -> None:
        """Those are not ours."""

    yield Site(settings, Clock(round(settings.clock_offset * SECOND)), None, nothing, nothing)


@contextmanager
def groups_of(site: Site, frames: bool) -> Iterator[Groups]:
    """What says where the stages stand, as oversight; once none is far behind. BrokerError if one stays so."""
    with closing(Groups(access.connection_of(User.OVERSIGHT, site.settings), watched(frames))) as groups:
        deadline = time.monotonic() + CATCH_UP_SECONDS
        while waiting := {k: n for k, v in groups.standing().items() if (n := Standing(*v).lag) > BACKLOG}:
            if time.monotonic() > deadline:
                stage, left = next(iter(waiting.items()))
                raise BrokerError(f"{stage} is {left:,} records behind before the load begins: does it run there?")
            time.sleep(0.5)
        yield groups


def nothing_disclosed(site: Site) -> str:
    """Why there may be no latency to report."""
    return (
        "nothing was disclosed, so there is no latency: under the law of "
        f"{clock_text(site.clock.now())[:10]} the police may have none of these reads, or the clock is not that of the "
        "stages (RINGFENCE_CLOCK_OFFSET)"
    )
