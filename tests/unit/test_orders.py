"""Orders: who may give what, what each does, and that no old order can come back."""

import random
from itertools import combinations

import pytest
from msgspec.structs import replace

from ringfence.policy.authority import (
    MAY,
    OPENING,
    ExpiredOrderError,
    ForgedOrderError,
    MissingOrderError,
    NoPowerError,
    Office,
    OutOfSequenceError,
    ReplayedOrderError,
    admit,
    key_of,
    owing,
    sign,
)  # fmt: skip
from ringfence.policy.facts import Purpose
from ringfence.policy.orders import Force, Head, Objection, OrderRefusedError, Warrant
from ringfence.seal import Signer, is_key
from schemas.records import Order, OrderKind
from tests.unit.made import OPENING as NOW
from tests.unit.made import sealed

SIGNERS = {office.value: Signer.new()[0] for office in Office}
TRUST = {office: signer.public for office, signer in SIGNERS.items()}
HOUR = 3_600_000_000
SUBJECTS = {
    OrderKind.SUSPEND: "all", OrderKind.RESUME: "all", OrderKind.ACTIVATE: "inner-1", OrderKind.DEACTIVATE: "inner-1",
    OrderKind.AUTHORISE: "vrm/LK19ABC", OrderKind.REVOKE: "police/1",
    OrderKind.LIST: "stolen", OrderKind.UNLIST: "stolen", OrderKind.RECORD: "consultation",
    OrderKind.OBJECT: "the tranche inner-1", OrderKind.BUNDLE: "bundle/1",
}  # fmt: skip
COVER = {"covers_from": NOW, "covers_until": NOW + HOUR, "purpose": "crime"}
MARKED = {"vrms": ["LK19ABC"]}
NEEDS = {
    OrderKind.AUTHORISE: COVER, OrderKind.BUNDLE: {"bundle": sealed(SIGNERS["controller"])},
    OrderKind.LIST: MARKED, OrderKind.UNLIST: MARKED,
}  # fmt: skip


def order(sequence, kind, subject=None, office=None, **more):
    """Of the office that may give it; the governor, where more than one may."""
    office = office or ("governor" if "governor" in MAY[kind] else sorted(MAY[kind])[0].value)
    more = NEEDS.get(kind, {}) | more
    made = Order(sequence, office, kind, subject or SUBJECTS[kind], "somebody", "a test", NOW, **more)
    return sign(made, SIGNERS[office])


def fold(orders, force=None, at=NOW):
    """What is in force after all of them, and the errors on the way."""
    force, errors = force or Force(), []
    for one in orders:
        force, error = admit(force, one, TRUST, at)
        errors.append(type(error) if error else None)
    return force, errors


def test_what_each_order_does():
    force, errors = fold([
        order(1, OrderKind.SUSPEND, "zone/ccz"), order(2, OrderKind.SUSPEND, "form/text"),
        order(3, OrderKind.RESUME, "zone/ccz"), order(4, OrderKind.ACTIVATE),
        order(1, OrderKind.AUTHORISE, office="police"), order(5, OrderKind.AUTHORISE, "zone/ccz"),
        order(2, OrderKind.REVOKE, "police/1", office="police"),
        order(3, OrderKind.LIST, vrms=["LK19ABC", "LK19ABD"], office="police"),
        order(4, OrderKind.UNLIST, vrms=["LK19ABD"], office="police"),
        order(6, OrderKind.RECORD), order(1, OrderKind.OBJECT), order(7, OrderKind.DEACTIVATE, "inner-2"),
    ])  # fmt: skip
    assert errors == [None] * 12
    assert [force.last(office) for office in ("governor", "police", "advisers", "controller")] == [7, 4, 1, 0]
    assert force == Force(
        suspended=frozenset({"form/text"}), activated={"inner-1": ((NOW, True),), "inner-2": ((NOW, False),)},
        warrants={"governor/5": Warrant("zone/ccz", Purpose.CRIME, NOW, NOW + HOUR)},
        hotlist={"LK19ABC": frozenset({"stolen"})}, on_record=frozenset({"consultation"}),
        objections=(Objection("the tranche inner-1", "a test", NOW),),
        heads=force.heads,
    )  # fmt: skip


