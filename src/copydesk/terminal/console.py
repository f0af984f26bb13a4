"""What a person at the terminal is told; where the lines go, and who else looks on, is the program's business."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

from copydesk.ports.beside import Insight


class Tell(Protocol):
    """One line for people. `level` is success, info, warning or error, as in the live API."""

    def __call__(self, line: str, *, level: str = "info") -> None: ...


Show = Callable[[Callable[[], Awaitable[Insight]]], Coroutine[Any, Any, None]]
"""Tells a window, until cancelled, whatever the question answers."""


async def show_nobody(_see: Callable[[], Awaitable[Insight]]) -> None:
    """There is no window."""
