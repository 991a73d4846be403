"""The HTTP API for moderators, supervisors and their tools: `/api/v1`, documented at `/api/docs`.

401 no key, or one that opens nothing      403 the role does not suffice
404 there is no such thing                 409 somebody else was first
408 the body came too slowly               413 the body is too large
422 the request cannot be carried out      503 Postgres is away; ask again
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final

from asyncpg import PostgresError
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from console.api.intake import Bounded
from console.api.shapes import Problem
from console.people import Role, User, user_of
from console.review_items import NoItem, NotAllowed, NothingToSend, ReviewError, Taken
from infra import logs
from infra.postgres import Pool, transient
from schemas.errors import ConfigurationError, TransientError

log = logs.get(__name__)

_bearer: Final = HTTPBearer(auto_error=False, description="A key that `parley keys create` printed.")


@dataclass(frozen=True, slots=True)
class Context:
    """What every request works with."""

    pool: Pool
    tenant: str


def context_of(request: Request) -> Context:
    """The application's context."""
    context: Context = request.app.state.context
    return context


async def _user(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> User:
    context = context_of(request)
    found = None
    if credentials is not None:
        found = await user_of(context.pool, context.tenant, credentials.credentials)
    if found is None:
        raise HTTPException(
            401,
            "Send a key that is in force: `Authorization: Bearer parley_...` (`parley keys create`).",
            {"WWW-Authenticate": "Bearer"},
        )
    return found


def at_least(role: Role) -> Any:
    """A dependency that gives the user, if the role suffices."""

    async def check(user: Annotated[User, Depends(_user)]) -> User:
        if not user.role.may(role):
            raise HTTPException(403, f"This needs the role {role}; {user.name} is {user.role}.")
        return user

    return Depends(check)


In = Annotated[Context, Depends(context_of)]
Analyst = Annotated[User, at_least(Role.ANALYST)]
Moderator = Annotated[User, at_least(Role.MODERATOR)]
Supervisor = Annotated[User, at_least(Role.SUPERVISOR)]
Admin = Annotated[User, at_least(Role.ADMIN)]

_STATUS: Final[tuple[tuple[type[Exception], int], ...]] = (
    (NoItem, 404),
    (Taken, 409),
    (NotAllowed, 403),
    (NothingToSend, 422),
    (ReviewError, 422),
    (ConfigurationError, 422),
    (TransientError, 503),
)
"""What each error is over HTTP, the first that fits."""

ERRORS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"model": Problem} for status in (400, 401, 403, 404, 408, 409, 413, 422, 503)
}


def api_app(pool: Pool, tenant: str) -> FastAPI:
    """The API as an application of its own, to be mounted at `/api`."""
    from console.api import configuration, reviews

    app = FastAPI(
        title="Parley",
        version="1",
        description=__doc__ or "",
        openapi_url="/openapi.json",
        docs_url="/docs",
        redoc_url=None,
        responses=ERRORS,
    )
    app.state.context = Context(pool, tenant)
    app.include_router(reviews.router, prefix="/v1")
    app.include_router(configuration.router, prefix="/v1")
    for error, status in _STATUS:
        app.add_exception_handler(error, _told(status))

    @app.exception_handler(RequestValidationError)
    async def unfit(_request: Request, error: RequestValidationError) -> JSONResponse:
        # The input itself is not repeated: it may hold what people wrote.
        said = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()[:10]]
        return JSONResponse({"detail": "; ".join(said)}, 422)

    @app.middleware("http")
    async def postgres_may_be_away(
        request: Request, proceed: Callable[[Request], Awaitable[Any]]
    ) -> Any:  # the reply to come
        try:
            with transient():
                return await proceed(request)
        except TransientError as error:
            log.warning("the API could not reach Postgres", error=str(error))
            return JSONResponse({"detail": "Postgres is away; ask again."}, 503, {"Retry-After": "2"})
        except PostgresError as error:
            log.error("the API's query failed", error=f"{type(error).__name__}: {error}")
            raise

    app.add_middleware(Bounded)
    return app


def _told(status: int) -> Callable[[Request, Exception], Awaitable[JSONResponse]]:
    async def handler(_request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, status)

    return handler
