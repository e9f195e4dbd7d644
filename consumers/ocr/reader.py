"""The seam to whatever reads plates: patches in, the chance of every character in every slot out.

The one reader that ships runs our own model through fast-plate-ocr, on one thread, from local files. A patch
gives the same chances whatever else is in its batch.
"""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from fast_plate_ocr.inference.plate_recognizer import LicensePlateRecognizer

from consumers.ocr.grammar import ALPHABET, Chances, blank
from consumers.ocr.pictures import Picture
from ringfence.errors import FileError

HEIGHT, WIDTH = 48, 128  # what the model takes
CHUNK = 4  # patches in one run of the model: 8 or 16 read no faster, and short batches are padded to it


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
        self.slots: int = self._recognizer.config.max_plate_slots
        self.chances([np.zeros((HEIGHT, WIDTH), np.uint8)])  # the first run is slow; no frame shall wait for it

    def chances(self, patches: Sequence[Picture]) -> Chances:
        """Patches by slots by ``grammar.ALPHABET``, in order; a patch that is no picture says for sure: nothing."""
        ready = {i: crop for i, patch in enumerate(patches) if (crop := prepare(patch)) is not None}
        chances = blank(len(patches), self.slots)
        places = list(ready)
        for start in range(0, len(places), CHUNK):
            chunk = places[start : start + CHUNK]
            # Always a full batch: ONNX Runtime sums in another order for other batch sizes.
            batch = np.zeros((CHUNK, HEIGHT, WIDTH, 1), np.uint8)
            batch[: len(chunk), :, :, 0] = [ready[place] for place in chunk]
            chances[chunk] = self._run(batch)[: len(chunk)]
        return chances

    def _run(self, batch: Picture) -> Chances:
        (chances,) = self._recognizer.model.run([self._recognizer.plate_output_name], {"input": batch})
        return np.asarray(chances, np.float32).reshape(len(batch), self.slots, len(ALPHABET))


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
