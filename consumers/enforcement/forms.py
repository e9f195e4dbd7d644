"""The obligations: a form is a smaller record, built from its closed list of fields and nothing else."""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

from msgspec import structs

from ringfence.policy.bundle import Bound, Form
from ringfence.policy.fields import IDENTITY, TARGETS, check_form
from schemas.codec import codec
from schemas.records import Image, Read

Project = Callable[[Any], bytes]
Shrink = Callable[[bytes, Bound], bytes]


def projector(form: Form, regime: str, shrink: Shrink) -> Project:
    """A function from a read or image to the bytes that the police may have. ``shrink`` makes a picture fit.

    PolicyError if the form lists what its records do not have.
    """
    check_form(form)
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


def projectors(forms: Mapping[str, Form], shrink: Shrink) -> "Projectors":
    """The projectors of these forms, made when first needed, by regime and form."""
    for form in forms.values():
        check_form(form)
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
