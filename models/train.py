"""Trains the plate model on the shards of make_data and exports it: ``python -m models.train SHARDS WORK``.

The network, the loss and the export are fast-plate-ocr's; the loop here feeds them from memory, and takes up shards
that are drawn meanwhile. It trains for a time, not for a number of epochs: the same command does what a machine can
do in that time, on a GPU with Keras on JAX (``KERAS_BACKEND=jax``), else on TensorFlow. Interrupted, it goes on
where it stopped. Training is seeded, but threads do not sum in the same order twice: weights differ a little.
"""

import argparse
import json
import math
import os
import time
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import cv2
import keras
import numpy as np
from fast_plate_ocr.train.model.config import PlateConfig, load_plate_config_from_yaml
from fast_plate_ocr.train.model.loss import cce_loss
from fast_plate_ocr.train.model.metric import plate_acc_metric
from fast_plate_ocr.train.model.model_builders import build_model
from fast_plate_ocr.train.model.model_schema import CCTModelConfig
from numpy.typing import NDArray
from yaml import safe_load

from models.stamp import write_whole

HERE = Path(__file__).parent
PEAK, FLOOR, WARM, WEIGHT_DECAY = 2.5e-3, 5e-6, 0.03, 2e-3
RESTART = 0.6  # of the peak, where training goes on from weights
HELD_BACK = 2_048
FEWEST = 8_192  # crops to begin with, beside those held back: three shards
PATIENCE = 30.0  # seconds between two lines that say what is waited for
UNCOUNTED = 2  # the first batches of a run compile: their time does not count


def network(config: PlateConfig, layout: Path, precision: str) -> keras.Model:
    """The network of a layout in a precision: float32 or mixed_bfloat16."""
    keras.mixed_precision.set_global_policy(precision)
    model = build_model(CCTModelConfig(**safe_load(layout.read_text())), config)
    # A softmax in bfloat16 could not tell 0.997 from 1.
    model.get_layer("plate").classifier.dtype_policy = keras.DTypePolicy("float32")
    return model


