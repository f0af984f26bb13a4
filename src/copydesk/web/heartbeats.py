"""A terminal as the program beside it tells of it every few seconds."""

from collections.abc import Mapping
from datetime import timedelta

import structlog
from msgspec.structs import replace

from copydesk.client.terminals import TerminalFigures
from copydesk.domain.errors import StoreUnavailable
from copydesk.domain.frames import Heartbeat
from copydesk.domain.terminal import Terminal, TerminalRole
from copydesk.domain.user import User
from copydesk.web.hub import Hub

log = structlog.get_logger()

STORED_EVERY = timedelta(seconds=30)
FIGURES_EVERY = timedelta(seconds=5)


class Heartbeats:
    """Of one connection. Stored when something changes, and now and then: a terminal that dies shows at once."""

    def __init__(self, hub: Hub, user: User) -> None:
        self._hub = hub
        self._user = user
        self._known: Terminal | None = None
        self._latest: Terminal | None = None

    def is_news(self, message: Heartbeat) -> bool:
        """Whether it tells of another terminal than before: whose it is has to be looked at then."""
        known = self._known
        return known is None or (known.login, known.server) != (message.login, message.server)

    async def take(self, message: Heartbeat) -> None:
        """Raise ValueError for figures that are none."""
        before = self._known
        now = Terminal(
            user_id=self._user.id,
            role=TerminalRole.COPIER,
            login=message.login,
            server=message.server,
            connected=message.connected,
            figures=_figures(message) if message.figures else (before.figures if before is not None else {}),
            reported_at=self._hub.clock.now(),
        )
        self._latest = now
        if before is not None and _alike(before, now):
            every = FIGURES_EVERY if now.figures != before.figures else STORED_EVERY
            if now.reported_at - before.reported_at < every:
                return
        await self._store(now)

    async def end(self) -> None:
        """The program has gone: what it told of its terminal holds no longer."""
        latest = self._latest
        if latest is None or not latest.connected:
            return
        try:
            await self._store(replace(latest, connected=False, reported_at=self._hub.clock.now()))
        except StoreUnavailable:
            log.info("a terminal's end was not stored", login=latest.login)

    async def _store(self, terminal: Terminal) -> None:
        self._known = terminal
        await self._hub.store.write(lambda tables: tables.terminals.put(terminal))


def _figures(message: Heartbeat) -> Mapping[str, object]:
    return TerminalFigures.model_validate(message.figures).model_dump(mode="json", exclude_none=True)


def _alike(one: Terminal, other: Terminal) -> bool:
    """In all that somebody would want to see at once."""
    return _shown(one) == _shown(other)


def _shown(one: Terminal) -> tuple[object, ...]:
    return one.login, one.server, one.connected, one.figures.get("trade_allowed"), one.figures.get("open_positions")
