"""The schema registry, if there is one: numbers for our schemas, schemas for the numbers of others.

A client of five requests over the standard library. A number and its schema never change, so each is asked
for once. Registering comes last: what is there is looked for first, so a stage whose schemas somebody else
has registered needs no right to write.
"""

import base64
import json
import time
from collections.abc import Mapping
from email.message import Message
from functools import cache
from http.client import HTTPException
from ipaddress import ip_address
from typing import IO, Any
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from ringfence import private
from ringfence.errors import RegistryError, RegistryRefusedError, SettingError
from ringfence.settings import Settings
from schemas.codec import Codec, Codecs, UndecodableError, plain, record_of, schema_of, single_object
from schemas.framing import Confluent, confluent_header
from schemas.records import Record
from schemas.topics import Topic

CONTENT = "application/vnd.schemaregistry.v1+json"
SECONDS = 5.0
MOST_BYTES = 1 << 20
ASK_AGAIN = 10.0  # seconds, after the registry did not know a number: it may lag behind its writers
MISSING = 1024  # such numbers that are remembered
MOST_WORDS = 200  # characters of an answer that are passed on


class _Stay(HTTPRedirectHandler):
    """Follows no redirection: it could carry the password elsewhere."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> Request | None:
        """None: the answer is taken as it is."""
        del req, fp, code, msg, headers, newurl
        return None


class Registry:
    """A schema registry at a URL. RegistryError if it does not answer; it knows whether to try again."""

    def __init__(self, url: str, login: str | None = None) -> None:
        self.url = url.rstrip("/")
        self._headers = {"Content-Type": CONTENT, "Accept": f"{CONTENT}, application/json"}
        if login:
            self._headers["Authorization"] = "Basic " + base64.b64encode(login.encode()).decode()
        self._opener = build_opener(_Stay)
        self._known: dict[int, str] = {}
        self._missing: dict[int, float] = {}

    def number(self, subject: str, schema: str) -> int:
        """The number of a schema under a subject; registers it if it is new and compatible with the latest one.

        RegistryRefusedError if it is not, or may not be registered.
        """
        name, body = quote(subject, safe=""), {"schema": schema}
        known = self._ask(f"/subjects/{name}", body)
        if known is None:
            verdict = self._ask(f"/compatibility/subjects/{name}/versions/latest", body)
            if verdict is not None and verdict.get("is_compatible") is not True:
                raise RegistryRefusedError(
                    f"our schema of {subject} is not compatible with the latest one in the registry at {self.url}:"
                    " see docs/registry.md"
                )
            known = self._ask(f"/subjects/{name}/versions", body)
        number = (known or {}).get("id")
        if not isinstance(number, int) or not 0 <= number < 1 << 32:
            raise RegistryRefusedError(f"the schema registry at {self.url} gave {subject} no number: is it one?")
        return number

    def schema(self, number: int) -> str:
        """The schema of that number, as JSON. UndecodableError if there is none, or none that is Avro."""
        if number not in self._known and time.monotonic() >= self._missing.get(number, 0.0):
            self._look_up(number)
        if number not in self._known:
            raise UndecodableError(f"the schema registry has no Avro schema {number}")
        return self._known[number]

    def _look_up(self, number: int) -> None:
        answer = self._ask(f"/schemas/ids/{number}") or {}
        schema = answer.get("schema")
        if isinstance(schema, str) and answer.get("schemaType", "AVRO") == "AVRO":
            self._known[number] = schema
            return
        if len(self._missing) >= MISSING:
            self._missing.clear()
        self._missing[number] = time.monotonic() + ASK_AGAIN

    def _ask(self, path: str, body: Mapping[str, str] | None = None) -> dict[str, Any] | None:
        """The answer to a request; None if what was asked for is not there (404)."""
        data = None if body is None else json.dumps(body).encode()
        try:
            with self._opener.open(Request(self.url + path, data, self._headers), timeout=SECONDS) as answer:
                found = json.loads(answer.read(MOST_BYTES))
        except HTTPError as error:
            if error.code == 404:
                return None
            raise self._refusal(error) from None
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise RegistryError(f"no schema registry answers at {self.url}: {reason}") from None
        except (ValueError, RecursionError):
            raise RegistryRefusedError(f"what answers at {self.url} is no schema registry") from None
        return found if isinstance(found, dict) else {}

    def _refusal(self, error: HTTPError) -> RegistryError:
        kind = RegistryError if error.code >= 500 or error.code == 429 else RegistryRefusedError
        with error:
            words = " ".join(error.read(MOST_BYTES).decode("utf-8", "replace").split())[:MOST_WORDS]
        return kind(f"the schema registry at {self.url} answers {error.code}: {words or error.reason}")


def codecs_of(settings: Settings) -> Codecs:
    """The codec of each topic as the settings have it: in the default framing, or with the registry's numbers.

    SettingError for a password that would go to another machine unencrypted.
    """
    if settings.registry_url is None:
        return plain
    login = settings.registry_auth and private.read(settings.registry_auth, "set RINGFENCE_REGISTRY_AUTH")
    if login and in_the_open(settings.registry_url):
        raise SettingError(
            f"{settings.registry_url} is not encrypted: nobody logs in there. Give RINGFENCE_REGISTRY_URL as https://,"
            " or leave RINGFENCE_REGISTRY_AUTH unset"
        )
    return registered(Registry(settings.registry_url, login or None))


def in_the_open(url: str) -> bool:
    """Whether others may read along: plain HTTP to another machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return parts.scheme == "http" and host != "localhost" and not _loopback(host)


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def registered(registry: Registry) -> Codecs:
    """The codec of each topic with the registry's numbers. Its first use registers our schema: RegistryError."""

    @cache
    def of(topic: Topic) -> Codec[Any]:
        if topic.lasting:
            return plain(topic)
        return framed(registry, record_of(topic), subject(topic))

    return of


def framed(registry: Registry, record: type[Record], name: str) -> Codec[Any]:
    """The codec of a record whose schema the registry keeps under that subject. RegistryError."""
    number = registry.number(name, json.dumps(schema_of(record)))
    return Codec(record, Confluent(confluent_header(number), registry.schema, single_object(record)))


def subject(topic: Topic) -> str:
    """The name under which the registry keeps the schemas of a topic's values (TopicNameStrategy)."""
    return f"{topic.name}-value"
