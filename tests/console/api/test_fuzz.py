"""The API fuzzed from its own OpenAPI document: whatever is asked, it answers as documented, never a 500."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from console.people import Role
from infra.postgres import Pool
from tests.console.api.conftest import Api, waiting_comment

pytestmark = pytest.mark.integration

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


async def test_no_request_makes_it_fail(api: Api, pool: Pool) -> None:
    comment = await waiting_comment(pool)
    schema = schemathesis.openapi.from_url(f"{api.url}/openapi.json")
    headers = {"Authorization": f"Bearer {api.keys[Role.ADMIN]}"}
    asked = {
        operation.label: fuzz(operation, comment, headers)
        for operation in (found.ok() for found in schema.get_all_operations() if isinstance(found, Ok))
    }
    assert len(asked) >= 15
    assert {200, 404, 422} <= set.union(*asked.values())


def fuzz(
    operation: schemathesis.APIOperation[Any, Any, Any, Any], comment: str, headers: dict[str, str]
) -> set[int]:
    """Asks one operation many things, half of them of a comment that is there; the statuses it answered."""
    statuses: set[int] = set()

    @settings(max_examples=30, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def ask(case: schemathesis.Case[Any]) -> None:
        ids = (
            [case.path_parameters["comment_id"], comment] if "comment_id" in case.path_parameters else [None]
        )
        for each in ids:
            if each is not None:
                case.path_parameters["comment_id"] = each
            response = case.call(headers=headers)
            statuses.add(response.status_code)
            case.validate_response(response, checks=CHECKS)

    ask()
    return statuses
