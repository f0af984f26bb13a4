"""Who somebody is: argon2id passwords, short access tokens, refresh tokens that rotate."""

import asyncio
import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import jwt
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from copydesk.domain.ids import UserId
from copydesk.domain.user import User
from copydesk.stores.store import SqlStore, Tables

ACCESS_TTL = timedelta(minutes=15)
REFRESH_TTL = timedelta(days=14)
ALGORITHM = "HS256"


class Passwords:
    """Hashing takes memory and time on purpose: it runs in a thread."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._nobody = self._hasher.hash(secrets.token_hex())

    async def hash(self, password: str) -> str:
        return await asyncio.to_thread(self._hasher.hash, password)

    async def fits(self, stored: str | None, password: str) -> bool:
        """As slow for a user that does not exist."""
        return await asyncio.to_thread(self._verify, stored, password)

    def _verify(self, stored: str | None, password: str) -> bool:
        try:
            self._hasher.verify(stored or self._nobody, password)
        except (VerificationError, InvalidHashError):
            return False
        return stored is not None


@dataclass(frozen=True, slots=True)
class Pair:
    """What a sign-in hands out."""

    access: str
    refresh: str
    expires_in: int


class Tokens:
    """One algorithm, one key; a refresh token is random, stored hashed, used once."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def access(self, user: User, now: datetime) -> str:
        claims = {"sub": user.id, "role": user.role.value, "iat": now, "exp": now + ACCESS_TTL, "typ": "access"}
        return jwt.encode(claims, self._key, ALGORITHM)

    def read(self, token: str, now: datetime) -> UserId | None:
        """The user of an access token that is ours and has not expired."""
        found = self.read_whole(token, now)
        return None if found is None else found[0]

    def read_whole(self, token: str, now: datetime) -> tuple[UserId, datetime] | None:
        """As `read`, with the time it expires."""
        options: dict[str, object] = {"require": ["sub", "exp", "iat"], "verify_exp": False, "verify_iat": False}
        try:
            claims = jwt.decode(token, self._key, [ALGORITHM], options=options)  # type: ignore[arg-type]
        except jwt.PyJWTError:
            return None
        if claims.get("typ") != "access" or claims["exp"] <= now.timestamp():
            return None
        return UserId(str(claims["sub"])), datetime.fromtimestamp(claims["exp"], UTC)

    async def hand_out(self, store: SqlStore, user: User, now: datetime) -> Pair:
        """A new family of tokens, for a new sign-in."""
        refresh = secrets.token_urlsafe(32)
        family = secrets.token_hex(16)
        await store.write(lambda tables: tables.users.add_token(_digest(refresh), user.id, family, now + REFRESH_TTL))
        return self._pair(user, refresh, now)

    async def renew(self, store: SqlStore, refresh: str, now: datetime) -> tuple[User, Pair] | None:
        """None where the token is unknown, expired or used before (and then its whole family is ended)."""
        following = secrets.token_urlsafe(32)

        def work(tables: Tables) -> User | None:
            used = tables.users.use_token(_digest(refresh), now)
            user = None if used is None else tables.users.get(used[0])
            if used is None or user is None:
                return None
            tables.users.add_token(_digest(following), user.id, used[1], now + REFRESH_TTL)
            return user

        user = await store.write(work)
        return None if user is None else (user, self._pair(user, following, now))

    def _pair(self, user: User, refresh: str, now: datetime) -> Pair:
        return Pair(self.access(user, now), refresh, int(ACCESS_TTL.total_seconds()))

    async def end(self, store: SqlStore, refresh: str, now: datetime) -> None:
        def work(tables: Tables) -> None:
            used = tables.users.use_token(_digest(refresh), now)
            if used is not None:
                tables.users.end_family(used[1])

        await store.write(work)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
