"""Logging: structlog to standard error, one event a line. Never a VRM, never a password."""

import logging
import sys

import structlog

Logger = structlog.stdlib.BoundLogger


def configure(level: str, *, json: bool = False) -> None:
    """Sets up logging for this process. ``level`` is a name such as INFO."""
    number = logging.getLevelNamesMapping()[level]
    # kafka-python logs every reconnect as an error; what matters reaches us as an exception.
    logging.basicConfig(stream=sys.stderr, level=max(number, logging.ERROR), format="%(name)s: %(message)s")
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def get(stage: str) -> Logger:
    """The logger of a stage."""
    logger: Logger = structlog.get_logger(stage=stage)
    return logger
