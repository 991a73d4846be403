"""A draft worker process for tests: as `parley worker draft` composes it, on a test's topics."""

import json
import sys

from console.bench.draft_worker import Plan, run_worker
from schemas.topics import Topic

if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    run_worker(
        Plan(
            kafka=given["kafka"],
            database=given["database"],
            source=Topic(name=given["source"], schema="enriched_comment"),
            sink=Topic(name=given["sink"], schema="drafted_reply"),
            endpoint=given["endpoint"],
        )
    )
