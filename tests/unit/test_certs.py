"""Certificates: a CA for each installation, a name for each broker, and what is wrong said in one line."""

import socket
import ssl
from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest

from ringfence import certs
from ringfence.errors import CertificateError, FileError, SettingError, UnreachableError
from ringfence.knock import knock, parted

NOW = datetime.now(UTC)


class Listener:
    """Answers with the certificate of a home, as a broker would; without one, in plain text."""

    def __init__(self, home, host="127.0.0.1"):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.create_server((host, 0), family=family)
        self.bootstrap = f"{f'[{host}]' if ':' in host else host}:{self.socket.getsockname()[1]}"
        self.context = None
        if home:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(home / certs.FOLDER / certs.BROKER)
        Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                one, _ = self.socket.accept()
            except OSError:
                return
            try:
                if self.context:
                    self.context.wrap_socket(one, server_side=True).close()
                else:
                    one.sendall(b"no TLS here")
            except OSError:
                continue
            finally:
                one.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.socket.close()


def ca(home):
    return str(home / certs.FOLDER / certs.CA)


def test_a_new_certificate_is_trusted_by_its_own_ca_and_says_when_it_ends(tmp_path):
    certs.issue(tmp_path, certs.LOCAL, NOW, days=30)
    with Listener(tmp_path) as listener:
        end = knock(listener.bootstrap, ca(tmp_path), tls=True)
    assert end == pytest.approx((NOW + timedelta(days=30)).timestamp(), abs=1)


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="there is no IPv6 on this machine")
def test_a_broker_is_found_at_an_address_of_ipv6(tmp_path):
    certs.issue(tmp_path, [*certs.LOCAL, "::1"], NOW)
    with Listener(tmp_path, "::1") as listener:
        assert knock(f"[::1]:1,{listener.bootstrap}", ca(tmp_path), tls=True)
    with Listener(None, "::1") as listener:
        assert knock(listener.bootstrap) is None


def test_brackets_are_of_the_address_and_not_of_the_host():
    assert parted("[::1]:9092") == ("::1", "9092")
    assert parted("kafka:19092") == ("kafka", "19092")


@pytest.mark.parametrize(
    ("names", "days", "said"), [(["kafka"], 30, "not to be trusted.*mismatch"), (certs.LOCAL, 0, "trusted.*expired")]
)
def test_another_name_or_an_end_that_has_passed_is_refused(tmp_path, names, days, said):
    certs.issue(tmp_path, names, NOW - timedelta(minutes=1), days=days)
    with Listener(tmp_path) as listener, pytest.raises(CertificateError, match=said):
        knock(listener.bootstrap, ca(tmp_path), tls=True)


def test_another_ca_no_tls_and_nobody_are_told_apart(tmp_path):
    certs.issue(tmp_path / "a", certs.LOCAL, NOW)
    certs.issue(tmp_path / "b", certs.LOCAL, NOW)
    with Listener(tmp_path / "a") as listener, pytest.raises(CertificateError, match="not to be trusted"):
        knock(listener.bootstrap, ca(tmp_path / "b"), tls=True)
    with Listener(None) as listener, pytest.raises(CertificateError, match="speaks no TLS"):
        knock(listener.bootstrap, ca(tmp_path / "a"), tls=True)
    with pytest.raises(UnreachableError):
        knock("127.0.0.1:1", ca(tmp_path / "a"), tls=True)


def test_secrets_are_private_and_the_ca_stays_when_the_certificate_is_renewed(tmp_path):
    certs.issue(tmp_path, certs.LOCAL, NOW)
    folder = tmp_path / certs.FOLDER
    before = {name: (folder / name).read_bytes() for name in (certs.CA, certs.CA_KEY, certs.BROKER)}
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    certs.issue(tmp_path, ["kafka"], NOW)
    after = {name: (folder / name).read_bytes() for name in before}
    assert [before[name] == after[name] for name in before] == [True, True, False]


def test_a_certificate_is_made_only_where_none_fits(tmp_path):
    assert certs.ensure(tmp_path, ["kafka", "localhost"], NOW)
    assert not certs.ensure(tmp_path, ["kafka"], NOW)
    assert certs.ensure(tmp_path, ["kafka-2"], NOW)
    assert not certs.ensure(tmp_path, ["kafka-2"], NOW)
    assert certs.ensure(tmp_path, ["kafka-2"], NOW + timedelta(days=certs.BROKER_DAYS)), "it has ended"


@pytest.mark.parametrize("name", ["", "a b", "kafka/../x", "ü", "*"])
def test_what_is_no_name_is_refused(tmp_path, name):
    with pytest.raises(SettingError, match="neither a host name nor an address"):
        certs.issue(tmp_path, [name], NOW)


def test_a_missing_or_broken_file_is_named(tmp_path):
    with pytest.raises(FileError, match="certs new"):
        certs.read(tmp_path / "none.pem")
    certs.issue(tmp_path, certs.LOCAL, NOW)
    key = tmp_path / certs.FOLDER / certs.CA_KEY
    key.write_text("no key")
    with pytest.raises(FileError, match="holds no key"):
        certs.issue(tmp_path, certs.LOCAL, NOW)
