"""``ringfence enforce``: runs the gate."""

from collections.abc import Callable

from consumers.enforcement.feed import OrderFeed
from consumers.enforcement.stage import Gate
from ringfence import options
from ringfence.clock import SECOND
from ringfence.entry import main
from ringfence.errors import PolicyError
from ringfence.estate import load as load_estate
from ringfence.keys import trust
from ringfence.policy.decide import Law
from ringfence.policy.facts import Purpose
from ringfence.policy.orders import Force
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
    run_stage(User.ENFORCEMENT, locals(), gate)


def ruler(settings: Settings) -> Callable[[Force], Law]:
    """What makes the law of the bundle in force, as the settings pin it. PolicyError if none is in force."""

    def rule(force: Force) -> Law:
        if force.enacted is None:
            raise PolicyError("no bundle is in force: give one with `ringfence order give bundle FILE`")
        bundle, ruled = force.enacted.bundle, force.enacted.ruled
        bound = round(settings.clock_bound * SECOND)
        return Law(table_of(bundle, ruled, settings.regime), bundle.digest, bound, settings.regime or "")

    return rule


def gate(context: Context, kind: type[Gate] = Gate) -> Gate:
    """The gate at work: it knows the estate and every order given so far."""
    settings = context.settings
    feed = OrderFeed(context.connection, trust(settings.home), context.clock, context.metrics)
    known = register(load_estate(settings.policies / "estate"), feed.catch_up(), Purpose(settings.purpose))
    name = f"{User.ENFORCEMENT}-{settings.member}"
    return kind(name, ruler(settings), known, feed.follow, context.clock, context.metrics, context.codecs)


if __name__ == "__main__":
    main(enforce)
