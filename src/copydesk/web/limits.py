"""How much is too much: requests a user, alerts a bot, failed sign-ins; bodies by size and depth."""

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from copydesk.domain.errors import CopydeskError

KEYS_MAX = 10_000
"""Buckets that are remembered; the longest unused is forgotten first (it would be full by then)."""

WEBHOOK_PREFIX = "/api/v1/bots/webhook/"
LIVE_PATH = "/socket.io"
WEBHOOK_BODY_MAX = 64 * 1024
API_BODY_MAX = 256 * 1024
DEPTH_MAX = 20

FAILURE_WINDOW = timedelta(minutes=5)
FAILURES_PER_NAME = 10
FAILURES_PER_ADDRESS = 50


class TooMany(CopydeskError):  # named for what happened
    """A limit is reached; `retry_after_s` tells when it is not any more."""

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Buckets:
    """Token buckets, one a key: `rate` a second, `burst` at once."""

    def __init__(self, rate: float, burst: int) -> None:
        self._rate = rate
        self._burst = burst
        self._buckets: OrderedDict[str, tuple[float, datetime]] = OrderedDict()

    def take(self, key: str, now: datetime) -> None:
        """Raise TooMany where the bucket is empty."""
        level, since = self._buckets.pop(key, (float(self._burst), now))
        now = max(now, since)  # requests may get here in another order than they came in
        level = min(float(self._burst), level + (now - since).total_seconds() * self._rate)
        self._buckets[key] = (level - 1 if level >= 1 else level, now)
        if len(self._buckets) > KEYS_MAX:
            self._buckets.popitem(last=False)
        if level < 1:
            raise TooMany("too many requests", (1 - level) / self._rate)


Attempt = tuple[str, str, datetime]
"""Whose sign-in, from where, when."""


class Failures:
    """Sign-ins in a sliding window. Each counts as failed from its start, so that many at once do not slip through."""

    def __init__(self) -> None:
        self._failed: OrderedDict[str, deque[datetime]] = OrderedDict()

    def begin(self, username: str, address: str, now: datetime) -> Attempt:
        """Raise TooMany before a password is even looked at."""
        name_key, address_key = f"name:{username.lower()}", f"address:{address}"
        for key, most in ((name_key, FAILURES_PER_NAME), (address_key, FAILURES_PER_ADDRESS)):
            failed = self._recent(key, now)
            if len(failed) >= most:
                raise TooMany("too many failed sign-ins", (failed[0] + FAILURE_WINDOW - now).total_seconds())
        for key in (name_key, address_key):
            self._failed.setdefault(key, deque()).append(now)
            self._failed.move_to_end(key)
        while len(self._failed) > KEYS_MAX:
            self._failed.popitem(last=False)
        return name_key, address_key, now

    def forgive(self, attempt: Attempt) -> None:
        """It was no failure after all."""
        *keys, at = attempt
        for key in keys:
            failed = self._failed.get(str(key), deque())
            if at in failed:
                failed.remove(at)

    def _recent(self, key: str, now: datetime) -> deque[datetime]:
        failed = self._failed.get(key, deque())
        while failed and failed[0] <= now - FAILURE_WINDOW:
            failed.popleft()
        return failed


@dataclass(slots=True)
class Limits:
    """All of them together; docs/reference lists them."""

    users: Buckets = field(default_factory=lambda: Buckets(rate=10, burst=20))
    webhooks: Buckets = field(default_factory=lambda: Buckets(rate=20, burst=100))
    strangers: Buckets = field(default_factory=lambda: Buckets(rate=20, burst=100))
    tests: Buckets = field(default_factory=lambda: Buckets(rate=0.1, burst=3))
    """Test messages a user sends: each leaves for somebody else's server."""
    agents: Buckets = field(default_factory=lambda: Buckets(rate=50, burst=1_000))
    """Messages that a user's agents send: what is more is read later."""
    handshakes: Buckets = field(default_factory=lambda: Buckets(rate=50, burst=500))
    """Connections of the live API that begin, by address: a whole office may come again at once."""
    sockets: Buckets = field(default_factory=lambda: Buckets(rate=50, burst=200))
    """Packets of one socket of the live API, those of the protocol itself included."""
    failures: Failures = field(default_factory=Failures)


class BodyLimit:
    """ASGI: reads the body once, refuses what is too large or too deep before anything parses it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in {"GET", "HEAD", "OPTIONS"}:
            await self._app(scope, receive, send)
            return
        most = WEBHOOK_BODY_MAX if scope["path"].startswith(WEBHOOK_PREFIX) else API_BODY_MAX
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        body = await _read(receive, most) if not declared.isdigit() or int(declared) <= most else None
        if body is None:
            await _refuse(send, 413, "body_too_large", f"the body may have {most} bytes")
            return
        if depth(body) > DEPTH_MAX:
            await _refuse(send, 422, "body_too_deep", f"the body may be nested {DEPTH_MAX} levels deep")
            return
        await self._app(scope, _replay(body, receive), send)


async def _read(receive: Receive, most: int) -> bytes | None:
    """None where it is more than `most` bytes."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b"".join(parts)
        part = message.get("body", b"")
        size += len(part)
        if size > most:
            return None
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    told = False

    async def replayed() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed


def depth(body: bytes) -> int:
    """How deep brackets nest outside of strings; enough to know before a parser recurses."""
    if body.count(b"[") + body.count(b"{") <= DEPTH_MAX:
        return 0
    level = deepest = 0
    quoted = escaped = False
    for char in body:
        if quoted:
            quoted = escaped or char != ord('"')
            escaped = not escaped and char == ord("\\")
        elif char == ord('"'):
            quoted = True
        elif char in b"[{":
            level += 1
            deepest = max(deepest, level)
        elif char in b"]}":
            level -= 1
    return deepest


async def _refuse(send: Send, status: int, code: str, message: str) -> None:
    text = f'{{"error":{{"code":"{code}","message":"{message}","details":{{}}}}}}'.encode()
    headers: Any = [(b"content-type", b"application/json"), (b"content-length", str(len(text)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})
