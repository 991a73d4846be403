"""`parley users add|list` and `parley keys create|list|revoke`: who may use the HTTP API."""

import getpass
from datetime import timedelta
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from console import database, people
from console.people import Role
from console.printing import cell, json_line
from schemas.errors import ConfigurationError
from schemas.events import utc_now

users = typer.Typer(no_args_is_help=True, help="Who may use the HTTP API.")
keys = typer.Typer(no_args_is_help=True, help="Keys of the HTTP API.")

Name = Annotated[str, typer.Argument(help="The user's name, as it will stand with decisions.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


@users.command("add")
def add_user(
    name: Name,
    role: Annotated[Role, typer.Option(help="analyst, moderator, supervisor or admin")] = Role.MODERATOR,
    active: Annotated[bool, typer.Option("--active/--inactive", help="Whether keys open anything.")] = True,
) -> None:
    """Adds a user, or changes the role of one."""
    if not name.strip() or not name.isprintable() or len(name) > 100:
        raise ConfigurationError("A user's name has 1 to 100 printable characters.")
    database.run(
        lambda pool, tenant: people.save_user(pool, tenant, name, role, active=active, actor=_actor())
    )
    print(f"{name} is {role}" + ("" if active else ", inactive"))


@users.command("list")
def list_users(as_json: AsJson = False) -> None:
    """Shows the users."""
    rows = database.run(
        lambda pool, tenant: pool.fetch(
            "select u.name, u.role, u.is_active, count(k.key_id) filter (where k.revoked_at is null "
            "and (k.expires_at is null or k.expires_at > now())) as keys, "
            "max(k.last_used_at) as last_used_at from users u left join api_keys k using (user_id) "
            "where u.tenant_id = $1 group by u.user_id order by u.name",
            tenant,
        )
    )
    _print(rows, as_json, "there are no users; add one: `parley users add NAME --role moderator`")


@keys.command("create")
def create_key(
    name: Name,
    label: Annotated[str, typer.Option(help="What the key is for.")] = "",
    days: Annotated[int | None, typer.Option(min=1, help="Days it lasts; without end if not given.")] = None,
) -> None:
    """Makes a key and prints it, once: `Authorization: Bearer KEY`."""
    expires_at = utc_now() + timedelta(days=days) if days else None
    _, key = database.run(
        lambda pool, tenant: people.create_key(
            pool, tenant, name, label=label, expires_at=expires_at, actor=_actor()
        )
    )
    print(key)


@keys.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """Shows the keys in force, without their secrets."""
    rows = database.run(
        lambda pool, tenant: pool.fetch(
            "select k.key_id, u.name, k.label, k.created_at, k.expires_at, k.last_used_at "
            "from api_keys k join users u using (user_id) "
            "where u.tenant_id = $1 and k.revoked_at is null order by k.created_at",
            tenant,
        )
    )
    _print(rows, as_json, "there are no keys; make one: `parley keys create NAME`")


@keys.command("revoke")
def revoke_key(key_id: Annotated[str, typer.Argument(help="As `parley keys list` shows it.")]) -> None:
    """Ends a key at once."""
    database.run(lambda pool, tenant: people.revoke_key(pool, tenant, key_id, actor=_actor()))
    print(f"key {key_id} opens nothing any more")


def _actor() -> str:
    return getpass.getuser()


def _print(rows: list[Any], as_json: bool, nothing: str) -> None:
    if as_json:
        for row in rows:
            print(json_line(dict(row)))
        return
    table = Table(*(rows[0].keys() if rows else ()))
    for row in rows:
        table.add_row(*map(cell, row.values()))
    Console().print(table if rows else nothing)
