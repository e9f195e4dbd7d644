"""``ringfence certs``: TLS for a broker of one's own. A CA for each installation, and a certificate for its broker.

What is a secret lies in files of mode 600. ``broker.pem`` holds the key and the chain, as Kafka's PEM key store
wants it.
Source: Apache Kafka, "Encryption and authentication using SSL"; KIP-651 for PEM.
"""

import ipaddress
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ringfence import entry, options, private, terminal
from ringfence.errors import FileError, SettingError
from ringfence.settings import load as load_settings

FOLDER, CA, CA_KEY, BROKER = "tls", "ca.pem", "ca.key", "broker.pem"
CA_DAYS, BROKER_DAYS = 3_650, 397
BACKDATED = timedelta(minutes=5)  # a clock that is a little behind shall not refuse a new certificate
LOCAL = ("localhost", "127.0.0.1")

Key = ec.EllipticCurvePrivateKey
certs = entry.application(help="The certificates of a broker of your own.")
Names = Annotated[list[str] | None, typer.Option("--name", help="A name or address of the broker; more than once.")]
Days = Annotated[int, typer.Option(min=0, max=CA_DAYS, help="Days until the broker's certificate ends.")]


@certs.command("new")
def new(names: Names = None, days: Days = BROKER_DAYS, home: options.Home = None) -> None:
    """Make the CA, where there is none yet, and a new certificate for the broker. A running broker needs a restart."""
    folder = load_settings(home=home).home
    issue(folder, names or LOCAL, datetime.now(UTC), days)
    show(home)


@certs.command("show")
def show(home: options.Home = None) -> None:
    """Show the certificates, for which names they are, and until when."""
    folder = load_settings(home=home).home / FOLDER
    table = terminal.table("file", "subject", "names", "until")
    for name in (CA, BROKER):
        found = read(folder / name)
        table.add_row(str(folder / name), found.subject.rfc4514_string(), ", ".join(_names(found)), str(_end(found)))
    terminal.console().print(table)


@certs.command("check")
def check(home: options.Home = None) -> None:
    """Say until when the broker's certificate is good. Exit code 2 if it has ended, or is not of this CA."""
    folder = load_settings(home=home).home / FOLDER
    found, now = read(folder / BROKER), datetime.now(UTC)
    try:
        found.verify_directly_issued_by(read(folder / CA))
    except (ValueError, TypeError, InvalidSignature):
        raise FileError(f"{folder / BROKER} is not of the CA in {folder / CA}: run `ringfence certs new`") from None
    if _end(found) <= now:
        raise FileError(f"the broker's certificate ended on {_end(found):%d %B %Y}: run `ringfence certs new`")
    typer.echo(f"certificate: good for {(_end(found) - now).days} days, until {_end(found):%d %B %Y}")


def ensure(home: Path, names: Sequence[str], now: datetime) -> bool:
    """Issues a certificate if there is none, it is not for all these names, or has ended. True if it did."""
    file = home / FOLDER / BROKER
    if file.exists() and set(names) <= set(_names(read(file))) and now < _end(read(file)):
        return False
    issue(home, names, now)
    return True


def issue(home: Path, names: Sequence[str], now: datetime, days: int = BROKER_DAYS) -> None:
    """A certificate for a broker of these names, in place of any other, by the CA of this home, made if need be."""
    if not (home / FOLDER / CA).exists():
        _make_ca(home / FOLDER, now)
    alternatives = [_general(name) for name in names]
    authority, signer = read(home / FOLDER / CA), _key(home / FOLDER / CA_KEY)
    key = ec.generate_private_key(ec.SECP256R1())
    made = (
        _builder(names[0], key, authority.subject, now, min(_end(authority), now + timedelta(days=days)))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )
    fresh = home / FOLDER / f"{BROKER}.new"
    fresh.unlink(missing_ok=True)
    private.keep(fresh, _pem(key) + _text(made) + _text(authority))
    os.replace(fresh, home / FOLDER / BROKER)


def read(file: Path) -> x509.Certificate:
    """The first certificate in a PEM file. FileError if there is none."""
    try:
        return x509.load_pem_x509_certificates(file.read_bytes())[0]
    except (OSError, ValueError):
        raise FileError(f"no certificate in {file}: run `ringfence certs new`, or bring it again") from None


def _make_ca(folder: Path, now: datetime) -> None:
    # Kept first, and read back: what another process or an earlier try has kept is the key.
    private.keep(folder / CA_KEY, _pem(ec.generate_private_key(ec.SECP256R1())))
    key, name = _key(folder / CA_KEY), _subject("Ringfence CA of this installation")
    made = (
        _builder("", key, name, now, now + timedelta(days=CA_DAYS), subject=name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_signs_only(), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    private.keep(folder / CA, _text(made))


def _builder(
    common: str, key: Key, issuer: x509.Name, now: datetime, end: datetime, subject: x509.Name | None = None
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject or _subject(common))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(now - BACKDATED, end - BACKDATED))
        .not_valid_after(end)
    )


def _signs_only() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _subject(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        pass
    if not name.isascii() or not name.replace("-", "").replace(".", "").isalnum():
        raise SettingError(f"--name {name!r} is neither a host name nor an address")
    return x509.DNSName(name)


def _names(found: x509.Certificate) -> list[str]:
    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [str(name.value) for name in names]


def _end(found: x509.Certificate) -> datetime:
    return found.not_valid_after_utc


def _key(file: Path) -> Key:
    try:
        found = serialization.load_pem_private_key(
            private.read(file, "bring the CA's key here, or remove the folder").encode(), None
        )
    except ValueError:
        raise FileError(f"{file} holds no key: remove its folder, and run `ringfence certs new`") from None
    if not isinstance(found, ec.EllipticCurvePrivateKey):
        raise FileError(f"{file} holds a key of another kind: remove its folder, and run `ringfence certs new`")
    return found


def _pem(key: Key) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _text(made: x509.Certificate) -> str:
    return made.public_bytes(serialization.Encoding.PEM).decode()
