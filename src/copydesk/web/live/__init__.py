"""Socket.IO at /socket.io: strategy bots and the copy desk as they go, and commands; docs/live-api.md."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import structlog
from socketio.exceptions import ConnectionRefusedError as Refused
from starlette.routing import Mount

from copydesk.domain.errors import StoreUnavailable
from copydesk.domain.user import Role, User, UserStatus
from copydesk.stores.store import Tables
from copydesk.web.errors import Words
from copydesk.web.hub import Hub
from copydesk.web.limits import LIVE_PATH, TooMany
from copydesk.web.live.commands import Commands, refuse
from copydesk.web.live.door import Door
from copydesk.web.live.news import News
from copydesk.web.live.server import Server
from copydesk.web.live.sessions import ADMINS, Session, Sessions, room_of_user
from copydesk.web.live.watching import Watching

log = structlog.get_logger()

LOOK_AFTER_EVERY_S = 1.0
RIGHTS_EVERY_S = 5.0
REAUTH_BEFORE = timedelta(seconds=60)
STRANGER_S = 10.0
"""So long a connection may be there without a token."""

UNAUTHORIZED = "unauthorized"


class Live:
    """`route` goes into the app; `running` keeps it going as long as the app runs."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._server = Server()
        self._sessions = Sessions()
        self._watching = Watching(hub, self._server, self._sessions)
        self._commands = Commands(hub, self._watching)
        self._news = News(hub, self._server, self._sessions)
        self._strangers: dict[str, float] = {}
        self._server.on("connect", self._connect)
        self._server.on("disconnect", self._disconnect)
        self._server.on("*", self._take)
        self.route = Mount(LIVE_PATH, app=Door(hub, self._server))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        self._hub.strategies.listeners.append(self._watching.hear)
        try:
            async with asyncio.TaskGroup() as tasks:
                running = [
                    tasks.create_task(self._watching.run()),
                    tasks.create_task(self._news.run()),
                    tasks.create_task(self._look_after()),
                ]
                yield
                for one in running:
                    one.cancel()
        finally:
            self._hub.strategies.listeners.remove(self._watching.hear)
            await self.end()

    async def end(self) -> None:
        """Every connection, polls that wait included."""
        await self._server.cut_all()

    async def _connect(self, sid: str, _environ: Mapping[str, Any], auth: Any = None) -> None:
        """No token, no socket."""
        try:
            session = await self._sign_in(sid, auth)
            if not self._sessions.add(session):
                raise Refused("too many sockets of this user")
            await self._news.begin()
            await self._server.enter_room(sid, room_of_user(session.user.id))
            if session.user.role is Role.ADMIN:
                await self._server.enter_room(sid, ADMINS)
            await self._server.emit("connection_ack", {"status": "connected"}, room=sid)
            await self._watching.watch_own(session)
        except StoreUnavailable as error:
            self._sessions.remove(sid)
            raise Refused("the database does not answer") from error

    async def _sign_in(self, sid: str, auth: Any) -> Session:
        token = auth.get("token") if isinstance(auth, dict) else None
        found = self._hub.tokens.read_whole(token, self._hub.clock.now()) if isinstance(token, str) else None
        if found is None:
            raise Refused(UNAUTHORIZED)
        user_id, expires_at = found
        try:
            self._hub.limits.users.take(user_id, self._hub.clock.now())
        except TooMany as error:
            raise Refused(str(error)) from error
        user = await self._hub.store.read(lambda tables: tables.users.get(user_id))
        if user is None or user.status is not UserStatus.ACTIVE:
            raise Refused(UNAUTHORIZED)
        return Session(sid=sid, user=user, expires_at=expires_at)

    async def _disconnect(self, sid: str, _reason: str) -> None:
        self._sessions.remove(sid)

    async def _take(self, name: str, sid: str, *told: Any) -> Mapping[str, Any]:
        session = self._sessions.get(sid)
        if session is None:
            return refuse(Words(401, UNAUTHORIZED, "connect first"))
        return await self._commands.do(session, name, told)

    async def _look_after(self) -> None:
        """Until cancelled: tokens that expire, sockets that died, and people who may no longer what they could."""
        judged_s = self._hub.clock.elapsed()
        while True:
            await self._hub.clock.sleep(LOOK_AFTER_EVERY_S)
            await self._server.look_after()
            await self._end_strangers()
            await self._watch_tokens()
            if self._hub.clock.elapsed() - judged_s >= RIGHTS_EVERY_S:
                judged_s = self._hub.clock.elapsed()
                try:
                    await self._judge_again()
                except StoreUnavailable as error:
                    log.warning("the live API could not look who may watch", problem=str(error))

    async def _watch_tokens(self) -> None:
        now = self._hub.clock.now()
        for session in self._sessions:
            if not self._server.is_here(session.sid):
                self._sessions.remove(session.sid)  # it went while it was being let in
            elif now >= session.expires_at:
                await self._server.cut(session.sid)
            elif not session.is_warned and now >= session.expires_at - REAUTH_BEFORE:
                session.is_warned = True
                told = {"token_expires_at": f"{session.expires_at:%Y-%m-%dT%H:%M:%SZ}"}
                await self._server.emit("reauth", told, room=session.sid)

    async def _end_strangers(self) -> None:
        now_s, strangers = self._hub.clock.elapsed(), self._server.strangers()
        self._strangers = {one: self._strangers.get(one, now_s) for one in strangers}
        for one, since_s in self._strangers.items():
            if now_s - since_s >= STRANGER_S:
                await self._server.cut_engine(one)

    async def _judge_again(self) -> None:
        """A user who was disabled, or is something else now, has to come again."""
        wanted = self._sessions.users()

        def work(tables: Tables) -> dict[str, User | None]:
            return {one: tables.users.get(one) for one in wanted}

        users = await self._hub.store.read(work) if wanted else {}
        for session in self._sessions:
            user = users.get(session.user.id, session.user)
            if user is None or user.status is not UserStatus.ACTIVE or user.role is not session.user.role:
                await self._server.cut(session.sid)
        await self._watching.end_lost_rights()
