"""Meta's two signatures, both HMAC-SHA256 keyed with the app secret.

Source: "Webhooks - Get Started" and "Securing Graph API requests" of Meta's documentation.
"""

import hmac
from typing import Final

HEADER: Final = "x-hub-signature-256"
_PREFIX: Final = "sha256="


def signature(app_secret: str, body: bytes) -> str:
    """Value of the header `X-Hub-Signature-256` for a delivery's bytes."""
    return _PREFIX + hmac.new(app_secret.encode(), body, "sha256").hexdigest()


def is_signed(app_secret: str, body: bytes, header: str | None) -> bool:
    """True if `header` is the signature of exactly these bytes; takes as long for any wrong one."""
    if header is None:
        return False
    return hmac.compare_digest(signature(app_secret, body).encode(), header.encode("utf-8", "replace"))


def appsecret_proof(app_secret: str, token: str) -> str:
    """Parameter `appsecret_proof`: shows that a call with this token comes from the app itself."""
    return hmac.new(app_secret.encode(), token.encode(), "sha256").hexdigest()
