"""docs/asyncapi.yaml is what the table and the schemas say. `make asyncapi` puts it to AsyncAPI's own parser."""

import json

import pytest
import yaml
from avro.schema import parse

from schemas.codec import schema_files
from schemas.topics import TOPICS
from tests.docs.asyncapi import PAGE, text

PAGE_TEXT = PAGE.read_text("utf-8")
DOCUMENT = yaml.safe_load(PAGE_TEXT)
COMPONENTS = DOCUMENT["components"]


def references(value):
    if isinstance(value, dict):
        yield from (one for key, one in value.items() if key == "$ref")
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from references(one)


def resolved(reference):
    found = DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


def test_it_is_as_the_code_has_it():
    assert text() == PAGE_TEXT, "run python -m tests.docs.asyncapi"


def test_every_reference_leads_somewhere():
    found = list(references(DOCUMENT))
    assert len(found) > len(TOPICS)
    assert all(isinstance(resolved(one), dict) for one in found)


@pytest.mark.parametrize("name", COMPONENTS["schemas"])
def test_every_schema_is_the_avro_that_is_written(name):
    schema = COMPONENTS["schemas"][name]["schema"]
    assert schema == json.loads(schema_files()[name][0].read_text("utf-8"))
    assert parse(json.dumps(schema)).name == name


def test_who_sends_and_who_receives_is_who_may():
    told = {
        (one["tags"][0]["name"], one["action"], one["channel"]["$ref"].removeprefix("#/channels/"))
        for one in DOCUMENT["operations"].values()
    }
    may = {(user, "send", topic.name) for topic in TOPICS for user in topic.writers}
    assert told == may | {(user, "receive", topic.name) for topic in TOPICS for user in topic.readers}
