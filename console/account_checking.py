"""`parley accounts check`: what the platforms say of every account's token, rights and webhooks."""

from typing import Annotated, Final

import typer

from connectors.accounts import Account
from connectors.clients import open_clients
from connectors.platform import AccountCheck
from connectors.polling.access import Access
from console import configuration, database
from console.printing import json_line
from infra import settings
from infra.postgres import Pool
from infra.settings import Settings
from schemas.arrival import Arrival
from schemas.errors import ParleyError
from schemas.events import Platform

_UNSUBSCRIBED: Final = {
    Arrival.BOTH: "no webhooks, polling alone",
    Arrival.POLLING: "",
    Arrival.WEBHOOK: "no webhooks, and it is not polled: nothing comes",
}


def check(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object an account.")] = False,
) -> None:
    """Asks the platforms whether every account's token, rights and webhooks are as they must be."""
    loaded = settings.load()
    found = database.run(lambda pool, _tenant: _check(pool, loaded))
    for row in found:
        if as_json:
            print(json_line(row))
        else:
            problem = f"{row['problem']}: {row['reason']}" if row["problem"] else "in order"
            webhooks = "" if row["subscribed"] is not False else _UNSUBSCRIBED[Arrival(str(row["arrival"]))]
            ends = f"token until {row['expires_at']}" if row["expires_at"] else ""
            said = "; ".join(filter(None, (problem, webhooks, ends)))
            print(f"{row['platform']} {row['account_id']}: {said}")
    if any(row["problem"] for row in found):
        raise typer.Exit(1)


async def _check(pool: Pool, loaded: Settings) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    async with open_clients(loaded) as clients:
        access = Access(pool, clients, configuration.key_ring(loaded))
        rows = await pool.fetch(
            "select platform, account_id, username, arrival from social_accounts where tenant_id = $1 "
            "order by 1, 2",
            loaded.tenant,
        )
        for row in rows:
            account = Account(
                tenant_id=loaded.tenant,
                platform=Platform(row["platform"]),
                account_id=row["account_id"],
                username=row["username"],
            )
            try:
                said = await (await access.client(account)).check()
                problem = said.problem.value if said.problem else None
            except ParleyError as error:
                said, problem = AccountCheck(reason=str(error)), type(error).__name__
            found.append({
                "platform": account.platform.value,
                "account_id": account.account_id,
                "problem": problem,
                "reason": said.reason,
                "subscribed": said.subscribed,
                "arrival": row["arrival"],
                "expires_at": said.expires_at.isoformat() if said.expires_at else None,
            })  # fmt: skip
    return found
