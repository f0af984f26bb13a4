"""GET /ws: the programs beside MetaTrader 5 terminals are told what to do, and tell what became of it; docs/agents.md."""

import asyncio
import contextlib
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.routing import WebSocketRoute
from starlette.types import Message as Asgi
from starlette.types import Receive, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from copydesk.domain.errors import Conflict, StoreUnavailable
from copydesk.domain.following import place_of
from copydesk.domain.frames import (
    CLOSE_CODES,
    Closed,
    Closing,
    Event,
    GetSnapshot,
    Heartbeat,
    Hello,
    Message,
    Reauth,
    Received,
    Result,
    frame,
    read_message,
    rest_of,
)
from copydesk.domain.ids import AccountId, BotId
from copydesk.domain.subscription import Environment
from copydesk.domain.user import User, UserStatus
from copydesk.domain.venue import MT5
from copydesk.engine.gone import report_gone
from copydesk.stores.store import Tables
from copydesk.venues.metatrader5.connected import NO_ACCOUNT, Connected
from copydesk.web.errors import CODES
from copydesk.web.heartbeats import Heartbeats
from copydesk.web.hub import Hub
from copydesk.web.limits import TooMany
from copydesk.web.sockets import SocketLine, socket_of

log = structlog.get_logger()

REAUTH_BEFORE = timedelta(seconds=60)
HELLO_WITHIN_S = 2.0
"""An agent with a name that does not say what it had last is told from now on; a `hello` that comes later resumes all the same."""

GOODBYE_S = 5.0
"""For what was written before and the close code to get through."""

GONE_AGAIN_S = 0.5
GONE_TRIES = 40
GONE_MAX = 100
TRY_AGAIN_LATER = 1013
REASON_MAX = 100
"""Of a close frame's 123 bytes."""

REAL_MONEY = 2
"""ACCOUNT_TRADE_MODE_REAL."""

CONNECTIONS_MAX = 500
"""Of one user."""

NAME_MAX = 64


