"""``ringfence regimes``: the law, readable."""

from pathlib import Path
from typing import Annotated

import typer

from ringfence import clock, entry, terminal
from ringfence.policy.bundle import Bundle, Regime, load
from ringfence.policy.cases import failures
from ringfence.policy.lint import parse
from ringfence.policy.oracle import consult
from ringfence.settings import load as settings

regimes = entry.application(help="The legal regimes in the policy bundle.")
Policies = Annotated[Path | None, typer.Option(help="Folder of the bundle. [RINGFENCE_POLICIES]")]


@regimes.command("list")
def list_regimes(policies: Policies = None) -> None:
    """List the regimes with their dates and status."""
    table = terminal.table("regime", "title", "status", "from", "until", "instrument")
    for regime in sorted(_bundle(policies).regimes, key=lambda r: (r.starts, r.id)):
        table.add_row(regime.id, regime.title, regime.status, *_dates(regime), regime.instrument)
    terminal.console().print(table)


@regimes.command()
def show(regime: Annotated[str, typer.Argument(help="Id of the regime.")], policies: Policies = None) -> None:
    """Say in plain English what a regime allows and forbids, and by what right."""
    bundle = _bundle(policies)
    found = bundle.regime(regime)
    out = terminal.console()
    starts, ends = _dates(found)
    out.print(f"[bold]{found.title}[/bold]  ({found.id}, {found.status})")
    out.print(f"{found.instrument}. From {starts} until {ends}.\n{found.summary}\n")
    for heading, text in (("This regime", found.policy), ("Under every regime", bundle.common)):
        out.print(f"[bold]{heading}[/bold]")
        for rule in parse(text, bundle.schema, found.id)[1].values():
            note = rule.annotations
            out.print(f"  {note['id']:<8} {rule.effect:<7} {note['plain']}  [dim]{note['basis']}[/dim]")
    out.print("\n[bold]Sources[/bold]")
    for source in found.sources:
        out.print(f"  {source}")
    failed = failures(bundle.only(found), {found.id: consult(bundle, found)})
    cases = [case for case in bundle.cases if case.regime == found.id]
    out.print(f"\n{len(cases)} cases, {len(failed)} failed.")


def _bundle(policies: Path | None) -> Bundle:
    return load(settings(policies=policies).policies)


def _dates(regime: Regime) -> tuple[str, str]:
    return clock.text(regime.starts)[:10], "open" if regime.ends is None else clock.text(regime.ends)[:10]
