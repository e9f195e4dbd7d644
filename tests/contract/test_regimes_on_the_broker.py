"""What reaches the police under each regime: asserted on a real broker, reading as the police."""

import pytest

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


SEEN = {
    "limited-2015": ({"ccz", "lez"}, set()),
    "inner-2022": ({"ccz", "lez"}, {"ccz", "lez"}),
    "quashed": ({"ccz", "lez"}, set()),
}


@pytest.mark.parametrize(("start", "regime"), list(enumerate(SEEN)))
def test_regime(broker, start, regime):
    texts, images = SEEN[regime]
    offered = offer(broker, start)
    with gate(broker, regime=regime):
        until(lambda: sum(1 for (_, _, sequence), _ in broker.decided() if sequence == start) == 2 * offered)
    seen = [r for r in broker.police() if r.sequence == start]
    pictures = [r for r in broker.police_images() if r.sequence == start]
    assert {r.camera for r in seen} == {c for zone in texts for c in cameras(zone)}
    assert {r.camera for r in pictures} == {c for zone in images for c in cameras(zone)}
    assert all(r.regime.startswith(regime) and r.form == "text" for r in seen)
    assert all(r.plate_patch is None for r in pictures)


def test_evidence_covers_every_offer_once_and_agrees_with_what_was_disclosed(broker):
    decided = broker.decided()
    assert len(decided) == len({key for key, _ in decided}) == len(SEEN) * 2 * 21
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
