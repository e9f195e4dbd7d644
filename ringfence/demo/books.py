"""The books: what the ledger adds up to, and whether it balances. Pure."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from ringfence.demo.ledger import Decided, Disclosed, Id, Ledger
from schemas.records import Effect, Flag
from schemas.topics import FRAMES, IMAGES, POLICE, POLICE_IMAGES, READS


def ocr_score(ledger: Ledger) -> dict[str, int]:
    """How many frames were read right, wrong or not at all. A frame without a plate is right if it has no read."""
    score = Counter({"right": 0, "wrong": 0, "no_read": 0})
    for frame, truth in ledger.truths.items():
        read = ledger.reads.get(frame)
        if read is None:
            score["no_read" if truth else "right"] += 1
        else:
            score["right" if read.vrm == truth else "wrong"] += 1
    return dict(score)


def summarise(ledger: Ledger) -> dict[str, Any]:
    """The counts that the broker's own topics give."""
    allowed = [d for d in ledger.decisions if d.effect is Effect.ALLOW]
    denied = [d for d in ledger.decisions if d.effect is Effect.DENY]
    on_board = _on_board(ledger)
    return {
        "frames": len(ledger.truths),
        "frames_without_plate": sum(1 for truth in ledger.truths.values() if not truth),
        "reads": {"ocr": len(ledger.reads) - on_board, "on_board": on_board},
        "images": ledger.images,
        "ocr": ocr_score(ledger),
        "decisions": {"ALLOW": len(allowed), "DENY": len(denied)},
        "denied_by_reason": dict(sorted(Counter(d.reason for d in denied).items())),
        "disclosed_by_form": dict(sorted(Counter(d.form for d in ledger.disclosed).items())),
        "dead_letters": ledger.dead_letters.total(),
    }


def faults(
    ledger: Ledger,
    sent: Mapping[str, int],
    ocr: Mapping[str, int],
    received: Mapping[str, Any],
    audited: int,
) -> list[str]:
    """What does not add up, a line each; empty when the books balance.

    ``sent`` is what the cameras say they sent, by topic; ``ocr`` what the OCR stage says became of the frames;
    ``received`` the police console's report; ``audited`` the number of decisions that oversight counted.
    """
    offered, dead = ledger.offered, ledger.dead_letters
    read_by_ocr = len(ledger.reads) - _on_board(ledger)
    return topic_faults(ledger) + _differing({
        "frames on the topic = frames sent": (offered[FRAMES.name], sent[FRAMES.name]),
        "on-board reads on the topic = reads sent": (offered[READS.name] - read_by_ocr, sent[READS.name]),
        "frames seen by the OCR = frames offered": (
            sum(ocr.values()) + dead[FRAMES.dlq], offered[FRAMES.name],
        ),
        "reads of the OCR = frames that it read": (read_by_ocr, ocr["read"]),
        "images = frames that it read": (offered[IMAGES.name], ocr["read"]),
        "decisions audited = decisions in the evidence": (audited, len(ledger.decisions)),
        "police received = text disclosed": (received["police_received"], offered[POLICE.name]),
        "police images received = images disclosed": (
            received["police_images_received"], offered[POLICE_IMAGES.name],
        ),
    })  # fmt: skip


def topic_faults(ledger: Ledger) -> list[str]:
    """The same, of what the topics alone can show: no read lost, none twice, and no disclosure without evidence."""
    allowed = {(d.topic, d.id): d for d in ledger.decisions if d.effect is Effect.ALLOW}
    offered, dead = ledger.offered, ledger.dead_letters
    to_decide = sum(offered[t.name] - dead[t.dlq] for t in (READS, IMAGES))
    return _differing({
        "no read twice": (len(ledger.reads), offered[READS.name] - dead[READS.dlq]),
        "no image twice": (ledger.images, offered[IMAGES.name] - dead[IMAGES.dlq]),
        "decisions in the evidence = reads + images offered": (len(ledger.decisions), to_decide),
        "no decision twice": (len({(d.topic, d.id) for d in ledger.decisions}), len(ledger.decisions)),
        "disclosed = allowed": (len(ledger.disclosed), len(allowed)),
        "disclosures without a decision": (sum(_unfounded(allowed, d) for d in ledger.disclosed), 0),
        "breaks in the evidence": (len(ledger.breaks), 0),
    })  # fmt: skip


def _differing(checks: Mapping[str, tuple[int, int]]) -> list[str]:
    return [f"{name}: {left:,} against {right:,}" for name, (left, right) in checks.items() if left != right]


def _on_board(ledger: Ledger) -> int:
    return sum(1 for read in ledger.reads.values() if read.flags & Flag.ON_BOARD)


def _unfounded(allowed: Mapping[tuple[str, Id], Decided], disclosed: Disclosed) -> bool:
    decision = allowed.get((disclosed.topic, disclosed.id))
    return decision is None or decision.form != disclosed.form
