"""The seam to whatever reads plates: patches in, the chance of every character in every slot out.

The reader that ships runs our own model through fast-plate-ocr, on one thread, from local files. A patch gives the
same chances whatever else is in its batch. A model of fast-plate-ocr's hub is an option: ``hub:NAME``.
"""

import socket
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from fast_plate_ocr.core.process import resize_image
from fast_plate_ocr.inference import hub
from fast_plate_ocr.inference.plate_recognizer import LicensePlateRecognizer

from consumers.ocr.chances import ALPHABET, SLOTS, Chances, blank, sound
from consumers.ocr.network import LONGEST, deadline
from consumers.ocr.pictures import Picture
from ringfence.errors import FileError, ModelError, SettingError

HEIGHT, WIDTH = 48, 128  # what our model takes
CHUNK = 8  # patches in one run of the model; more read no faster, and short batches are padded to it
WATCHED = 16 * CHUNK  # patches that may take a model LONGEST
HUB = "hub:"
FETCH = 30.0  # seconds that the hub may be silent


class OnnxReader:
    """Reads with a fast-plate-ocr model in ``model``; its config lies beside it, as plate_config.yaml.

    ``hub:NAME`` is a model of fast-plate-ocr's hub: it is fetched once and kept in the user's cache. FileError if a
    file is missing or is not what it should be; ModelError if the model does not answer as a model should.
    """

    def __init__(self, model: Path, longest: float = LONGEST) -> None:
        self.name, self.longest = str(model), longest
        files = _of_hub(self.name.removeprefix(HUB)) if self.name.startswith(HUB) else _local(model)
        self._recognizer = _load(*files)
        config = self._recognizer.config
        self._places = [config.alphabet.find(character.replace("_", config.pad_char)) for character in ALPHABET]
        if -1 in self._places:
            raise FileError(f"{model} reads another alphabet than 0-9 and A-Z: choose another model")
        self._said: int = config.max_plate_slots
        self.slots = max(SLOTS, self._said)
        self.size: tuple[int, int] = config.img_height, config.img_width
        self._own = not self.name.startswith(HUB) and config.num_channels == 1
        self.check()  # the first run is slow, too; no frame shall wait for it

    def chances(self, patches: Sequence[Picture]) -> Chances:
        """Patches by slots by ``chances.ALPHABET``, in order.

        A patch that is no picture says for sure: nothing. Where the model fails, or answers in another shape than
        it should, there is no number (NaN). ModelError if it does not answer in time.
        """
        ready = {i: crop for i, patch in enumerate(patches) if (crop := self._prepared(patch)) is not None}
        chances, places = blank(len(patches), self.slots), list(ready)
        for begin in range(0, len(places), WATCHED):
            with deadline(self.longest) as options:
                for start in range(begin, min(begin + WATCHED, len(places)), CHUNK):
                    chunk = places[start : start + CHUNK]
                    chances[chunk] = self._read([ready[place] for place in chunk], options)
        return chances

    def check(self) -> None:
        """ModelError if two pictures without a plate do not get two sound and different answers."""
        noise = np.random.default_rng(1).integers(0, 256, self.size, np.uint8)
        one, other = answers = self.chances([np.zeros(self.size, np.uint8), noise])
        if not sound(answers).all() or np.array_equal(one, other):
            raise ModelError(f"the plate model {self.name} does not answer as it should: choose another")

    def _read(self, crops: Sequence[Picture], options: onnxruntime.RunOptions) -> Chances:
        """The chances of up to CHUNK crops: where that fails, of each alone."""
        # Always a full batch: ONNX Runtime sums in another order for other batch sizes.
        batch = np.zeros((CHUNK, *crops[0].shape), np.uint8)
        batch[: len(crops)] = crops
        try:
            (answer,) = self._recognizer.model.run([self._recognizer.plate_output_name], {"input": batch}, options)
            answer = np.asarray(answer, np.float32).reshape(CHUNK, self._said, -1)[: len(crops), :, self._places]
        except Exception as error:  # whatever it is: ONNX Runtime has no class of its own for it
            if options.terminate:
                late = f"did not answer within {self.longest:g} s"
                raise ModelError(f"the plate model {self.name} {late}: start again, or choose another") from error
            if len(crops) > 1:
                return np.concatenate([self._read([crop], options) for crop in crops])
            return np.full((1, self.slots, len(ALPHABET)), np.nan, np.float32)
        chances = blank(len(crops), self.slots)
        chances[:, : self._said] = answer
        return chances

    def _prepared(self, patch: Picture) -> Picture | None:
        """The patch as this model takes it, height by width by channels; None if it is no picture."""
        if self._own:
            ready = prepare(patch, self.size)
            return None if ready is None else ready[..., None]
        gray = _gray(patch)
        if gray is None:
            return None
        config = self._recognizer.config
        shown = cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB) if config.num_channels == 3 else gray
        ready = resize_image(
            shown, config.img_height, config.img_width, config.image_color_mode, config.keep_aspect_ratio,
            config.interpolation, config.padding_color,
        )  # fmt: skip
        return np.asarray(ready, np.uint8).reshape(*self.size, config.num_channels)


def prepare(patch: Picture, size: tuple[int, int] = (HEIGHT, WIDTH)) -> Picture | None:
    """The patch as our model takes it: 48 by 128, gray, from full black to full white. None if it cannot be."""
    gray = _gray(patch)
    if gray is None:
        return None
    small = cv2.resize(gray, size[::-1], interpolation=cv2.INTER_LINEAR)
    return cv2.normalize(small, np.empty_like(small), 0, 255, cv2.NORM_MINMAX).astype(np.uint8, copy=False)


def _gray(patch: Picture) -> Picture | None:
    if patch.dtype != np.uint8 or patch.ndim not in (2, 3) or 0 in patch.shape:
        return None
    if patch.ndim == 3 and patch.shape[2] == 3:
        return cv2.cvtColor(patch, cv2.COLOR_BGR2GRAY).astype(np.uint8, copy=False)
    return patch if patch.ndim == 2 or patch.shape[2] == 1 else None


def _local(model: Path) -> tuple[Path, Path]:
    config = model.parent / "plate_config.yaml"
    for path in (model, config):
        if not path.is_file():
            raise FileError(f"{path} is missing: check out the models folder, or run `make model`")
    return model, config


def _of_hub(name: str) -> tuple[Path, Path]:
    """Model and config of the hub, fetched if they are not in the cache. SettingError for an unknown name."""
    if name not in hub.AVAILABLE_ONNX_MODELS:
        raise SettingError(f"{HUB}{name} is not on the hub; there are {', '.join(hub.AVAILABLE_ONNX_MODELS)}")
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(FETCH)
    try:
        model, config = hub.download_model(name)
    except (OSError, ValueError) as error:
        hint = "connect to the internet once, or leave --model out for the model that ships"
        raise FileError(f"{HUB}{name} cannot be fetched ({error}): {hint}") from None
    finally:
        socket.setdefaulttimeout(before)
    return model, config


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
