"""What a simulated X account is like."""

from dataclasses import dataclass
from typing import Literal

from connectors.simulation import SimulationConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorConfig(SimulationConfig):
    """Settings of the simulator, beside those that all simulators share.

    `summons_required`: replies are refused (403) unless the post names the account, as for self-serve apps.
    `field_names`: of before (tweet) or after (post) OpenAPI 2.167. `legacy_webhooks`: deliveries in the form
    of the Account Activity API, which batches; the X Activity API sends one event each. `announce_edits`: an
    edited reply is delivered as a further post (whether X does that is not documented).
    """

    account_id: str = "2244994945"
    account_name: str = "Parley Test"
    username: str = "parley_test"
    user_token: str = "user-token"  # noqa: S105 - of an account that does not exist
    refresh_token: str = "refresh-token"  # noqa: S105
    app_token: str = "app-token"  # noqa: S105
    stranger_token: str = "stranger-token"  # noqa: S105 - of another account
    client_id: str = "client-id"
    client_secret: str | None = "client-secret"  # noqa: S105
    consumer_secret: str = "consumer-secret"  # noqa: S105
    token_seconds: float = 7200.0
    changes_per_delivery: int = 1
    summons_required: bool = True
    field_names: Literal["tweet", "post"] = "tweet"
    legacy_webhooks: bool = False
    announce_edits: bool = True
