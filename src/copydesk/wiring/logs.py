"""Logs for operators: one JSON line an event on stderr, a readable one where a person watches."""

import json
import logging
import sys

import msgspec
import structlog


def _line(event: object, **_how: object) -> str:
    """What JSON knows nothing of is told as Python prints it; numbers of any size, and half characters, Python's own JSON writes."""
    try:
        return msgspec.json.encode(event, enc_hook=repr).decode()
    except (OverflowError, UnicodeError):
        return json.dumps(event, default=repr)


def set_up_logs(*, verbose: bool = False, quiet: bool = False) -> None:
    """Secrets never reach a log: events carry ids and reasons, not requests."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    watched = sys.stderr.isatty()
    ending: list[structlog.typing.Processor] = (
        [structlog.dev.ConsoleRenderer()]
        if watched
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(_line)]
    )
    level = logging.WARNING if quiet else logging.DEBUG if verbose else logging.INFO
    structlog.configure(
        processors=[*shared, *ending],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(name)s %(message)s")
