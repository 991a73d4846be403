"""Bodies with which the simulated X answers. Source: section 4.4 of the platform contracts."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

PROBLEMS = "https://api.x.com/2/problems/"


def answer(
    content: Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A JSON answer."""
    body = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
    return Response(body, status, dict(headers or {}), "application/json; charset=utf-8")


def problem(
    status: int,
    title: str,
    detail: str,
    *,
    kind: str | None = None,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Response:
    """A problem; `kind` is the last part of its type, None for `about:blank`."""
    content = {
        "title": title,
        "detail": detail,
        "type": PROBLEMS + kind if kind else "about:blank",
        "status": status,
        **more,
    }
    body = json.dumps(content, separators=(",", ":")).encode()
    return Response(body, status, dict(headers or {}), "application/problem+json")


def forbidden(detail: str) -> Response:
    """A 403 of the kind that only its detail tells apart."""
    return problem(403, "Forbidden", detail)


def invalid(parameter: str, value: str, message: str, *, renamed: bool) -> Response:
    """A parameter that does not fit, in the form of either OpenAPI."""
    title, detail = "Invalid Request", "One or more parameters to your request was invalid."
    if renamed:
        return problem(400, title, message, kind="invalid-request", parameter=parameter, value=value)
    errors = [{"parameters": {parameter: [value]}, "message": message}]
    return problem(400, title, detail, kind="invalid-request", errors=errors)


def not_found(post_id: str) -> dict[str, Any]:
    """The partial error of a post that is not there, which comes with 200."""
    return {
        "value": post_id,
        "detail": f"Could not find tweet with id: [{post_id}].",
        "title": "Not Found Error",
        "resource_type": "tweet",
        "parameter": "id",
        "resource_id": post_id,
        "type": PROBLEMS + "resource-not-found",
    }
