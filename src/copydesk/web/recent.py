"""The newest lines of the hub's own log, kept in memory for an admin to look at; the log itself goes where it always went."""

import itertools
from collections import deque
from collections.abc import Mapping, MutableMapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

LINES_MAX = 2_000

_OWN = frozenset({"timestamp", "level", "event"})


class LogLine(Struct, frozen=True, kw_only=True):
    """What was told, as it went to the log."""

    number: int
    at: datetime
    level: str
    event: str
    fields: Mapping[str, Any]


class RecentLines:
    """A processor of structlog's chain, after level and time were added; from any thread."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._lines: deque[LogLine] = deque(maxlen=LINES_MAX)

    def __call__(self, _logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        # Only texts and numbers are kept: an object would live as long as its line.
        fields = {key: _plain(value) for key, value in event.items() if key not in _OWN}
        self._lines.append(
            LogLine(
                number=next(self._numbers),
                at=datetime.fromisoformat(event["timestamp"]),
                level=str(event["level"]),
                event=str(event["event"]),
                fields=fields,
            )
        )
        return event

    def newest(self, *, limit: int, before: int | None = None, level: str | None = None) -> Sequence[LogLine]:
        """Newest first."""
        found = (
            one
            for one in reversed(list(self._lines))
            if (before is None or one.number < before) and (level is None or one.level == level)
        )
        return list(itertools.islice(found, limit))


def _plain(value: Any) -> str | int | float | bool | None:
    return value if isinstance(value, str | int | float | bool | None) else str(value)