def test_resuming_all_resumes_whatever_was_suspended():
    force, _ = fold([order(1, OrderKind.SUSPEND, "camera/1"), order(2, OrderKind.SUSPEND), order(3, OrderKind.RESUME)])
    assert force.suspended == frozenset()


@pytest.mark.parametrize("issued", [NOW, NOW - HOUR, NOW + HOUR])
def test_an_activation_never_covers_what_was_captured_before_the_broker_took_it(issued):
    """Whatever the order says of its own time."""
    early = sign(replace(order(1, OrderKind.ACTIVATE, covers_from=NOW - HOUR), issued_at=issued), SIGNERS["governor"])
    assert fold([early])[0].activated == {"inner-1": ((NOW, True),)}
    force, _ = fold([order(1, OrderKind.ACTIVATE, covers_from=NOW + HOUR)])
    assert force.activated == {"inner-1": ((NOW + HOUR, True),)}


@pytest.mark.parametrize("issued", [NOW, NOW + 1_000 * HOUR])
def test_a_deactivation_is_at_once_and_ends_what_was_planned(issued):
    opened = [order(1, OrderKind.ACTIVATE), order(2, OrderKind.ACTIVATE, covers_from=NOW + 30 * HOUR)]
    shut = sign(replace(order(3, OrderKind.DEACTIVATE), issued_at=issued), SIGNERS["governor"])
    force, errors = fold([shut], fold(opened)[0], at=NOW + HOUR)
    assert (errors, force.activated) == ([None], {"inner-1": ((NOW, True), (NOW + HOUR, False))})


def test_what_the_broker_did_not_date_opens_nothing_and_closes_all_the_same():
    force, errors = fold([order(1, OrderKind.ACTIVATE), order(2, OrderKind.RESUME)], at=None)
    assert (errors, force.activated) == ([ExpiredOrderError] * 2, {})
    force, errors = fold([order(3, OrderKind.SUSPEND), order(4, OrderKind.DEACTIVATE)], force, at=None)
    assert (errors, force.suspended, force.activated) == ([None] * 2, {"all"}, {"inner-1": ((0, False),)})


def test_a_mark_stays_on_the_other_list():
    lists = [order(n, OrderKind.LIST, name, vrms=["LK19ABC"], office="police") for n, name in enumerate("ab", 1)]
    force, _ = fold([*lists, order(3, OrderKind.UNLIST, "a", vrms=["LK19ABC"], office="police")])
    assert force.hotlist == {"LK19ABC": frozenset("b")}
    force, _ = fold([order(4, OrderKind.UNLIST, "b", vrms=["LK19ABC"], office="police")], force)
    assert force.hotlist == {}


def test_the_police_cannot_give_themselves_a_zone():
    assert fold([order(1, OrderKind.AUTHORISE, "zone/ccz", office="police")]) == (Force(), [NoPowerError])
    assert fold([order(1, OrderKind.AUTHORISE, "zone/ccz", office="governor")])[1] == [None]


@pytest.mark.parametrize("office", Office)
@pytest.mark.parametrize("kind", OrderKind)
def test_an_office_can_order_what_it_may_and_nothing_else(office, kind):
    before, _ = fold([order(1, OrderKind.AUTHORISE, office="police"), order(2, OrderKind.LIST)])
    force, (error,) = fold([order(before.last(office) + 1, kind, office=office.value)], before)
    assert error is (None if office in MAY[kind] else NoPowerError)
    assert error is None or force == before, "it leaves no trace, and takes nobody's number"


