"""Fixtures of the sinks' tests."""

import pytest

from infra.crypto import KeyRing
from infra.postgres import Pool
from infra.settings import Settings
from tests.sinks.office import FakePage, Office
from tests.sinks.story import Clock, Story


@pytest.fixture
def story() -> Story:
    return Story()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def page(clock: Clock) -> FakePage:
    return FakePage(clock)


@pytest.fixture
async def office(pool: Pool, story: Story, clock: Clock, page: FakePage) -> Office:
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
