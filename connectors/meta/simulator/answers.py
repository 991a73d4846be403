"""Bodies with which the simulated Graph API answers."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response


def answer(
    content: Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A JSON answer in the form of the Graph API (slashes escaped, as recorded)."""
    body = json.dumps(content, separators=(",", ":")).replace("/", "\\/").encode("ascii")
    return Response(body, status, dict(headers or {}), "text/javascript; charset=UTF-8")


def error(
    code: int,
    message: str,
    *,
    subcode: int | None = None,
    status: int = 400,
    kind: str = "OAuthException",
    transient: bool | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A Graph error body."""
    body: dict[str, Any] = {"message": message, "type": kind, "code": code}
    if subcode is not None:
        body["error_subcode"] = subcode
    if transient is not None:
        body["is_transient"] = transient
    body["fbtrace_id"] = "Aparleysimulated"
    return answer({"error": body}, status=status, headers=headers)


def missing(method: str, object_id: str, *, with_subcode: bool = True) -> Response:
    """The error of an object that is deleted, invisible or never was."""
    verb = "get" if method == "GET" else "post" if method == "POST" else "delete"
    message = (
        f"Unsupported {verb} request. Object with ID '{object_id}' does not exist, cannot be loaded due to "
        "missing permissions, or does not support this operation. Please read the Graph API documentation at "
        "https://developers.facebook.com/docs/graph-api"
    )
    return error(100, message, subcode=33 if with_subcode else None, kind="GraphMethodException")


def expired() -> Response:
    """The error of a token whose time is over."""
    text = "Error validating access token: Session has expired on Sunday, 22-Nov-26 10:00:00 PST."
    return error(190, text, subcode=463, status=401)
