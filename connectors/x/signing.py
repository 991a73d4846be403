"""X's one signature: base64 of HMAC-SHA256 keyed with the app's consumer secret (its "API secret").

Source: "Webhooks" of X's documentation: deliveries and the challenge (CRC) are signed the same way.
"""

import base64
import hmac
from typing import Final

HEADER: Final = "x-twitter-webhooks-signature"
_PREFIX: Final = "sha256="


def signature(consumer_secret: str, message: bytes) -> str:
    """Value of the header for a delivery's bytes, and of `response_token` for a challenge's."""
    digest = hmac.new(consumer_secret.encode(), message, "sha256").digest()
    return _PREFIX + base64.b64encode(digest).decode("ascii")


def is_signed(consumer_secret: str, body: bytes, header: str | None) -> bool:
    """True if `header` is the signature of exactly these bytes; takes as long for any wrong one."""
    if header is None:
        return False
    return hmac.compare_digest(signature(consumer_secret, body).encode(), header.encode("utf-8", "replace"))
