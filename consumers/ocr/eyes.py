"""The finder and the reader that ship, put together as the settings say: for the stage and for ``ringfence read``."""

from consumers.ocr.locate import Strokes
from consumers.ocr.reader import OnnxReader
from consumers.ocr.sight import Finder, Sight
from ringfence.settings import Settings


def finder_of(settings: Settings) -> Finder:
    """What finds plates. FileError if its model is missing or is none."""
    del settings
    return Strokes()


def sight_of(settings: Settings, finder: Finder | None = None) -> Sight:
    """What finds and reads plates; with another finder where one is given. FileError if a model is none."""
    return Sight(finder or finder_of(settings), OnnxReader(settings.model))
