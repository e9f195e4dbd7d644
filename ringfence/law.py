"""``ringfence regimes``: the law, readable."""

from pathlib import Path
from typing import Annotated

import typer
from msgspec import structs

from ringfence import clock, entry, options, terminal
from ringfence.errors import PolicyError, SettingError
from ringfence.estate import load as load_estate
from ringfence.governance import history
from ringfence.kafka_io import check as check_access
from ringfence.keys import trust
from ringfence.policy import cases, page
from ringfence.policy.bundle import Bundle, Regime, load
from ringfence.policy.cases import check, failures
from ringfence.policy.decide import Law
from ringfence.policy.explain import (
    Asked,
    Rule,
    Supposed,
    all_rules,
    answer,
    changes,
    facts_of,
    rules_of,
    summary,
    suppose,
    words,
)  # fmt: skip
from ringfence.policy.facts import Facts, Kind, Purpose
from ringfence.policy.oracle import Ruled, consult
from ringfence.policy.orders import Force
from ringfence.policy.register import Register, register
from ringfence.policy.table import compile_bundle, table_of
from ringfence.run import enter
from ringfence.settings import Settings
from ringfence.settings import load as settings
from ringfence.vrm import repair
from schemas.records import Outcome
from schemas.topics import ORDERS, User

regimes = entry.application(help="The legal regimes in the policy bundle.")
Policies = Annotated[Path | None, typer.Option(help="Folder of the bundle. [RINGFENCE_POLICIES]")]
Name = Annotated[str, typer.Argument(help="Id of the regime.")]
Maybe = Annotated[str | None, typer.Argument(help="Id of the regime; else all of them.")]


@regimes.command("list")
def list_regimes(policies: Policies = None) -> None:
    """List the regimes with their dates and status."""
    table = terminal.table("regime", "title", "status", "from", "until", "instrument")
    for regime in sorted(_bundle(policies).regimes, key=lambda r: (r.starts, r.id)):
        table.add_row(regime.id, regime.title, regime.status, *_dates(regime), regime.instrument)
    terminal.console().print(table)


@regimes.command()
def show(
    regime: Name,
    markdown: Annotated[bool, typer.Option(help="As the page in docs/regimes.")] = False,
    policies: Policies = None,
) -> None:
    """Say in plain English what a regime allows and forbids, and by what right."""
    bundle = _bundle(policies)
    found = bundle.regime(regime)
    if markdown:
        typer.echo(page.markdown(bundle, found, consult(bundle, found)))
        return
    out = terminal.console()
    out.print(f"[bold]{found.title}[/bold]  ({found.id}, {found.status})")
    out.print(f"{found.instrument}. {page.dates(found)}.\n{found.summary}\n")
    out.print(f"Purposes: {', '.join(map(words, found.purposes))}. Retention: {page.retention(found)}.\n")
    for heading, text in (("This regime", found.policy), ("Under every regime", bundle.common)):
        out.print(f"[bold]{heading}[/bold]")
        for rule in rules_of(bundle, text, found.id).values():
            out.print(_line(rule))
    out.print("\n[bold]On the record[/bold]")
    for entry_ in found.record:
        out.print(f"  {entry_.what}  [dim]{entry_.source}[/dim]")
    out.print("\n[bold]Sources[/bold]")
    for source in found.sources:
        out.print(f"  {source}")


@regimes.command("table")
def show_table(regime: Name, policies: Policies = None) -> None:
    """Print the decision table that Cedar makes of a regime's rules, in short."""
    bundle = _bundle(policies)
    found = bundle.regime(regime)
    ruled = consult(bundle, found)
    table = terminal.table("of", "zone", "if", "comes", "by")
    for kind in Kind:
        for zone, facts, got in summary(ruled, kind):
            when = ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in facts.items())
            comes = f"[green]{got.form}[/green]" if got.form else f"[red]{words(got.reason)}[/red]"
            table.add_row(kind, zone, when or "always", comes, ", ".join(got.rules))
    out = terminal.console()
    out.print(f"[bold]{found.label}[/bold]: what the rules of the house do not deny under every regime\n")
    out.print(table)


