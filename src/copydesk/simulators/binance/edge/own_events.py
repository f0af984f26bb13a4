"""An account's own events on their way to whoever listens, and the faults that strike them there."""

from typing import Any

from copydesk.simulators.binance.edge.faults import Faults

Event = dict[str, Any]


class OwnEvents:
    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._late: dict[str, Event] = {}

    def arriving(self, api_key: str, event: Event) -> list[Event] | None:
        """What is to be delivered now: the event, twice, with the one held back before it, or nothing yet. None: cut the stream."""
        kinds = {fault.kind for fault in self._faults.hit_event(api_key)}
        if "stream_disconnect" in kinds:
            return None
        earlier = self._late.pop(api_key, None)
        if "reordered_event" in kinds and earlier is None:
            self._late[api_key] = event
            return []
        return [each for each in (event, event if "duplicate_event" in kinds else None, earlier) if each is not None]
