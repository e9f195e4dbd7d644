"""A bundle: the folder of policies, read whole into frozen records, with one digest over all of it."""

import hashlib
import re
from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import yaml
from msgspec import Struct, structs

from ringfence.errors import FileError, PolicyError
from ringfence.policy.facts import Kind, Purpose

R = TypeVar("R", bound=Struct)
Positive = Annotated[int, msgspec.Meta(gt=0)]
IN_FORCE = "in force"
STATUSES = (IN_FORCE, "proposed", "alleged", "counterfactual")
DAY = 86_400_000_000  # µs
# The register of cameras has a digest of its own.
APART = "estate"
# What a bundle is made of. Whatever else lies in the folder is said, and not signed along.
BELONGS = re.compile(r"forms\.yaml|common\.cedar|schema\.cedarschema"
                     r"|[a-z0-9-]+/(regime\.yaml|policy\.cedar|cases/(ALLOW|DENY)/[\w.-]+\.yaml)")  # fmt: skip
ASIDE = frozenset({"README.md"})
LONGEST = 36_500  # days of retention
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C where it was built: eight times as quick


class Bound(Struct, frozen=True):
    """The largest that a picture may be: bytes, and pixels across and down where those are bound too."""

    bytes: Positive
    width: Positive | None = None
    height: Positive | None = None


class Form(Struct, frozen=True):
    """A form of disclosure: the action it needs and the closed list of fields it may contain.

    ``within`` bounds the pictures among the fields.
    """

    name: str
    of: Kind
    action: str
    fields: tuple[str, ...]
    within: Mapping[str, Bound] = {}


class Governance(Struct, frozen=True):
    """One entry of the public record on how a regime came to be: what there was, or was not, and who says so."""

    what: str
    source: str


class Regime(Struct, frozen=True):
    """A legal basis. ``starts`` and ``ends`` are µs since 1970 UTC; ``ends`` None means still open.

    ``purposes`` and ``forms`` say in short what the rules allow, and are held against them. ``retention`` is how
    long after its capture a read may be disclosed, in µs; None: no term is on record.
    """

    id: str
    title: str
    status: str
    instrument: str
    summary: str
    purposes: tuple[Purpose, ...]
    forms: tuple[str, ...]
    retention: int | None
    record: tuple[Governance, ...]
    sources: tuple[str, ...]
    starts: int
    ends: int | None
    policy: str

    @property
    def label(self) -> str:
        """The id, with the status where the regime is not simply in force."""
        return self.id if self.status == IN_FORCE else f"{self.id} ({self.status})"


class Case(Struct, frozen=True):
    """A question a lawyer would ask, and the answer: a form (ALLOW) or a reason (DENY), and by which rules."""

    name: str
    regime: str
    facts: Mapping[str, Any]
    of: Kind
    at: int
    by: tuple[str, ...]
    form: str
    reason: str


class Bundle(Struct, frozen=True):
    """Everything that decides, and its SHA-256 over every file's path and bytes."""

    regimes: tuple[Regime, ...]
    forms: tuple[Form, ...]
    common: str
    schema: str
    cases: tuple[Case, ...]
    digest: bytes

    def regime(self, regime_id: str) -> Regime:
        """The regime of that id; PolicyError names those there are."""
        for regime in self.regimes:
            if regime.id == regime_id:
                return regime
        known = ", ".join(sorted(regime.id for regime in self.regimes))
        raise PolicyError(f"no regime {regime_id!r} in the bundle; there are: {known}")

    def of(self, names: Collection[str]) -> "Bundle":
        """The same bundle with these regimes and their cases alone."""
        cases = tuple(case for case in self.cases if case.regime in names)
        return structs.replace(self, regimes=tuple(self.regime(name) for name in names), cases=cases)


def load(folder: Path) -> Bundle:
    """Reads the bundle in a folder. FileError or PolicyError says which file is at fault."""
    return parse(read_files(folder))


def parse(files: Mapping[str, bytes]) -> Bundle:
    """The bundle of these files (path -> bytes), in whatever order. PolicyError says which one is at fault."""
    files = dict(sorted(files.items()))
    for path in files:
        if not BELONGS.fullmatch(path):
            raise PolicyError(f"{path} is no file of a bundle: take it out")
    regimes = [path.removesuffix("/regime.yaml") for path in files if path.endswith("/regime.yaml")]
    if not regimes:
        raise PolicyError("the policy bundle holds no regime: point RINGFENCE_POLICIES at a policies folder")
    return Bundle(
        regimes=tuple(_regime(files, name) for name in regimes),
        forms=_forms(_yaml(files, "forms.yaml")),
        common=_text(files, "common.cedar"),
        schema=_text(files, "schema.cedarschema"),
        cases=tuple(_case(files, path) for path in files if "/cases/" in path),
        digest=_digest(files),
    )


