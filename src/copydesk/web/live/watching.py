"""Strategy bots and those who watch them: who may, what they hear, in which order."""

import asyncio
from collections.abc import Sequence

import structlog

from copydesk.domain.bot import Bot, BotStatus
from copydesk.domain.errors import CopydeskError, NotFound
from copydesk.domain.ids import BotId
from copydesk.domain.signal import SourceKind
from copydesk.domain.user import Role, User
from copydesk.ports.live import BotEvent
from copydesk.stores.store import Tables
from copydesk.web.hub import Hub
from copydesk.web.live.server import Server
from copydesk.web.live.sessions import Session, Sessions, room_of_bot

log = structlog.get_logger()

HEARD_MAX = 10_000


class Watching:
    """Events of a bot nobody watches end here; the others are encoded once for all who do."""

    def __init__(self, hub: Hub, server: Server, sessions: Sessions) -> None:
        self._hub = hub
        self._server = server
        self._sessions = sessions
        self._heard: asyncio.Queue[BotEvent] = asyncio.Queue(HEARD_MAX)

    def hear(self, event: BotEvent) -> None:
        if not self._sessions.is_watched(event.bot_id):
            return
        try:
            self._heard.put_nowait(event)
        except asyncio.QueueFull:
            log.warning("a bot tells more than can be told on", bot_id=event.bot_id, name=event.name)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            event = await self._heard.get()
            for session in self._sessions.holding(event.bot_id):
                session.held[event.bot_id].append(event)
            await self._tell(event, room_of_bot(event.bot_id))

    async def _tell(self, event: BotEvent, room: str) -> None:
        try:
            await self._server.emit(event.name, {**event.data, "bot_id": event.bot_id}, room=room)
        except (TypeError, ValueError) as error:
            # The boundary of one event: what cannot be written as JSON must not end what trades.
            log.warning("an event cannot be told", name=event.name, bot_id=event.bot_id, problem=str(error))

    async def watch(self, session: Session, bot_id: BotId) -> None:
        """First where things stand, then everything that happened since, without a gap."""
        await self.unwatch(session, bot_id)
        session.hold(bot_id)
        try:
            for event in await self._hub.strategies.picture(bot_id):
                await self._tell(event, session.sid)
            while held := session.held[bot_id]:
                session.hold(bot_id)
                for event in held:
                    await self._tell(event, session.sid)
            if self._sessions.get(session.sid) is session:
                await self._server.enter_room(session.sid, room_of_bot(bot_id))
                session.watched.add(bot_id)
        finally:
            del session.held[bot_id]

    async def watch_own(self, session: Session) -> None:
        """A new socket belongs to its user's only, else oldest bot; where there is none, to none."""
        bot = await self._hub.store.read(lambda tables: tables.bots.oldest_strategy(session.user.id))
        if bot is None:
            return
        session.by_default = bot.id
        try:
            await self.watch(session, bot.id)
        except CopydeskError as error:
            log.warning("a bot's picture cannot be told", bot_id=bot.id, problem=str(error))

    async def unwatch(self, session: Session, bot_id: BotId) -> None:
        if bot_id in session.watched:
            session.watched.discard(bot_id)
            await self._server.leave_room(session.sid, room_of_bot(bot_id))

    async def end_lost_rights(self) -> None:
        """Who follows no longer, watches no longer; nor does anybody but its owner watch a bot that is not active."""
        looked_at = [(session, bot_id) for session in self._sessions for bot_id in session.watched]
        if not looked_at:
            return

        def work(tables: Tables) -> Sequence[tuple[Session, BotId]]:
            return [(session, bot_id) for session, bot_id in looked_at if not _may_see(tables, session.user, bot_id)]

        for session, bot_id in await self._hub.store.read(work):
            await self.unwatch(session, bot_id)


def find_bot(tables: Tables, user: User, bot_id: BotId) -> Bot:
    """A strategy bot that this user may watch; raise NotFound."""
    bot = tables.bots.get(bot_id)
    if bot is None or bot.source is not SourceKind.STRATEGY or not _may_watch(tables, user, bot):
        raise NotFound("no such strategy bot")
    return bot


def may_command(user: User, bot: Bot) -> bool:
    return user.role is Role.ADMIN or bot.owner_id == user.id


def _may_see(tables: Tables, user: User, bot_id: BotId) -> bool:
    bot = tables.bots.get(bot_id)
    return bot is not None and _may_watch(tables, user, bot)


def _may_watch(tables: Tables, user: User, bot: Bot) -> bool:
    return may_command(user, bot) or (bot.status is BotStatus.ACTIVE and tables.subscriptions.follows(user.id, bot.id))
