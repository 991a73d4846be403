"""The last resort against work that neither ends nor can be cancelled: the process ends."""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from typing import Final

from infra import logs

EXIT_STUCK: Final = 76
"""Exit code of a process whose work could not be finished or given up within the limits."""

STUCK_AFTER: Final = 30.0
"""Seconds that something may take beyond its own limit before the process ends."""

log = logs.get(__name__)


@contextlib.contextmanager
def ends_process_after(seconds: float, what: str) -> Iterator[None]:
    """Ends the process with `EXIT_STUCK` if the block takes longer; works while the event loop is blocked."""

    def end() -> None:
        log.critical("took too long; the process ends", what=what, seconds=seconds, exit_code=EXIT_STUCK)
        sys.stderr.flush()
        os._exit(EXIT_STUCK)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
