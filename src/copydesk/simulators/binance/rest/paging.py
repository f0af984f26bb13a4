"""One page out of a list that only grows."""

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from copydesk.simulators.binance.rest.params import Params


class _Timed(Protocol):
    @property
    def time_ms(self) -> int: ...


_Row = TypeVar("_Row", bound=_Timed)


def page(params: Params, rows: Iterable[_Row], from_name: str, key: Callable[[_Row], int]) -> list[_Row]:
    """Filter by ``startTime``, ``endTime`` and the first id; the newest come, unless an id or start says from where."""
    start, end, first = params.integer("startTime"), params.integer("endTime"), params.integer(from_name)
    limit = params.limit(500, 1_000)
    chosen = [
        row
        for row in rows
        if (start is None or row.time_ms >= start)
        and (end is None or row.time_ms <= end)
        and (first is None or key(row) >= first)
    ]
    return chosen[-limit:] if start is None and first is None else chosen[:limit]
