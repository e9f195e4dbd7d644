"""Finds number plates in gray pictures with a small network, and gives their corners.

The network (models/finder_net.py) answers for every 8 by 8 pixels whether the middle of a plate is there, and
where its corners are. It knows plates from about 20 to 320 pixels wide, so a picture is looked at in one width
or in several: a larger look is for what is small. What several cells say of the same plate is averaged.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from consumers.ocr.network import LONGEST, NoSaneAnswerError, deadline
from consumers.ocr.patches import Located, rectify
from consumers.ocr.pictures import Picture
from ringfence.errors import FileError, ModelError

STREAM_WIDTHS = (320,)  # one look, at half the width of our own frames
STILL_WIDTHS = (320, 640, 1_280)  # of a photograph with plates of any size
MOST_ENLARGED = 1.7  # times: a look that would enlarge a picture more than this shows nothing new
LEAST_SCORE = 0.4
LEAST_NEAR = 0.85  # in a larger look than the smallest: there rows of windows look like plates, too
MOST_FOUND = 8
STRIDE, STEP = 8, 16  # pixels of a cell of the answers; heights and widths are multiples of STEP
MOST_TALL = 4  # times its width: of a taller picture only so much is looked at in one look
MOST_WIDE = 160  # pixels: what is wider in a look is left to the next smaller one, which sees the whole of it
NEARLY = 0.9  # times: what shrinks less loses nothing without a mean over areas
OVERLAP = 0.3  # of two boxes: more is the same plate
INPUT, ANSWERS = "pictures", 10
NO_FINDER = "no network that finds plates: check out the models folder again"
BATCH_PIXELS = 500_000  # of the pictures in one run of the network; with more it is no faster
LARGEST = 4.0  # the network's sizes are clipped here, as in training

Answers = NDArray[np.float32]
Quads = NDArray[np.float32]  # N by 4 by 2 pixels


class Finder:
    """Finds plates with the ONNX network in ``model``. FileError if it is missing or is no such network.

    ``widths``: the widths in pixels at which each picture is looked at. ``least``: 0 to 1, the score below which
    a place is none, in the smallest of the widths.
    """

    def __init__(
        self, model: Path, widths: Sequence[int] = STREAM_WIDTHS, least: float = LEAST_SCORE, longest: float = LONGEST
    ) -> None:
        if not model.is_file():
            raise FileError(f"{model} is missing: check out the models folder, or run `make model`")
        self._widths, self._least, self._longest = tuple(widths), least, longest
        self._session = _session(model)
        self.find([np.zeros((180, 320), np.uint8)])  # the first run is slow; no frame shall wait for it

    def find(self, pictures: Sequence[Picture]) -> list[list[Located]]:
        """For each gray picture the places of plates, the likeliest first; an empty list where none is."""
        looks: dict[tuple[int, int], list[tuple[int, Picture]]] = defaultdict(list)
        for place, picture in enumerate(pictures):
            for look in _looks(picture, self._widths):
                looks[look.shape[0], look.shape[1]].append((place, look))
        quads: list[list[Quads]] = [[] for _ in pictures]
        scores: list[list[NDArray[np.float32]]] = [[] for _ in pictures]
        for shown in looks.values():
            for place, found, score in self._run(shown):
                height, width = pictures[place].shape
                quads[place].append(found * np.array([width, height], np.float32))
                scores[place].append(score)
        return [
            self._located(picture, np.concatenate(where), np.concatenate(score)) if where else []
            for picture, where, score in zip(pictures, quads, scores, strict=True)
        ]

    def _run(self, shown: Sequence[tuple[int, Picture]]) -> Iterator[tuple[int, Quads, NDArray[np.float32]]]:
        """What the network says of pictures of one size: place, corners in parts of the picture, scores."""
        height, width = shown[0][1].shape
        far = width == min(self._widths)
        chunk = max(1, BATCH_PIXELS // (height * width))
        for start in range(0, len(shown), chunk):
            part = shown[start : start + chunk]
            batch = np.stack([look for _, look in part])
            numbers, found, score = candidates(self._answers(batch), self._least if far else LEAST_NEAR)
            if not far:
                whole = np.ptp(found[..., 0], 1) <= MOST_WIDE
                numbers, found, score = numbers[whole], found[whole], score[whole]
            found /= np.array([width, height], np.float32)
            for number in np.unique(numbers).tolist():
                mine = numbers == number
                yield part[number][0], found[mine], score[mine]

    def _answers(self, batch: Picture) -> Answers:
        """The network's answers. NoSaneAnswerError if there are none to these pictures, ModelError if to no others."""
        try:
            return self._sane(batch)
        except NoSaneAnswerError:
            try:
                self._sane(np.zeros((1, STEP, STEP), np.uint8))
            except NoSaneAnswerError as error:
                raise ModelError(f"{error}: check out the models folder again") from error
            raise

    def _sane(self, batch: Picture) -> Answers:
        with deadline(self._longest) as options:
            try:
                answers = np.asarray(self._session.run(None, {INPUT: packed(batch)}, options)[0], np.float32)
            except Exception as error:  # onnxruntime raises classes of its own, some of which it does not export
                if options.terminate:
                    raise ModelError(f"the finder did not answer within {self._longest:g} s: start again") from error
                raise NoSaneAnswerError("the finder gave no answer") from error
        if not np.isfinite(answers).all():
            raise NoSaneAnswerError("the finder gave no sane answer")
        return answers

    def _located(self, picture: Picture, quads: Quads, scores: NDArray[np.float32]) -> list[Located]:
        kept = merged(quads, scores)[:MOST_FOUND]
        return [Located(corners, rectify(picture, corners), round(score, 4)) for corners, score in kept]