def test_objections_block_nothing():
    before, _ = fold([order(1, OrderKind.ACTIVATE)])
    after, _ = fold([order(1, OrderKind.OBJECT)], before)
    assert replace(after, objections=(), heads=before.heads) == before


GENUINE = order(1, OrderKind.SUSPEND)


@pytest.mark.parametrize(
    "forged",
    [
        replace(GENUINE, signature=b""), replace(GENUINE, signature=bytes(64)), replace(GENUINE, why="another"),
        replace(GENUINE, kind=OrderKind.RESUME), replace(GENUINE, subject="zone/ccz"), replace(GENUINE, sequence=2),
        replace(GENUINE, office="controller" if GENUINE.office == "governor" else "governor"),
        replace(GENUINE, office="nobody"), replace(GENUINE, signature=GENUINE.signature + b"x"),
        sign(GENUINE, Signer.new()[0]),
    ],
)  # fmt: skip
def test_a_forged_order_leaves_no_trace(forged):
    assert fold([forged]) == (Force(), [ForgedOrderError])


def test_a_replayed_order_leaves_no_trace():
    first, second = order(1, OrderKind.SUSPEND), order(2, OrderKind.RESUME)
    force, errors = fold([first, second, first, second, order(2, OrderKind.SUSPEND)])
    assert errors == [None, None, *[ReplayedOrderError] * 3]
    assert force == Force(heads=force.heads)
    assert force.last("governor") == 2


@pytest.mark.parametrize("office", ["governor", "controller", "police"])
def test_after_a_missing_order_nothing_is_disclosed_until_it_is_there_again(office):
    """The missing ones may have been suspensions: every number up to the one that came must be given again."""
    kind = {"police": OrderKind.LIST}.get(office, OrderKind.RESUME)
    vrms = {"vrms": ["LK19ABC"]} if office == "police" else {}
    third = order(3, kind, office=office, **vrms)
    force, errors = fold([third])
    assert (errors, force.due, force.shut) == ([MissingOrderError], {office: Head(3, "")}, True)
    other = "controller" if office == "governor" else "governor"
    force, errors = fold([order(1, OrderKind.RESUME, office=other)], force)
    assert (errors, force.shut) == ([None], True), "another office cannot fill the gap"
    for number, shut in ((1, True), (2, True), (3, False)):
        force, errors = fold([order(number, kind, office=office, **vrms)], force)
        assert (errors, force.shut) == ([None], shut)
    assert force.due == {}


def test_who_can_close_nothing_cannot_stop_the_gate_by_skipping_numbers():
    assert fold([order(50, OrderKind.OBJECT)]) == (Force(), [OutOfSequenceError])


def test_a_forged_number_far_ahead_stops_nothing():
    assert fold([replace(order(1, OrderKind.SUSPEND), sequence=999)])[1] == [ForgedOrderError]


@pytest.mark.parametrize("kind", OrderKind)
def test_only_an_order_that_opens_can_expire(kind):
    prior, _ = fold([order(1, OrderKind.AUTHORISE, office="police"), order(2, OrderKind.LIST)])
    number = prior.last(order(1, kind).office) + 1
    in_time, error = admit(prior, order(number, kind, expires_at=NOW + 1), TRUST, NOW)
    _, late = admit(prior, order(number, kind, expires_at=NOW), TRUST, NOW)
    assert in_time.last(order(1, kind).office) == number
    assert error is None
    assert isinstance(late, ExpiredOrderError) == (kind in OPENING), "what closes is obeyed however late it comes"


