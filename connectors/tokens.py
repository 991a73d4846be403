"""Tokens as they are stored: JSON of a `Token`, or (entered by a person) the bare access token."""

import json
from datetime import datetime, timedelta
from typing import Final

from connectors.logins import Token
from schemas.errors import ConfigurationError

_SOON: Final = timedelta(minutes=30)


def token_context(platform: str, account_id: str) -> str:
    """What an account's sealed token is bound to."""
    return f"token of {platform} account {account_id}"


def token_json(token: Token) -> str:
    """A token as it is sealed."""
    return json.dumps({
        "access": token.access,
        "refresh": token.refresh,
        "expires_at": token.expires_at.isoformat() if token.expires_at else None,
        "scopes": sorted(token.scopes),
    })  # fmt: skip


def read_token(text: str) -> Token:
    """The token of a stored or entered text; raises ConfigurationError, which never quotes it."""
    text = text.strip()
    if not text.startswith("{"):
        return Token(access=_plain(text))
    try:
        content = json.loads(text)
        ends = content.get("expires_at")
        refresh = content.get("refresh")
        return Token(
            access=_plain(content["access"]),
            refresh=_plain(refresh) if refresh is not None else None,
            expires_at=datetime.fromisoformat(ends).astimezone() if ends is not None else None,
            scopes=frozenset(map(str, content.get("scopes") or ())),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ConfigurationError(
            'The token cannot be read. It is the bare access token, or JSON: {"access": "...", '
            '"refresh": "...", "expires_at": "2027-01-31T12:00:00+00:00"}; all but access may be left out.'
        ) from None


def is_due(token: Token, stored_at: datetime | None, now: datetime) -> bool:
    """True once a token has less than a quarter of its life left, or less than half an hour."""
    if token.expires_at is None:
        return False
    lifetime = token.expires_at - (stored_at or now)
    return token.expires_at - now < max(lifetime / 4, _SOON)


def _plain(text: object) -> str:
    if not isinstance(text, str) or not text or not text.isprintable() or " " in text:
        raise ConfigurationError("The access token is empty or holds characters that no token has.")
    return text
