"""Who is connected: one session a socket, found by its id, its user, or the bot that it watches."""

import asyncio
from collections import Counter, deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from copydesk.domain.ids import BotId, UserId
from copydesk.domain.user import Role, User
from copydesk.ports.live import BotEvent

SOCKETS_MAX = 50
"""Of one user."""

HELD_MAX = 1_000
ADMINS = "admins"


@dataclass(slots=True, eq=False, kw_only=True)
class Session:
    """`watched`: the bots it hears of, by its own choice or (`by_default`) because they are its user's.

    `held`: what happened to a bot while its picture is being read.
    """

    sid: str
    user: User
    expires_at: datetime
    watched: set[BotId] = field(default_factory=set)
    by_default: BotId | None = None
    held: dict[BotId, deque[BotEvent]] = field(default_factory=dict)
    is_warned: bool = False
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Commands of one socket are done one after the other, also where they come by polls."""

    def hold(self, bot_id: BotId) -> None:
        self.held[bot_id] = deque(maxlen=HELD_MAX)


class Sessions:
    """Of this hub."""

    def __init__(self) -> None:
        self._by_sid: dict[str, Session] = {}
        self._of_user: Counter[UserId] = Counter()
        self._admins = 0

    def __bool__(self) -> bool:
        return bool(self._by_sid)

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._by_sid.values()))

    def add(self, session: Session) -> bool:
        """False where the user has too many."""
        if self._of_user[session.user.id] >= SOCKETS_MAX:
            return False
        self._by_sid[session.sid] = session
        self._of_user[session.user.id] += 1
        self._admins += session.user.role is Role.ADMIN
        return True

    def get(self, sid: str) -> Session | None:
        return self._by_sid.get(sid)

    def remove(self, sid: str) -> None:
        session = self._by_sid.pop(sid, None)
        if session is None:
            return
        self._admins -= session.user.role is Role.ADMIN
        self._of_user[session.user.id] -= 1
        if not self._of_user[session.user.id]:
            del self._of_user[session.user.id]

    def rooms(self, *users: UserId) -> list[str]:
        """Where these users and the admins are, if any of them is here."""
        rooms = [room_of_user(one) for one in dict.fromkeys(users) if one in self._of_user]
        return [*rooms, ADMINS] if self._admins else rooms

    def users(self) -> Collection[UserId]:
        return tuple(self._of_user)

    def holding(self, bot_id: BotId) -> list[Session]:
        return [one for one in self._by_sid.values() if bot_id in one.held]

    def is_watched(self, bot_id: BotId) -> bool:
        return any(bot_id in one.watched or bot_id in one.held for one in self._by_sid.values())


def room_of_user(user_id: UserId) -> str:
    return f"user:{user_id}"


def room_of_bot(bot_id: BotId) -> str:
    return f"bot:{bot_id}"
