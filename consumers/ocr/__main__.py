"""``ringfence ocr``: runs the OCR stage."""

from typing import Annotated

import typer

from consumers.ocr.reader import OnnxReader
from consumers.ocr.stage import Ocr
from ringfence import options
from ringfence.entry import main
from ringfence.run import Context, run_stage
from schemas.topics import User


def ocr(
    bootstrap: options.Bootstrap = None,
    gate: Annotated[int | None, typer.Option(help="Least confidence for a read, per cent. [RINGFENCE_GATE]")] = None,
    home: options.Home = None,
    member: options.Member = None,
    metrics_port: options.MetricsPort = None,
    clock_offset: options.ClockOffset = None,
    log_level: options.LogLevel = None,
) -> None:
    """Read plates from frames: find the plate, read it, check the grammar, emit the read and its images."""

    run_stage(User.OCR, locals(), _ocr)


def _ocr(context: Context) -> Ocr:
    return Ocr(OnnxReader(context.settings.model), context.settings.gate, context.metrics)


if __name__ == "__main__":
    main(ocr)
