"""An account's client: its token opened, and refreshed before it ends.

A refreshed token is stored before it is used, and there is one refresher of an account at a time: some
platforms' refresh tokens are good for one use. The account's row is not locked meanwhile, for whoever pauses
the account must not wait for a platform's answer; a token that a person enters meanwhile stays. Should this
process end between the platform's answer and the commit, the old token is refused at the next refreshing,
and a person is told (`connectors.polling.poller`).
"""

from connectors.accounts import Account
from connectors.clients import Clients
from connectors.logins import Token
from connectors.platform import PlatformClient
from connectors.tokens import is_due, read_token, token_context, token_json
from infra import logs
from infra.crypto import KeyRing
from infra.postgres import Connection, Pool, transient
from schemas.errors import ConfigurationError, TransientError
from schemas.events import utc_now

log = logs.get(__name__)

_ROW = (
    "select token_ciphertext, token_key_id, token_stored_at from social_accounts "
    "where tenant_id = $1 and platform = $2 and account_id = $3"
)
_ONE_AT_A_TIME = "select pg_advisory_xact_lock(hashtextextended('refresh:' || $1, 0))"
_STORE = (
    "update social_accounts set token_ciphertext = $4, token_key_id = $5, token_stored_at = now() "
    "where tenant_id = $1 and platform = $2 and account_id = $3 and token_ciphertext = $6"
)


class Access:
    """Clients of accounts, by their stored tokens."""

    def __init__(self, pool: Pool, clients: Clients, keys: KeyRing) -> None:
        self._pool = pool
        self._clients = clients
        self._keys = keys
        self._unstored: dict[str, Token] = {}

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
            row = await self._pool.fetchrow(_ROW, *_place(account))
        if row is None or row["token_ciphertext"] is None:
            raise ConfigurationError(f"There is no token of {account.platform} account {account.account_id}.")
        token = self._open(account, row["token_ciphertext"], row["token_key_id"])
        return token, is_due(token, row["token_stored_at"], utc_now())

    async def _refreshed(self, account: Account, token: Token) -> Token:
        with transient():
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(_ONE_AT_A_TIME, ":".join(_place(account)))
                row = await connection.fetchrow(_ROW, *_place(account))
                if row is None or row["token_ciphertext"] is None:
                    return token  # taken away meanwhile
                token = self._open(account, row["token_ciphertext"], row["token_key_id"])
                if not is_due(token, row["token_stored_at"], utc_now()):
                    return token  # somebody else was first
                fresh = self._unstored.get(token.access) or await self._asked(account, token)
                if fresh is None:
                    return token
                # Kept until it is stored: where Postgres goes away now, the platform takes the old no more.
                self._unstored[token.access] = fresh
                await self._store(connection, account, row["token_ciphertext"], fresh)
        self._unstored.pop(token.access, None)
        return fresh

    async def _asked(self, account: Account, token: Token) -> Token | None:
        try:
            return await self._clients.refresh(account.platform, token)
        except TransientError as error:
            log.warning(
                "a token could not be refreshed yet",
                platform=account.platform,
                account=account.account_id,
                error=str(error),
            )
            return None

    async def _store(self, connection: Connection, account: Account, before: bytes, token: Token) -> None:
        context = token_context(account.platform, account.account_id)
        await connection.execute(
            _STORE, *_place(account), *self._keys.seal(token_json(token).encode(), context=context), before
        )

    def _open(self, account: Account, sealed: bytes, key_id: str) -> Token:
        context = token_context(account.platform, account.account_id)
        return read_token(self._keys.open(sealed, key_id, context=context).decode())


def _place(account: Account) -> tuple[str, str, str]:
    return account.tenant_id, account.platform.value, account.account_id
