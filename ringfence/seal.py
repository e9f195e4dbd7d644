"""Signatures: Ed25519. Pure, but for the making of a new key, which draws it at random."""

import base64

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SIZE = 32


class Signer:
    """A private key. ``repr`` does not show it. ValueError if the text is no key."""

    def __init__(self, text: str) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(_raw(text))

    @classmethod
    def new(cls) -> tuple["Signer", str]:
        """A new key, and its text, which is to be kept private."""
        text = base64.b64encode(Ed25519PrivateKey.generate().private_bytes_raw()).decode()
        return cls(text), text

    def sign(self, data: bytes) -> bytes:
        """64 bytes."""
        return self._key.sign(data)

    @property
    def public(self) -> str:
        """The text of the public key."""
        return base64.b64encode(self._key.public_key().public_bytes_raw()).decode()


def is_key(public: str) -> bool:
    """True for the text of a public key. ValueError for any other."""
    Ed25519PublicKey.from_public_bytes(_raw(public))
    return True


def is_signed(data: bytes, signature: bytes, public: str) -> bool:
    """Whether the owner of this public key signed these bytes."""
    try:
        Ed25519PublicKey.from_public_bytes(_raw(public)).verify(signature, data)
    except InvalidSignature:
        return False
    return True


def _raw(text: str) -> bytes:
    raw = base64.b64decode(text, validate=True)
    if len(raw) != SIZE:
        raise ValueError(f"a key has {SIZE} bytes")
    return raw
