"""The finder and the reader that ship, put together as the settings say: for the stage and for ``ringfence read``."""

from collections.abc import Sequence

import structlog

from consumers.ocr.calibration import Calibration, load
from consumers.ocr.finder import STREAM_WIDTHS, Finder
from consumers.ocr.grammar import Grammar
from consumers.ocr.reader import HUB, OnnxReader
from consumers.ocr.sight import Finder as AnyFinder
from consumers.ocr.sight import Sight
from ringfence.settings import Settings


def finder_of(settings: Settings, widths: Sequence[int] = STREAM_WIDTHS) -> Finder:
    """What finds plates, looking at each picture in these widths. FileError if its model is missing or is none."""
    return Finder(settings.finder, widths)


def sight_of(settings: Settings, finder: AnyFinder | None = None) -> Sight:
    """What finds and reads plates; with another finder where one is given. FileError if a model is none."""
    reader = OnnxReader(settings.model)
    return Sight(finder or finder_of(settings), reader, Grammar(calibration_of(settings), reader.slots))


def calibration_of(settings: Settings) -> Calibration:
    """That of the model, calibration.json beside it. One from the hub has none: its confidence is its own opinion."""
    if str(settings.model).startswith(HUB):
        structlog.get_logger().warning("a model from the hub is not calibrated", model=str(settings.model))
        return Calibration()
    return load(settings.model.parent / "calibration.json")
