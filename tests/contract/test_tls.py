"""TLS on a real broker: it works with the CA of the installation, and every other way is refused in one line."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from ringfence import access, certs, keys
from ringfence.broker import EmbeddedKafka
from ringfence.errors import CertificateError
from ringfence.governance import inaugurate
from ringfence.kafka_io import check
from ringfence.knock import knock
from schemas.topics import READS, User
from tests.contract.conftest import HOME, Broker, gate
from tests.contract.waiting import until
from tests.unit.made import read

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def broker():
    with EmbeddedKafka(HOME, access.password(HOME, access.ADMIN), tls=True) as kafka:
        access.apply(kafka.admin, HOME)
        keys.ensure(HOME)
        made = Broker(kafka)
        made.settings = made.settings.model_copy(update={"security": "SASL_SSL"})
        inaugurate(made.context(User.GOVERNANCE))
        yield made


def test_a_read_goes_from_a_camera_to_the_police(broker):
    broker.send(User.CAMERAS, READS, [read(1, 0, broker.clock.now())])
    with gate(broker):
        until(broker.police)
    assert [r.vrm for r in broker.police()] == ["LK19ABC"]


def test_what_does_not_speak_tls_gets_no_answer(broker):
    with pytest.raises(Exception, match="did not let user"):
        check(replace(broker.connection(User.CAMERAS), protocol="SASL_PLAINTEXT"))


def test_a_stranger_in_the_brokers_place_is_refused(broker, tmp_path):
    """The CA of another installation, none at all, and the system's."""
    certs.ensure(tmp_path, certs.LOCAL, NOW)
    good = broker.connection(User.CAMERAS)
    for ca, said in ((str(tmp_path / "tls" / "ca.pem"), "not to be trusted"), ("nowhere.pem", "no CA certificate in")):
        with pytest.raises(CertificateError, match=said):
            check(replace(good, ca=ca))
    with pytest.raises(CertificateError, match="not to be trusted"):
        knock(broker.kafka.bootstrap, tls=True)


def test_the_end_of_the_certificate_is_known(broker):
    end = knock(broker.kafka.bootstrap, broker.connection(User.CAMERAS).ca, tls=True)
    assert end == certs.read(HOME / certs.FOLDER / certs.BROKER).not_valid_after_utc.timestamp()
