"""``ringfence demo``: the whole walk of a number plate, on this machine, in one go."""

import json
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from typing import Annotated, Any

import typer
from msgspec import Struct
from rich.console import Console, RenderableType
from rich.live import Live

from ringfence import access, keys, options, terminal
from ringfence.broker import EmbeddedKafka
from ringfence.clock import SECOND, Clock
from ringfence.clock import text as clock_text
from ringfence.demo.books import faults, summarise
from ringfence.demo.ledger import Ledger, open_ledger
from ringfence.demo.processes import STAGES, Child, Family, Usage, environment, is_ready, wait_for
from ringfence.demo.scrape import scrape
from ringfence.demo.screen import View, summary_table
from ringfence.errors import BooksError, FileError, SettingError
from ringfence.estate import Estate
from ringfence.estate import load as load_estate
from ringfence.governance import inaugurate
from ringfence.kafka_io import Connection
from ringfence.kafka_read import lag
from ringfence.lifecycle import leave, stop_event, unwind_on_signal
from ringfence.metrics import Metrics
from ringfence.policy.bundle import load as load_bundle
from ringfence.policy.facts import Facts, Kind, Purpose, Zone
from ringfence.policy.table import compile_bundle
from ringfence.registry import codecs_of
from ringfence.run import Context, write_json
from ringfence.settings import Settings
from ringfence.settings import load as load_settings
from schemas.topics import INPUTS, User

OPENING = "2022-06-15T08:00:00+01:00"  # a Wednesday in June 2022
ARGUMENTS = {"police": ("--quiet",)}
REPORTING = ("police", "oversight", "ocr")
LEADS = (10, 30, 90)  # seconds until the cameras open; a slow machine gets another try
DRAIN_SECONDS = 60.0
LONGEST = 3_000  # seconds; frames are kept for an hour, and the books are made from what is kept
BALANCED = "The books balance: nothing lost, nothing twice, every disclosure in the evidence."
EVERY = 1.0
LINE_EVERY = 5.0


class Plan(Struct, frozen=True):
    """What the demo was asked for."""

    duration: float
    load: tuple[str, ...]
    seed: int
    regime: str | None
    label: str
    opening: int
    out: Path

    @property
    def title(self) -> str:
        """One phrase for the head of the screen."""
        return f"{' '.join(self.load).lstrip('-')}, {self.label or 'regime by date'}"


