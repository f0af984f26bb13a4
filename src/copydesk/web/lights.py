"""Since when each part of the desk shows its light."""

from datetime import datetime
from typing import NamedTuple

from copydesk.client.overview import Condition, PartAnswer

PARTS_MAX = 20_000
"""Parts that nobody has seen for longest are forgotten."""


class _Seen(NamedTuple):
    condition: Condition
    since: datetime


class Lights:
    """In memory: what was so before this hub started is so since its first look."""

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}

    def note(self, part: PartAnswer) -> PartAnswer:
        """With the moment it became so; the part's own `since` counts where it was not so before."""
        before = self._seen.pop(part.id, None)
        now = before if before is not None and before.condition is part.condition else _Seen(part.condition, part.since)
        self._seen[part.id] = now
        if len(self._seen) > PARTS_MAX:
            del self._seen[next(iter(self._seen))]
        return part.model_copy(update={"since": now.since})
