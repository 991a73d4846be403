"""An account's client: its token opened, and refreshed before it ends.

A refreshed token is stored before it is used, under a lock on the account's row, so that there is one
refresher at a time: some platforms' refresh tokens are good for one use.
"""

from connectors.accounts import Account
from connectors.clients import Clients
from connectors.platform import PlatformClient, Token
from connectors.tokens import is_due, read_token, token_context, token_json
from infra import logs
from infra.crypto import KeyRing
from infra.postgres import Pool, transient
from schemas.errors import ConfigurationError, TransientError
from schemas.events import utc_now

log = logs.get(__name__)

_LOCKED = (
    "select token_ciphertext, token_key_id, token_stored_at from social_accounts "
    "where tenant_id = $1 and platform = $2 and account_id = $3"
)


class Access:
    """Clients of accounts, by their stored tokens."""

    def __init__(self, pool: Pool, clients: Clients, keys: KeyRing) -> None:
        self._pool = pool
        self._clients = clients
        self._keys = keys

    async def client(self, account: Account) -> PlatformClient:
        """The account's client.

        Raises ConfigurationError where the token cannot be opened, AccountStopped where the platform refuses
        to refresh it, TransientError where Postgres is away.
        """
        token, due = await self._stored(account)
        if due:
            token = await self._refreshed(account, token)
        return self._clients.client(account, token_json(token))

    async def _stored(self, account: Account) -> tuple[Token, bool]:
        with transient():
            row = await self._pool.fetchrow(_LOCKED, *_place(account))
        if row is None or row["token_ciphertext"] is None:
            raise ConfigurationError(f"There is no token of {account.platform} account {account.account_id}.")
        token = self._open(account, row["token_ciphertext"], row["token_key_id"])
        return token, is_due(token, row["token_stored_at"], utc_now())

    async def _refreshed(self, account: Account, token: Token) -> Token:
        with transient():
            async with self._pool.acquire() as connection, connection.transaction():
                row = await connection.fetchrow(f"{_LOCKED} for update", *_place(account))
                if row is None:
                    return token  # taken away meanwhile
                token = self._open(account, row["token_ciphertext"], row["token_key_id"])
                if not is_due(token, row["token_stored_at"], utc_now()):
                    return token  # somebody else was first
                try:
                    fresh = await self._clients.refresh(account.platform, token)
                except TransientError as error:
                    log.warning(
                        "a token could not be refreshed yet",
                        platform=account.platform,
                        account=account.account_id,
                        error=str(error),
                    )
                    return token
                if fresh is None:
                    return token
                sealed, key_id = self._keys.seal(
                    token_json(fresh).encode(), context=token_context(account.platform, account.account_id)
                )
                await connection.execute(
                    "update social_accounts set token_ciphertext = $4, token_key_id = $5, "
                    "token_stored_at = now() where tenant_id = $1 and platform = $2 and account_id = $3",
                    *_place(account),
                    sealed,
                    key_id,
                )
        return fresh

    def _open(self, account: Account, sealed: bytes, key_id: str) -> Token:
        context = token_context(account.platform, account.account_id)
        return read_token(self._keys.open(sealed, key_id, context=context).decode())


def _place(account: Account) -> tuple[str, str, str]:
    return account.tenant_id, account.platform.value, account.account_id
