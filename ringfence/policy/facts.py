"""What a decision may depend on: the closed lists of values that make up the key of the table."""

from enum import StrEnum
from itertools import product
from typing import Any

from msgspec import Struct


class Kind(StrEnum):
    """What is asked for: the text of a read, or its images."""

    READ = "read"
    IMAGE = "image"


class Zone(StrEnum):
    """The scheme that a camera was put up to enforce."""

    CCZ = "ccz"
    LEZ = "lez"
    ULEZ_2021 = "ulez-2021"
    ULEZ_2023 = "ulez-2023"
    UNKNOWN = "unknown"


class Activation(StrEnum):
    """Whether a camera's tranche waits to be activated."""

    NOT_REQUIRED = "not_required"
    ACTIVATED = "activated"
    PENDING = "pending"


class Facts(Struct, frozen=True):
    """One abstract question: every fact a policy may read, apart from the form asked for."""

    zone: Zone
    activation: Activation
    clock_in_bounds: bool
    suspended: bool


# The last two vary fastest: see place().
ALL_FACTS = tuple(Facts(*values) for values in product(Zone, Activation, (True, False), (False, True)))
CAMERA_PLACES = {pair: i for i, pair in enumerate(product(Zone, Activation))}
UNKNOWN_CAMERA = CAMERA_PLACES[Zone.UNKNOWN, Activation.NOT_REQUIRED]


def request(facts: Facts, action: str) -> dict[str, Any]:
    """The question as Cedar takes it."""
    return {
        "principal": 'Recipient::"police"',
        "action": f'Action::"{action}"',
        "resource": f'Zone::"{facts.zone}"',
        "context": {
            "activation": str(facts.activation),
            "suspended": facts.suspended,
            "clock_in_bounds": facts.clock_in_bounds,
        },
    }
