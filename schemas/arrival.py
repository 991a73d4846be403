"""By which ways an account's comments come to us."""

from enum import StrEnum


class Arrival(StrEnum):
    """A capability of an account, set by people.

    `webhook+polling`: the platform sends them, and polling finds what it did not send. `polling`: it sends
    none (an app without webhooks), and that is no fault; what comes all the same is taken. `webhook`: the
    account is not listed (reading is paid for, or not allowed), so what the platform does not send is lost.
    """

    BOTH = "webhook+polling"
    POLLING = "polling"
    WEBHOOK = "webhook"

    @property
    def by_polling(self) -> bool:
        """True if the account's posts are listed."""
        return self is not Arrival.WEBHOOK

    @property
    def by_webhook(self) -> bool:
        """True if the platform is to send webhooks."""
        return self is not Arrival.POLLING
