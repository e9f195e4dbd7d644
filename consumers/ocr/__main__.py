"""``ringfence ocr``: runs the OCR stage."""

from ringfence import options
from ringfence.entry import main
from ringfence.run import Context, run_stage
from ringfence.stage import Stage
from schemas.topics import User


def ocr(
    bootstrap: options.Bootstrap = None,
    wrong_cost: options.WrongCost = None,
    model: options.Model = None,
    home: options.Home = None,
    member: options.Member = None,
    metrics_port: options.MetricsPort = None,
    clock_offset: options.ClockOffset = None,
    log_level: options.LogLevel = None,
    report: options.Report = None,
) -> None:
    """Read plates from frames: find the plate, read it, check the grammar, emit the read and its images."""
    given = {k: v for k, v in locals().items() if k != "report"}
    run_stage(User.OCR, given, _ocr, (report, lambda stage: stage.report()))


def _ocr(context: Context) -> Stage:
    # OpenCV and ONNX Runtime take a second to import; `ringfence --help` need not wait for them.
    import cv2

    from consumers.ocr.eyes import sight_of
    from consumers.ocr.stage import Ocr

    cv2.setNumThreads(1)  # two threads cost twice the CPU of one and save no time on frames this small
    # What is no picture goes to the dead letters, with our reason; OpenCV's own would be many lines more.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    return Ocr(sight_of(context.settings), context.settings.least_confidence, context.metrics, context.codecs)


if __name__ == "__main__":
    main(ocr)