class Crops(keras.utils.PyDataset):
    """Batches of crops, a little moved and relit each time. New shards are taken up between epochs."""

    def __init__(self, folder: Path, config: PlateConfig, batch: int, steps: int, seed: int) -> None:
        super().__init__(workers=2, max_queue_size=12)
        self.folder, self.batch, self.steps = folder, batch, steps
        self.alphabet = {char: place for place, char in enumerate(config.alphabet)}
        self.slots, self.pad = config.max_plate_slots, config.pad_char
        self.seed, self.epoch = seed, 0
        self.names: list[str] = []
        self.pictures: list[NDArray[np.uint8]] = []
        self.texts: list[NDArray[np.uint8]] = []
        self.held_back: tuple[NDArray[np.uint8], NDArray[np.float32]] | None = None
        self.wait()

    def wait(self) -> None:
        """Until there are enough crops to begin with; says now and then that it waits."""
        said = time.monotonic()
        self.take_up()
        while (there := sum(map(len, self.pictures))) < FEWEST:
            if time.monotonic() - said >= PATIENCE:
                print(f"waiting for shards in {self.folder}: {there} crops of at least {FEWEST}", flush=True)
                said = time.monotonic()
            time.sleep(0.5)
            self.take_up()

    def take_up(self) -> None:
        """Reads the shards that are new."""
        for path in sorted(self.folder.glob("crops-*.npz")):
            if path.name in self.names:
                continue
            shard = np.load(path)
            texts = np.array([[self.alphabet[c] for c in text.ljust(self.slots, self.pad)] for text in shard["text"]],
                             np.uint8)  # fmt: skip
            pictures = shard["pictures"]
            if self.held_back is None:
                self.held_back = pictures[:HELD_BACK, :, :, None], self.one_hot(texts[:HELD_BACK])
                pictures, texts = pictures[HELD_BACK:], texts[HELD_BACK:]
            self.names.append(path.name)
            self.pictures.append(pictures)
            self.texts.append(texts)

    def one_hot(self, texts: NDArray[np.uint8]) -> NDArray[np.float32]:
        """N by slots by alphabet."""
        return np.eye(len(self.alphabet), dtype=np.float32)[texts]

    def __len__(self) -> int:
        """Batches in an epoch."""
        return self.steps

    def __getitem__(self, index: int) -> tuple[NDArray[np.uint8], dict[str, NDArray[np.float32]]]:
        """One batch: pieces of sixteen shards."""
        rng = np.random.default_rng([self.seed, self.epoch, index])
        pieces = rng.integers(0, len(self.pictures), 16)
        chosen = [np.sort(rng.integers(0, len(self.pictures[piece]), self.batch // 16)) for piece in pieces]
        pictures = np.concatenate([self.pictures[p][rows] for p, rows in zip(pieces, chosen, strict=True)])
        texts = np.concatenate([self.texts[p][rows] for p, rows in zip(pieces, chosen, strict=True)])
        pictures = np.roll(pictures, (int(rng.integers(-1, 2)), int(rng.integers(-3, 4))), (1, 2))
        table = 255 * (np.arange(256) / 255) ** rng.uniform(0.75, 1.33)
        return cv2.LUT(pictures, table.astype(np.uint8))[..., None], {"plate": self.one_hot(texts)}

    def on_epoch_end(self) -> None:
        """Another draw, from more shards."""
        self.epoch += 1
        self.take_up()


class Timed(keras.callbacks.Callback):
    """Learns fast after a warm-up, then ever more slowly, and stops when the time is over; remembers it across runs."""

    def __init__(self, minutes: float, memory: Path, peak: float) -> None:
        super().__init__()
        self.peak = peak
        self.limit, self.memory = 60 * minutes, memory
        self.before = remembered(memory)["seconds"]
        self.batches, self.began = 0, 0.0

    def on_train_batch_begin(self, batch: int, logs: object = None) -> None:
        """Sets the rate."""
        del batch, logs
        share = min(1.0, self.elapsed() / self.limit)
        slowing = FLOOR + (self.peak - FLOOR) * (1 + math.cos(math.pi * share)) / 2
        rate = self.peak * share / WARM if share < WARM else slowing
        self.model.optimizer.learning_rate = max(FLOOR, rate)

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        """Starts the clock after the first batches, and stops when the time is over."""
        del batch, logs
        self.batches += 1
        if self.batches == UNCOUNTED:
            self.began = time.monotonic()
        if self.elapsed() > self.limit:
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: object = None) -> None:
        """Notes the time."""
        del logs
        write_whole(self.memory, json.dumps({"seconds": self.elapsed(), "epochs": epoch + 1}).encode())

    def elapsed(self) -> float:
        """Seconds spent training, in all runs."""
        return self.before + (time.monotonic() - self.began if self.batches >= UNCOUNTED else 0.0)


def remembered(memory: Path) -> dict[str, float]:
    """What the runs before have noted: seconds and epochs; nothing of either if there were none."""
    return {"seconds": 0.0, "epochs": 0, **(json.loads(memory.read_text()) if memory.exists() else {})}


def train(data: Path, work: Path, layout: Path, minutes: float, batch: int, steps: int, seed: int,
          start: Path | None) -> Path:  # fmt: skip
    """Trains; the weights of the last epoch are in the file that it returns."""
    keras.utils.set_random_seed(seed)
    config = load_plate_config_from_yaml(HERE / "plate_config.yaml")
    feed = Crops(data, config, batch, steps, seed)
    feed.epoch = int(remembered(work / "time.json")["epochs"])  # other batches than those that were seen
    model = network(config, layout, "mixed_bfloat16")
    if start is not None:
        model.load_weights(start)
    model.compile(
        loss={"plate": cce_loss(config.vocabulary_size, label_smoothing=0.002)},
        optimizer=keras.optimizers.AdamW(PEAK, weight_decay=WEIGHT_DECAY, clipnorm=1.0),
        metrics={"plate": [plate_acc_metric(config.max_plate_slots, config.vocabulary_size)]},
    )
    timed = Timed(minutes, work / "time.json", PEAK if start is None else RESTART * PEAK)
    calls = [timed, keras.callbacks.BackupAndRestore(str(work / "backup"), delete_checkpoint=False)]
    assert feed.held_back is not None, "a shard has been read"
    check = feed.held_back[0], {"plate": feed.held_back[1]}
    model.fit(feed, epochs=1_000_000, validation_data=check, validation_batch_size=1_024, callbacks=calls, verbose=2)
    weights = work / "plates.weights.h5"
    model.save_weights(weights)
    print(f"{len(feed.names)} shards, {timed.elapsed():.0f} s, {model.count_params():,} weights")
    return weights


def export(weights: Path, layout: Path, out: Path) -> None:
    """Writes the trained network as ONNX, in float32, for any batch size."""
    from fast_plate_ocr.cli.export import export_onnx

    config = load_plate_config_from_yaml(HERE / "plate_config.yaml")
    model = network(config, layout, "float32")
    model.load_weights(weights)
    export_onnx(model, config, out, simplify=True, dynamic_batch=True)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--minutes", type=float, default=50)
    parser.add_argument("--batch", type=int, default=128, help="a GPU likes 1024")
    parser.add_argument("--steps", type=int, default=500, help="batches in an epoch")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--layout", type=Path, default=HERE / "model_config.yaml")
    parser.add_argument("--start", type=Path, help="weights to go on from")
    parser.add_argument("--out", type=Path, help="export to this file; without it only train")
    parser.add_argument("--export-only", action="store_true", help="export what WORK has")
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    weights = given.work / "plates.weights.h5"
    if not given.export_only:
        weights = train(given.data, given.work, given.layout, given.minutes, given.batch, given.steps, given.seed,
                        given.start)  # fmt: skip
    if given.out:
        export(weights, given.layout, given.out)


if __name__ == "__main__":
    main()
