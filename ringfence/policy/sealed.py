"""A bundle as it is signed and sent: what it lists, who signed it, and every reason to refuse it. Pure."""

import hashlib
from collections.abc import Collection, Mapping

from msgspec import Struct
from msgspec.structs import replace

from ringfence.errors import PolicyError
from ringfence.policy.bundle import Bundle, parse
from ringfence.policy.cases import check
from ringfence.policy.oracle import Ruled
from ringfence.seal import Signer, is_signed
from schemas.codec import UndecodableError, codec
from schemas.records import Listed, SealedBundle

MOST_BYTES = 2 * 1024 * 1024


class NoBundleError(PolicyError):
    """Bytes that are no sealed bundle, or a bundle larger than an order can carry."""


class UnsignedBundleError(PolicyError):
    """It carries no signature."""


class UnknownKeyError(PolicyError):
    """It was signed with a key that is not trusted to sign bundles."""


class ForgedBundleError(PolicyError):
    """The signature is not over this list of files."""


class ExtraFileError(PolicyError):
    """It holds a file that was not signed."""


class MissingFileError(PolicyError):
    """It lacks a file that was signed."""


class ChangedFileError(PolicyError):
    """A file is not what was signed."""


class OldBundleError(PolicyError):
    """Its number is not higher than that of the bundle in force."""


class Enacted(Struct, frozen=True):
    """A bundle in force: its number, and its regimes as they were put to Cedar."""

    number: int
    bundle: Bundle
    ruled: Mapping[str, Ruled]


def pack(number: int, files: Mapping[str, bytes]) -> SealedBundle:
    """An unsigned bundle of these files (path -> bytes). NoBundleError if it is too large to be sent."""
    listed = [Listed(path, hashlib.sha256(files[path]).digest()) for path in sorted(files)]
    sealed = SealedBundle(number, listed, dict(files))
    if len(codec(SealedBundle).encode(sealed)) > MOST_BYTES:
        raise NoBundleError(f"a bundle holds at most {MOST_BYTES:,} bytes")
    return sealed


def sign(sealed: SealedBundle, signer: Signer) -> SealedBundle:
    """The bundle with the signature of its signer, in place of any other."""
    named = replace(sealed, signer=signer.public, signature=b"")
    return replace(named, signature=signer.sign(_signed_bytes(named)))


def unseal(data: bytes) -> SealedBundle:
    """The record, of which nothing is believed yet. NoBundleError."""
    try:
        return codec(SealedBundle).decode(data)
    except UndecodableError as error:
        raise NoBundleError(f"no bundle: {error}") from None


def verify(sealed: SealedBundle, trusted: Collection[str], after: int = 0) -> None:
    """Raises unless a trusted key signed just these files, under a number higher than ``after``.

    No file is parsed before all of this holds. Each fault is a PolicyError of its own.
    """
    if not sealed.signature or not sealed.signer:
        raise UnsignedBundleError("the bundle is not signed")
    if sealed.signer not in trusted:
        raise UnknownKeyError("the bundle was signed with a key that is not trusted here")
    if not is_signed(_signed_bytes(sealed), sealed.signature, sealed.signer):
        raise ForgedBundleError("the signature is not that of this list of files")
    listed = {file.path: file.sha256 for file in sealed.files}
    if extra := sorted(sealed.contents.keys() - listed.keys()):
        raise ExtraFileError(f"the bundle holds a file that was not signed: {extra[0]}")
    if missing := sorted(listed.keys() - sealed.contents.keys()):
        raise MissingFileError(f"the bundle lacks a file that was signed: {missing[0]}")
    for path, data in sealed.contents.items():
        if hashlib.sha256(data).digest() != listed[path]:
            raise ChangedFileError(f"a file is not what was signed: {path}")
    if sealed.number <= after:
        raise OldBundleError(f"bundle {sealed.number} is not newer than bundle {after}")


def enact(data: bytes, trusted: Collection[str], before: Enacted | None = None) -> Enacted:
    """The bundle in these bytes, verified, parsed, compiled and found to keep its cases. PolicyError.

    What is the same in the bundle before is not compiled again.
    """
    sealed = unseal(data)
    verify(sealed, trusted, before.number if before else 0)
    bundle = parse(sealed.contents)
    return Enacted(sealed.number, bundle, check(bundle, (before.bundle, before.ruled) if before else None))


def _signed_bytes(sealed: SealedBundle) -> bytes:
    return codec(SealedBundle).encode(replace(sealed, contents={}, signature=b""))
