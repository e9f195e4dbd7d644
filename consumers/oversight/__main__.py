"""``ringfence oversight``: counts the evidence and checks its chain."""

from consumers.oversight.stage import Oversight
from ringfence import options
from ringfence.entry import main
from ringfence.run import Context, run_stage
from schemas.topics import User


def oversight(
    bootstrap: options.Bootstrap = None,
    home: options.Home = None,
    member: options.Member = None,
    metrics_port: options.MetricsPort = None,
    clock_offset: options.ClockOffset = None,
    log_level: options.LogLevel = None,
    report: options.Report = None,
) -> None:
    """Follow the evidence: count every decision and check that the chain is whole."""
    given = {k: v for k, v in locals().items() if k != "report"}

    def auditor(context: Context) -> Oversight:
        return Oversight(context.metrics)

    run_stage(User.OVERSIGHT, given, auditor, (report, Oversight.report))


if __name__ == "__main__":
    main(oversight)