@pytest.mark.parametrize(
    "senseless",
    [
        order(1, OrderKind.SUSPEND, "the moon"), order(1, OrderKind.SUSPEND, "zone/"),
        order(1, OrderKind.RESUME, "vrm/LK19ABC"), order(1, OrderKind.AUTHORISE, "all"),
        order(1, OrderKind.AUTHORISE, covers_until=None), order(1, OrderKind.AUTHORISE, covers_from=NOW + HOUR),
        order(1, OrderKind.AUTHORISE, purpose="fun"), order(1, OrderKind.REVOKE, "17"),
        order(1, OrderKind.AUTHORISE, "vrm/lk19 abc"), order(1, OrderKind.AUTHORISE, covers_until=NOW + 9_000 * HOUR),
        order(1, OrderKind.AUTHORISE, "zone/ccz", covers_until=NOW + 25 * HOUR),
        order(1, OrderKind.AUTHORISE, "camera/1", covers_until=NOW + 25 * HOUR),
        order(1, OrderKind.RECORD, "a poem"), order(1, OrderKind.UNLIST, "nowhere", office="governor"),
        sign(replace(GENUINE, why=" "), SIGNERS[GENUINE.office]),
        sign(replace(GENUINE, issued_by=""), SIGNERS[GENUINE.office]),
        sign(replace(GENUINE, why="x" * 2_001), SIGNERS[GENUINE.office]),
    ],
)  # fmt: skip
def test_a_senseless_order_is_refused_and_uses_up_its_number(senseless):
    force, errors = fold([senseless, order(2, OrderKind.SUSPEND)])
    assert errors == [OrderRefusedError, None]
    assert (force.suspended, force.last("governor")) == ({"all"}, 2)


def test_compaction_cannot_bring_an_old_order_back():
    """Whatever a compacted topic may lose, nothing goes on; and a copy of an old order is refused."""
    orders = [
        order(1, OrderKind.SUSPEND), order(2, OrderKind.RESUME), order(3, OrderKind.SUSPEND, "zone/ccz"),
        order(4, OrderKind.ACTIVATE), order(5, OrderKind.DEACTIVATE), order(6, OrderKind.SUSPEND),
    ]  # fmt: skip
    assert len({key_of(one) for one in orders}) == len(orders), "each has a key of its own: compaction removes none"
    whole, _ = fold(orders)
    *earlier, last = orders  # the last record of a log is never compacted away
    for size in range(len(earlier)):
        for kept in combinations(earlier, size):
            force, errors = fold([*kept, last])
            assert force.shut
            assert errors[-1] is MissingOrderError
    for old in orders:
        assert fold([*orders, old])[0] == whole


def test_only_the_order_that_was_the_last_one_takes_its_place_again():
    """The end of a topic is gone, and the gate remembers what it was: another order of that number does not do."""
    lost = order(2, OrderKind.SUSPEND)
    force = owing(fold([order(1, OrderKind.RESUME)])[0], {"governor": Head(2, key_of(lost).decode())})
    after, errors = fold([order(2, OrderKind.RESUME)], force)
    assert (errors, after) == ([MissingOrderError], force)
    after, errors = fold([lost], force)
    assert (errors, after.due, after.suspended) == ([None], {}, {"all"})


def test_any_mixture_of_genuine_forged_and_replayed_orders_is_as_the_genuine_ones_alone():
    draw = random.Random(3)
    for _ in range(100):
        kinds = [draw.choice([k for k in OrderKind if k is not OrderKind.REVOKE]) for _ in range(8)]
        offices = [order(1, kind).office for kind in kinds]
        genuine = [order(offices[:i].count(offices[i]) + 1, kind) for i, kind in enumerate(kinds)]
        mixed = []
        for i, one in enumerate(genuine):
            mixed += [replace(draw.choice(genuine), why="forged") for _ in range(draw.randint(0, 2))]
            mixed += [draw.choice(genuine[:i]) for _ in range(draw.randint(0, 2)) if i]
            mixed.append(one)
        assert fold(mixed)[0] == fold(genuine)[0]


def test_keys_are_keys():
    signer, text = Signer.new()
    assert Signer(text).public == signer.public
    assert text not in repr(signer)
    assert is_key(signer.public)
    for wrong in ("", "short", "====", text[:-8], "ü" * 44):
        with pytest.raises(ValueError, match=r".*"):
            Signer(wrong)
