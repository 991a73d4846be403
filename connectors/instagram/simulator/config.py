"""What a simulated account is like."""

from dataclasses import dataclass
from typing import Literal

from connectors.simulation import SimulationConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorConfig(SimulationConfig):
    """Settings of the simulator, beside those that all simulators share.

    `login`: the way of access, which decides the form of deliveries and of the login, and whether calls need
    a proof. `other_token` is alive and opens another account. `calls_per_day`: 100 % of the usage headers.
    `app_secret` signs deliveries.
    """

    account_id: str = "17841400000000001"
    username: str = "parley.shop"
    page_id: str = "104000000000002"
    token: str = "instagram-token"  # noqa: S105 - of an account that does not exist
    user_token: str = "instagram-user-token"  # noqa: S105
    other_token: str = "token-of-another-account"  # noqa: S105
    app_id: str = "104100000000002"
    app_secret: str = "app-secret"  # noqa: S105
    login: Literal["facebook", "instagram"] = "facebook"
    calls_per_day: float = 4_800_000.0
