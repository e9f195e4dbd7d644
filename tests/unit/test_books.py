"""The books of the demo: they balance when all is well, and each thing that can be wrong is found."""

from collections import Counter

import pytest
from msgspec.structs import replace

from ringfence.demo.books import faults, ocr_score, summarise
from ringfence.demo.ledger import Decided, Disclosed, Ledger
from schemas.records import Effect, Flag
from schemas.topics import FRAMES, IMAGES, POLICE, POLICE_IMAGES, READS
from tests.unit.made import read

# Three frames, of which one is read right and one wrong; one read from an on-board reader.
ON_BOARD, RIGHT, WRONG, UNREAD = (1, 0), (4, 1), (4, 2), (4, 3)
ALLOW = (Effect.ALLOW, "text", "", ("I22-1",))
DENY = (Effect.DENY, "", "authorised_not_activated", ("I22-5",))
LEDGER = Ledger(
    offered=Counter({FRAMES.name: 3, READS.name: 3, IMAGES.name: 2, POLICE.name: 1, POLICE_IMAGES.name: 1}),
    truths={RIGHT: "LK19ABC", WRONG: "LK19ABD", UNREAD: "LK19ABE"},
    reads={ON_BOARD: read(1, 0, flags=Flag.ON_BOARD), RIGHT: read(4, 1, flags=0), WRONG: read(4, 2, flags=0)},
    images=2,
    disclosed=[Disclosed(READS.name, ON_BOARD, "text"), Disclosed(IMAGES.name, RIGHT, "contextual")],
    decisions=[
        Decided(READS.name, ON_BOARD, *ALLOW), Decided(READS.name, RIGHT, *DENY), Decided(READS.name, WRONG, *DENY),
        Decided(IMAGES.name, RIGHT, Effect.ALLOW, "contextual", "", ("I22-1",)), Decided(IMAGES.name, WRONG, *DENY),
    ],
    breaks=[], dead_letters=Counter(), pictures=[], digests={},
)  # fmt: skip
SENT = {FRAMES.name: 3, READS.name: 1}
OCR = {"read": 2, "below_gate": 1, "no_plate": 0}
RECEIVED = {"police_received": 1, "police_images_received": 1}


def found(ledger=LEDGER, sent=SENT, ocr=OCR, received=RECEIVED, audited=5):
    return faults(ledger, sent, ocr, received, audited)


def offered(**change):
    return replace(LEDGER, offered=LEDGER.offered + Counter(change))


def test_when_all_is_well_they_balance():
    assert found() == []


def test_the_score_of_the_ocr_and_the_summary():
    assert ocr_score(LEDGER) == {"right": 1, "wrong": 1, "no_read": 1}
    summary = summarise(LEDGER)
    assert summary["reads"] == {"ocr": 2, "on_board": 1}
    assert summary["decisions"] == {"ALLOW": 2, "DENY": 3}
    assert summary["denied_by_reason"] == {"authorised_not_activated": 3}
    assert summary["disclosed_by_form"] == {"contextual": 1, "text": 1}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"sent": SENT | {FRAMES.name: 4}}, "frames on the topic = frames sent"),
        ({"sent": SENT | {READS.name: 0}}, "on-board reads on the topic"),
        ({"ocr": OCR | {"below_gate": 0}}, "frames seen by the OCR"),
        ({"ocr": OCR | {"read": 3, "below_gate": 0}}, "reads of the OCR"),
        ({"ledger": offered(**{IMAGES.name: 1})}, "images = frames that it read"),
        ({"ledger": offered(**{READS.name: 1})}, "no read twice"),
        ({"ledger": replace(LEDGER, images=1)}, "no image twice"),
        ({"audited": 4}, "decisions audited"),
        ({"ledger": replace(LEDGER, decisions=LEDGER.decisions[:-1] + LEDGER.decisions[:1])}, "no decision twice"),
        ({"ledger": replace(LEDGER, disclosed=LEDGER.disclosed[:1])}, "disclosed = allowed"),
        ({"ledger": replace(LEDGER, disclosed=[*LEDGER.disclosed[:1], Disclosed(IMAGES.name, WRONG, "contextual")])},
         "disclosures without a decision"),
        ({"ledger": replace(LEDGER, disclosed=[*LEDGER.disclosed[:1], Disclosed(IMAGES.name, RIGHT, "text")])},
         "disclosures without a decision"),
        ({"received": RECEIVED | {"police_received": 2}}, "police received"),
        ({"received": RECEIVED | {"police_images_received": 0}}, "police images received"),
        ({"ledger": replace(LEDGER, breaks=["anpr.reads/0"])}, "breaks in the evidence"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_found(given, said):
    assert [line for line in found(**given) if line.startswith(said)]


def test_a_dead_letter_is_accounted_for():
    dead = replace(LEDGER, dead_letters=Counter({FRAMES.dlq: 1}), offered=LEDGER.offered + Counter({FRAMES.name: 1}))
    assert found(dead, sent=SENT | {FRAMES.name: 4}) == []
