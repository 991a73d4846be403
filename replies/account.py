"""What the domain knows of a brand's account: how far Parley may go there, and whose voice it has."""

from datetime import datetime
from enum import StrEnum
from typing import Self

from pydantic import Field

from replies.documents import Document, read_json, validated
from schemas.arrival import Arrival
from schemas.events import ConfigChange, ConfigKind, Platform


class Mode(StrEnum):
    """How far Parley goes: only looks on, drafts for people, or also answers by itself."""

    OBSERVE = "observe"
    REVIEW = "review"
    AUTO = "auto"


class AccountStatus(StrEnum):
    """Whether Parley posts there: not while a person paused it, or the platform blocks it or its token."""

    ACTIVE = "active"
    PAUSED = "paused"
    BLOCKED = "blocked"
    NEEDS_AUTH = "needs_auth"


class AccountView(Document):
    """One account.

    `may_reply`: the platform lets us reply there at all. `only_when_mentioned`: it lets us reply only to
    comments that mention the account (X, self-serve). `arrival`: by which ways its comments come to us.
    `default_language` (ISO 639-1) is spoken where the comment's own is not known. `time_zone` (IANA): whose
    hours a policy's `hours` are. `username`: its handle, by which posts may name it.
    """

    tenant_id: str = Field("default", min_length=1)
    platform: Platform
    account_id: str = Field(min_length=1)
    name: str = Field("", max_length=200)
    mode: Mode = Mode.REVIEW
    status: AccountStatus = AccountStatus.ACTIVE
    may_reply: bool = True
    only_when_mentioned: bool = False
    arrival: Arrival = Arrival.BOTH
    default_language: str = Field("en", pattern=r"^[a-z]{2}$")
    brand_name: str = Field("", max_length=60)
    time_zone: str = Field("UTC", min_length=1, max_length=64)
    username: str | None = Field(None, max_length=200)

    @property
    def key(self) -> tuple[Platform, str]:
        """What a comment finds its account by."""
        return self.platform, self.account_id

    @property
    def config_key(self) -> str:
        """`ConfigChange.key` of the account: "platform:account id"."""
        return f"{self.platform}:{self.account_id}"

    @classmethod
    def from_change(cls, change: ConfigChange) -> Self:
        """The account a change brings; raises ConfigurationError. The change's tenant is the account's."""
        what = f"account {change.key} version {change.version}"
        data = read_json(change.payload, what)
        if isinstance(data, dict):
            data = {**data, "tenant_id": change.tenant_id}
        return validated(cls, data, what)

    def as_change(self, version: int, *, by: str, at: datetime) -> ConfigChange:
        """The account as it travels on `config.changes`."""
        return ConfigChange(
            kind=ConfigKind.ACCOUNT,
            tenant_id=self.tenant_id,
            key=self.config_key,
            version=version,
            payload=self.payload,
            changed_by=by,
            changed_at=at,
        )

    @property
    def payload(self) -> str:
        """The account as `ConfigChange.payload` holds it."""
        return self.model_dump_json()