class _Agent:
    """One connection, from its sign-in to its end."""

    def __init__(self, hub: Hub, user: User, line: SocketLine, expires_at: datetime) -> None:
        self._hub = hub
        self._user = user
        self._line = line
        self._expires_at = expires_at
        self._renewed = asyncio.Event()
        self._began = asyncio.Event()
        self._gone: list[Closed] = []
        self._tries: Counter[str] = Counter()
        self._heartbeats = Heartbeats(hub, user)
        self._said: Hello | Heartbeat | None = None
        self.connected: Connected

    async def serve(self, name: str | None, receive: Receive, send: Send) -> None:
        switchboard = self._hub.agents
        self.connected = await switchboard.connect(self._user.id, self._user.role.value, name, self._line)
        try:
            self._tell(Event.WELCOME, self._welcome(name))
            if name is None:
                await self._begin(None)
            async with asyncio.TaskGroup() as tasks:
                beside = [tasks.create_task(self._watch_token()), tasks.create_task(self._say_goodbye(send))]
                beside += [tasks.create_task(self._begin_anyway()), tasks.create_task(self._book_gone())]
                await self._listen(receive)
                for one in beside:
                    one.cancel()
        finally:
            await switchboard.disconnect(self.connected)
            await self._heartbeats.end()

    def _welcome(self, name: str | None) -> dict[str, Any]:
        return {
            "user_id": self._user.id,
            "role": self._user.role.value,
            "agent": name,
            "resumable": name is not None,
            "token_expires_at": self._expires_at,
            "heartbeat_s": 5,
        }

    def _tell(self, event: Event, data: dict[str, Any]) -> None:
        rest = rest_of(data, at=self._hub.clock.now(), expires_at=None)
        self.connected.write(frame(event, self.connected.last_seq, None, rest))

    async def _begin(self, last_seq: int | None) -> None:
        """Once; a `hello` with its number counts whenever it comes."""
        first = not self._began.is_set()
        self._began.set()
        if last_seq is not None:
            await self._hub.agents.resume(self.connected, last_seq)
        elif first:
            await self._hub.agents.begin(self.connected)

    async def _begin_anyway(self) -> None:
        try:
            async with asyncio.timeout(HELLO_WITHIN_S):
                await self._began.wait()
        except TimeoutError:
            await self._begin(None)

    async def _listen(self, receive: Receive) -> None:
        """Until the connection ends."""
        while True:
            message: Asgi = await receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text") or message.get("bytes") or ""
            try:
                await self._be_patient()
                await self._take(read_message(text))
            except ValueError as error:
                self._tell(Event.ERROR, {"code": "not_understood", "message": str(error)[:300]})
            except StoreUnavailable as error:
                # What was not stored is not acknowledged by anything: the agent tells it again.
                log.warning("an agent's message was not stored", problem=str(error))
                self._tell(Event.ERROR, {"code": "store_unavailable", "message": "not stored: please tell it again"})

    async def _be_patient(self) -> None:
        """Whoever tells more than a database should store is read later; nothing is lost."""
        while True:
            try:
                return self._hub.limits.agents.take(self._user.id, self._hub.clock.now())
            except TooMany as error:
                await self._hub.clock.sleep(error.retry_after_s)

    async def _take(self, message: Message) -> None:
        match message:
            case Hello():
                if await self._bind(message):
                    await self._begin(message.last_seq)
            case GetSnapshot():
                await self._show()
            case Reauth():
                await self._renew(message.token)
            case Heartbeat():
                if not self._heartbeats.is_news(message) or await self._bind(message):
                    await self._heartbeats.take(message)
            case Received() | Result() | Closed():
                await self._take_word(message)

    async def _show(self) -> None:
        if self.connected.account_id == NO_ACCOUNT and self._said is not None:
            # Its account may have been made since it said its login.
            await self._bind(self._said)
        if self._began.is_set():
            await self._hub.agents.snapshot(self.connected)
        else:
            await self._begin(None)

    async def _take_word(self, message: Received | Result | Closed) -> None:
        """What became of commands, and of positions without one."""
        switchboard = self._hub.agents
        match message:
            case Received():
                await switchboard.receive([*message.ids, *([message.id] if message.id else [])], self._user.id)
            case Result():
                await switchboard.finish(message, self._user.id)
            case Closed():
                await self._take_gone(message)

    async def _bind(self, told: Hello | Heartbeat) -> bool:
        """The account of this login and server; a login that is neither an account of the user's nor allowed ends the connection,
        and so does real money where this desk, or the account, is not for it.
        """
        if not told.login:
            return True
        self._said = told
        accounts = await self._hub.store.read(lambda tables: _terminal_accounts(tables, self._user))
        same_login = {one: found for one, found in accounts.items() if found.login == str(told.login)}
        own = {one: found for one, found in same_login.items() if told.server in {None, "", found.server}}
        allowed = not same_login and told.login == self._user.allowed_mt5_id
        is_real = told.trade_mode == REAL_MONEY
        for account_id, found in own.items():
            if not is_real or (found.environment is Environment.LIVE and self._hub.allow_live):
                if self.connected.account_id != account_id:
                    self._hub.agents.bind(self.connected, account_id)
                return True
        if allowed and not (is_real and not self._hub.allow_live):
            self.connected.account_id = NO_ACCOUNT
            return True
        await self._refuse_login(told)
        return False

    async def _refuse_login(self, told: Hello | Heartbeat) -> None:
        now = self._hub.clock.now()
        details = {
            "login": told.login,
            "server": told.server or "",
            "trade_mode": told.trade_mode,
            "allowed_mt5_id": self._user.allowed_mt5_id,
        }
        await self._hub.store.write(
            lambda tables: tables.audit.add(
                actor=self._user.id, action="agent.foreign_login", subject=self._user.id, details=details, at=now
            )
        )
        why = "real money is not allowed here" if told.trade_mode == REAL_MONEY else Closing.FOREIGN.value
        self._tell(Event.ERROR, {"code": "foreign_login", "message": why, "login": told.login})
        self._line.end(Closing.FOREIGN)

    async def _take_gone(self, message: Closed) -> None:
        if not await self._close_gone(message):
            # What opened it may not be booked yet: it was told a moment ago.
            self._gone.append(message)

    async def _book_gone(self) -> None:
        """What could not be found at once is looked for again for a while."""
        while True:
            await self._hub.clock.sleep(GONE_AGAIN_S)
            waiting, self._gone = self._gone[:GONE_MAX], []
            for message in waiting:
                if not await self._close_gone(message) and self._tried(message) < GONE_TRIES:
                    self._gone.append(message)

    def _tried(self, message: Closed) -> int:
        self._tries[message.id] += 1
        return self._tries[message.id]

    async def _close_gone(self, message: Closed) -> bool:
        """Only at the account that the agent stands beside."""
        now, own = self._hub.clock.now(), self.connected.account_id

        def work(tables: Tables) -> int:
            places = [place_of(message.symbol, message.master_ticket), message.symbol]
            accounts = [one for one in _terminal_accounts(tables, self._user) if own in {None, one}]
            if len(accounts) > 1:
                return 0  # whose was it? it has to say its login
            return report_gone(tables, accounts, BotId(message.bot_id), places, message.id, message.reason, now)

        found = await self._hub.store.write(work)
        if found:
            log.info("closed at the terminal", user_id=self._user.id, master_ticket=message.master_ticket)
            self._hub.desk.intake.arrived.set()
        return found > 0

    async def _renew(self, token: str) -> None:
        found = self._hub.tokens.read_whole(token, self._hub.clock.now())
        user = await self._hub.store.read(lambda tables: tables.users.get(self._user.id))
        is_active = user is not None and user.status is UserStatus.ACTIVE
        if found is None or found[0] != self._user.id or not is_active:
            self._tell(Event.ERROR, {"code": "unauthorized", "message": "this token is not valid for this user"})
            return
        self._expires_at = found[1]
        self._renewed.set()

    async def _watch_token(self) -> None:
        """Ask for a new one in time; without it the connection ends."""
        while True:
            self._renewed.clear()
            if await self._is_renewed_within(self._expires_at - REAUTH_BEFORE):
                continue
            self._tell(Event.REAUTH, {"token_expires_at": self._expires_at})
            if not await self._is_renewed_within(self._expires_at):
                self._line.end(Closing.EXPIRED)
                return

    async def _is_renewed_within(self, until: datetime) -> bool:
        left = (until - self._hub.clock.now()).total_seconds()
        try:
            async with asyncio.timeout(max(left, 0)):
                await self._renewed.wait()
        except TimeoutError:
            return False
        return True

    async def _say_goodbye(self, send: Send) -> None:
        why = await self._line.why
        log.info("agent cut off", user_id=self._user.id, why=why.value)
        try:
            async with asyncio.timeout(GOODBYE_S):
                await send({"type": "websocket.close", "code": CLOSE_CODES[why], "reason": why.value})
        except TimeoutError:
            self._line.socket.abort()
        except WebSocketDisconnect:
            log.info("the agent was quicker", user_id=self._user.id)


