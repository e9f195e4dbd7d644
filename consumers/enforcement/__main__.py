"""``ringfence enforce``: runs the gate."""

from consumers.enforcement.feed import OrderFeed
from consumers.enforcement.stage import Gate
from ringfence import options
from ringfence.clock import SECOND
from ringfence.entry import main
from ringfence.estate import load as load_estate
from ringfence.keys import trust
from ringfence.policy.bundle import load as load_bundle
from ringfence.policy.cases import check
from ringfence.policy.decide import Law
from ringfence.policy.facts import Purpose
from ringfence.policy.register import register
from ringfence.policy.table import table_of
from ringfence.run import Context, run_stage
from ringfence.settings import Settings
from schemas.topics import User


def enforce(
    bootstrap: options.Bootstrap = None,
    regime: options.Regime = None,
    home: options.Home = None,
    member: options.Member = None,
    metrics_port: options.MetricsPort = None,
    clock_offset: options.ClockOffset = None,
    log_level: options.LogLevel = None,
) -> None:
    """Run the gate: decide what the police may have, disclose it, and leave the evidence."""
    run_stage(User.ENFORCEMENT, locals(), _gate)


def law_of(settings: Settings) -> Law:
    """The law that the settings name, checked and compiled. PolicyError if it must not be used."""
    bundle = load_bundle(settings.policies)
    table = table_of(bundle, check(bundle), settings.regime)
    return Law(table, bundle.digest, round(settings.clock_bound * SECOND), settings.regime or "")


def _gate(context: Context) -> Gate:
    settings, law = context.settings, law_of(context.settings)
    feed = OrderFeed(context.connection, trust(settings.home), context.clock, context.metrics)
    known = register(load_estate(settings.policies / "estate"), feed.catch_up(), Purpose(settings.purpose))
    name = f"{User.ENFORCEMENT}-{settings.member}"
    return Gate(name, law, known, feed.follow, context.clock, context.metrics)


if __name__ == "__main__":
    main(enforce)
