"""Writes the trained finder as ONNX, in int8: packed pictures in, answers out, N by 10 by H/8 by W/8 float32.

The graph is written node by node from the weights: a converter makes four times as many nodes of it as soon as
height and width are open, and runs half as fast. Each norm goes into the convolution before it, and the scale of
the pictures into the first, so that bytes go in as they are. They go in packed, N by H/4 by W/4 by 16: the first
convolution, of 8 by 8 in steps of 4, is then one of 3 by 3 over 16 channels, several times as fast. Only the last
layer stays in float32, for it gives pixels. How large the steps of int8 are comes from pictures of the shard held
back from training.
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

sys.path.insert(0, str(Path(__file__).parent.parent))

from consumers.ocr.finder import packed
from models.finder_net import ANSWERS, network

QUANTISED = ("Conv", "Add", "Resize", "Relu")
CALIBRATED, BATCH, OPSET = 256, 16, 17
BYTES, PLANES, LIGHT = "pictures", "planes", "light"  # the input; the channels before the rows; as float32
PACK, LAST = 4, "answers"

Weights = NDArray[np.float32]


class Pictures(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
    """Some pictures, batch by batch."""

    def __init__(self, pictures: NDArray[np.uint8]) -> None:
        self.batches: Iterator[dict[str, NDArray[np.uint8]]] = iter(
            [{BYTES: packed(pictures[i : i + BATCH])} for i in range(0, len(pictures), BATCH)]
        )

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        """The next batch."""
        return next(self.batches, None)


class Graph:
    """An ONNX graph that grows."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, value: NDArray[np.float32]) -> str:
        """Adds a constant; its name."""
        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def add(self, kind: str, inputs: list[str], output: str, **attributes: object) -> str:
        """Adds a node; the name of its output."""
        self.nodes.append(helper.make_node(kind, inputs, [output], output, **attributes))
        return output

    def conv(self, source: str, kernel: Weights, bias: Weights, name: str, stride: int = 1, dilation: int = 1) -> str:
        """Adds a convolution as Keras pads it (what is odd goes below and to the right), with relu but for the last."""
        reach = max(0, dilation * (kernel.shape[0] - 1) + 1 - stride)
        before, after = reach // 2, reach - reach // 2
        names = [self.constant(f"{name}_kernel", kernel.transpose(3, 2, 0, 1).copy()),
                 self.constant(f"{name}_bias", bias)]  # fmt: skip
        out = self.add("Conv", [source, *names], name, strides=[stride, stride], dilations=[dilation, dilation],
                       pads=[before, before, after, after])  # fmt: skip
        return out if name == LAST else self.add("Relu", [out], f"{name}_on")


def graph_of(model: keras.Model) -> onnx.ModelProto:
    """The network in float32."""
    graph = Graph()

    def conv(source: str, name: str) -> str:
        kernel, bias = _with_norm(model, name)
        layer = model.get_layer(name)
        if name == "stem":
            return graph.conv(source, _packed_kernel(kernel) / np.float32(255), bias, name)
        return graph.conv(source, kernel, bias, name, layer.strides[0], layer.dilation_rate[0])

    x = graph.add("Transpose", [BYTES], PLANES, perm=[0, 3, 1, 2])
    x = graph.add("Cast", [x], LIGHT, to=TensorProto.FLOAT)
    x = conv(x, "stem")
    near = conv(conv(x, "eighth"), "near")
    x = conv(near, "sixteenth")
    for name in ("wide1", "wide2", "wide4", "narrow"):
        x = conv(x, name)
    twice = graph.constant("twice", np.array([1, 1, 2, 2], np.float32))
    x = graph.add("Resize", [x, "", twice], "back", mode="nearest", nearest_mode="floor",
                  coordinate_transformation_mode="asymmetric")  # fmt: skip
    x = conv(graph.add("Add", [near, x], "both"), "mixed")
    kernel, bias = (np.asarray(weights, np.float32) for weights in model.get_layer(LAST).get_weights())
    graph.conv(x, kernel, bias, LAST)
    made = helper.make_graph(
        graph.nodes, "finder",
        [helper.make_tensor_value_info(BYTES, TensorProto.UINT8, ["n", "height", "width", PACK * PACK])],
        [helper.make_tensor_value_info(LAST, TensorProto.FLOAT, ["n", ANSWERS, "down", "across"])],
        graph.constants,
    )  # fmt: skip
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)


def _with_norm(model: keras.Model, name: str) -> tuple[Weights, Weights]:
    """The kernel and the bias of a convolution and the norm behind it."""
    norm = model.get_layer(f"{name}_norm")
    gamma, beta, mean, variance = (np.asarray(weights, np.float32) for weights in norm.get_weights())
    gain = gamma / np.sqrt(variance + norm.epsilon)
    kernel = np.asarray(model.get_layer(name).get_weights()[0], np.float32)
    return kernel * gain, beta - mean * gain


def _packed_kernel(kernel: Weights) -> Weights:
    """8 by 8 by 1 by filters to 3 by 3 by 16 by filters: with noughts around it, it is 12 by 12."""
    around = (3 * PACK - kernel.shape[0]) // 2
    wide = np.pad(kernel[:, :, 0], ((around, around), (around, around), (0, 0)))
    return wide.reshape(3, PACK, 3, PACK, -1).transpose(0, 2, 1, 3, 4).reshape(3, 3, PACK**2, -1)


def export(weights: Path, data: Path, out: Path) -> None:
    """Writes ``out`` in int8, and beside the weights the same network in float32, for comparison."""
    model = network()
    model.load_weights(weights)
    with np.load(data / "finder-00000.npz") as held:
        pictures = held["pictures"][:CALIBRATED]
    exact = weights.with_name("finder.float.onnx")
    onnx.save(graph_of(model), exact)
    as_they_are = {"scale": np.array(1, np.float32), "zero_point": np.array(0, np.uint8)}
    with tempfile.TemporaryDirectory() as folder:
        ready, whole = Path(folder) / "ready.onnx", Path(folder) / "whole.onnx"
        quant_pre_process(exact, ready, skip_symbolic_shape=True)
        quantize_static(
            ready, whole, Pictures(pictures), quant_format=QuantFormat.QDQ, per_channel=True,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, op_types_to_quantize=QUANTISED,
            nodes_to_exclude=[LAST],
            extra_options={"TensorQuantOverrides": {LIGHT: [as_they_are]}},
        )  # fmt: skip
        made = onnx.load(whole)
    _bytes_in(made.graph)
    onnx.checker.check_model(made)
    onnx.save(made, out)
    print(f"{out}: {out.stat().st_size / 1e6:.2f} MB; float {exact.stat().st_size / 1e6:.2f} MB")


def _bytes_in(graph: onnx.GraphProto) -> None:
    """Takes out the cast to float32 and the step back to the very bytes that came in."""
    cast = next(node for node in graph.node if node.op_type == "Cast")
    step = next(node for node in graph.node if node.op_type == "QuantizeLinear" and node.input[0] == cast.output[0])
    for node in graph.node:
        node.input[:] = [PLANES if name == step.output[0] else name for name in node.input]
    graph.node.remove(cast)
    graph.node.remove(step)
