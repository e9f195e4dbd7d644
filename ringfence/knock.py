"""Whether a broker is there, and who it says it is, before a Kafka client is asked, which waits long and says little.

No Kafka in here: a socket and, where the listener wants it, TLS.
"""

import socket
import ssl
from contextlib import suppress

from ringfence.errors import CertificateError, UnreachableError

CONNECT_SECONDS = 3.0


def knock(bootstrap: str, ca: str = "", tls: bool = False) -> float | None:
    """Raises UnreachableError if nobody listens there, CertificateError if it cannot be trusted.

    ``bootstrap``: host:port, or several with commas, of which one must answer. IPv6 in brackets: [::1]:9092.

    With ``tls`` the moment at which its certificate ends, in seconds since 1970; else None.
    """
    *others, last = bootstrap.split(",")
    for one in others:
        with suppress(UnreachableError):
            return _knock(one, ca, tls)
    return _knock(last, ca, tls)


def _knock(bootstrap: str, ca: str, tls: bool) -> float | None:
    host, port = parted(bootstrap)
    try:
        with socket.create_connection((host, int(port)), CONNECT_SECONDS) as connected:
            return _shake_hands(connected, host, ca, bootstrap) if tls else None
    except (OSError, ValueError, OverflowError) as error:
        raise UnreachableError(
            f"no broker answers at {bootstrap} ({error}): start one with `ringfence broker`, or set RINGFENCE_BOOTSTRAP"
        ) from None


def parted(address: str) -> tuple[str, str]:
    """Host and port of host:port; an IPv6 address stands in brackets there, [::1]:9092, and without them here."""
    host, _, port = address.rpartition(":")
    return (host[1:-1] if host.startswith("[") and host.endswith("]") else host), port


def _shake_hands(connected: socket.socket, host: str, ca: str, bootstrap: str) -> float:
    try:
        context = ssl.create_default_context(cafile=ca or None)
    except (OSError, ssl.SSLError):
        raise CertificateError(
            f"no CA certificate in {ca}: bring ca.pem of the broker there, or set RINGFENCE_CA"
        ) from None
    try:
        with context.wrap_socket(connected, server_hostname=host) as speaking:
            return float(ssl.cert_time_to_seconds(str((speaking.getpeercert() or {})["notAfter"])))
    except ssl.SSLCertVerificationError as error:
        raise CertificateError(
            f"the certificate of the broker at {bootstrap} is not to be trusted ({error.verify_message}): see"
            " `ringfence certs show` there, and RINGFENCE_CA here"
        ) from None
    except ssl.SSLError as error:
        raise CertificateError(
            f"the listener at {bootstrap} speaks no TLS ({error.reason}): set RINGFENCE_SECURITY"
        ) from None
