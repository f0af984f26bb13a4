"""What a socket may ask for: read, judged, written down, done, answered."""

import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from copydesk.client.live_words import (
    COMMANDS,
    AliveWish,
    CommandWish,
    ReauthWish,
    SettingsWish,
    WatchWish,
)
from copydesk.domain.bot import Bot
from copydesk.domain.errors import CopydeskError, FieldError, InvalidInput
from copydesk.domain.ids import BotId
from copydesk.domain.user import UserStatus
from copydesk.stores.store import Tables
from copydesk.web.errors import CODES, Words, words_of
from copydesk.web.hub import Hub
from copydesk.web.limits import TooMany
from copydesk.web.live.sessions import Session
from copydesk.web.live.watching import Watching, find_bot, may_command

W = TypeVar("W", bound=BaseModel)

SETTINGS_MAX = 50
TEXT_MAX = 200
NUMBER_MAX = 1e15

Answer = Mapping[str, Any]
Work = Callable[[Session, Any], Awaitable[Answer]]


class NotAllowed(CopydeskError):
    """It is there, and it is somebody else's to command."""


class Commands:
    """By their names in client/live_words.py."""

    def __init__(self, hub: Hub, watching: Watching) -> None:
        self._hub = hub
        self._watching = watching
        self._works: Mapping[str, Work] = {
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
            "bot_command": self._command,
            "update_settings": self._change_settings,
            "reauth": self._renew,
            "alive": self._answer_only,
        }

    async def do(self, session: Session, name: str, told: tuple[Any, ...]) -> Answer:
        """What the callback gets; the client's own ping counts for no limit but the socket's."""
        try:
            if name != "alive":
                self._hub.limits.users.take(session.user.id, self._hub.clock.now())
            work, wish = self._read(name, told)
            async with session.turn:
                return {"success": True, **await work(session, wish)}
        except CopydeskError as error:
            return _refusal(error)

    def _read(self, name: str, told: tuple[Any, ...]) -> tuple[Work, BaseModel]:
        if name not in self._works:
            raise InvalidInput(f"there is no command {name[:60]!r}: there are {', '.join(COMMANDS)}")
        given = told[0] if told else {}
        return self._works[name], _read_wish(COMMANDS[name].wish, {} if given is None else given)

    async def _subscribe(self, session: Session, wish: WatchWish) -> Answer:
        """The first bot chosen takes the place of the one that was watched without choosing."""
        bot = await self._find(session, wish.bot_id)
        if session.by_default not in {None, bot.id}:
            await self._watching.unwatch(session, BotId(str(session.by_default)))
        session.by_default = None
        await self._watching.watch(session, bot.id)
        return {"bot_id": bot.id, "may_command": may_command(session.user, bot)}

    async def _unsubscribe(self, session: Session, wish: WatchWish) -> Answer:
        bot_id = BotId(wish.bot_id) if wish.bot_id is not None else await self._own(session)
        await self._watching.unwatch(session, bot_id)
        return {"bot_id": bot_id}

    async def _command(self, session: Session, wish: CommandWish) -> Answer:
        bot = await self._find_to_command(session, wish.bot_id)
        await self._write_down(session, f"bot.{wish.command}", bot, {})
        status = await self._hub.strategies.command(bot.id, wish.command)
        return {"bot_id": bot.id, "status": status.value}

    async def _change_settings(self, session: Session, wish: SettingsWish) -> Answer:
        changes = _read_changes(wish.changes())
        bot = await self._find_to_command(session, wish.bot_id)
        await self._write_down(session, "bot.change", bot, {"settings": changes})
        settings = await self._hub.strategies.change_settings(bot.id, changes)
        return {"bot_id": bot.id, "settings": dict(settings)}

    async def _renew(self, session: Session, wish: ReauthWish) -> Answer:
        found = self._hub.tokens.read_whole(wish.token, self._hub.clock.now())
        user = await self._hub.store.read(lambda tables: tables.users.get(session.user.id))
        if found is None or found[0] != session.user.id or user is None or user.status is not UserStatus.ACTIVE:
            raise InvalidInput("token: not a valid token of this user", (FieldError("token", "not valid"),))
        session.expires_at, session.is_warned = found[1], False
        return {"token_expires_at": f"{found[1]:%Y-%m-%dT%H:%M:%SZ}"}

    async def _answer_only(self, _session: Session, _wish: AliveWish) -> Answer:
        return {}

    async def _find(self, session: Session, bot_id: str | None) -> Bot:
        wanted = BotId(bot_id) if bot_id is not None else await self._own(session)
        return await self._hub.store.read(lambda tables: find_bot(tables, session.user, wanted))

    async def _find_to_command(self, session: Session, bot_id: str | None) -> Bot:
        bot = await self._find(session, bot_id)
        if not may_command(session.user, bot):
            raise NotAllowed("this bot is somebody else's: you may watch it")
        return bot

    async def _own(self, session: Session) -> BotId:
        """Which bot is meant where none is named: the one that is watched, else the user's oldest."""
        if len(session.watched) == 1:
            return next(iter(session.watched))
        if session.watched:
            raise _without_bot("several are watched: say which one")
        bot = await self._hub.store.read(lambda tables: tables.bots.oldest_strategy(session.user.id))
        if bot is None:
            raise _without_bot("you have no strategy bot of your own: say which one")
        return bot.id

    async def _write_down(self, session: Session, action: str, bot: Bot, details: Mapping[str, Any]) -> None:
        """Before it is done: nothing is ever commanded that the audit log does not know."""

        def work(tables: Tables) -> None:
            tables.audit.add(
                actor=session.user.id, action=action, subject=bot.id, details=details, at=self._hub.clock.now()
            )

        await self._hub.store.write(work)


def refuse(words: Words, **details: Any) -> Answer:
    """An answer in the shape of the HTTP API's errors."""
    told = {"code": words.code, "message": words.message, "details": {**words.details, **details}}
    return {"success": False, "error": told}


def _refusal(error: CopydeskError) -> Answer:
    if isinstance(error, NotAllowed):
        return refuse(Words(403, CODES[403], str(error)))
    if isinstance(error, TooMany):
        return refuse(words_of(error), retry_after_s=math.ceil(error.retry_after_s))
    return refuse(words_of(error))


def _read_wish(kind: type[W], given: Any) -> W:
    if not isinstance(given, dict):
        raise InvalidInput("an object is expected, such as {bot_id: …}")
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        fields = tuple(FieldError(".".join(str(part) for part in one["loc"]), one["msg"]) for one in error.errors())
        raise InvalidInput("; ".join(f"{one.field}: {one.problem}" for one in fields), fields) from error


def _read_changes(changes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Names and plain values; whether a strategy knows them, and likes them, it says itself."""
    if not changes:
        raise InvalidInput("no setting is told: name at least one")
    if len(changes) > SETTINGS_MAX:
        raise InvalidInput(f"more than {SETTINGS_MAX} settings are told")
    for name, value in changes.items():
        if not _is_plain(value):
            problem = "a finite number, a short text, true or false is expected"
            raise InvalidInput(f"{name[:60]}: {problem}", (FieldError(name[:60], problem),))
    return changes


def _is_plain(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= TEXT_MAX and "\0" not in value
    if isinstance(value, int | float):
        return (
            math.isfinite(value) and abs(value) <= NUMBER_MAX if isinstance(value, float) else abs(value) <= NUMBER_MAX
        )
    return False


def _without_bot(problem: str) -> InvalidInput:
    return InvalidInput(f"bot_id: {problem}", (FieldError("bot_id", problem),))
