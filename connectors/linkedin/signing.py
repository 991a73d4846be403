"""LinkedIn's two signatures, both hex HMAC-SHA256 keyed with the app's client secret.

Source: "Webhook Validation" of LinkedIn's documentation.
"""

import hmac
from typing import Final

HEADER: Final = "x-li-signature"
_SIGNED_PREFIX: Final = b"hmacsha256="
"""Stands before the body in what is signed, and not in the header."""


def challenge_response(client_secret: str, challenge: str) -> str:
    """The answer to `challengeCode`, by which LinkedIn knows who holds the secret."""
    return hmac.new(client_secret.encode(), challenge.encode(), "sha256").hexdigest()


def signature(client_secret: str, body: bytes) -> str:
    """Value of the header `X-LI-Signature` for a delivery's bytes."""
    return hmac.new(client_secret.encode(), _SIGNED_PREFIX + body, "sha256").hexdigest()


def is_signed(client_secret: str, body: bytes, header: str | None) -> bool:
    """True if `header` is the signature of exactly these bytes; takes as long for any wrong one."""
    if header is None:
        return False
    return hmac.compare_digest(signature(client_secret, body).encode(), header.encode("utf-8", "replace"))
