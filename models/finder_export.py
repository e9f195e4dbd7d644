"""Writes the trained finder as ONNX, in int8: pictures in, N by 1 by H by W uint8; answers out, N by 10 by H/8 by W/8.

The graph is written node by node from the weights: a converter makes four times as many nodes of it as soon as
height and width are open, and runs half as fast. Each norm goes into the convolution before it, and the scale of
the pictures into the first, so that bytes go in as they are. Only the last layer stays in float32, for it gives
pixels. How large the steps of int8 are comes from pictures of the shard held back from training.
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

from models.finder_net import ANSWERS, network

QUANTISED = ("Conv", "Add", "Resize", "Relu")
CALIBRATED, BATCH, OPSET = 256, 16, 17
BYTES, LIGHT = "pictures", "light"  # the input, and the same as float32

Weights = NDArray[np.float32]


class Pictures(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
    """Some pictures, batch by batch."""

    def __init__(self, pictures: NDArray[np.uint8]) -> None:
        self.batches: Iterator[dict[str, NDArray[np.uint8]]] = iter(
            [{BYTES: pictures[i : i + BATCH, None]} for i in range(0, len(pictures), BATCH)]
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

    def conv(self, source: str, layer: keras.layers.Conv2D, kernel: Weights, bias: Weights, relu: bool) -> str:
        """Adds a convolution as Keras pads it: what is odd goes below and to the right."""
        reach = layer.dilation_rate[0] * (layer.kernel_size[0] - 1) + 1 - layer.strides[0]
        before = max(reach, 0) // 2
        after = max(reach, 0) - before
        names = [self.constant(f"{layer.name}_kernel", kernel.transpose(3, 2, 0, 1).copy()),
                 self.constant(f"{layer.name}_bias", bias)]  # fmt: skip
        out = self.add("Conv", [source, *names], layer.name if relu else "answers", strides=list(layer.strides),
                       dilations=list(layer.dilation_rate), pads=[before, before, after, after])  # fmt: skip
        return self.add("Relu", [out], f"{layer.name}_on") if relu else out


def graph_of(model: keras.Model) -> onnx.ModelProto:
    """The network in float32."""
    graph = Graph()

    def conv(source: str, name: str, scale: float = 1.0) -> str:
        kernel, bias = _with_norm(model, name)
        return graph.conv(source, model.get_layer(name), kernel * np.float32(scale), bias, True)

    x = graph.add("Cast", [BYTES], LIGHT, to=TensorProto.FLOAT)
    x = conv(x, "stem", 1 / 255)
    near = conv(conv(x, "eighth"), "near")
    x = conv(near, "sixteenth")
    for name in ("wide1", "wide2", "wide4", "narrow"):
        x = conv(x, name)
    twice = graph.constant("twice", np.array([1, 1, 2, 2], np.float32))
    x = graph.add("Resize", [x, "", twice], "back", mode="nearest", nearest_mode="floor",
                  coordinate_transformation_mode="asymmetric")  # fmt: skip
    x = conv(graph.add("Add", [near, x], "both"), "mixed")
    last = model.get_layer("answers")
    graph.conv(x, last, *(np.asarray(weights, np.float32) for weights in last.get_weights()), False)
    made = helper.make_graph(
        graph.nodes, "finder",
        [helper.make_tensor_value_info(BYTES, TensorProto.UINT8, ["n", 1, "height", "width"])],
        [helper.make_tensor_value_info("answers", TensorProto.FLOAT, ["n", ANSWERS, "down", "across"])],
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


def export(weights: Path, data: Path, out: Path) -> None:
    """Writes ``out`` in int8, and beside it the same network in float32, for comparison (``.float.onnx``)."""
    model = network()
    model.load_weights(weights)
    with np.load(data / "finder-00000.npz") as held:
        pictures = held["pictures"][:CALIBRATED]
    exact = out.with_suffix(".float.onnx")
    onnx.save(graph_of(model), exact)
    as_they_are = {"scale": np.array(1, np.float32), "zero_point": np.array(0, np.uint8)}
    with tempfile.TemporaryDirectory() as folder:
        ready, whole = Path(folder) / "ready.onnx", Path(folder) / "whole.onnx"
        quant_pre_process(exact, ready, skip_symbolic_shape=True)
        quantize_static(
            ready, whole, Pictures(pictures), quant_format=QuantFormat.QDQ, per_channel=True,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, op_types_to_quantize=QUANTISED,
            nodes_to_exclude=["answers"],
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
        node.input[:] = [BYTES if name == step.output[0] else name for name in node.input]
    graph.node.remove(cast)
    graph.node.remove(step)
