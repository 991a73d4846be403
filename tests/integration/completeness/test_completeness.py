"""Nothing is lost between a platform and the analysed row, whatever is dropped, repeated or killed.

`make completeness` is the long run: 10,000 comments of each platform. Here it is the platform that announces
least and the one that announces most: the four together would take a quarter of the time that tests may take.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from console.servers import Servers
from infra.embedded.stack import EmbeddedStack
from infra.settings import Settings
from schemas.events import Platform
from tests.integration.completeness import proof
from tests.integration.completeness.databases import new_database
from tests.integration.completeness.run import SHORT, Completeness

SEED = 20261122


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """A Kafka and a Postgres of this file's own: the processes use the topics' real names."""
    with EmbeddedStack(tmp_path_factory.mktemp("stack"), cache_dir=Settings().cache_dir) as endpoints:
        yield Servers(kafka=endpoints.kafka, database=endpoints.postgres)


@pytest.mark.chaos
@pytest.mark.parametrize("platform", [Platform.INSTAGRAM, Platform.LINKEDIN])
async def test_every_comment_becomes_one_analysed_row(
    platform: Platform, stack: Servers, tmp_path: Path
) -> None:
    servers = Servers(kafka=stack.kafka, database=await new_database(stack.database, platform.value))
    found = await Completeness(platform, SHORT, SEED, tmp_path, servers).run()
    assert proof.broken(found) == [], found
    assert found["comments"] == SHORT.comments
    assert sum(found["kills"].values()) >= 5
    assert found["ledger"]["expected"]["found_only_by_polling"]
    assert found["replies"]["posted"]
