"""The finder's network and its loss, in Keras 3, for any backend.

Gray pictures in, one answer for each 8 by 8 pixels: ten numbers. The first says (as a logit) whether the middle
of a plate is here; the second is the logarithm of a size; the other eight are the four corners, clockwise from
the upper left, as seen from the middle of the cell, in units of 8 pixels times that size. A size of its own
lets the same weights draw a plate of 20 pixels and one of 300 with the same relative care.
"""

import keras
from keras import layers, ops

STRIDE, ANSWERS = 8, 10
WIDTH, HEIGHT = 320, 192
LIGHTS = ((0.7, 1.3), (-0.08, 0.08), (-0.35, 0.35), (0, 30))


class Light(layers.Layer):
    """Bytes to 0 to 1; in training each picture in a light of its own, and one in thirty as a negative."""

    def __init__(self, **given: str) -> None:
        super().__init__(**given)
        self.seed = keras.random.SeedGenerator(1)

    def call(self, pictures: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        """N by H by W by 1."""
        lit = ops.cast(pictures, "float32") / 255
        if training:
            gain, lift, power, negative = (self._chance(pictures, *ends) for ends in LIGHTS)
            lit = ops.clip(lit * gain + lift, 1e-3, 1.0) ** ops.exp(power)
            lit = ops.where(negative < 1, 1 - lit, lit)
        return ops.cast(lit, self.compute_dtype)

    def _chance(self, pictures: keras.KerasTensor, low: float, high: float) -> keras.KerasTensor:
        return keras.random.uniform((ops.shape(pictures)[0], 1, 1, 1), low, high, "float32", self.seed)


def network(precision: str = "float32") -> keras.Model:
    """The network, from N by H by W by 1 uint8 (H and W multiples of 16) to N by H/8 by W/8 by 10 float32.

    ``precision``: float32, mixed_float16 or mixed_bfloat16.
    """
    keras.mixed_precision.set_dtype_policy(precision)
    pictures = keras.Input((None, None, 1), dtype="uint8", name="pictures")
    x = Light(name="light")(pictures)
    x = _conv(x, 32, 8, "stem", stride=4)
    x = _conv(x, 64, 3, "eighth", stride=2)
    near = _conv(x, 64, 3, "near")
    x = _conv(near, 96, 3, "sixteenth", stride=2)
    for dilation in (1, 2, 4):  # so that a cell sees as far as the widest plate reaches
        x = _conv(x, 96, 3, f"wide{dilation}", dilation=dilation)
    x = layers.UpSampling2D(2, name="back")(_conv(x, 64, 1, "narrow"))
    x = layers.Add(name="both")([near, x])
    x = _conv(x, 64, 3, "mixed")
    answers = layers.Conv2D(ANSWERS, 1, dtype="float32", name="answers", bias_initializer=_first_bias)(x)
    return keras.Model(pictures, answers, name="finder")


def loss(truth: keras.KerasTensor, answers: keras.KerasTensor) -> keras.KerasTensor:
    """How wrong the answers are, one number for the batch.

    ``truth``: N by plates by 9: the corners in pixels as x, y, x, y, ..., then the kind (0 nothing, 1 a plate,
    2 ignored). A focal loss for the places, and for the corners the distance in parts of the plate's height.
    """
    answers = ops.cast(answers, "float32")
    cells = _cells(answers)  # h, w, 2
    corners = ops.reshape(truth[..., :8], (-1, truth.shape[1], 4, 2))
    here, near, tall = _places(cells, corners, truth[..., 8])
    plate = ops.max(here, 1)  # n, h, w
    ignored = ops.maximum(ops.max(near, 1) - plate, 0.0)
    chance = ops.sigmoid(answers[..., 0])
    missed = plate * (1 - chance) ** 2 * ops.softplus(-answers[..., 0])
    invented = (1 - plate) * (1 - ignored) * chance**2 * ops.softplus(answers[..., 0])
    placed = ops.sum(missed + invented) / (ops.sum(plate) + 1.0)
    guess = cells[:, :, None] + STRIDE * shape(answers)  # n, h, w, 4, 2
    away = ops.abs(guess[:, None] - corners[:, :, None, None]) / tall[:, :, None, None, None, None]
    away = ops.minimum(ops.mean(away, (-1, -2)), 8.0)  # n, plates, h, w
    # Each plate counts once, however many cells its middle covers.
    share = here / (ops.sum(here, (2, 3), keepdims=True) + 1e-6)
    drawn = ops.sum(share * away) / (ops.sum(share) + 1.0)
    return 2.0 * placed + drawn


def shape(answers: keras.KerasTensor) -> keras.KerasTensor:
    """N by h by w by 4 by 2: the corners from the middle of each cell, in units of 8 pixels."""
    size = ops.exp(ops.clip(answers[..., 1:2], -4.0, 4.0))
    return ops.reshape(size * answers[..., 2:], (*ops.shape(answers)[:3], 4, 2))


def _cells(answers: keras.KerasTensor) -> keras.KerasTensor:
    """Where the middle of each cell is, in pixels: h by w by 2."""
    height, width = ops.shape(answers)[1:3]
    down = ops.broadcast_to((ops.arange(height, dtype="float32") + 0.5)[:, None] * STRIDE, (height, width))
    across = ops.broadcast_to((ops.arange(width, dtype="float32") + 0.5)[None] * STRIDE, (height, width))
    return ops.stack([across, down], -1)


def _places(
    cells: keras.KerasTensor, corners: keras.KerasTensor, kinds: keras.KerasTensor
) -> tuple[keras.KerasTensor, keras.KerasTensor, keras.KerasTensor]:
    """For each plate and cell (n, plates, h, w): 1 for its middle; 1 for what is about it; and how tall it is."""
    upper_left, upper_right, lower_right, lower_left = (corners[:, :, i] for i in range(4))
    across = (upper_right - upper_left + lower_right - lower_left) / 2
    down = (lower_left - upper_left + lower_right - upper_right) / 2
    away = cells[None, None] - ops.mean(corners, 2)[:, :, None, None]
    area = ops.maximum(ops.abs(_cross(across, down)), 1.0)[:, :, None, None]
    along = ops.abs(_cross(away, down[:, :, None, None])) / area
    aside = ops.abs(_cross(across[:, :, None, None], away)) / area
    wide, tall = _length(across)[:, :, None, None], _length(down)[:, :, None, None]

    def within(part_along: float, part_aside: float, pixels: float) -> keras.KerasTensor:
        inside = along * wide < ops.maximum(part_along * wide, pixels)
        return ops.cast(ops.logical_and(inside, aside * tall < ops.maximum(part_aside * tall, pixels)), "float32")

    real = ops.cast(kinds == 1, "float32")[:, :, None, None]
    vague = ops.cast(kinds == 2, "float32")[:, :, None, None]
    here = within(0.2, 0.3, 5.0) * real
    near = within(0.4, 0.55, 10.0) * real + within(0.65, 0.75, 10.0) * vague
    size = ops.maximum(0.5 * tall + 0.1 * wide, 3.0)[:, :, 0, 0]
    return here, near, size


def _cross(one: keras.KerasTensor, other: keras.KerasTensor) -> keras.KerasTensor:
    return one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]


def _length(vector: keras.KerasTensor) -> keras.KerasTensor:
    return ops.sqrt(ops.sum(vector**2, -1) + 1e-6)


def _conv(
    x: keras.KerasTensor, filters: int, size: int, name: str, stride: int = 1, dilation: int = 1
) -> keras.KerasTensor:
    """A convolution, normalised, with relu."""
    x = layers.Conv2D(
        filters, size, stride, "same", dilation_rate=dilation, use_bias=False, name=name,
        kernel_initializer="he_normal",
    )(x)  # fmt: skip
    return layers.ReLU(name=f"{name}_on")(layers.BatchNormalization(momentum=0.97, name=f"{name}_norm")(x))


def _first_bias(_shape: tuple[int, ...], dtype: str | None = None) -> keras.KerasTensor:
    """At first nothing is a plate, and every plate is 8 pixels tall and 32 wide."""
    return ops.convert_to_tensor([-4.0, 0.7, -1.0, -0.3, 1.0, -0.3, 1.0, 0.3, -1.0, 0.3], dtype)
