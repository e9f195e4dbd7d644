"""The obligations: a form is a smaller record, built from its closed list of fields and nothing else."""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

from msgspec import structs

from ringfence.errors import PolicyError
from ringfence.policy.bundle import Bound, Form
from ringfence.policy.facts import Kind
from schemas.codec import codec
from schemas.records import Image, PoliceImage, PoliceRead, Read

SOURCES: dict[Kind, type[Read] | type[Image]] = {Kind.READ: Read, Kind.IMAGE: Image}
TARGETS: dict[Kind, type[PoliceRead] | type[PoliceImage]] = {Kind.READ: PoliceRead, Kind.IMAGE: PoliceImage}
IDENTITY = ("camera", "sequence", "captured_at")

Project = Callable[[Any], bytes]
Shrink = Callable[[bytes, Bound], bytes]


def projector(form: Form, regime: str, shrink: Shrink) -> Project:
    """A function from a read or image to the bytes that the police may have. ``shrink`` makes a picture fit.

    PolicyError if the form lists what its records do not have.
    """
    check(form)
    target = TARGETS[form.of]
    pack = codec(target).pack
    taken = (*IDENTITY, *form.fields)
    law = {"regime": regime, "form": form.name}
    withheld = {f.name: None for f in structs.fields(target) if f.name not in {*taken, *law}}
    fixed: dict[str, Any] = withheld | law
    take = attrgetter(*taken)
    bounds = form.within.items()

    def project(record: Read | Image) -> bytes:
        fields = {**fixed, **dict(zip(taken, take(record), strict=True))}
        for name, bound in bounds:
            fields[name] = shrink(fields[name], bound)
        return pack(fields)

    return project


def check(form: Form) -> None:
    """Raises PolicyError if a form lists a field that its records do not have, or bounds one that is no picture."""
    theirs = {f.name for f in structs.fields(TARGETS[form.of])} - {*IDENTITY, "regime", "form"}
    ours = {f.name: f.type for f in structs.fields(SOURCES[form.of])}
    for field in form.fields:
        if field not in theirs & ours.keys():
            both = sorted(theirs & ours.keys())
            raise PolicyError(f"form {form.name}: {field!r} cannot be disclosed; there are: {both}")
    for field in form.within:
        if field not in form.fields or ours[field] is not bytes:
            raise PolicyError(f"form {form.name}: within bounds {field!r}, which is no picture of this form")


def projectors(forms: Mapping[str, Form], shrink: Shrink) -> "Projectors":
    """The projectors of these forms, made when first needed, by regime and form."""
    for form in forms.values():
        check(form)
    return Projectors(forms, shrink)


class Projectors(dict[tuple[str, str], Project]):
    """(regime, form) -> projector."""

    def __init__(self, forms: Mapping[str, Form], shrink: Shrink) -> None:
        super().__init__()
        self.forms, self.shrink = forms, shrink

    def __missing__(self, key: tuple[str, str]) -> Project:
        regime, form = key
        self[key] = projector(self.forms[form], regime, self.shrink)
        return self[key]