@dataclass(frozen=True, slots=True)
class _TerminalAccount:
    login: str
    server: str
    environment: Environment


def _terminal_accounts(tables: Tables, user: User) -> dict[AccountId, _TerminalAccount]:
    """The user's MetaTrader 5 accounts."""
    found, _ = tables.accounts.list({"venue": MT5}, owner_id=user.id, limit=CONNECTIONS_MAX, cursor=None)
    logins = {one.id: tables.followers.credentials(one.id) for one in found}
    return {
        one.id: _TerminalAccount(logins[one.id].get("login", ""), logins[one.id].get("server", ""), one.environment)
        for one in found
    }


async def serve_agent(websocket: WebSocket) -> None:
    """Who may not connect gets an HTTP answer; everybody else is served until one of the two ends it."""
    hub: Hub = websocket.app.state.hub
    query = websocket.query_params
    found = hub.tokens.read_whole(query.get("token", ""), hub.clock.now())
    user_id = None if found is None else found[0]
    user = None if user_id is None else await hub.store.read(lambda tables: tables.users.get(user_id))
    refusal = _refuse(hub, user, websocket)
    if refusal is not None or user is None or found is None:
        status, text = refusal or (401, "sign in first")
        answer = JSONResponse({"error": {"code": CODES[status], "message": text, "details": {}}}, status)
        await websocket.send_denial_response(answer)
        return
    await websocket.accept()
    agent = _Agent(hub, user, SocketLine(socket_of(websocket.scope)), found[1])
    try:
        await agent.serve(query.get("agent") or None, websocket.receive, websocket.send)
    except* (Conflict, StoreUnavailable) as problems:
        problem = str(problems.exceptions[0])
        log.warning("an agent's connection ended", user_id=user.id, problem=problem)
        with contextlib.suppress(RuntimeError):  # it may have gone by itself
            await websocket.close(TRY_AGAIN_LATER, problem[:REASON_MAX])


def _is_own_page(hub: Hub, headers: Headers) -> bool:
    """A browser says which page connects; a page of somebody else's must not trade with a token that it came by. Programs say
    nothing.
    """
    origin = headers.get("origin")
    return origin is None or origin in hub.origins or urlsplit(origin).netloc == headers.get("host")


def _refuse(hub: Hub, user: User | None, websocket: WebSocket) -> tuple[int, str] | None:
    if not _is_own_page(hub, websocket.headers):
        return 403, "this page is not one of this desk's"
    if user is None or user.status is not UserStatus.ACTIVE:
        return 401, "sign in first: POST /token, then /ws?token=…"
    if not hub.desk.is_running:
        return 503, "the desk does not run here (yet), or another hub does its work"
    if len(hub.agents.connected(user.id)) >= CONNECTIONS_MAX:
        return 429, f"{CONNECTIONS_MAX} connections of this user are open"
    name = websocket.query_params.get("agent", "")
    if len(name) > NAME_MAX or not name.isprintable():
        return 422, f"agent: a name of at most {NAME_MAX} printable characters"
    return None


route = WebSocketRoute("/ws", serve_agent)
