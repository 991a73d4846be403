"""Encryption at rest: AES-256-GCM under named keys, so that keys can be rotated.

The sealed form is nonce (12 bytes) and ciphertext with tag. What is sealed is bound to `context`: a token
copied to another account's row does not open.
"""

import base64
import binascii
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from schemas.errors import ConfigurationError

_NONCE: Final = 12
_EXAMPLE: Final = "PARLEY_ENCRYPTION_KEYS=2026a:<base64 of 32 random bytes>"


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Keys by id, newest first; the first seals, all open."""

    keys: dict[str, bytes] = field(repr=False)

    def seal(self, plain: bytes, *, context: str) -> tuple[bytes, str]:
        """(sealed bytes, key id)."""
        key_id = next(iter(self.keys))
        nonce = os.urandom(_NONCE)
        return nonce + AESGCM(self.keys[key_id]).encrypt(nonce, plain, context.encode()), key_id

    def open(self, sealed: bytes, key_id: str, *, context: str) -> bytes:
        """The plain bytes; raises ConfigurationError if the key is missing or the bytes are not its own."""
        key = self.keys.get(key_id)
        if key is None:
            raise ConfigurationError(
                f"Encryption key {key_id!r} is needed to read {context} "
                "and is not in PARLEY_ENCRYPTION_KEYS; add it."
            )
        try:
            return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], context.encode())
        except (InvalidTag, ValueError) as error:  # ValueError: too short to hold a nonce
            raise ConfigurationError(
                f"{context} does not open with key {key_id!r}: the key's bytes differ or the row was altered."
            ) from error


def parse_keys(text: str) -> KeyRing:
    """Keys from `id:base64,id:base64`; raises ConfigurationError naming the broken entry, never its bytes."""
    keys: dict[str, bytes] = {}
    for number, entry in enumerate(text.split(","), 1):
        key_id, _, encoded = entry.strip().partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if not key_id or len(key) != 32:
            raise ConfigurationError(
                f"PARLEY_ENCRYPTION_KEYS: entry {number} is not id:base64 of 32 bytes. Example: {_EXAMPLE}"
            )
        if key_id in keys:
            raise ConfigurationError(
                f"PARLEY_ENCRYPTION_KEYS: entry {number} repeats the id {key_id!r}; give each key its own."
            )
        keys[key_id] = key
    return KeyRing(keys)


def load_keys(configured: str | None, state_dir: Path) -> KeyRing:
    """The configured keys, else those of `state_dir`/encryption-keys, made on first use (mode 0600)."""
    if configured:
        return parse_keys(configured)
    file = state_dir / "encryption-keys"
    if not file.exists():
        state_dir.mkdir(parents=True, exist_ok=True)
        made = f"local:{base64.b64encode(os.urandom(32)).decode()}"
        # A name nobody else has: two containers on one volume may have the same process id. Mode is 0600.
        descriptor, name = tempfile.mkstemp(prefix=f"{file.name}.", dir=state_dir)
        temporary = Path(name)
        with os.fdopen(descriptor, "w", encoding="ascii") as opened:
            opened.write(made)
            opened.flush()
            os.fsync(descriptor)
        try:
            os.link(temporary, file)  # fails if another process was first: then its key is used
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
    return parse_keys(file.read_text(encoding="ascii").strip())
