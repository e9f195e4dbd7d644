"""``ringfence cameras``: simulated cameras that send frames and reads, on time, whatever becomes of them."""

from typing import Annotated

import typer
from msgspec import structs

from producers.replay.wanted import Replay, checked
from producers.replay.when import When
from ringfence import options
from ringfence.clock import SECOND
from ringfence.entry import main
from ringfence.errors import SettingError
from ringfence.lifecycle import stop_event
from ringfence.run import enter, preflight
from schemas.topics import User

LEAD = 4 * SECOND  # the world needs a moment to be made
FOREVER = float("inf")
REPLAY = "Your own pictures"


def cameras(
    bootstrap: options.Bootstrap = None,
    londons: Annotated[float | None, typer.Option(min=0.0001, help="Load; 1 London = 21 M reads a day. [0.25]")] = None,
    rate: Annotated[float | None, typer.Option(min=0.1, help="Load in events per second, instead.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="One seed, one day.")] = 1,
    duration: Annotated[float, typer.Option(min=0, help="Seconds to run; 0 is until it is stopped.")] = 0,
    start: Annotated[str | None, typer.Option(help="First moment, ISO 8601 with offset; else in 4 s.")] = None,
    replay: Annotated[
        str | None,
        typer.Option(
            help="Send your own instead, as one camera's frames: a folder of pictures, a picture, a video, or the URL "
            "of a stream from a server that you trust.",
            rich_help_panel=REPLAY,
        ),
    ] = None,
    camera: Annotated[int, typer.Option(min=1, help="The number of that camera.", rich_help_panel=REPLAY)] = 1,
    loop: Annotated[bool, typer.Option("--loop", help="Over and over.", rich_help_panel=REPLAY)] = False,
    when: Annotated[
        When,
        typer.Option(
            help="The moment of capture: now, that of sending; exif or name, of each picture; frame, the video's clock "
            "from --start on. The gate denies what is far from its own clock.",
            rich_help_panel=REPLAY,
        ),
    ] = When.NOW,
    group: Annotated[
        bool, typer.Option("--group", help="Pictures NAME_1, NAME_2 … are one passage.", rich_help_panel=REPLAY)
    ] = False,
    shots: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=8,
            help="Most pictures of a passage that are read as one. [RINGFENCE_SHOTS]",
            rich_help_panel=REPLAY,
        ),
    ] = None,
    home: options.Home = None,
    metrics_port: options.MetricsPort = None,
    clock_offset: options.ClockOffset = None,
    log_level: options.LogLevel = None,
    report: options.Report = None,
) -> None:
    """Simulate the cameras: seeded traffic, frames or on-board reads, sent open loop."""
    if londons and rate:
        raise SettingError("give --londons or --rate, not both")
    if replay is not None and (londons or report):
        raise SettingError("--replay sends your pictures and no traffic: leave out --londons and --report")
    begin = options.moment("--start", start) if start else None
    stop = stop_event()
    given = {
        "bootstrap": bootstrap, "home": home, "metrics_port": metrics_port,
        "clock_offset": clock_offset, "log_level": log_level, "shots": shots,
    }  # fmt: skip
    sought = None if replay is None else checked(Replay(replay, camera, rate, loop, when, group, start=begin))
    context = enter(User.CAMERAS, given)
    preflight(context, User.CAMERAS)
    begin = begin or context.clock.now() + LEAD
    end = begin + duration * SECOND if duration else FOREVER
    # numpy and OpenCV take a second to import; `ringfence --help` need not wait for them.
    import cv2

    from producers.sender import make_world, send_all

    cv2.setNumThreads(1)  # the second thread would cost more than it saves
    if sought is not None:
        from producers.replay.send import replay as send_pictures

        # What is no picture is said by us, in one line.
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        send_pictures(context, structs.replace(sought, shots=context.settings.shots), duration, stop)
        return
    send_all(context, make_world(context, seed, londons or 0.25, rate, begin), end, stop, report)


if __name__ == "__main__":
    main(cameras)
