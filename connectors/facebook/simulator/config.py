"""What a simulated page is like."""

from dataclasses import dataclass

from connectors.simulation import SimulationConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorConfig(SimulationConfig):
    """Settings of the simulator, beside those that all simulators share.

    `replies_per_minute`: above it a page is blocked (368) for `block_minutes`; the default is what erxes'
    public code found out. `calls_per_hour`: 100 % of the usage headers. `escape_markup`: deliveries also
    escape `<`, `%` and `@`, as older documentation says.
    """

    page_id: str = "104000000000001"
    page_name: str = "Parley Test Page"
    page_token: str = "page-token"  # noqa: S105 - of a page that does not exist
    user_token: str = "user-token"  # noqa: S105
    app_id: str = "184719283746"
    app_secret: str = "app-secret"  # noqa: S105
    require_proof: bool = True
    calls_per_hour: float = 4800.0
    replies_per_minute: float = 60.0
    block_minutes: float = 120.0
    escape_markup: bool = False
