"""What a decision may depend on: closed lists of values. Their combinations are the rows of the table."""

from collections.abc import Collection, Iterator
from enum import StrEnum
from itertools import product
from typing import Any

from msgspec import Struct, structs


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


class Authorisation(StrEnum):
    """Whether an authorisation on record covers the vehicle or the place, at the moment of capture."""

    NONE = "none"
    LAPSED = "lapsed"
    IN_FORCE = "in_force"


class Purpose(StrEnum):
    """What the police ask for the data for."""

    CRIME = "crime"
    NATIONAL_SECURITY = "national_security"


class Facts(Struct, frozen=True):
    """One abstract question: every fact that a rule may read, apart from the form asked for.

    The defaults are what a rule that says nothing of them sees: as harmless as can be, and no right given.
    The last four say which documents on the scheme are on record.
    """

    zone: Zone = Zone.UNKNOWN
    activation: Activation = Activation.NOT_REQUIRED
    suspended: bool = False
    authorisation: Authorisation = Authorisation.NONE
    hotlisted: bool = False
    clock_in_bounds: bool = True
    retained: bool = True
    purpose: Purpose = Purpose.CRIME
    consultation: bool = False
    impact_assessment: bool = False
    equality_assessment: bool = False
    advisory_opinion: bool = False


DOMAINS: dict[str, tuple[Any, ...]] = {
    field.name: tuple(field.type) if issubclass(field.type, StrEnum) else (False, True)
    for field in structs.fields(Facts)
}
NAMES = tuple(DOMAINS)
CONTEXT = frozenset(NAMES) - {"zone"}
DOCUMENTS = ("consultation", "impact_assessment", "equality_assessment", "advisory_opinion")


def grid(names: Collection[str]) -> Iterator[Facts]:
    """Every combination of the values of the facts named; the others keep their defaults."""
    ordered = [name for name in NAMES if name in names]
    for values in product(*(DOMAINS[name] for name in ordered)):
        yield Facts(**dict(zip(ordered, values, strict=True)))


def request(facts: Facts, action: str) -> dict[str, Any]:
    """The question as Cedar takes it."""
    values = {name: getattr(facts, name) for name in NAMES}
    zone = values.pop("zone")
    return {
        "principal": 'Recipient::"police"',
        "action": f'Action::"{action}"',
        "resource": f'Zone::"{zone}"',
        "context": {name: value if isinstance(value, bool) else str(value) for name, value in values.items()},
    }
