"""A bundle enacted while the gate runs: from one transaction to the next, with nothing decided under a mixture."""

from pathlib import Path

from ringfence import keys
from ringfence.bundles import made_of
from ringfence.policy.authority import DRAFTER, signers
from ringfence.policy.sealed import ForgedBundleError, enact
from ringfence.seal import Signer
from schemas.codec import codec
from schemas.records import DeadLetter, Effect, Order, OrderKind, SealedBundle
from schemas.topics import BY_NAME, ORDERS, User
from tests.contract.commands import run
from tests.contract.conftest import HOME, gate
from tests.contract.test_suspension import Traffic
from tests.contract.waiting import until
from tests.unit.made import sealed

CAMERA = 1


def digest(data):
    return enact(data, signers(keys.trust(HOME))).bundle.digest


def test_every_batch_is_decided_under_one_bundle_and_says_which(broker):
    """The small bundle has one counterfactual regime, which the date never selects: under it nothing is disclosed."""
    old = digest(made_of(Path("policies"), 1, HOME))
    data = sealed(keys.signer(HOME, DRAFTER), 2)
    with gate(broker), Traffic(broker, 0):
        until(lambda: len(broker.police()) > 30)
        broker.order(OrderKind.BUNDLE, "bundle/2", bundle=data)
        acknowledged = broker.clock.now()
        until(lambda: sum(batch.bundle == digest(data) for batch in broker.evidence()) > 10)
    batches = broker.evidence()
    assert {batch.bundle for batch in batches} == {old, digest(data)}
    for batch in batches:
        reasons = {(outcome.effect, outcome.reason) for outcome in batch.outcomes}
        if batch.bundle == old:
            assert "no_regime_in_force" not in {reason for _, reason in reasons}
            assert batch.decided_at <= acknowledged + 1_000_000
        else:
            assert reasons == {(Effect.DENY, "no_regime_in_force")}
    numbers = [batch.orders_offset for batch in sorted(batches, key=lambda b: (b.topic, b.partition, b.first_offset))]
    assert sorted(set(numbers)) == [1, 2]


def test_a_refused_bundle_leaves_the_old_one_in_force(broker):
    stranger = sealed(Signer.new()[0], 9)
    forged = codec(SealedBundle).encode(codec(SealedBundle).decode(sealed(keys.signer(HOME, DRAFTER), 9)))
    tampered = forged.replace(b"quashed", b"guashed", 1)
    from tests.contract.test_orders import genuine, put

    put(broker, genuine(broker, OrderKind.BUNDLE, "bundle/9", bundle=stranger))
    put(broker, genuine(broker, OrderKind.BUNDLE, "bundle/9", bundle=tampered))
    with gate(broker) as running:
        until(lambda: len(broker.all(User.OPERATOR, BY_NAME[ORDERS.dlq])) == 2)
        assert running.stage.register.force.enacted.number == 2
    letters = broker.all(User.OPERATOR, BY_NAME[ORDERS.dlq])
    errors = [codec(DeadLetter).decode(dict(letter.headers)["ringfence-dead-letter"]).error for letter in letters]
    assert errors == ["UnknownKeyError", ForgedBundleError.__name__]
    assert [codec(Order).decode(letter.value).bundle for letter in letters] == [stranger, tampered]


def test_built_signed_verified_shown_and_enacted_by_command(broker, tmp_path):
    file = tmp_path / "law.bundle"
    home = HOME.resolve()
    at = {"bootstrap": broker.kafka.bootstrap, "home": home, "clock_offset": broker.settings.clock_offset}
    code, out, error = run("bundle", "build", "--number", 7, "--out", file)
    assert (code, "not signed" in out) == (0, True), error
    code, _, error = run("bundle", "verify", file, home=home)
    assert (code, "not signed" in error) == (2, True)
    give = ("order", "give", "bundle", file, "--why", "a test", "--by", "a test")
    code, _, error = run(*give, **at)
    assert (code, "would be refused: the bundle is not signed" in " ".join(error.split())) == (2, True), error
    assert run("bundle", "sign", file, home=home)[0] == 0
    code, out, error = run("bundle", "verify", file, home=home)
    assert (code, "is genuine" in out) == (0, True), error
    code, _, error = run("bundle", "verify", file, "--after", 7, home=home)
    assert (code, "not newer" in error) == (2, True)
    code, out, _ = run("bundle", "show", file, home=home)
    assert code == 0
    assert "genuine" in out
    assert "inner-2022/policy.cedar" in out
    code, out, error = run(*give, **at)
    assert (code, "bundle/7, acknowledged" in out) == (0, True), error
    with gate(broker) as running:
        assert running.stage.register.force.enacted.number == 7


def test_a_gate_without_a_bundle_does_not_start(broker):
    """A broker on which nothing was enacted."""
    from ringfence import access
    from ringfence.broker import EmbeddedKafka

    with EmbeddedKafka(HOME, access.password(HOME, access.ADMIN)) as kafka:
        access.apply(kafka.admin, HOME)
        code, _, error = run("enforce", bootstrap=kafka.bootstrap, home=HOME.resolve())
    assert (code, "no bundle is in force" in error) == (2, True), error
    assert "Traceback" not in error
