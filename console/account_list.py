"""`parley accounts list`: the accounts, and by which ways their comments came."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final

import typer

from console import database, ledger, tables
from console.printing import json_line
from console.tables import Column


def _status(row: Mapping[str, Any]) -> str:
    return f"{row['status']} {row['status_reason'] or row['problem'] or ''}".strip()


def _last_poll(row: Mapping[str, Any]) -> str:
    polled = row["last_good_poll"]
    return f"{polled:%Y-%m-%d %H:%M}" if isinstance(polled, datetime) else "never"


COLUMNS: Final = (
    Column("Platform", lambda row: row["platform"]),
    Column("Account", lambda row: row["account_id"]),
    Column("Name", lambda row: row["name"], rank=3, least=10),
    Column("Mode", lambda row: row["mode"], rank=1),
    Column("Status", _status, rank=2, least=12),
    Column("Replies a minute", lambda row: f"{row['replies_per_minute']:g}", rank=8),
    Column("Comes by", lambda row: row["arrival"], rank=6),
    Column("Comments", lambda row: row["comments"], rank=4),
    Column("By webhook", lambda row: row["received_by_webhook"], rank=7),
    Column("By poll alone", lambda row: row["found_only_by_polling"], rank=9),
    Column("Last poll", _last_poll, rank=5, least=10),
)


def list_accounts(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object an account.")] = False,
) -> None:
    """Shows the accounts with their mode, state, budget, and by which way their comments came."""
    rows = database.run(ledger.accounts)
    if as_json:
        for row in rows:
            print(json_line(row))
        return
    tables.show(COLUMNS, rows, "no accounts; `parley accounts add` adds one")
