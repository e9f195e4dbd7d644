"""From the share of a mark to the probability that it is right: a few numbers beside the model. Pure but for ``load``.

models/calibrate.py fits them to plates whose text is known and that were not trained on.
"""

from math import exp, log
from pathlib import Path

import msgspec
from msgspec import Struct

from consumers.ocr.chances import FLOOR
from ringfence.errors import FileError


class Calibration(Struct, frozen=True, forbid_unknown_fields=True):
    """A share p is right with probability sigmoid(won * log p - lost * log(1 - p) + offset + what its kind adds).

    As it is made here it changes nothing. ``temperature`` flattens the chances of every slot first. ``odds`` is what a
    mark of the grammar weighs against a text that fits none. One vehicle in 66 in London is foreign (docs/sources.md),
    and one plate in four or five of our training data, which makes 15 to 20; we take less, so that a foreign plate is
    not bent into one of ours. ``twins``, 0 to 1, is how far the reader's own opinion on O or 0 is believed where the
    place cannot tell. ``foreign`` and ``repaired`` are added for readings of that kind.

    Sources: Kull, Silva Filho and Flach, "Beta calibration", AISTATS 2017; Guo, Pleiss, Sun and Weinberger, "On
    calibration of modern neural networks", ICML 2017.
    """

    temperature: float = 1.0
    odds: float = 5.0
    twins: float = 0.7
    won: float = 1.0
    lost: float = 1.0
    offset: float = 0.0
    foreign: float = 0.0
    repaired: float = 0.0

    def __post_init__(self) -> None:
        if not (0.2 <= self.temperature <= 10 and 0 < self.odds <= 1e6 and 0 <= self.twins <= 1):
            raise ValueError("temperature, odds or twins is out of its range")
        if self.won < 0 or self.lost < 0:
            raise ValueError("won or lost is out of its range")

    def probability(self, odds: float, foreign: bool, repaired: bool) -> float:
        """How likely a reading is right whose mark has these odds against all else."""
        share = min(max(odds / (1 + odds), FLOOR), 1 - FLOOR)
        kind = self.foreign * foreign + self.repaired * repaired
        logit = self.won * log(share) - self.lost * log(1 - share) + self.offset + kind
        return 1 / (1 + exp(-min(max(logit, -60.0), 60.0)))


def load(path: Path) -> Calibration:
    """The calibration in a JSON file; FileError if it is missing or is none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Calibration)
    except OSError:
        raise FileError(f"{path} is missing: check out the models folder, or run models/calibrate.py") from None
    except (msgspec.MsgspecError, ValueError) as error:
        raise FileError(f"{path} is no calibration: {error}") from None