def read_files(folder: Path) -> dict[str, bytes]:
    """Relative path -> bytes, sorted by path, so that a digest over it is stable."""
    if not folder.is_dir():
        raise FileError(f"no policies folder at {folder}: set RINGFENCE_POLICIES")
    if not (folder / "forms.yaml").is_file():
        raise FileError(f"{folder} is no policies folder, it has no forms.yaml: set RINGFENCE_POLICIES")
    paths = sorted(p for p in folder.rglob("*") if p.is_file() and p.relative_to(folder).parts[0] != APART)
    for path in paths:
        if path.is_symlink():
            raise FileError(f"{path} is a link: a bundle holds files")
    return {name: p.read_bytes() for p in paths if (name := p.relative_to(folder).as_posix()) not in ASIDE}


def _digest(files: Mapping[str, bytes]) -> bytes:
    total = hashlib.sha256()
    for path, data in files.items():
        total.update(f"{path}\0{hashlib.sha256(data).hexdigest()}\n".encode())
    return total.digest()


def _text(files: Mapping[str, bytes], path: str) -> str:
    if path not in files:
        raise PolicyError(f"the policy bundle lacks {path}")
    try:
        return files[path].decode()
    except UnicodeDecodeError:
        raise PolicyError(f"{path} is not UTF-8 text") from None


def _yaml(files: Mapping[str, bytes], path: str) -> dict[str, Any]:
    try:
        value = yaml.load(_text(files, path), LOADER)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a date such as 2022-13-45 is a ValueError
        raise PolicyError(f"{path} is not YAML: {' '.join(str(error).split())[:200]}") from None
    if not isinstance(value, dict):
        raise PolicyError(f"{path} must be a mapping")
    return value


def micros(value: Any, where: str) -> int:
    """µs since 1970 of a date with its offset. A date without one is refused: law is local."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        moment = None
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise PolicyError(f"{where}: write the date with its time and offset, as 2022-05-16T00:00:00+01:00")
    return round(moment.timestamp() * 1_000_000)


def _regime(files: Mapping[str, bytes], name: str) -> Regime:
    path = f"{name}/regime.yaml"
    raw = _yaml(files, path)
    if raw.get("id") != name or raw.get("status") not in STATUSES:
        raise PolicyError(f"{path}: id must be {name!r} and status one of: {', '.join(STATUSES)}")
    until = raw.pop("until", None)
    raw["starts"] = micros(raw.pop("from", None), f"{path}, from")
    raw["ends"] = None if until is None else micros(until, f"{path}, until")
    if raw["ends"] is not None and raw["ends"] <= raw["starts"]:
        raise PolicyError(f"{path}: it ends before it starts")
    days = raw.pop("retention_days", None)
    if days is not None and not (type(days) is int and 0 < days <= LONGEST):
        raise PolicyError(f"{path}: retention_days is a number of days up to {LONGEST:,}, or null if none is on record")
    raw["retention"] = None if days is None else days * DAY
    return _convert({**raw, "policy": _text(files, f"{name}/policy.cedar")}, Regime, path)


def _forms(raw: Mapping[str, Any]) -> tuple[Form, ...]:
    found = []
    for name, form in raw.items():
        if not isinstance(form, dict):
            raise PolicyError(f"forms.yaml: {name} must be a mapping")
        found.append(_convert({"name": name, **form}, Form, "forms.yaml"))
    return tuple(found)


def _case(files: Mapping[str, bytes], path: str) -> Case:
    raw = _yaml(files, path)
    regime, _, effect, name = path.split("/")
    if f"{regime}/regime.yaml" not in files:
        raise PolicyError(f"{path}: there is no regime {regime!r} that it could be a case of")
    asked = {key: raw.pop(key) for key in ("of", "form", "reason", "by") if key in raw}
    at = micros(raw.pop("at", None), f"{path}, at")
    if ("form" in asked) != (effect == "ALLOW") or ("reason" in asked) != (effect == "DENY"):
        raise PolicyError(f"{path}: a case in ALLOW names its form, a case in DENY its reason")
    values: dict[str, Any] = {"name": name, "regime": regime, "facts": raw, "at": at}
    values |= {"form": "", "reason": ""} | asked
    return _convert(values, Case, path)


def _convert(values: Mapping[str, Any], record: type[R], path: str) -> R:
    unknown = {str(name) for name in values} - {field.name for field in structs.fields(record)}
    if unknown:
        raise PolicyError(f"{path}: unknown entry {', '.join(sorted(unknown))}")
    try:
        return msgspec.convert(values, record)
    except msgspec.ValidationError as error:
        raise PolicyError(f"{path}: {error}") from None
