"""The text of an API key: `mtn_<key id>_<secret>`, letters and digits, so that a double click selects it.

The secret is 256 random bits, so its plain SHA-256 is kept: a slow, salted hash (Argon2, scrypt) makes
guessing passwords expensive, and nobody guesses one of 2**256. It would only make each request slow.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

PREFIX = "mtn"
"""First letters of every key, by which scanners find one that was committed or posted by mistake."""
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ID_LETTERS = 10
SECRET_BITS = 256
SECRET_LETTERS = 43
"""62**43 is just above 2**256."""


@dataclass(frozen=True, slots=True, repr=False)
class Token:
    """A key as its owner holds it. Its `repr` hides the secret."""

    key_id: str
    secret: str

    @staticmethod
    def make() -> Token:
        """A new key from the system's random source."""
        key_id = "".join(secrets.choice(ALPHABET) for _ in range(ID_LETTERS))
        return Token(key_id, _letters(secrets.randbits(SECRET_BITS), SECRET_LETTERS))

    @property
    def text(self) -> str:
        """What is printed once, and sent with each request."""
        return f"{PREFIX}_{self.key_id}_{self.secret}"

    @property
    def hash(self) -> str:
        """What the registry keeps of the secret."""
        return hashlib.sha256(self.secret.encode()).hexdigest()

    def __repr__(self) -> str:
        return f"Token({self.key_id!r}, '...')"


def _letters(number: int, length: int) -> str:
    """A number in base 62, with leading zeros.

    >>> _letters(61, 3)
    '00z'
    """
    out = []
    for _ in range(length):
        number, rest = divmod(number, len(ALPHABET))
        out.append(ALPHABET[rest])
    return "".join(reversed(out))
