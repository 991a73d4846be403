"""Structured logs on standard error. No tokens; comment text only at debug level (the callers' duty)."""

import logging
import sys
from typing import Final, Literal

import structlog

Level = Literal["debug", "info", "warning", "error"]

NARRATORS: Final = (
    *("aiokafka", "kafka", "faust", "mode", "httpx", "httpcore", "uvicorn", "asyncio"),
    *("openai", "httpx2", "httpcore2"),
    *("streams.consumer", "streams.transport"),  # services of Faust's under our modules' names
)
"""Loggers of libraries whose warnings are enough: a broker's restart alone would fill the log."""

_REPEATS: Final = (5, 10.0)
"""So many lines of one kind, in so many seconds, are written of a library; the rest says nothing new."""


class _Repeats(logging.Filter):
    """Drops what a library says again and again: without a broker aiokafka writes 1,000 lines a second."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """False for a line too many."""
        if record.name.partition(".")[0] not in NARRATORS:
            return True
        kind = (record.name, str(record.msg))
        since, count = self._seen.get(kind, (record.created, 0))
        if record.created - since >= _REPEATS[1]:
            since, count = record.created, 0
        if len(self._seen) > 1000:
            self._seen.clear()
        self._seen[kind] = (since, count + 1)
        return count < _REPEATS[0]


def configure(level: Level, form: Literal["console", "json"], **bound: str) -> None:
    """Sets up structlog and the standard library's logging alike; `bound` is added to every line."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    renderer: structlog.typing.Processor
    if form == "json":
        shared.append(structlog.processors.format_exc_info)
        renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
    else:
        renderer = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            # The default prints local variables: comments' texts, and tokens.
            exception_formatter=structlog.dev.plain_traceback,
        )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.addFilter(_Repeats())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.root.handlers = [handler]
    logging.root.setLevel(level.upper())
    for name in NARRATORS:
        narrator = logging.getLogger(name)
        narrator.setLevel(max(logging.WARNING, logging.root.level))
        narrator.handlers, narrator.propagate = [], True  # uvicorn brings handlers of its own
    structlog.contextvars.bind_contextvars(**bound)


def get(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a module."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(name)
    return logger
