"""Fixtures of the sinks' tests; the database is the shared one of tests/conftest.py."""

import pytest

from infra.crypto import KeyRing
from infra.postgres import Pool
from infra.settings import Settings
from tests.sinks.office import FakePage, Office
from tests.sinks.story import Clock, Story


@pytest.fixture
def story() -> Story:
    """Events about comments by number."""
    return Story()


@pytest.fixture
def clock() -> Clock:
    """A present that moves when told."""
    return Clock()


@pytest.fixture
def page(clock: Clock) -> FakePage:
    """The platform."""
    return FakePage(clock)


@pytest.fixture
async def office(pool: Pool, story: Story, clock: Clock, page: FakePage) -> Office:
    """Post sink, posters and one account that posts by itself."""
    made = Office(
        pool=pool,
        story=story,
        clock=clock,
        page=page,
        settings=Settings(posting_settle_after=60, posting_timeout=15),
        keys=KeyRing({"k": bytes(32)}),
    )
    await made.add_account()
    return made
