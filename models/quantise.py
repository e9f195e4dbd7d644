"""Makes a model's arithmetic int8 where that costs no accuracy: ``python -m models.quantise IN OUT --crops …``.

Static QDQ: scales come from the activations on ``--crops``; weights are int8 by channel, in seven bits, so that they do
not overflow on processors without VNNI. ``--test`` compares both models, each as the product reads, and ``--most`` is
the loss of exact marks, in points, above which nothing is written (exit code 1). Needs onnx
(models/requirements-train.in).
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from shutil import copy
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from consumers.ocr.calibration import Calibration
from consumers.ocr.grammar import Grammar
from consumers.ocr.reader import OnnxReader
from models.scoring import cases_of, read, score, shards

HERE = Path(__file__).parent
CALIBRATING, BATCH = 512, 16
METHODS = {
    "minmax": CalibrationMethod.MinMax,
    "percentile": CalibrationMethod.Percentile,
    "entropy": CalibrationMethod.Entropy,
}
# Relu: it goes into the scale of what it is given, and costs nothing more.
OPERATORS = ("Conv", "Relu", "MatMul", "Gemm")


class Feed(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime ships no types
    """The calibration crops, batch by batch."""

    def __init__(self, name: str, crops: NDArray[np.uint8]) -> None:
        self._batches: Iterator[dict[str, Any]] = iter(
            [{name: crops[at : at + BATCH, :, :, None]} for at in range(0, len(crops) - BATCH + 1, BATCH)]
        )

    def get_next(self) -> dict[str, Any] | None:
        """The next batch, or None."""
        return next(self._batches, None)


def quantise(
    model: Path, out: Path, crops: NDArray[np.uint8], operators: Sequence[str], method: str, keep: Sequence[str]
) -> None:
    """Writes ``model`` with these operators in int8, but for the nodes whose name has one of ``keep`` in it."""
    with tempfile.TemporaryDirectory() as folder:
        ready = Path(folder) / "ready.onnx"
        quant_pre_process(str(model), str(ready), skip_symbolic_shape=True)
        graph = onnx.load(ready).graph
        quantize_static(
            str(ready), str(out), Feed(graph.input[0].name, crops),
            quant_format=QuantFormat.QDQ, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
            per_channel=True, reduce_range=True, op_types_to_quantize=list(operators), calibrate_method=METHODS[method],
            nodes_to_exclude=[node.name for node in graph.node if any(part in node.name for part in keep)],
        )  # fmt: skip


def direct(path: Path) -> None:
    """Lets the first convolution take the pixels as they come, where they are only scaled before: uint8 is int8 enough.

    Without it a model would turn every pixel into a float, scale it, and make it the same number again.
    """
    model = onnx.load(path)
    graph = model.graph
    maker = {output: node for node in graph.node for output in node.output}
    given = graph.input[0].name
    for first in [node for node in graph.node if node.op_type == "QuantizeLinear"]:
        chain, at = [first], first.input[0]
        while at in maker and maker[at].op_type in ("Cast", "Mul", "Reshape", "Transpose"):
            chain.append(maker[at])
            at = maker[at].input[0]
        if at != given:
            continue
        held = {tensor.name: tensor for tensor in graph.initializer}
        held[first.input[1]].CopyFrom(numpy_helper.from_array(np.float32(1 / 255), first.input[1]))
        held[first.input[2]].CopyFrom(numpy_helper.from_array(np.uint8(0), first.input[2]))
        height, width = (graph.input[0].type.tensor_type.shape.dim[axis].dim_value for axis in (1, 2))
        graph.initializer.append(numpy_helper.from_array(np.array([-1, 1, height, width], np.int64), "planes"))
        graph.node.insert(0, helper.make_node("Reshape", [given, "planes"], [first.output[0]]))
        for node in chain:
            graph.node.remove(node)
        used = {name for node in graph.node for name in node.input}
        for tensor in [tensor for tensor in graph.initializer if tensor.name not in used]:
            graph.initializer.remove(tensor)
        onnx.checker.check_model(model)
        onnx.save(model, path)
        return


def sample(paths: Sequence[Path], number: int) -> NDArray[np.uint8]:
    """So many crops, evenly out of the shards."""
    every = np.concatenate([crops.pictures for crops in shards(paths)])
    return every[np.linspace(0, len(every) - 1, min(number, len(every))).astype(int)]


def exact(model: Path, config: Path, test: Sequence[Path]) -> dict[str, float]:
    """The scores of a model, wherever it lies, under this config and no calibration."""
    with tempfile.TemporaryDirectory() as folder:
        copy(model, folder)
        copy(config, Path(folder) / "plate_config.yaml")
        reader = OnnxReader(Path(folder) / model.name)
        chances, truths = read(reader, test)
    cases = cases_of(chances, truths, Grammar(Calibration(), reader.slots))
    return score([case for case in cases if case.truth.text], 0.95)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--crops", type=Path, nargs="+", required=True, help="shards to calibrate with")
    parser.add_argument("--number", type=int, default=CALIBRATING, help="crops to calibrate with")
    parser.add_argument("--operators", nargs="+", choices=OPERATORS, default=list(OPERATORS))
    parser.add_argument("--method", choices=METHODS, default="minmax")
    parser.add_argument("--keep", nargs="*", default=[], help="nodes with one of these in their name stay in float")
    parser.add_argument("--test", type=Path, nargs="+", help="shards to compare both models on")
    parser.add_argument("--most", type=float, default=0.3, help="most points of exact marks that may be lost")
    parser.add_argument("--config", type=Path, default=HERE / "plate_config.yaml")
    given = parser.parse_args()
    part = given.out.with_suffix(".part")
    quantise(given.model, part, sample(given.crops, given.number), given.operators, given.method, given.keep)
    direct(part)
    if given.test:
        before, after = (exact(model, given.config, given.test) for model in (given.model, part))
        lost = round(before["exact"] - after["exact"], 2)
        sizes = {"bytes_before": given.model.stat().st_size, "bytes_after": part.stat().st_size}
        print(json.dumps({"before": before, "after": after, "points_lost": lost, **sizes}, indent=2))
        if lost > given.most:
            part.unlink()
            sys.exit(f"int8 loses {lost} points, more than {given.most}: keep the float model, or quantise less")
    part.replace(given.out)


if __name__ == "__main__":
    main()
