"""What the pages know: who is signed in, how the hub is, what it answered last. Tokens stay in this memory."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from time import monotonic
from typing import Generic, Literal, TypeVar

import httpx

from copydesk.client.api import ApiClient
from copydesk.client.desk import HealthAnswer
from copydesk.client.errors import ApiError
from copydesk.client.models import BotAnswer, ExecutionAnswer, SignalAnswer
from copydesk.client.people import Profile
from copydesk.dashboard.telling import Tally, tally

T = TypeVar("T")

POLL_S = 1.0
HEALTH_TIMEOUT_S = 0.8
"""Health is asked for twice a poll: 0.5 s old at most, 0.5 s to the next look, and this: away shows within two."""
ANSWER_TIMEOUT_S = 8.0
EXECUTIONS_MAX = 100
SIGNALS_MAX = 12
BROWSERS_MAX = 10_000

# What an API that is away, broken or something else altogether makes the client raise.
AWAY = (httpx.HTTPError, ApiError, TimeoutError, ValueError)


class SessionEnded(Exception):
    """The hub wants this user to sign in again."""


class Shared(Generic[T]):
    """One question at a time, its answer good for a moment: all tabs share it."""

    def __init__(self, ask: Callable[[], Awaitable[T]], *, fresh_s: float) -> None:
        self._ask = ask
        self._fresh_s = fresh_s
        self._turn = asyncio.Lock()
        self._answer: tuple[T, float] | None = None

    async def get(self) -> T:
        async with self._turn:
            if self._answer is None or monotonic() - self._answer[1] >= self._fresh_s:
                # Fresh from when it came: a slow answer must do for all who waited for it.
                self._answer = (await self._ask(), monotonic())
            return self._answer[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """`sick`: the hub answers that it is not well, in its own `words`; `silent`: it does not answer."""

    kind: Literal["sick", "silent"]
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The hub's own words, or the problem why there are none."""

    answer: HealthAnswer | None = None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The latest of what this user may see, newest first; `known` is false until the hub has answered."""

    known: bool = False
    executions: Sequence[ExecutionAnswer] = ()
    signals: Sequence[SignalAnswer] = ()
    tallies: Mapping[str, Tally] = field(default_factory=dict)
    bots: Mapping[str, BotAnswer] = field(default_factory=dict)


class Person:
    """A signed-in user of one browser; all of its tabs share what it asks."""

    def __init__(self, api: ApiClient, profile: Profile, *, poll_s: float) -> None:
        self.profile = profile
        self.ended = False
        self._api = api
        self._turn = asyncio.Lock()
        self._seen = Seen()
        self._counted: dict[str, tuple[Tally, float]] = {}
        self._look = Shared(self._read, fresh_s=poll_s * 0.9)

    async def look(self) -> Seen:
        """What was seen last where the hub does not answer. Raise SessionEnded."""
        return await self._look.get()

    async def ask(self, question: Callable[[ApiClient], Awaitable[T]]) -> T:
        """One request at a time, so that a token is renewed once. Raise SessionEnded, or one of AWAY."""
        async with self._turn, asyncio.timeout(ANSWER_TIMEOUT_S):
            try:
                return await question(self._api)
            except ApiError as error:
                if error.status == httpx.codes.UNAUTHORIZED:
                    self.ended = True
                    raise SessionEnded from error
                raise

    async def close(self) -> None:
        await self._api.close()

    async def sign_out(self) -> None:
        with suppress(*AWAY, SessionEnded):
            await self.ask(lambda api: api.sign_out())
        await self.close()

    async def _read(self) -> Seen:
        with suppress(*AWAY):
            self._seen = await self.ask(self._see)
        return self._seen

    async def _see(self, api: ApiClient) -> Seen:
        signals = await api.signals(most=SIGNALS_MAX)
        executions = await api.executions(most=EXECUTIONS_MAX)
        bots = {bot.id: bot for bot in await api.bots()}
        tallies = await self._count(api, signals, executions)
        return Seen(known=True, executions=executions, signals=signals, tallies=tallies, bots=bots)

    async def _count(
        self, api: ApiClient, signals: Sequence[SignalAnswer], executions: Sequence[ExecutionAnswer]
    ) -> Mapping[str, Tally]:
        """A signal that reaches beyond the latest executions needs a question of its own: one a look, in turn."""
        oldest = executions[-1].created_at if len(executions) == EXECUTIONS_MAX else None
        beyond = [one.id for one in signals if oldest is not None and one.created_at <= oldest]
        counted = {one.id: self._counted[one.id] for one in signals if one.id in self._counted}
        for one in signals:
            if one.id not in beyond:
                counted[one.id] = (tally(each for each in executions if each.signal_id == one.id), monotonic())
        if beyond:
            stalest = min(beyond, key=lambda one: counted[one][1] if one in counted else 0)
            counted[stalest] = (tally(await api.executions(signal_id=stalest)), monotonic())
        self._counted = counted
        return {signal_id: fared for signal_id, (fared, _) in counted.items()}


class People:
    """Everybody who is signed in, by the random id of the browser; and the hub's health, which is for all."""

    def __init__(
        self, api_url: str, *, transport: httpx.AsyncBaseTransport | None = None, poll_s: float = POLL_S
    ) -> None:
        self.poll_s = poll_s
        self._connect: Callable[[], ApiClient] = partial(ApiClient, api_url, transport=transport)
        self._api = self._connect()
        self._by_browser: dict[str, Person] = {}
        self._health = Shared(self._read_health, fresh_s=poll_s * 0.45)

    def find(self, browser: str) -> Person | None:
        return self._by_browser.get(browser)

    async def health(self) -> Health:
        return await self._health.get()

    async def sign_in(self, browser: str, username: str, password: str) -> None:
        """Raise one of AWAY; an ApiError of status 401 is a wrong name or password."""
        api = self._connect()
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                await api.sign_in(username, password)
                profile = await api.profile()
        except AWAY:
            await api.close()
            raise
        await self.sign_out(browser)
        self._by_browser[browser] = Person(api, profile, poll_s=self.poll_s)
        if len(self._by_browser) > BROWSERS_MAX:
            await self.sign_out(next(iter(self._by_browser)))

    async def sign_out(self, browser: str) -> None:
        person = self._by_browser.pop(browser, None)
        if person is not None:
            await person.sign_out()

    async def drop(self, person: Person) -> None:
        """The hub has ended the session already."""
        self._by_browser = {browser: one for browser, one in self._by_browser.items() if one is not person}
        await person.close()

    async def close(self) -> None:
        for person in self._by_browser.values():
            await person.close()
        await self._api.close()

    async def _read_health(self) -> Health:
        try:
            async with asyncio.timeout(HEALTH_TIMEOUT_S):
                return Health(answer=await self._api.health())
        except ApiError as error:
            return Health(problem=Problem(kind="sick", words=str(error)))
        except AWAY:
            return Health(problem=Problem(kind="silent"))


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  a program of its own, which knows nothing but the API
