"""The child processes of the demo and of the load test: started in order, watched, drained, never left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

import psutil
from msgspec import Struct

from ringfence.broker import free_port
from ringfence.clock import SECOND, Clock
from ringfence.demo.scrape import scrape
from ringfence.errors import RingfenceError
from ringfence.lifecycle import die_with_parent
from ringfence.settings import Settings

DRAIN_SECONDS = 15.0
STAGES = {"police": "consumers.police", "oversight": "consumers.oversight",
          "enforcement": "consumers.enforcement", "ocr": "consumers.ocr"}  # fmt: skip


class ChildFailedError(RingfenceError):
    """A process of the demo ended before it should."""


class Child(Struct, frozen=True):
    """One process: its name, its /metrics port, where its output goes."""

    name: str
    port: int
    log: Path
    process: subprocess.Popen[bytes]

    def ended(self) -> int | None:
        """Its exit code, or None while it runs."""
        return self.process.poll()

    def last_words(self) -> str:
        """The last line of its log."""
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "no output"


class Usage(Struct, frozen=True):
    """What all processes together use: resident bytes, CPU seconds so far."""

    memory: int
    cpu: float


class Family:
    """The processes of one demo. Leaving the context ends what still runs."""

    def __init__(self, logs: Path, environment: Mapping[str, str]) -> None:
        self.logs, self.environment = logs, environment
        self.children: dict[str, Child] = {}
        self.cpu: dict[int, float] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.kill()

    def start(self, name: str, module: str, arguments: Sequence[str] = ()) -> Child:
        """Starts ``python -m module`` in a session of its own, so that Ctrl-C reaches the demo alone."""
        port = free_port()
        log = self.logs / f"{name}.log"
        environment = {**self.environment, "RINGFENCE_METRICS_PORT": str(port)}
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        child = Child(name, port, log, process)
        self.children[name] = child
        return child

    def check(self) -> None:
        """Raises ChildFailedError if a process ended by itself with an error."""
        for child in self.children.values():
            code = child.ended()
            if code:
                raise ChildFailedError(f"{child.name} ended with code {code}: {child.last_words()}")

    def drain(self, name: str) -> None:
        """Asks a process to finish what it has in hand and waits; ends it if it takes too long."""
        child = self.children[name]
        if child.ended() is None:
            child.process.send_signal(signal.SIGTERM)
        try:
            child.process.wait(DRAIN_SECONDS)
        except subprocess.TimeoutExpired:
            child.process.kill()
            child.process.wait()

    def kill(self) -> None:
        """Ends every process at once."""
        for child in self.children.values():
            if child.ended() is None:
                child.process.kill()
        for child in self.children.values():
            child.process.wait()

    def usage(self) -> Usage:
        """Memory and CPU of this process and everything under it, the broker included."""
        me = psutil.Process()
        memory = 0
        for process in [me, *me.children(recursive=True)]:
            try:
                memory += process.memory_info().rss
                times = process.cpu_times()
            except psutil.Error:
                continue
            self.cpu[process.pid] = times.user + times.system
        return Usage(memory, sum(self.cpu.values()))


def environment(settings: Settings, bootstrap: str, clock: Clock) -> dict[str, str]:
    """The environment of the stages: this process's own, but for how to reach and enter a broker of our own."""
    inherited = {name: value for name, value in os.environ.items() if name != "RINGFENCE_PASSWORD"}
    given = {
        "RINGFENCE_BOOTSTRAP": bootstrap,
        "RINGFENCE_SECURITY": settings.security,
        "RINGFENCE_METRICS_ADDRESS": "127.0.0.1",
        "RINGFENCE_HOME": str(settings.home.resolve()),
        "RINGFENCE_CLOCK_OFFSET": str(clock.offset / SECOND),
        "RINGFENCE_MEMBER": "0",
        "RINGFENCE_LOG_LEVEL": settings.log_level,
        "RINGFENCE_POLICIES": str(settings.policies),
    }
    return inherited | given | ({"RINGFENCE_REGIME": settings.regime} if settings.regime else {})


def is_ready(child: Child) -> bool:
    """Whether a stage has its partitions, by its own /metrics."""
    return scrape([child.port], time.monotonic).total("ringfence_ready") > 0


def wait_for(
    children: Sequence[Child], is_ready: Callable[[Child], bool], deadline: float, check: Callable[[], None]
) -> bool:
    """Waits until every child is ready; False if ``deadline`` (monotonic seconds) passes first.

    ``check`` is called while waiting, and may raise to give up.
    """
    waiting = list(children)
    while waiting and time.monotonic() < deadline:
        check()
        waiting = [child for child in waiting if not is_ready(child)]
        time.sleep(0.1)
    return not waiting
