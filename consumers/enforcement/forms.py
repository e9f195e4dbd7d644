"""The obligations: a form is a smaller record, built from its closed list of fields and nothing else."""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

from msgspec import structs

from ringfence.policy.bundle import Bound, Form
from ringfence.policy.facts import Kind
from ringfence.policy.fields import IDENTITY, PICTURES, TARGETS, check_form
from schemas.codec import Codecs, plain
from schemas.records import Image, Read
from schemas.topics import POLICE, POLICE_IMAGES

TOPICS = {Kind.READ: POLICE, Kind.IMAGE: POLICE_IMAGES}
Project = Callable[[Any], bytes]
Redact = Callable[[Any], dict[str, Any]]
Shrink = Callable[[bytes, Bound | None], bytes]


def projector(form: Form, regime: str, shrink: Shrink, codecs: Codecs = plain) -> Project:
    """A function from a read or image to the bytes that the police may have.

    ``shrink`` makes a picture fit its bound, if it has one, and rids it of all that is no picture.

    PolicyError if the form lists what its records do not have.
    """
    redact, pack = redactor(form, regime, shrink), codecs(TOPICS[form.of]).pack
    return lambda record: pack(redact(record))


def redactor(form: Form, regime: str, shrink: Shrink) -> Redact:
    """A function from a read or image to the fields of the smaller record. PolicyError, as projector()."""
    check_form(form)
    taken = (*IDENTITY, *form.fields)
    law = {"regime": regime, "form": form.name}
    blank: dict[str, Any] = dict.fromkeys(f.name for f in structs.fields(TARGETS[form.of])) | law
    take = attrgetter(*taken)
    pictures = [(name, form.within.get(name)) for name in form.fields if name in PICTURES]

    def redact(record: Read | Image) -> dict[str, Any]:
        fields = blank.copy()
        fields.update(zip(taken, take(record), strict=True))
        for name, bound in pictures:
            fields[name] = shrink(fields[name], bound)
        return fields

    return redact


def projectors(forms: Mapping[str, Form], shrink: Shrink, codecs: Codecs = plain) -> "Projectors":
    """The projectors of these forms, made when first needed, by regime and form."""
    for form in forms.values():
        check_form(form)
    return Projectors(forms, shrink, codecs)


class Projectors(dict[tuple[str, str], Project]):
    """(regime, form) -> projector."""

    def __init__(self, forms: Mapping[str, Form], shrink: Shrink, codecs: Codecs) -> None:
        super().__init__()
        self.forms, self.shrink, self.codecs = forms, shrink, codecs

    def __missing__(self, key: tuple[str, str]) -> Project:
        regime, form = key
        self[key] = projector(self.forms[form], regime, self.shrink, self.codecs)
        return self[key]
