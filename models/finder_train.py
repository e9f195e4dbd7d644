"""Trains the finder on the shards of finder_data.py: ``python models/finder_train.py DATA WORK --minutes 30``.

It starts as soon as there are two shards, takes up new ones after every epoch, and ends when its time (or its
number of steps) is over, the rate of learning having gone down to nothing on a cosine. Stopped and started again
it goes on from its last checkpoint in WORK: weights and time; the optimiser's moments start anew. Works on a
processor or a GPU, with any backend of Keras 3 (KERAS_BACKEND). Shard 0 is never trained on. ``--export-only``
writes what WORK has as ONNX, as the end of a training does where onnxruntime is at hand.
"""

import argparse
import os
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
sys.path.insert(0, str(Path(__file__).parent.parent))

import cv2
import keras
import msgspec
import numpy as np
from numpy.typing import NDArray

from models.finder_net import HEIGHT, WIDTH, loss, network
from models.stamp import write_whole

PEAK, WEIGHT_DECAY, WARM = 2e-3, 1e-3, 0.03
MIRROR = (1, 0, 3, 2)  # the corners of a mirrored plate, clockwise from the upper left again
RUN, MOST = 16, 4  # pictures that are taken together from a shard; plates in a picture

Pictures = NDArray[np.uint8]
Truth = NDArray[np.float32]


class Progress(msgspec.Struct):
    """How far training has come: seconds, steps, and the last loss."""

    seconds: float = 0.0
    steps: int = 0
    loss: float = 0.0


def load(path: Path) -> tuple[Pictures, Truth]:
    """The pictures of a shard, and their truth, N by 4 by 9: see finder_net.loss."""
    with np.load(path) as held:
        corners = held["corners"].reshape(len(held["kinds"]), -1, 8)
        truth = np.concatenate([corners, held["kinds"][..., None].astype(np.float32)], -1)
        return held["pictures"], truth.astype(np.float32)


class Feed(keras.utils.PyDataset):
    """Batches drawn from all the shards that are there, half of the pictures mirrored."""

    def __init__(self, folder: Path, batch: int, steps: int, seed: int, most: int, **given: Any) -> None:
        super().__init__(**given)
        self.folder, self.batch, self.steps, self.seed, self.most = folder, batch, steps, seed, most
        self.shards: list[tuple[Pictures, Truth]] = []
        self.known: set[Path] = set()
        self.epoch = 0

    def refresh(self) -> None:
        """Takes up the shards that have come since."""
        self.epoch += 1
        for path in sorted(self.folder.glob("finder-*.npz")):
            if path not in self.known and path.name != "finder-00000.npz" and len(self.known) < self.most:
                self.shards = [*self.shards, load(path)]
                self.known.add(path)

    def __len__(self) -> int:
        """Batches in an epoch."""
        return self.steps

    def __getitem__(self, index: int) -> tuple[Pictures, Truth]:
        """One batch: runs of 16 pictures, each from any shard; every other run is mirrored."""
        rng = np.random.default_rng([self.seed, self.epoch, index])
        pictures = np.empty((self.batch, HEIGHT, WIDTH), np.uint8)
        truth = np.empty((self.batch, MOST, 9), np.float32)
        for number, start in enumerate(range(0, self.batch, RUN)):
            held, known = self.shards[int(rng.integers(len(self.shards)))]
            there = int(rng.integers(len(held) - RUN + 1))
            run, into = slice(there, there + RUN), slice(start, start + RUN)
            if number % 2:
                pictures[into], truth[into] = mirrored(held[run], known[run])
            else:
                pictures[into], truth[into] = held[run], known[run]
        return pictures[..., None], truth


def mirrored(pictures: Pictures, truth: Truth) -> tuple[Pictures, Truth]:
    """The same seen in a mirror, with the corners in their order again."""
    # All rows at once: OpenCV does this without holding up the other threads.
    turned = cv2.flip(pictures.reshape(-1, WIDTH), 1).reshape(pictures.shape)
    corners = truth[..., :8].reshape(*truth.shape[:2], 4, 2)[:, :, MIRROR]
    corners[..., 0] = WIDTH - corners[..., 0]
    return turned, np.concatenate([corners.reshape(*truth.shape[:2], 8), truth[..., 8:]], -1)


