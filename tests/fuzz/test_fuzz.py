"""Whatever bytes come as an order or a bundle: no crash, and nothing disclosed that was not before."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ringfence.errors import PolicyError
from ringfence.policy.authority import admit, sign
from ringfence.policy.sealed import enact, pack
from ringfence.policy.sealed import sign as sign_bundle
from ringfence.seal import Signer
from schemas.codec import UndecodableError, codec
from schemas.records import Listed, Order, OrderKind, SealedBundle
from tests.unit.made import OPENING as NOW
from tests.unit.made import SMALL, sealed
from tests.unit.test_orders import SIGNERS, TRUST, fold, order

MANY = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
FEW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
DRAFTER = SIGNERS["controller"]
FORCE, _ = fold([order(1, OrderKind.BUNDLE), order(2, OrderKind.SUSPEND)])
GENUINE = codec(Order).encode(order(3, OrderKind.RESUME))
BUNDLE = sealed(DRAFTER, 2)
TEXTS = st.text(max_size=40)
MOMENTS = st.none() | st.integers(-(2**62), 2**62)
ORDERS = st.builds(
    Order, sequence=st.integers(-5, 5) | st.integers(-(2**62), 2**62), office=st.sampled_from([*SIGNERS, "nobody", ""]),
    kind=st.sampled_from(OrderKind), subject=st.sampled_from(["all", "zone/ccz", "form/", "inner-1", "1"]) | TEXTS,
    issued_by=TEXTS, why=TEXTS, issued_at=st.integers(-(2**62), 2**62), expires_at=MOMENTS, purpose=TEXTS,
    covers_from=MOMENTS, covers_until=MOMENTS, vrms=st.lists(TEXTS, max_size=3),
    bundle=st.just(BUNDLE) | st.binary(max_size=100), signature=st.binary(max_size=70),
)  # fmt: skip


def mutations(data):
    """The data with some of its bytes changed, cut out or repeated."""
    places = st.integers(0, len(data) - 1)
    return st.one_of(
        st.lists(st.tuples(places, st.integers(0, 255)), min_size=1, max_size=4).map(lambda ps: changed(data, ps)),
        st.tuples(places, places).map(lambda p: data[: min(p)] + data[max(p) :]),
        st.tuples(places, places).map(lambda p: data[: max(p)] + data[min(p) :]),
    )


def changed(data, places):
    found = bytearray(data)
    for place, value in places:
        found[place] = value
    return bytes(found)


def offered(data, force=FORCE):
    """What is in force after these bytes came as an order, as the gate's feed takes them."""
    try:
        return admit(force, codec(Order).decode(data), TRUST, NOW)[0]
    except UndecodableError:
        return force


@MANY
@given(st.binary(max_size=300) | st.binary(max_size=300).map(lambda body: codec(Order).header + body))
def test_random_bytes_change_nothing(data):
    assert offered(data) == FORCE


@MANY
@given(mutations(GENUINE))
def test_a_genuine_order_that_was_tampered_with_changes_nothing(data):
    assert data == GENUINE or offered(data) == FORCE


@MANY
@given(ORDERS)
def test_an_order_without_a_true_signature_changes_nothing(made):
    assert offered(codec(Order).encode(made)) == FORCE


@MANY
@given(ORDERS.filter(lambda made: made.office in SIGNERS))
def test_a_signed_order_does_what_it_may_or_nothing(made):
    """Signed nonsense never crashes, and never lifts a suspension unless it is a resumption."""
    after, refused = admit(FORCE, sign(made, SIGNERS[made.office]), TRUST, NOW)
    if refused:
        assert replace(after, heads=FORCE.heads, due={}) == FORCE
        assert not after.due or made.sequence > FORCE.last(made.office) + 1
    elif made.kind is not OrderKind.RESUME:
        assert after.suspended >= FORCE.suspended


@MANY
@given(mutations(BUNDLE) | st.binary(max_size=300).map(lambda body: codec(SealedBundle).header + body))
def test_a_bundle_that_was_tampered_with_is_refused(data):
    if data != BUNDLE:
        with pytest.raises(PolicyError):
            enact(data, [DRAFTER.public], FORCE.enacted)


@FEW
@given(st.data())
def test_a_signed_bundle_of_broken_files_is_refused_or_keeps_its_cases(data):
    """The drafter's own mistakes: a file with some bytes changed, rightly signed."""
    path = data.draw(st.sampled_from(sorted(SMALL)))
    files = SMALL | {path: data.draw(mutations(SMALL[path]))}
    raw = codec(SealedBundle).encode(sign_bundle(pack(2, files), DRAFTER))
    try:
        assert enact(raw, [DRAFTER.public], FORCE.enacted).number == 2
    except PolicyError:
        after = offered(codec(Order).encode(order(3, OrderKind.BUNDLE, bundle=raw)))
        assert after == replace(FORCE, heads=after.heads)
        assert after.enacted is FORCE.enacted


@FEW
@given(st.lists(st.builds(Listed, TEXTS, st.binary(max_size=40)), max_size=4),
       st.dictionaries(TEXTS, st.binary(max_size=40), max_size=4), st.integers(-5, 5))  # fmt: skip
def test_a_signed_list_that_does_not_fit_its_files_is_refused(listed, contents, number):
    raw = codec(SealedBundle).encode(sign_bundle(SealedBundle(number, listed, contents), DRAFTER))
    with pytest.raises(PolicyError):
        enact(raw, [DRAFTER.public], FORCE.enacted)


def test_a_key_that_is_no_key_is_not_signed_with():
    with pytest.raises(PolicyError):
        enact(codec(SealedBundle).encode(sign_bundle(pack(2, SMALL), Signer.new()[0])), [DRAFTER.public])
    assert offered(GENUINE, FORCE).last("governor") == 3