def packed(pictures: Picture) -> Picture:
    """N by H by W to N by H/4 by W/4 by 16: each 4 by 4 pixels as channels, as the network takes them."""
    number, height, width = pictures.shape
    fours = np.ascontiguousarray(pictures).view(np.uint32).reshape(number, height // 4, 4, width // 4)
    return np.ascontiguousarray(fours.transpose(0, 1, 3, 2)).view(np.uint8)


def candidates(answers: Answers, least: float) -> tuple[NDArray[np.int64], Quads, NDArray[np.float32]]:
    """The cells that see a plate: number in the batch, corners in pixels of what the network saw, score.

    ``answers``: N by 10 by h by w, as models/finder_net.py describes them.
    """
    logit = np.float32(np.log(least / (1 - least)))
    numbers, rows, columns = np.nonzero(answers[:, 0] > logit)
    chosen = answers[numbers, :, rows, columns]
    middles = (np.column_stack([columns, rows]) + np.float32(0.5)) * STRIDE
    sizes = STRIDE * np.exp(np.clip(chosen[:, 1], -LARGEST, LARGEST))
    corners = middles[:, None] + sizes[:, None, None] * chosen[:, 2:].reshape(-1, 4, 2)
    scores = 1 / (1 + np.exp(-chosen[:, 0]))
    return numbers, corners.astype(np.float32), scores.astype(np.float32)


def merged(quads: Quads, scores: NDArray[np.float32]) -> list[tuple[NDArray[np.float32], float]]:
    """One plate for all the quads that overlap: their mean, by score, and the best score. Likeliest first."""
    order = np.argsort(-scores, kind="stable")
    quads, scores = quads[order], scores[order]
    low, high = quads.min(1), quads.max(1)
    area = np.prod(high - low, 1)
    left = np.ones(len(quads), bool)
    kept = []
    while left.any():
        best = int(np.argmax(left))
        shared = np.clip(np.minimum(high, high[best]) - np.maximum(low, low[best]), 0, None).prod(1)
        smaller = np.minimum(area, area[best])
        same = left & ((shared > OVERLAP * (area + area[best] - shared)) | (shared > 0.7 * smaller))
        close = same & (shared > 0.5 * (area + area[best] - shared))
        weight = np.where(close, scores, 0) ** 2
        mean = np.tensordot(weight / weight.sum(), quads, 1) if close.any() else quads[best]
        kept.append((mean.astype(np.float32), float(scores[best])))
        left &= ~same
        left[best] = False
    return kept


def _looks(picture: Picture, widths: Sequence[int]) -> Iterator[Picture]:
    """The picture in each of the widths that show something new."""
    height, width = picture.shape
    if min(height, width) < 2:
        return
    for number, wide in enumerate(sorted(widths)):
        if number and wide > MOST_ENLARGED * width:
            return
        tall = min(height * wide / width, MOST_TALL * wide)
        size = wide, max(STEP, STEP * round(tall / STEP))
        yield _resized(picture, size)


def _resized(picture: Picture, size: tuple[int, int]) -> Picture:
    """The picture in this size: by a whole number first, which OpenCV does ten times as fast, then by the rest."""
    height, width = picture.shape
    times = width // size[0]
    if times > 1 and height >= times:
        whole = width // times, height // times
        picture = cv2.resize(picture, whole, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        height, width = picture.shape
    if size == (width, height):
        return picture
    way = cv2.INTER_AREA if size[0] < NEARLY * width else cv2.INTER_LINEAR
    return cv2.resize(picture, size, interpolation=way).astype(np.uint8, copy=False)


def _session(model: Path) -> onnxruntime.InferenceSession:
    """On one thread: the stage is scaled by processes."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    onnxruntime.disable_telemetry_events()  # it would keep an identifier of this machine
    try:
        session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        (answers,) = session.run(None, {INPUT: np.zeros((1, STEP // 4, STEP // 4, 16), np.uint8)})
    except Exception as error:  # onnxruntime raises classes of its own, some of which it does not export
        raise FileError(f"{model} is {NO_FINDER}") from error
    if np.shape(answers) != (1, ANSWERS, STEP // STRIDE, STEP // STRIDE):
        raise FileError(f"{model} is {NO_FINDER}")
    return session
