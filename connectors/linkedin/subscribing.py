"""Has LinkedIn send an organisation's notices to our webhook.

Source: "Organization Social Action Notifications", Event Subscription API, of LinkedIn's documentation. The
address must have been registered and verified in the app's settings, for which there is no call. A
subscription belongs to the app, to the member whose token it is (an administrator, who has granted
rw_organization_admin) and to the organisation; putting it again changes nothing but the address.
"""

from typing import Final

from connectors.linkedin.check import elements, organisation_of
from connectors.linkedin.errors import ApiError, failure_of
from connectors.linkedin.rest import Rest
from connectors.linkedin.urns import encoded, is_urn, organisation_urn
from connectors.linkedin.webhook import EVENT_TYPE
from connectors.outcomes import Cause, ChangeOutcome, Done, NotSent, Unknown
from connectors.subscribing import not_made
from schemas.errors import ParleyError

_ROLES: Final = "organizationAcls?q=roleAssignee&state=APPROVED&start=0&count=100"


async def subscribe(
    rest: Rest, account_id: str, application_id: str | None, callback: str | None
) -> ChangeOutcome:
    """PUT `/eventSubscriptions/{key}`. `application_id`: the app's number; `callback`: our webhook's."""
    if application_id is None or callback is None:
        reason = (
            "set PARLEY_LINKEDIN_APPLICATION_ID (the number in the address of the app's settings) and "
            "PARLEY_WEBHOOK_URL, and connect again"
        )
        return NotSent(Cause.PERMANENT, reason)
    try:
        member = await _member(rest, account_id)
    except ParleyError as error:
        return not_made(error)
    if member is None:
        return NotSent(Cause.PERMISSION, f"the token's member has no role on organisation {account_id}")
    key = ",".join((
        f"developerApplication:{encoded(f'urn:li:developerApplication:{application_id}')}",
        f"user:{encoded(member)}",
        f"entity:{encoded(organisation_urn(account_id))}",
        f"eventType:{EVENT_TYPE}",
    ))  # fmt: skip
    made = await rest.write("PUT", f"eventSubscriptions/({key})", {"webhook": callback})
    return made if isinstance(made, (NotSent, Unknown)) else Done()


async def _member(rest: Rest, account_id: str) -> str | None:
    """The urn of the member whose token this is, as the roles name it."""
    answer = await rest.read(_ROLES)
    if isinstance(answer, ApiError):
        raise failure_of(answer)
    for item in elements(answer.content):
        if organisation_of(item) == account_id and is_urn(member := item.get("roleAssignee")):
            return str(member)
    return None
