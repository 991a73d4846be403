"""What subscribing to webhooks takes on the platforms that are told our address for each account."""

from connectors.outcomes import AccountStopped, Cause, NotSent
from infra.settings import Settings
from schemas.errors import ParleyError, ThrottledError, TransientError
from schemas.events import Platform


def callback_of(settings: Settings, platform: Platform) -> str | None:
    """Where the platform reaches our webhook; None where no public address is set."""
    return f"{settings.webhook_url.rstrip('/')}/webhooks/{platform}" if settings.webhook_url else None


def not_made(error: ParleyError) -> NotSent:
    """A subscription that was not even tried, since what there is could not be read."""
    match error:
        case ThrottledError():
            return NotSent(Cause.THROTTLED, str(error), error.retry_after)
        case TransientError():
            return NotSent(Cause.TRANSIENT, str(error))
        case AccountStopped():
            return NotSent(error.cause, str(error))
    return NotSent(Cause.PERMANENT, str(error))
