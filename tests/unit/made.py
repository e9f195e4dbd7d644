"""Things that more than one test needs, made small."""

from collections import namedtuple
from pathlib import Path

import cv2
import numpy as np

from ringfence.clock import Clock
from ringfence.estate import parse
from ringfence.jpeg import stripped
from ringfence.policy.sealed import pack, sign
from schemas.codec import codec
from schemas.records import Image, Read, SealedBundle

BROKER_TIME = 1  # Kafka's LogAppendTime
# The part of kafka-python's record that the stages use.
Delivery = namedtuple("Delivery", "topic partition offset timestamp timestamp_type key value headers")

OPENING = 1_655_276_400_000_000  # 2022-06-15 08:00 BST, µs
WALL = 1_800_000_000_000  # ms
CLOCK = Clock(OPENING - WALL * 1_000)

ESTATE = parse(
    """id,zone,tranche,on_board,lon,lat
1,ccz,original,yes,-0.12,51.51
2,lez,original,no,-0.30,51.60
3,ulez-2021,inner-1,yes,-0.08,51.53
4,ulez-2021,inner-2,no,-0.05,51.48
5,ulez-2023,outer-1,yes,0.10,51.60
""",
    """
original: {needs_activation: false}
inner-1: {needs_activation: true}
inner-2: {needs_activation: true}
outer-1: {needs_activation: true}
""",
)


def read(camera=1, sequence=0, at=OPENING, vrm="LK19ABC", flags=2):
    return Read(camera, sequence, at, vrm, vrm, 95, flags)


def jpeg(width, height, quality=90):
    """Noise, which does not compress."""
    noise = np.random.default_rng(7).integers(0, 256, (height, width, 3), np.uint8)
    return stripped(cv2.imencode(".jpg", noise, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes())


PATCH, OVERVIEW = jpeg(120, 30, 30), jpeg(160, 90, 30)


def image(camera=1, sequence=0, at=OPENING):
    return Image(camera, sequence, at, PATCH, OVERVIEW, [0] * 8)


def delivery(record, topic, partition=0, offset=0, at=None, headers=()):
    stamp = WALL + ((at if at is not None else record.captured_at) - OPENING) // 1_000
    value = codec(type(record)).encode(record)
    return Delivery(topic, partition, offset, stamp, BROKER_TIME, str(record.camera).encode(), value, list(headers))


# A small law: quick to compile.
SMALL = {
    path: (Path("policies") / path).read_bytes() for path in ("common.cedar", "forms.yaml", "schema.cedarschema")
} | {
    "quashed/regime.yaml": Path("policies/quashed/regime.yaml").read_bytes(),
    "quashed/policy.cedar": Path("policies/quashed/policy.cedar").read_bytes(),
    "quashed/cases/ALLOW/a.yaml": Path("policies/quashed/cases/ALLOW/read_from_a_ccz_camera.yaml").read_bytes(),
}  # fmt: skip


def sealed(signer, number=1, **changed):
    """The bytes of a small bundle, signed. ``changed``: files by path with / written as __, None to leave one out."""
    files = SMALL | {path.replace("__", "/"): data for path, data in changed.items()}
    return codec(SealedBundle).encode(sign(pack(number, {p: d for p, d in files.items() if d is not None}), signer))