@regimes.command("test")
def run_cases(regime: Maybe = None, policies: Policies = None) -> None:
    """Run the cases as a lawyer would read them: question, answer, rule. Exit code 1 if one comes out differently."""
    bundle = _bundle(policies)
    chosen = [bundle.regime(regime)] if regime else sorted(bundle.regimes, key=lambda r: (r.starts, r.id))
    out, failed = terminal.console(), 0
    for one in chosen:
        part = bundle.of([one.id])
        asked = consult(part, one, [cases.facts_of(case) for case in part.cases])
        wrong = {failure.case.name: failure for failure in failures(part, {one.id: asked})}
        out.print(f"[bold]{one.label}[/bold]")
        for case in part.cases:
            story = case.name.removesuffix(".yaml").replace("_", " ")
            answer = f"[green]{case.form}[/green]" if case.form else f"[red]{words(case.reason)}[/red]"
            held = f"  [bold red]FAILS: {wrong[case.name]}[/bold red]" if case.name in wrong else ""
            out.print(f"  {story} → {answer}  [dim]{', '.join(case.by)}, {clock.text(case.at)[:10]}[/dim]{held}")
        failed += len(wrong)
    if failed:
        out.print(f"{failed} failed.")
        raise typer.Exit(1)
    check(bundle)
    out.print(f"All {sum(1 for c in bundle.cases if c.regime in {r.id for r in chosen})} hold.")


@regimes.command()
def explain(
    camera: Annotated[int, typer.Option(help="The camera that saw it.")],
    at: Annotated[str, typer.Option(help="When, ISO 8601 with offset.")],
    asked_at: Annotated[str | None, typer.Option(help="When it is decided. [when it was captured]")] = None,
    vrm: Annotated[
        str | None, typer.Option(help="The mark; it only matters where an authorisation or the hotlist names it.")
    ] = None,
    image: Annotated[bool, typer.Option(help="Of its images, not of its text.")] = False,
    purpose: Annotated[
        Purpose | None, typer.Option(help="What the police ask for it for. [RINGFENCE_PURPOSE]", show_default=False)
    ] = None,
    authorised: Annotated[bool, typer.Option("--authorised", help="As if an authorisation covered it.")] = False,
    listed: Annotated[bool, typer.Option("--listed", help="As if its mark were on the hotlist.")] = False,
    suspended: Annotated[bool, typer.Option("--suspended", help="As if all disclosure were suspended.")] = False,
    activated: Annotated[
        bool | None,
        typer.Option("--activated/--not-activated", help="As if its tranche were, or were not.", show_default=False),
    ] = None,
    regime: options.Regime = None,
    policies: Policies = None,
    bootstrap: Annotated[
        str | None, typer.Option(help="Broker: explain under the bundle and the orders that are in force there.")
    ] = None,
    home: options.Home = None,
    clock_offset: options.ClockOffset = None,
) -> None:
    """Say which rule decides a read, by the gate's own decision, and what would have to change for another answer."""
    captured = options.moment("--at", at)
    now = options.moment("--asked-at", asked_at) if asked_at else captured
    asked = Asked(Kind.IMAGE if image else Kind.READ, camera, captured, now, repair(vrm).vrm if vrm else "")
    given = settings(policies=policies, regime=regime, purpose=purpose)
    if bootstrap:
        force, where = _ordered(bootstrap, home, clock_offset)
    else:
        force, where = Force(), "the bundle in the policies folder, and no orders"
    bundle, law = _law(given, force)
    what = Supposed(suspended, authorised, listed, activated)
    estate, wanted = load_estate(given.policies / "estate"), Purpose(given.purpose)
    known = register(estate, suppose(force, estate, asked, wanted, what), wanted)
    ruled = law.table.interval(captured).ruled
    if ruled is None:
        raise SettingError(f"no regime was in force at {at}: everything is withheld; name one with --regime")
    got = answer(law, known, asked)
    _tell(ruled, asked.kind, got, f"{asked.vrm or 'a vehicle'}, seen by camera {camera} at {at}")
    _say_under(where, what, asked_at, _mark(asked, vrm, known))
    _say_why(bundle, ruled, asked.kind, facts_of(law, known, asked), known.halted, got)


