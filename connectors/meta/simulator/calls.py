"""Parameters and token of a call to the simulated Graph API."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from connectors.simulation import content_of


def token_of(request: Request, params: Mapping[str, Any]) -> str:
    """The access token, from the header or the parameter."""
    given = request.headers.get("authorization", "")
    return given[7:] if given.lower().startswith("bearer ") else str(params.get("access_token", ""))


async def params_of(request: Request) -> dict[str, Any]:
    """Query and body (form or JSON) together, as the Graph API reads them."""
    params: dict[str, Any] = dict(request.query_params)
    body = await request.body()
    if not body:
        return params
    if request.headers.get("content-type", "").startswith("application/json"):
        return {**params, **await content_of(request)}
    return {**params, **dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))}
