"""The obligations: a form is a smaller record, built from its closed list of fields and nothing else."""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

from msgspec import structs

from ringfence.errors import PolicyError
from ringfence.policy.bundle import Form
from ringfence.policy.facts import Kind
from ringfence.policy.table import Table
from schemas.codec import codec
from schemas.records import Image, Outcome, PoliceImage, PoliceRead, Read

SOURCES: dict[Kind, type[Read] | type[Image]] = {Kind.READ: Read, Kind.IMAGE: Image}
TARGETS: dict[Kind, type[PoliceRead] | type[PoliceImage]] = {Kind.READ: PoliceRead, Kind.IMAGE: PoliceImage}
IDENTITY = ("camera", "sequence", "captured_at")

Project = Callable[[Any], bytes]


def projectors(table: Table) -> Mapping[int, Project]:
    """Row number -> a function from a read or image to the bytes that the police may have."""
    return {o.row: _projector(table.forms[o.form], o) for o in table.outcomes if o.form}


def check(form: Form) -> None:
    """Raises PolicyError if a form lists a field that its records do not have."""
    theirs = {f.name for f in structs.fields(TARGETS[form.of])} - {*IDENTITY, "regime", "form"}
    ours = {f.name for f in structs.fields(SOURCES[form.of])}
    for field in form.fields:
        if field not in theirs & ours:
            raise PolicyError(f"form {form.name}: {field!r} cannot be disclosed; there are: {sorted(theirs & ours)}")


def _projector(form: Form, outcome: Outcome) -> Project:
    check(form)
    target = TARGETS[form.of]
    pack = codec(target).pack
    taken = (*IDENTITY, *form.fields)
    law = {"regime": outcome.regime, "form": outcome.form}
    withheld = {f.name: None for f in structs.fields(target) if f.name not in {*taken, *law}}
    fixed: dict[str, Any] = withheld | law
    take = attrgetter(*taken)

    def project(record: Read | Image) -> bytes:
        return pack({**fixed, **dict(zip(taken, take(record), strict=True))})

    return project