def _ordered(bootstrap: str, home: Path | None, clock_offset: float | None) -> tuple[Force, str]:
    """What governance.orders on a broker says now. PolicyError if it has no bundle in force."""
    context = enter(User.GOVERNANCE, {"bootstrap": bootstrap, "home": home, "clock_offset": clock_offset})
    check_access(context.connection, read=[ORDERS.name])
    force = history(context, trust(context.settings.home))[1]
    if force.enacted is None:
        raise PolicyError(f"no bundle is in force on {bootstrap}: everything is withheld")
    where = f"bundle {force.enacted.number} and the orders as they stand on {bootstrap}"
    return force, where


def _law(given: Settings, force: Force) -> tuple[Bundle, Law]:
    """The law of the bundle in force, else of the one in the policies folder."""
    if force.enacted:
        bundle = force.enacted.bundle
        table = table_of(bundle, force.enacted.ruled, given.regime)
    else:
        bundle = load(given.policies)
        table = compile_bundle(bundle, given.regime)
    return bundle, Law(table, bundle.digest, round(given.clock_bound * clock.SECOND), given.regime or "")


def _tell(ruled: Ruled, kind: Kind, got: Outcome, what: str) -> None:
    answer = f"[green]disclosed as {got.form}[/green]" if got.form else f"[red]withheld: {words(got.reason)}[/red]"
    terminal.console().print(f"The {kind} of {what}, under [bold]{ruled.regime.label}[/bold]: {answer}")


def _say_under(where: str, what: Supposed, asked_at: str | None, mark: str) -> None:
    out = terminal.console()
    supposed = [words(name) for name, value in structs.asdict(what).items() if value]
    supposed += ["not activated"] if what.activated is False else []
    when = f"at {asked_at}" if asked_at else "when it was captured"
    out.print(f"Decided {when}, under {where}.", soft_wrap=True, markup=False)
    if supposed:
        out.print(f"As if: {', '.join(supposed)}.")
    out.print(mark, soft_wrap=True, markup=False)


def _say_why(bundle: Bundle, ruled: Ruled, kind: Kind, facts: Facts, halted: frozenset[str], got: Outcome) -> None:
    out, rules = terminal.console(), all_rules(bundle, ruled.regime)
    known = ((name, words(getattr(facts, name))) for name in ruled.reads)
    out.print("What was known: " + ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in known))
    if halted:
        out.print(f"Forms suspended: {', '.join(sorted(halted))}")
    out.print()
    for name in got.rules:
        out.print(_line(rules[name]))
    if not got.rules:
        out.print("  No rule permits it.")
    others = list(changes(ruled, kind, facts, halted))
    out.print("\nIt would be otherwise if" if others else "\nNo single change of these facts would change that.")
    for one in others:
        then = f"disclosed as {one.then.form}" if one.then.form else f"withheld: {words(one.then.reason)}"
        out.print(f"  {one.fact.replace('_', ' ')} were {one.other} and not {one.now}: {then}")


def _line(rule: Rule) -> str:
    return f"  {rule.id:<8} {rule.effect:<7} {rule.plain}  [dim]{rule.basis}[/dim]"


def _mark(asked: Asked, given: str | None, known: Register) -> str:
    """How the mark was taken, and whether it matters."""
    if given is None:
        return "No mark was given: none is on the hotlist, and no authorisation names it."
    taken = f"The mark {given!r} was taken as {asked.vrm} (capitals and digits alone, repaired as the reader does)."
    if asked.kind is Kind.IMAGE:
        return f"{taken} It does not matter: an image is judged by its place and time."
    listed, named = asked.vrm in known.force.hotlist, asked.vrm in known.vehicles
    naming = {(False, False): "neither does", (True, False): "the hotlist does", (False, True): "an authorisation does"}
    does = naming.get((listed, named), "both do")
    return f"{taken} It matters only where the hotlist or an authorisation names it: {does}."


def _bundle(policies: Path | None) -> Bundle:
    return load(settings(policies=policies).policies)


def _dates(regime: Regime) -> tuple[str, str]:
    return page.day(regime.starts), "still open" if regime.ends is None else page.day(regime.ends - 1)
