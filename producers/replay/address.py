"""Where a stream may come from: one's own network, or an address that was meant."""

import ipaddress
import socket
from urllib.parse import SplitResult, urlsplit

from ringfence.errors import FileError, SettingError

SCHEMES = ("http", "https", "rtp", "rtsp", "rtsps", "tcp", "udp")


def local_stream(url: str) -> str:
    """The URL itself. SettingError if it is no stream, or a name that leads out of this network.

    Whoever writes an address of digits means that address; a name may lead anywhere, and is taken if it leads inwards
    now. That guards against a slip of the pen, not against the server: FFmpeg asks for the name again, and goes where
    the server sends it on to.
    """
    parts = _split(url)
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise SettingError(f"--replay {shown(url)}: a stream begins with one of {', '.join(SCHEMES)}, :// and a host")
    if not _is_address(parts.hostname) and not all(map(_is_inside, _addresses(parts.hostname))):
        raise SettingError(f"--replay {shown(url)} is not in this network: give its address in digits if you mean it")
    return url


def shown(source: str) -> str:
    """The source as it may be logged: of a URL neither user, password nor query."""
    if "://" not in source:
        return source
    parts = _split(source)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    return f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}{parts.path}"


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise SettingError("--replay: this is no URL of a stream") from None
    return parts


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _addresses(host: str) -> list[str]:
    try:
        return [str(found[4][0]) for found in socket.getaddrinfo(host, None)]
    except OSError:
        raise FileError(f"--replay: nothing is known of a host {host}") from None


def _is_inside(address: str) -> bool:
    found = ipaddress.ip_address(address.split("%")[0])
    return found.is_loopback or found.is_private or found.is_link_local
