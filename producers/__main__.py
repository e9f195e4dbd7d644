"""``ringfence cameras``: simulated cameras that send frames and reads, on time, whatever becomes of them."""

from pathlib import Path
from typing import Annotated

import typer

from ringfence import options
from ringfence.clock import SECOND
from ringfence.entry import main
from ringfence.errors import SettingError
from ringfence.lifecycle import stop_event
from ringfence.run import enter, preflight
from schemas.topics import User

LEAD = 4 * SECOND  # the world needs a moment to be made
FOREVER = float("inf")


def cameras(
    bootstrap: options.Bootstrap = None,
    londons: Annotated[float | None, typer.Option(min=0.0001, help="Load; 1 London = 21 M reads a day. [0.25]")] = None,
    rate: Annotated[float | None, typer.Option(min=0.1, help="Load in events per second, instead.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="One seed, one day.")] = 1,
    duration: Annotated[float, typer.Option(min=0, help="Seconds to run; 0 is until it is stopped.")] = 0,
    start: Annotated[str | None, typer.Option(help="First moment, ISO 8601 with offset; else in 4 s.")] = None,
    replay: Annotated[
        Path | None, typer.Option(help="Send the pictures of this folder instead, as one camera's frames.")
    ] = None,
    camera: Annotated[int, typer.Option(min=1, help="With --replay: the number of that camera.")] = 1,
    loop: Annotated[bool, typer.Option("--loop", help="With --replay: over and over.")] = False,
    home: options.Home = None,
    metrics_port: options.MetricsPort = None,
    clock_offset: options.ClockOffset = None,
    log_level: options.LogLevel = None,
    report: options.Report = None,
) -> None:
    """Simulate the cameras: seeded traffic, frames or on-board reads, sent open loop."""
    if londons and rate:
        raise SettingError("give --londons or --rate, not both")
    if replay and (londons or start or report):
        raise SettingError("--replay sends at --rate pictures a second, from now on: leave out the other options")
    begin = options.moment("--start", start) if start else None
    stop = stop_event()
    given = {
        "bootstrap": bootstrap, "home": home, "metrics_port": metrics_port,
        "clock_offset": clock_offset, "log_level": log_level,
    }  # fmt: skip
    context = enter(User.CAMERAS, given)
    preflight(context, User.CAMERAS)
    begin = begin or context.clock.now() + LEAD
    end = begin + duration * SECOND if duration else FOREVER
    # numpy and OpenCV take a second to import; `ringfence --help` need not wait for them.
    import cv2

    from producers.sender import make_world, send_all

    cv2.setNumThreads(1)  # the second thread would cost more than it saves
    if replay:
        from producers.replay import Replay
        from producers.replay import replay as send_pictures

        send_pictures(context, Replay(replay, camera, rate or 1.0, loop), duration, stop)
        return
    send_all(context, make_world(context, seed, londons or 0.25, rate, begin), end, stop, report)


if __name__ == "__main__":
    main(cameras)