class Watch(keras.callbacks.Callback):
    """Sets the rate before each epoch, and after it takes up new shards, keeps the weights, and looks at the clock."""

    def __init__(self, feed: Feed, work: Path, progress: Progress, seconds: float, steps: float) -> None:
        super().__init__()
        self.feed, self.work, self.progress = feed, work, progress
        self.seconds, self.steps = seconds, steps
        self.last = time.monotonic()

    @property
    def part(self) -> float:
        """The part of the training that is over, 0 to 1."""
        return min(1.0, max(self.progress.seconds / self.seconds, self.progress.steps / self.steps))

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002 - Keras calls it so
        """Warms up, then goes down on a cosine."""
        rate = min(1.0, (self.part + 0.003) / WARM) * 0.5 * (1 + np.cos(np.pi * self.part))
        self.model.optimizer.learning_rate.assign(PEAK * max(float(rate), 1e-3))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002 - Keras calls it so
        """Counts, keeps, shows."""
        now = time.monotonic()
        self.progress.seconds += now - self.last
        pace = self.feed.steps / (now - self.last)
        self.last = now
        self.progress.steps += self.feed.steps
        self.progress.loss = float((logs or {}).get("loss", 0.0))
        self.model.save_weights(self.work / "finder.part.weights.h5")
        (self.work / "finder.part.weights.h5").rename(self.work / "finder.weights.h5")
        write_whole(self.work / "finder.progress.json", msgspec.json.encode(self.progress))
        self.feed.refresh()
        print(
            f"{100 * self.part:5.1f} %  step {self.progress.steps}  loss {self.progress.loss:.4f}  "
            f"{pace:.1f} steps/s  {len(self.feed.shards)} shards  {self.progress.seconds:.0f} s",
            flush=True,
        )
        self.model.stop_training = self.part >= 1.0


def train(data: Path, work: Path, given: argparse.Namespace) -> None:
    """Trains until the time or the steps are over; the weights are in WORK."""
    keras.utils.set_random_seed(given.seed)
    work.mkdir(parents=True, exist_ok=True)
    while len(list(data.glob("finder-*.npz"))) < 2 or not (data / "finder-00000.npz").exists():
        print("waiting for the first shards", flush=True)
        time.sleep(1)
    model = network(given.precision)
    state, progress = work / "finder.progress.json", Progress()
    if state.exists():
        progress = msgspec.json.decode(state.read_bytes(), type=Progress)
        model.load_weights(work / "finder.weights.h5")
    feed = Feed(data, given.batch, given.epoch, given.seed, given.most, workers=given.workers, max_queue_size=12)
    feed.epoch = progress.steps
    feed.refresh()
    rate = keras.optimizers.AdamW(PEAK, weight_decay=WEIGHT_DECAY, clipnorm=5.0)
    rate.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    model.compile(loss=loss, optimizer=rate, jit_compile="auto")
    seconds = given.minutes * 60 if given.minutes else float("inf")
    watch = Watch(feed, work, progress, seconds, given.steps or float("inf"))
    if watch.part < 1.0:
        model.fit(feed, epochs=10**6, callbacks=[watch], verbose=0)
    print(f"trained: {progress.steps} steps in {progress.seconds:.0f} s", flush=True)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--minutes", type=float, default=0.0)
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--epoch", type=int, default=50, help="steps between two checkpoints")
    parser.add_argument("--workers", type=int, default=1, help="threads that make batches")
    parser.add_argument("--most", type=int, default=1_000, help="shards kept in memory, 31 MB each")
    parser.add_argument("--precision", default="float32", help="float32, mixed_float16 or mixed_bfloat16")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "ringfence_finder.onnx")
    parser.add_argument("--export-only", action="store_true", help="export what WORK has")
    given = parser.parse_args()
    if not given.export_only:
        if not (given.minutes or given.steps):
            parser.error("say how long: --minutes or --steps")
        train(given.data, given.work, given)
    if given.export_only or find_spec("onnxruntime"):
        from models.finder_export import export

        export(given.work / "finder.weights.h5", given.data, given.out)


if __name__ == "__main__":
    main()
