"""What reaches the police under each regime: asserted on a real broker, reading as the police."""

import pytest

from ringfence.clock import SECOND, Clock
from ringfence.policy.bundle import micros
from schemas.records import Effect, Flag
from schemas.topics import IMAGES, READS, User
from tests.contract.conftest import gate
from tests.contract.waiting import until
from tests.unit.made import image, read

ZONES = ("ccz", "lez", "ulez-2021", "ulez-2023")


def cameras(zone):
    from pathlib import Path

    from ringfence.estate import load

    return [c.id for c in load(Path("policies/estate")).cameras.values() if c.zone == zone][:5]


def offer(broker, start):
    """Five reads and five images of each zone, one of an unknown camera."""
    now = broker.clock.now()
    places = [camera for zone in ZONES for camera in cameras(zone)] + [99_999]
    broker.send(User.CAMERAS, READS, [read(c, start, now) for c in places])
    broker.send(User.OCR, IMAGES, [image(c, start, now) for c in places])
    return len(places)


OLD = {"ccz", "lez"}
INNER = OLD | {"ulez-2021"}
# What reaches the police in June 2022, with no tranche activated and no authorisation given: texts, images, form.
SEEN = {
    "pre-2007": (set(), set(), None),
    "ns-2007": (set(), set(), None),
    "limited-2015": (OLD, set(), None),
    "inner-2022": (OLD, OLD, "contextual"),
    "inner-2022-as-alleged": (INNER, INNER, "contextual"),
    "london-2023": (OLD, OLD, "contextual"),
    "reduced-2025": (OLD, OLD, "reduced"),
    "quashed": (OLD, set(), None),
    "claimants-remedy": (OLD, OLD, "contextual"),
}


# Why not, in the cases that every build must keep: (regime, zone, topic) -> reason.
WITHHELD = {
    ("inner-2022", "ulez-2021", READS.name): "authorised_not_activated",
    ("inner-2022", "ulez-2021", IMAGES.name): "authorised_not_activated",
    ("inner-2022", "ulez-2023", READS.name): "outside_camera_scope",
    ("limited-2015", "lez", IMAGES.name): "image_not_permitted",
    ("limited-2015", "ccz", IMAGES.name): "image_not_permitted",
    ("limited-2015", "ulez-2021", READS.name): "outside_camera_scope",
    ("ns-2007", "ccz", READS.name): "purpose_not_permitted",
    ("quashed", "ulez-2021", READS.name): "decision_quashed",
    ("claimants-remedy", "ulez-2021", READS.name): "authorised_not_activated",
}


@pytest.mark.parametrize(("start", "regime"), list(enumerate(SEEN)))
def test_regime(broker, start, regime):
    texts, images, form = SEEN[regime]
    offered = offer(broker, start)
    with gate(broker, regime=regime):
        until(lambda: sum(1 for (_, _, sequence), _ in broker.decided() if sequence == start) == 2 * offered)
    seen = [r for r in broker.police() if r.sequence == start]
    pictures = [r for r in broker.police_images() if r.sequence == start]
    assert {r.camera for r in seen} == {c for zone in texts for c in cameras(zone)}
    assert {r.camera for r in pictures} == {c for zone in images for c in cameras(zone)}
    assert all(r.regime.startswith(regime) and r.form == "text" for r in seen)
    assert {r.form for r in pictures} == ({form} if form else set())
    assert all((r.plate_patch is not None) == (form == "reduced") for r in pictures)
    outcomes = {(topic, camera): o for (topic, camera, sequence), o in broker.decided() if sequence == start}
    assert {outcomes[topic, 99_999].reason for topic in (READS.name, IMAGES.name)} == {"unknown_camera"}
    for (_, zone, topic), reason in ((k, v) for k, v in WITHHELD.items() if k[0] == regime):
        assert {outcomes[topic, camera].reason for camera in cameras(zone)} == {reason}


def test_for_national_security_the_regime_of_2007_discloses_in_bulk(broker):
    start = len(SEEN)
    offer(broker, start)
    with gate(broker, regime="ns-2007", purpose="national_security"):
        until(lambda: sum(1 for (_, _, sequence), _ in broker.decided() if sequence == start) == 42)
    seen = [r for r in broker.police() if r.sequence == start]
    assert {r.camera for r in seen} == {c for zone in OLD for c in cameras(zone)}
    assert {batch.purpose for batch in broker.evidence() if start in batch.sequences} == {"national_security"}


@pytest.mark.parametrize(
    ("purpose", "form", "reason"), [("crime", "", "purpose_not_permitted"), ("national_security", "text", "")]
)
def test_a_read_of_2010_by_its_date(broker, purpose, form, reason):
    """In June 2010 the clock of everything stood there: the date of capture selects the regime of 2007."""
    camera, in_2010 = cameras("ccz")[1], Clock(broker.clock.offset - 12 * 365 * 86_400 * SECOND)
    sequence = {"crime": 2010, "national_security": 2011}[purpose]
    broker.send(User.CAMERAS, READS, [read(camera, sequence, in_2010.now())])
    with gate(broker, clock=in_2010, purpose=purpose):
        (got,) = until(lambda: [o for (_, _, s), o in broker.decided() if s == sequence])
    assert (got.regime, got.form, got.reason) == ("ns-2007", form, reason)
    assert [r.form for r in broker.police() if r.sequence == sequence] == ([form] if form else [])


def test_what_is_older_than_its_term_is_withheld(broker):
    """A read of 2021 asked for in 2026, and so decided then: its camera's clock and the broker's agree."""
    camera, year = cameras("ccz")[0], 365 * 86_400 * SECOND
    in_2021 = micros("2021-11-01T09:00:00+00:00", "a test")
    broker.send(User.CAMERAS, READS, [read(camera, 2021, in_2021)])
    in_2026 = Clock(broker.clock.offset + 4 * year)
    with gate(broker, clock=in_2026, regime="limited-2015", clock_bound=10 * year / SECOND):
        (got,) = until(lambda: [o for (_, _, sequence), o in broker.decided() if sequence == 2021])
    assert (got.reason, got.rules) == ("retention_expired", ["HOUSE-4"])


def test_evidence_covers_every_offer_once_and_agrees_with_what_was_disclosed(broker):
    decided = broker.decided()
    assert len(decided) == len({key for key, _ in decided}) == (len(SEEN) + 1) * 2 * 21 + 3
    allowed = {(topic, camera, seq) for (topic, camera, seq), o in decided if o.effect is Effect.ALLOW}
    disclosed = {(READS.name, r.camera, r.sequence) for r in broker.police()}
    disclosed |= {(IMAGES.name, r.camera, r.sequence) for r in broker.police_images()}
    assert allowed == disclosed


def test_by_date_the_regime_in_force_decides(broker):
    now = broker.clock.now()
    (camera,) = cameras("lez")[:1]
    broker.send(User.CAMERAS, READS, [read(camera, 77, now, flags=int(Flag.ON_BOARD))])
    with gate(broker):
        (seen,) = until(lambda: [r for r in broker.police() if r.sequence == 77])
    assert (seen.regime, seen.form, seen.flags) == ("inner-2022", "text", int(Flag.ON_BOARD))
