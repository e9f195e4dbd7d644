"""Trains the plate model on the crops of make_data.py and exports it: ``python models/train.py TRAIN.npz WORK``.

The network, the loss and the export are fast-plate-ocr's; the loop here only feeds them from memory. It
trains in bfloat16, several times faster on a processor that has it, but for the last layer.
"""

import argparse
import os
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import numpy as np
from fast_plate_ocr.cli.export import export_onnx
from fast_plate_ocr.train.model.config import PlateConfig, load_plate_config_from_yaml
from fast_plate_ocr.train.model.loss import cce_loss
from fast_plate_ocr.train.model.metric import plate_acc_metric
from fast_plate_ocr.train.model.model_builders import build_model
from fast_plate_ocr.train.model.model_schema import CCTModelConfig
from numpy.typing import NDArray
from yaml import safe_load

HERE = Path(__file__).parent
BATCH, PEAK, WEIGHT_DECAY = 64, 2e-3, 1e-3
HELD_BACK = 2_000


def network(config: PlateConfig, precision: str) -> keras.Model:
    """The network of model_config.yaml in a precision: float32 or mixed_bfloat16."""
    keras.mixed_precision.set_global_policy(precision)
    model = build_model(CCTModelConfig(**safe_load((HERE / "model_config.yaml").read_text())), config)
    # A softmax in bfloat16 could not tell 0.997 from 1.
    model.get_layer("plate").classifier.dtype_policy = keras.DTypePolicy("float32")
    return model


def targets(texts: NDArray[np.str_], config: PlateConfig) -> NDArray[np.float32]:
    """One-hot texts, padded: N by slots by alphabet."""
    places = [[config.alphabet.index(c) for c in text.ljust(config.max_plate_slots, config.pad_char)] for text in texts]
    return np.eye(config.vocabulary_size, dtype=np.float32)[places]


class Crops(keras.utils.PyDataset):
    """Batches of crops, a little moved and relit each time."""

    def __init__(self, pictures: NDArray[np.uint8], texts: NDArray[np.float32], seed: int) -> None:
        super().__init__()
        self.pictures, self.texts = pictures, texts
        self.rng = np.random.default_rng(seed)
        self.on_epoch_end()

    def __len__(self) -> int:
        """Batches in an epoch."""
        return len(self.pictures) // BATCH

    def __getitem__(self, index: int) -> tuple[NDArray[np.uint8], dict[str, NDArray[np.float32]]]:
        """One batch."""
        chosen = np.sort(self.order[index * BATCH : (index + 1) * BATCH])
        pictures = self.pictures[chosen]
        down, right = self.rng.integers(-2, 3), self.rng.integers(-4, 5)
        pictures = np.roll(pictures, (down, right), (1, 2))
        table = 255 * (np.arange(256) / 255) ** self.rng.uniform(0.75, 1.33)
        return table.astype(np.uint8)[pictures][..., None], {"plate": self.texts[chosen]}

    def on_epoch_end(self) -> None:
        """Another order."""
        self.order = self.rng.permutation(len(self.pictures))


def train(data: Path, work: Path, epochs: int, seed: int) -> Path:
    """Trains; the weights of the last epoch are in the file that it returns."""
    keras.utils.set_random_seed(seed)
    config = load_plate_config_from_yaml(HERE / "plate_config.yaml")
    crops = np.load(data)
    pictures, texts = crops["pictures"], targets(crops["text"], config)
    feed = Crops(pictures[HELD_BACK:], texts[HELD_BACK:], seed)
    model = network(config, "mixed_bfloat16")
    steps = epochs * len(feed)
    warm = min(600, steps // 10)
    rate = keras.optimizers.schedules.CosineDecay(0.0, steps - warm, 0.01, warmup_target=PEAK, warmup_steps=warm)
    model.compile(
        loss={"plate": cce_loss(config.vocabulary_size, label_smoothing=0.005)},
        optimizer=keras.optimizers.AdamW(rate, weight_decay=WEIGHT_DECAY, clipnorm=1.0),
        metrics={"plate": [plate_acc_metric(config.max_plate_slots, config.vocabulary_size)]},
    )
    weights = work / "plates.weights.h5"
    check = pictures[:HELD_BACK, :, :, None], {"plate": texts[:HELD_BACK]}
    keep = keras.callbacks.ModelCheckpoint(str(weights), save_weights_only=True)
    model.fit(feed, epochs=epochs, validation_data=check, callbacks=[keep], verbose=2)
    return weights


def export(weights: Path, out: Path) -> None:
    """Writes the trained network as ONNX, in float32, for any batch size."""
    config = load_plate_config_from_yaml(HERE / "plate_config.yaml")
    model = network(config, "float32")
    model.load_weights(weights)
    export_onnx(model, config, out, simplify=True, dynamic_batch=True)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--epochs", type=int, default=9)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=HERE / "ringfence_plates.onnx")
    parser.add_argument("--export-only", action="store_true", help="export what WORK has")
    given = parser.parse_args()
    weights = given.work / "plates.weights.h5"
    if not given.export_only:
        weights = train(given.data, given.work, given.epochs, given.seed)
    export(weights, given.out)


if __name__ == "__main__":
    main()
