"""Bodies with which the simulated API answers."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response


def answer(
    content: Mapping[str, Any] | None, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A JSON answer; without any body where `content` is None."""
    body = b"" if content is None else json.dumps(content, separators=(",", ":")).encode("ascii")
    return Response(body, status, dict(headers or {}), "application/json" if body else None)


def error(status: int, message: str, *, code: str = "", number: int | None = None) -> Response:
    """An error of the newer form, with `code`, or of the older, with the number alone."""
    content: dict[str, Any] = {"status": status, "message": message}
    if number is not None:
        content["serviceErrorCode"] = number
    if code:
        content["code"] = code
    return answer(content, status=status)


def missing(urn: str) -> Response:
    """What was deleted, or never was, or is not for this member."""
    return error(404, f"Could not find entity {urn}", code="NOT_FOUND")
