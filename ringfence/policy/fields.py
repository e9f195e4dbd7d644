"""What a form of disclosure may list: fields that the read or image has, and the police's record of it. Pure."""

from msgspec import structs

from ringfence.errors import PolicyError
from ringfence.policy.bundle import Form
from ringfence.policy.facts import Kind
from schemas.records import Image, PoliceImage, PoliceRead, Read

SOURCES: dict[Kind, type[Read] | type[Image]] = {Kind.READ: Read, Kind.IMAGE: Image}
TARGETS: dict[Kind, type[PoliceRead] | type[PoliceImage]] = {Kind.READ: PoliceRead, Kind.IMAGE: PoliceImage}
PICTURES = frozenset(f.name for f in structs.fields(Image) if f.type is bytes)
IDENTITY = ("camera", "sequence", "captured_at")


def check_form(form: Form) -> None:
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