def demo(
    duration: Annotated[float, typer.Option(min=1, max=LONGEST, help="Seconds that the cameras run.")] = 60,
    londons: Annotated[float | None, typer.Option(min=0.001, help="Load; 1 London is 21 M reads a day. [0.25]")] = None,
    rate: Annotated[float | None, typer.Option(min=1, help="Load in events per second, instead.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="One seed, one day.")] = 1,
    regime: options.Regime = None,
    opening: Annotated[str, typer.Option(help="The simulated moment at which the cameras open.")] = OPENING,
    out: Annotated[Path, typer.Option(help="Folder for the summary, the pictures and the logs.")] = Path("out/demo"),
    home: options.Home = None,
) -> None:
    """Run everything on this machine: Kafka, cameras, OCR, the gate, oversight and the police console."""
    if londons and rate:
        raise SettingError("give --londons or --rate, not both")
    load = ("--rate", str(rate)) if rate else ("--londons", str(londons or 0.25))
    settings = load_settings(home=home, regime=regime).of_own_broker()
    # A wrong regime is said before anything starts.
    label = load_bundle(settings.policies).regime(settings.regime).label if settings.regime else ""
    plan = Plan(duration, load, seed, settings.regime, label, options.moment("--opening", opening), out)
    console = terminal.console()
    families: list[Family] = []
    _clear(plan)
    unwind_on_signal()
    began = time.monotonic()
    with EmbeddedKafka(settings.home, access.password(settings.home, access.ADMIN), say=console.print) as kafka:
        access.apply(kafka.admin, settings.home)
        keys.ensure(settings.home)
        _inaugurate(plan, settings, kafka.bootstrap)
        with ExitStack() as stack:
            stack.callback(_kill, families)
            running = _start(plan, settings, kafka.bootstrap, families, console)
            stop = stop_event(on_kill=lambda: _kill(families))
            console.print(f"Ready after {time.monotonic() - began:.1f} s. The cameras open at {opening}.")
            _run(running, plan, console, stop)
            _drain(running, kafka.admin)
        connection = access.connection_of(User.OVERSIGHT, settings, kafka.bootstrap)
        ledger = open_ledger(connection, codecs_of(settings))
        summary, found = _balance(plan, ledger, running, kafka.version)
    _leave(plan, settings, ledger, running.screen, summary, console)
    if found:
        raise BooksError("the books do not balance: " + "; ".join(found))
    console.print(f"[green]{BALANCED}[/green]", soft_wrap=True)


def _inaugurate(plan: Plan, settings: Settings, bootstrap: str) -> None:
    """The governor enacts the bundle in the policies folder, on the day that is simulated."""
    clock = Clock(plan.opening - time.time_ns() // 1_000)
    inaugurate(Context(settings, clock, Metrics(), access.connection_of(User.GOVERNANCE, settings, bootstrap)))


def _clear(plan: Plan) -> None:
    """Makes the folder, without the reports of an earlier run: none may pass for one of today."""
    try:
        (plan.out / "logs").mkdir(parents=True, exist_ok=True)
        for name in (*REPORTING, "cameras"):
            _report(plan, name).unlink(missing_ok=True)
    except OSError as error:
        raise FileError(f"--out {plan.out} cannot be used: {error.strerror}") from None


def _kill(families: list[Family]) -> None:
    for family in families:
        family.kill()


class Running(Struct):
    """The processes of a demo under way."""

    family: Family
    clock: Clock
    peak: int = 0
    usage: Usage = Usage(0, 0.0)
    screen: RenderableType = ""


def _start(plan: Plan, settings: Settings, bootstrap: str, families: list[Family], console: Console) -> Running:
    """Starts the stages, and the cameras once those are ready, so that the opening is on time."""
    for lead in LEADS:
        clock = Clock(plan.opening - time.time_ns() // 1_000 - lead * SECOND)
        family = Family(plan.out / "logs", environment(settings, bootstrap, clock))
        families.append(family)
        children = [_stage(plan, family, name) for name in STAGES]
        if wait_for(children, is_ready, time.monotonic() + lead - 3, family.check):
            family.start("cameras", "producers", _camera_arguments(plan))
            return Running(family, clock)
        console.print(f"Not ready within {lead} s; once more, with more time.")
        family.kill()
    raise BooksError(f"the stages did not get ready within {LEADS[-1]} s: see {plan.out / 'logs'}")


def _stage(plan: Plan, family: Family, name: str) -> Child:
    report = ("--report", str(_report(plan, name))) if name in REPORTING else ()
    return family.start(name, STAGES[name], (*ARGUMENTS.get(name, ()), *report))


def _report(plan: Plan, name: str) -> Path:
    return plan.out / "logs" / f"{name}.json"


def _camera_arguments(plan: Plan) -> tuple[str, ...]:
    return (
        *plan.load, "--seed", str(plan.seed), "--duration", str(plan.duration),
        "--start", clock_text(plan.opening), "--report", str(_report(plan, "cameras")),
    )  # fmt: skip


def _run(running: Running, plan: Plan, console: Console, stop: Event) -> None:
    """Shows the screen until the cameras have closed, or until it is told to stop."""
    view, cameras = View(plan.title, plan.duration), running.family.children["cameras"]
    shown = 0.0
    with Live(console=console, transient=False) if console.is_terminal else ExitStack() as live:
        while not stop.wait(EVERY) and cameras.ended() is None:
            now = time.monotonic()
            view.update(scrape([child.port for child in running.family.children.values()], time.monotonic))
            running.usage = running.family.usage()
            running.peak = max(running.peak, running.usage.memory)
            at = running.clock.now()
            elapsed = (at - plan.opening) / SECOND
            running.screen = view.render(at, elapsed)
            if isinstance(live, Live):
                live.update(running.screen)
            elif now - shown >= LINE_EVERY:
                shown = now
                console.print(view.line(elapsed), highlight=False, soft_wrap=True)
            running.family.check()
    if running.clock.now() < plan.opening:
        leave()
    running.family.drain("cameras")
    running.family.check()


def _drain(running: Running, admin: Connection) -> None:
    """Lets every stage finish what is on its topics, then stops them in the order of the walk."""
    deadline = time.monotonic() + DRAIN_SECONDS
    while time.monotonic() < deadline and _waiting(admin):
        running.family.check()
        time.sleep(0.2)
    for name in ("ocr", "enforcement", "police", "oversight"):
        running.family.drain(name)
    running.family.check()


def _waiting(admin: Connection) -> int:
    """Records that some stage has still to handle."""
    return sum(sum(lag(admin, str(user), [t.name for t in topics]).values()) for user, topics in INPUTS.items())


def _balance(plan: Plan, ledger: Ledger, running: Running, version: str) -> tuple[dict[str, Any], list[str]]:
    """The summary, and what does not add up in it."""
    cameras, ocr, police, oversight = (_read(_report(plan, name)) for name in ("cameras", "ocr", "police", "oversight"))
    found = faults(ledger, cameras["sent"], ocr, police, oversight["decisions_audited"])
    if cameras["unsent"]:
        found.append(f"records that could not be sent: {cameras['unsent']}")
    summary = {
        "seed": plan.seed,
        "regime": plan.label or "by date: " + ", ".join(police["regimes"]),
        "seconds": plan.duration,
        "passages": cameras["passages"],
        **summarise(ledger),
        "police_received": police["police_received"],
        "police_images_received": police["police_images_received"],
        "decisions_audited": oversight["decisions_audited"],
        "decision_batches": oversight["decision_batches"],
        "late_sends": cameras["late"],
        "unsent": cameras["unsent"],
        "sent_late_by_camera": police["delayed"],
        "latency_seconds": police["latency_seconds"],
        "peak_memory_bytes": running.peak,
        "cpu_seconds": round(running.usage.cpu, 1),
        "kafka_version": version,
        "digests": dict(ledger.digests),
        "balanced": not found,
    }
    return summary, found


def _read(path: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(path.read_text())
    return report


def _leave(
    plan: Plan, settings: Settings, ledger: Ledger, screen: RenderableType, summary: Mapping[str, Any], console: Console
) -> None:
    """Writes the summary and the pictures, and prints where they are."""
    from ringfence import maps  # matplotlib takes a second to import
    from ringfence.demo import pictures

    write_json(plan.out / "summary.json", summary)
    pictures.contact_sheet(ledger, plan.out / "contact-sheet.png")
    maps.camera_map(*_map(plan, settings), plan.out / "map.png")
    pictures.screenshot(screen, plan.out / "screen.svg")
    summary_table({k: v for k, v in summary.items() if k != "digests"}, console)
    for name in ("summary.json", "contact-sheet.png", "map.png", "screen.svg"):
        console.print(f"  {plan.out / name}", highlight=False)


def _map(plan: Plan, settings: Settings) -> tuple[Estate, Mapping[str, Any], Mapping[int, Any], str]:
    """What the map shows: the estate, the zones, the outcome for read and image by camera, a title."""
    estate = load_estate(settings.policies / "estate")
    table = compile_bundle(load_bundle(settings.policies), plan.regime)

    def facts(camera: int) -> Facts:
        zone = Zone(estate.cameras[camera].zone)
        activation = estate.activation(camera)
        return Facts(zone=zone, activation=activation, purpose=Purpose(settings.purpose))

    answers = {
        camera: (
            table.decide(Kind.READ, facts(camera), plan.opening),
            table.decide(Kind.IMAGE, facts(camera), plan.opening),
        )
        for camera in estate.cameras
    }
    zones = json.loads((settings.policies / "estate" / "zones.geojson").read_text())
    label = next((read.regime for read, _ in answers.values() if read.regime), "no regime in force")
    return estate, zones, answers, label
