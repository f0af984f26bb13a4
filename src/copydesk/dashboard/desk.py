"""What the pages know: who is signed in, how the hub is, and what it answered last. Tokens stay in this memory."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Generic, TypeVar

import httpx

from copydesk.client.api import ApiClient, ApiError
from copydesk.client.models import BotAnswer, ExecutionAnswer, HealthAnswer, Profile, SignalAnswer
from copydesk.dashboard.words import Tally, tally

T = TypeVar("T")

POLL_S = 1.0
HEALTH_TIMEOUT_S = 0.9
"""With the poll's second, a hub that stopped answering shows as away within two."""
ANSWER_TIMEOUT_S = 8.0
BOTS_FRESH_S = 10.0
EXECUTIONS_MAX = 100
SIGNALS_MAX = 12
TALLIES_MAX = 1_000
BROWSERS_MAX = 10_000

# What an API that is away, broken or something else altogether makes the client raise.
AWAY = (httpx.HTTPError, ApiError, TimeoutError, ValueError)


class SessionEnded(Exception):  # noqa: N818  named for what happened
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
            asked_at = monotonic()
            if self._answer is None or asked_at - self._answer[1] >= self._fresh_s:
                self._answer = (await self._ask(), asked_at)
            return self._answer[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The hub's own words, or why there are none; `heard_at` is its last good answer."""

    answer: HealthAnswer | None
    heard_at: datetime | None
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The latest of everything this user may see, newest first; `known` is false until the hub has answered."""

    known: bool = False
    executions: Sequence[ExecutionAnswer] = ()
    signals: Sequence[SignalAnswer] = ()
    tallies: Mapping[str, Tally] = field(default_factory=dict)
    bots: Mapping[str, BotAnswer] = field(default_factory=dict)


class Person:
    """One user, signed in once for all of the user's tabs and browsers."""

    def __init__(self, api: ApiClient, profile: Profile, *, poll_s: float) -> None:
        self.profile = profile
        self._api = api
        self._turn = asyncio.Lock()
        self._seen = Seen()
        self._counted: dict[str, Tally] = {}
        self._look = Shared(self._read, fresh_s=poll_s * 0.9)
        self._bots = Shared(lambda: self._api.bots(), fresh_s=BOTS_FRESH_S)

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
                    raise SessionEnded from error
                raise

    async def continue_with(self, api: ApiClient) -> None:
        """A newer session of the same user takes the place of this one."""
        async with self._turn:
            before, self._api = self._api, api
        await _end(before)

    async def close(self, *, sign_out: bool = False) -> None:
        async with self._turn:
            await (_end if sign_out else _close)(self._api)

    async def _read(self) -> Seen:
        with suppress(*AWAY):
            self._seen = await self.ask(self._see)
        return self._seen

    async def _see(self, api: ApiClient) -> Seen:
        signals = await api.signals(most=SIGNALS_MAX)
        executions = await api.executions(most=EXECUTIONS_MAX)
        bots = {bot.id: bot for bot in await self._bots.get()}
        tallies = await self._count(api, signals, executions)
        return Seen(known=True, executions=executions, signals=signals, tallies=tallies, bots=bots)

    async def _count(
        self, api: ApiClient, signals: Sequence[SignalAnswer], executions: Sequence[ExecutionAnswer]
    ) -> Mapping[str, Tally]:
        """A signal whose executions may reach beyond the latest ones is counted by a question of its own, one a look."""
        whole = len(executions) < EXECUTIONS_MAX
        beyond = [one.id for one in signals if not whole and one.created_at <= executions[-1].created_at]
        for one in signals:
            if one.id not in beyond:
                self._counted[one.id] = tally([each for each in executions if each.signal_id == one.id])
        if beyond:
            # The one counted longest ago; never counted is longest.
            order = {signal_id: place for place, signal_id in enumerate(self._counted)}
            stalest = min(beyond, key=lambda signal_id: order.get(signal_id, -1))
            self._counted.pop(stalest, None)
            self._counted[stalest] = tally(await api.executions(signal_id=stalest))
        for signal_id in list(self._counted)[:-TALLIES_MAX]:
            del self._counted[signal_id]
        return {one.id: self._counted[one.id] for one in signals if one.id in self._counted}


class People:
    """Everybody who is signed in, by the random id of the browser; and the hub's health, which is for all."""

    def __init__(
        self, api_url: str, *, transport: httpx.AsyncBaseTransport | None = None, poll_s: float = POLL_S
    ) -> None:
        self.api_url = api_url
        self.poll_s = poll_s
        self._transport = transport
        self._by_browser: dict[str, Person] = {}
        self._api = ApiClient(api_url, transport=transport)
        self._heard_at: datetime | None = None
        self._health = Shared(self._read_health, fresh_s=poll_s * 0.9)

    def find(self, browser: str) -> Person | None:
        return self._by_browser.get(browser)

    async def health(self) -> Health:
        return await self._health.get()

    async def sign_in(self, browser: str, username: str, password: str) -> None:
        """Raise one of AWAY; an ApiError of status 401 is a wrong name or password."""
        api = ApiClient(self.api_url, transport=self._transport)
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                await api.sign_in(username, password)
                profile = await api.profile()
        except AWAY:
            await _close(api)
            raise
        person = next((one for one in self._by_browser.values() if one.profile.id == profile.id), None)
        if person is None:
            person = Person(api, profile, poll_s=self.poll_s)
        else:
            await person.continue_with(api)
        if self._by_browser.get(browser) is not person:
            await self.sign_out(browser)
        self._by_browser[browser] = person
        if len(self._by_browser) > BROWSERS_MAX:
            await self.sign_out(next(iter(self._by_browser)))

    async def sign_out(self, browser: str) -> None:
        person = self._by_browser.pop(browser, None)
        if person is not None and person not in self._by_browser.values():
            await person.close(sign_out=True)

    async def forget(self, person: Person) -> None:
        """The hub ended the session: in every browser of this user."""
        self._by_browser = {browser: one for browser, one in self._by_browser.items() if one is not person}
        await person.close()

    async def close(self) -> None:
        for person in set(self._by_browser.values()):
            await person.close()
        await _close(self._api)

    async def _read_health(self) -> Health:
        try:
            async with asyncio.timeout(HEALTH_TIMEOUT_S):
                answer = await self._api.health()
        except AWAY as error:
            return Health(answer=None, heard_at=self._heard_at, problem=_why_away(error))
        self._heard_at = now()
        return Health(answer=answer, heard_at=self._heard_at)


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  a program of its own, which knows nothing but the API


async def _end(api: ApiClient) -> None:
    with suppress(*AWAY):
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            await api.sign_out()
    await _close(api)


async def _close(api: ApiClient) -> None:
    await api.__aexit__(None, None, None)


def _why_away(error: Exception) -> str:
    if isinstance(error, ApiError):
        return f"The hub answers, but is not well: {error}"
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return "The hub does not answer in time"
    return "The hub cannot be reached"
