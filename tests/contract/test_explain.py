"""``ringfence regimes explain`` on a real broker: under the bundle and the orders that are in force there."""

from pathlib import Path

from ringfence import keys
from ringfence.policy.authority import DRAFTER
from ringfence.policy.bundle import read_files
from ringfence.policy.sealed import pack, sign
from schemas.codec import codec
from schemas.records import OrderKind, SealedBundle
from tests.contract.commands import run
from tests.contract.conftest import HOME

NOW = "2022-06-15T08:00:00+01:00"
PATH, RULE = "inner-2022/policy.cedar", b"Nothing from a camera whose tranche waits to be activated."


def explained(broker, camera, *arguments, at=NOW):
    code, out, error = run(
        "regimes", "explain", "--camera", camera, "--at", at, "--bootstrap", broker.kafka.bootstrap, *arguments,
        home=HOME.resolve(), clock_offset=broker.settings.clock_offset,
    )  # fmt: skip
    assert (code, error) == (0, "")
    return " ".join(out.split())


def test_it_explains_under_the_bundle_and_the_orders_in_force(broker):
    said = explained(broker, 1301)
    assert "withheld: authorised not activated" in said
    assert f"under bundle 1 and the orders as they stand on {broker.kafka.bootstrap}" in said
    files = read_files(Path("policies"))
    assert RULE in files[PATH]
    changed = files | {PATH: files[PATH].replace(RULE, b"Bundle two says: not yet.")}
    sealed = codec(SealedBundle).encode(sign(pack(2, changed), keys.signer(HOME, DRAFTER)))
    broker.order(OrderKind.BUNDLE, "bundle/2", bundle=sealed)
    said = explained(broker, 1301)
    assert "under bundle 2 and the orders as they stand" in said
    assert "Bundle two says: not yet." in said
    broker.order(OrderKind.SUSPEND, "zone/ccz")
    assert "withheld: suspended" in explained(broker, 1)
    assert "disclosed as text" in explained(broker, 301)
    broker.order(OrderKind.LIST, "stolen", office="police", vrms=["LK19ABC"])
    assert "names it: the hotlist does" in explained(broker, 301, "--vrm", "lk19 abc")
    broker.order(OrderKind.ACTIVATE, "inner-2")
    after = "2022-12-15T08:00:00+00:00"
    assert "disclosed as text" in explained(broker, 1301, at=after)
    assert "authorised not activated" in explained(broker, 1301, "--not-activated", at=after)
    assert "authorised not activated" in explained(broker, 1301)  # captured before the order was given
