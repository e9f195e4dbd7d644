"""The seam to whatever reads plates: patches in, texts and confidences out.

The one reader that ships runs our own model through fast-plate-ocr, on one thread, from local files. A patch
gives the same reading whatever else is in its batch.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import onnxruntime
from fast_plate_ocr.inference.plate_recognizer import LicensePlateRecognizer
from msgspec import Struct
from numpy.typing import NDArray

from ringfence.errors import FileError

Picture = NDArray[np.uint8]

HEIGHT, WIDTH = 48, 128  # what the model takes
CHUNK = 4  # patches in one run of the model: 8 or 16 read no faster, and short batches are padded to it
SAME_GLYPH = (("0", "O"), ("1", "I"))


class Reading(Struct, frozen=True, gc=False):
    """The text on a patch, empty if there is none. ``confidence``: 0 to 1, of the least certain character.

    O and 0 are one glyph on a UK plate, so their chances count together, and so do those of I and 1. That
    the text ends where it does counts as a character too: a missing one would leave its mark there.
    """

    text: str
    confidence: float


class PlateReader(Protocol):
    """Anything that reads plates."""

    def read(self, patches: Sequence[Picture]) -> list[Reading]:
        """One reading for each patch (uint8, gray or BGR, of any size), in order."""


NOTHING = Reading("", 0.0)


class OnnxReader:
    """Reads with a fast-plate-ocr model in ``model``; its config lies beside it, as plate_config.yaml.

    FileError if either is missing or is not what it should be.
    """

    def __init__(self, model: Path) -> None:
        config = model.parent / "plate_config.yaml"
        for path in (model, config):
            if not path.is_file():
                raise FileError(f"{path} is missing: check out the models folder, or run `make model`")
        self._recognizer = _load(model, config)
        alphabet: str = self._recognizer.config.alphabet
        self._characters = np.array(list(alphabet))
        self._pad = alphabet.index(self._recognizer.config.pad_char)
        self._same = [(alphabet.index(one), alphabet.index(other)) for one, other in SAME_GLYPH]
        self.read([np.zeros((HEIGHT, WIDTH), np.uint8)])  # the first run is slow; no frame shall wait for it

    def read(self, patches: Sequence[Picture]) -> list[Reading]:
        """One reading for each patch, in order; a patch that is no picture reads as nothing, at 0."""
        ready = {i: crop for i, patch in enumerate(patches) if (crop := prepare(patch)) is not None}
        readings = [NOTHING] * len(patches)
        places = list(ready)
        for start in range(0, len(places), CHUNK):
            chunk = places[start : start + CHUNK]
            # Always a full batch: ONNX Runtime sums in another order for other batch sizes.
            batch = np.zeros((CHUNK, HEIGHT, WIDTH, 1), np.uint8)
            batch[: len(chunk), :, :, 0] = [ready[place] for place in chunk]
            for place, chances in zip(chunk, self._chances(batch), strict=False):
                readings[place] = self._decide(chances)
        return readings

    def _chances(self, batch: Picture) -> NDArray[np.float32]:
        """The chance of every character in every slot: batch by slots by alphabet."""
        (chances,) = self._recognizer.model.run([self._recognizer.plate_output_name], {"input": batch})
        return np.asarray(chances).reshape(len(batch), -1, len(self._characters))

    def _decide(self, chances: NDArray[np.float32]) -> Reading:
        """The likeliest text of one plate."""
        joint = chances.astype(np.float64)
        for one, other in self._same:
            # The likelier of the twins takes both shares, the other keeps none.
            both, first = joint[:, one] + joint[:, other], joint[:, one] >= joint[:, other]
            joint[:, one], joint[:, other] = np.where(first, both, 0), np.where(first, 0, both)
        best = joint.argmax(1)
        written = np.flatnonzero(best != self._pad)
        if written.size == 0 or written.size != written[-1] + 1:
            return NOTHING  # no text, or a hole in it
        decided = joint.max(1)[: written.size + 1]
        return Reading("".join(self._characters[best[written]]), round(float(decided.min()), 4))


def prepare(patch: Picture) -> Picture | None:
    """The patch as the model takes it: 48 by 128, gray, from full black to full white. None if it cannot be."""
    if patch.dtype != np.uint8 or patch.ndim not in (2, 3) or 0 in patch.shape:
        return None
    if patch.ndim == 3 and patch.shape[2] not in (1, 3):
        return None
    gray = cv2.cvtColor(patch, cv2.COLOR_BGR2GRAY) if patch.ndim == 3 and patch.shape[2] == 3 else patch
    small = cv2.resize(gray, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
    return cv2.normalize(small, np.empty_like(small), 0, 255, cv2.NORM_MINMAX).astype(np.uint8, copy=False)


def _load(model: Path, config: Path) -> LicensePlateRecognizer:
    """The recognizer on one thread. FileError if a file is not a model or a config."""
    onnxruntime.disable_telemetry_events()  # it would keep an identifier of this machine
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    try:
        return LicensePlateRecognizer(
            onnx_model_path=model, plate_config_path=config, device="cpu", sess_options=options
        )
    except Exception as error:
        raise FileError(f"{model} and {config.name} are not a plate model: {error}") from error
