"""``ringfence regimes``: the law, readable."""

from pathlib import Path
from typing import Annotated

import typer

from ringfence import clock, entry, options, terminal
from ringfence.errors import SettingError
from ringfence.estate import Estate
from ringfence.estate import load as load_estate
from ringfence.policy import page
from ringfence.policy.bundle import IN_FORCE, Bundle, Regime, load
from ringfence.policy.cases import check, facts_of, failures
from ringfence.policy.explain import Rule, all_rules, changes, rules_of, summary, words
from ringfence.policy.facts import Activation, Authorisation, Facts, Kind, Purpose, Zone
from ringfence.policy.oracle import Ruled, consult
from ringfence.policy.table import outcome
from ringfence.settings import load as settings
from ringfence.vrm import repair

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
        asked = consult(part, one, [facts_of(case) for case in part.cases])
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
    vrm: Annotated[str | None, typer.Option(help="The mark; it only matters where an authorisation names it.")] = None,
    image: Annotated[bool, typer.Option(help="Of its images, not of its text.")] = False,
    authorised: Annotated[bool, typer.Option(help="As if an authorisation named the vehicle or the place.")] = False,
    purpose: Annotated[Purpose, typer.Option(help="What the police ask for it for.")] = Purpose.CRIME,
    regime: options.Regime = None,
    policies: Policies = None,
) -> None:
    """Say which rule decides a read, and what would have to change for another answer."""
    given = settings(policies=policies, regime=regime)
    moment, bundle = options.moment("--at", at), load(given.policies)
    found = bundle.regime(given.regime) if given.regime else _in_force(bundle, moment, at)
    authorisation = Authorisation.IN_FORCE if authorised else Authorisation.NONE
    zone, activation = _place(load_estate(given.policies / "estate"), camera)
    facts = Facts(zone=zone, activation=activation, authorisation=authorisation, purpose=purpose)
    ruled, kind = consult(bundle, found), Kind.IMAGE if image else Kind.READ
    _tell(bundle, ruled, kind, facts, f"{_mark(vrm)} by camera {camera} at {at}")


def _tell(bundle: Bundle, ruled: Ruled, kind: Kind, facts: Facts, what: str) -> None:
    out, rules = terminal.console(), all_rules(bundle, ruled.regime)
    got = outcome(ruled, 0, kind, facts, frozenset())
    answer = f"[green]disclosed as {got.form}[/green]" if got.form else f"[red]withheld: {words(got.reason)}[/red]"
    out.print(f"The {kind} of {what}, under [bold]{ruled.regime.label}[/bold]: {answer}")
    known = ((name, words(getattr(facts, name))) for name in ruled.reads)
    out.print("What was known: " + ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in known) + "\n")
    for name in got.rules:
        out.print(_line(rules[name]))
    if not got.rules:
        out.print("  No rule permits it.")
    others = list(changes(ruled, kind, facts))
    out.print("\nIt would be otherwise if" if others else "\nNo single change of these facts would change that.")
    for one in others:
        then = f"disclosed as {one.then.form}" if one.then.form else f"withheld: {words(one.then.reason)}"
        out.print(f"  {one.fact.replace('_', ' ')} were {one.other} and not {one.now}: {then}")


def _line(rule: Rule) -> str:
    return f"  {rule.id:<8} {rule.effect:<7} {rule.plain}  [dim]{rule.basis}[/dim]"


def _mark(vrm: str | None) -> str:
    if vrm is None:
        return "a vehicle seen"
    return f"{repair(vrm.upper().replace(' ', '')).vrm}, seen"


def _place(estate: Estate, camera: int) -> tuple[Zone, Activation]:
    if camera not in estate.cameras:
        return Zone.UNKNOWN, Activation.NOT_REQUIRED
    return Zone(estate.cameras[camera].zone), estate.activation(camera)


def _in_force(bundle: Bundle, moment: int, at: str) -> Regime:
    for regime in bundle.regimes:
        if regime.status == IN_FORCE and regime.starts <= moment and (regime.ends is None or moment < regime.ends):
            return regime
    raise SettingError(f"no regime was in force at {at}: everything is withheld; name one with --regime")


def _bundle(policies: Path | None) -> Bundle:
    return load(settings(policies=policies).policies)


def _dates(regime: Regime) -> tuple[str, str]:
    return page.day(regime.starts), "still open" if regime.ends is None else page.day(regime.ends - 1)
