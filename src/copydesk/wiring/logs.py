"""Logs for operators: one JSON line an event on stderr, a readable one where a person watches."""

import json
import logging
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

import msgspec
import structlog

from copydesk.web.recent import RecentLines


def _line(event: object, **_how: object) -> str:
    """What JSON knows nothing of is told as Python prints it; numbers of any size, and half characters, Python's own JSON writes."""
    try:
        return msgspec.json.encode(event, enc_hook=repr).decode()
    except (OverflowError, UnicodeError):
        return json.dumps(event, default=repr)


FILE_BYTES, FILES_KEPT = 5 * 1024 * 1024, 5


class _RotatedFile:
    """Where structlog's finished lines go in a program that people watch: a file that is rotated as it grows."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._handler = RotatingFileHandler(path, maxBytes=FILE_BYTES, backupCount=FILES_KEPT, encoding="utf-8")

    def msg(self, line: str) -> None:
        self._handler.handle(logging.makeLogRecord({"msg": line}))

    debug = info = warning = error = critical = exception = msg


def set_up_log_file(path: Path, *, verbose: bool = False) -> None:
    """One JSON line an event in a rotated file; the console stays free for people."""
    file = _RotatedFile(path)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(_line),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG if verbose else logging.INFO),
        logger_factory=lambda *_: file,
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(name)s %(message)s")


def set_up_logs(*, verbose: bool = False, quiet: bool = False) -> RecentLines:
    """Secrets never reach a log: events carry ids and reasons, not requests. The newest lines are kept for who wants to look."""
    lines = RecentLines()
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        lines,
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
    return lines
