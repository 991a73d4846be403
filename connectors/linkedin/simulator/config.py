"""What a simulated organisation is like."""

from dataclasses import dataclass

from connectors.simulation import SimulationConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorConfig(SimulationConfig):
    """Settings of the simulator, beside those that all simulators share.

    `member_token` belongs to an administrator of the organisation, `analyst_token` to a member whose role may
    not read comments, `stranger_token` to one without any role; tokens last `token_days`, and
    `refresh_token` gives new ones. `versions`: those that live; every other is answered 426.
    `calls_per_day` and `replies_per_minute`: the two throttles, of which LinkedIn documents no sizes.
    `little_text`: comments are little text, and end at the first character that should have been escaped.
    `challenge_seconds`: how long an answer to a challenge may take, unscaled; `challenge_every`: seconds
    between challenges.
    """

    organisation_id: str = "96072893"
    organisation_name: str = "Parley Test Organisation"
    application_id: str = "1"
    client_id: str = "client-id"
    client_secret: str = "client-secret"  # noqa: S105 - of an app that does not exist
    member_token: str = "member-token"  # noqa: S105
    analyst_token: str = "analyst-token"  # noqa: S105
    stranger_token: str = "stranger-token"  # noqa: S105
    refresh_token: str = "refresh-token"  # noqa: S105
    versions: tuple[str, ...] = ("202601", "202603", "202605", "202607", "202609", "202611")
    token_days: float = 60.0
    calls_per_day: float = 1_000_000.0
    replies_per_minute: float = 60.0
    changes_per_delivery: int = 10
    little_text: bool = False
    reply_limit: int = 1250
    challenge_seconds: float = 3.0
    challenge_every: float = 7200.0
