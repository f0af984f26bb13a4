"""What the pages know: who is signed in, how the hub is, what it answered last. Tokens stay in this memory."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from time import monotonic
from typing import Generic, Literal, TypeVar, cast

import httpx

from copydesk.client.api import ApiClient
from copydesk.client.desk import HealthAnswer
from copydesk.client.errors import ApiError
from copydesk.client.models import AccountAnswer, BotAnswer, ExecutionAnswer, SignalAnswer
from copydesk.client.overview import GlanceAnswer, PositionAnswer
from copydesk.client.people import Profile
from copydesk.client.transport import Transport
from copydesk.domain.user import Role

T = TypeVar("T")

POLL_S = 1.0
HEALTH_TIMEOUT_S = 1.0
"""Health is asked for twice a poll: 0.5 s to the next look, and this: away shows within two."""
HEARD_POLLS = 0.3
"""An answer so fresh says as much as one about its health; with the half poll to the next look it is still within two seconds."""

ANSWER_TIMEOUT_S = 8.0
ORDERS_POLLS = 3
EXECUTIONS_MAX = 20
"""What a person can follow at a glance; each row more is sent to each open tab. A signal's own page has all of its orders."""

SIGNALS_MAX = 12
POSITIONS_MAX = 300
STANDING_MAX = 200
ACCOUNTS_MAX = 1_000
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
                answer = await self._ask()
                if self._answer is not None and answer == self._answer[0]:
                    answer = self._answer[0]  # the same object: what was made of it holds
                # Fresh from when it came: a slow answer must do for all who waited for it.
                self._answer = (answer, monotonic())
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


Tell = Callable[[Problem | None], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The latest of what this user may see, newest first; `known` is false until the hub has answered."""

    known: bool = False
    executions: Sequence[ExecutionAnswer] = ()
    signals: Sequence[SignalAnswer] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What ids are called: bots, and the accounts that this user may see."""

    bots: Mapping[str, BotAnswer] = field(default_factory=dict)
    accounts: Mapping[str, AccountAnswer] = field(default_factory=dict)

    def bot(self, bot_id: str) -> str:
        found = self.bots.get(bot_id)
        return "" if found is None else found.name

    def account(self, account_id: str) -> str:
        """A provider may not see its followers' accounts: they stay nameless."""
        found = self.accounts.get(account_id)
        return f"…{account_id[-6:]}" if found is None else found.name


class Person:
    """A signed-in user of one browser; all of its tabs share what it asks. Everything that pages learn of the desk comes through here."""

    def __init__(
        self, api: ApiClient, profile: Profile, *, poll_s: float, heard: Callable[[], None] = lambda: None
    ) -> None:
        """`heard` is called with each answer: a hub that answers is not away."""
        self.profile = profile
        self._heard = heard
        self.ended = False
        self._api = api
        self._poll_s = poll_s
        self._seen = Seen()
        # All tabs ask at the same moment, so half a poll less than one waits: an answer that came late is old then, too.
        self._look = Shared(self._read, fresh_s=poll_s * 0.5)
        self._names = Shared(self._read_names, fresh_s=poll_s * 4.5)
        self._positions = Shared(self._read_positions, fresh_s=poll_s * 3.5)
        self._standing = Shared(self._read_standing, fresh_s=poll_s * 2.5)
        self._glances: dict[datetime, Shared[GlanceAnswer]] = {}
        self._orders_at = 0.0
        self._made: dict[str, tuple[tuple[object, ...], object]] = {}

    async def look(self) -> Seen:
        """What was seen last where the hub does not answer. Raise SessionEnded."""
        return await self._look.get()

    async def names(self) -> Names:
        """Raise SessionEnded, or one of AWAY; as all that follow."""
        return await self._names.get()

    async def positions(self) -> Sequence[PositionAnswer]:
        """With their results so far."""
        return await self._positions.get()

    async def standing(self) -> Sequence[ExecutionAnswer]:
        """Orders that wait at their venues."""
        return await self._standing.get()

    async def glance(self, since: datetime) -> GlanceAnswer:
        """`since` is when the reader's day began."""
        if since not in self._glances:
            question = partial(self.ask, lambda api: api.glance(since))
            self._glances = {since: Shared(question, fresh_s=self._poll_s * 1.5)}
        return await self._glances[since].get()

    async def ask(self, question: Callable[[ApiClient], Awaitable[T]]) -> T:
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                answer = await question(self._api)
        except ApiError as error:
            if error.status == httpx.codes.UNAUTHORIZED:
                self.ended = True
                raise SessionEnded from error
            raise
        self._heard()
        return answer

    async def close(self) -> None:
        await self._api.close()

    async def sign_out(self) -> None:
        with suppress(*AWAY, SessionEnded):
            await self.ask(lambda api: api.sign_out())
        await self.close()

    def once(self, name: str, sources: tuple[object, ...], make: Callable[[], T]) -> T:
        """What all tabs make of the same answers is made once."""
        known = self._made.get(name)
        if known is None or known[0] != sources:
            known = self._made[name] = (sources, make())
        return cast("T", known[1])

    async def _read(self) -> Seen:
        """Orders are asked for when signals tell that something moves, and now and then: a stop is hit without a signal."""
        with suppress(*AWAY):
            before, age_s = self._seen, monotonic() - self._orders_at
            signals = await self.ask(lambda api: api.signals(most=SIGNALS_MAX, fared=True))
            moves = signals != before.signals or any(one.fared is not None and one.fared.pending for one in signals)
            if moves or not before.known or age_s >= ORDERS_POLLS * self._poll_s:
                executions = await self.ask(lambda api: api.executions(most=EXECUTIONS_MAX))
                self._orders_at = monotonic()
                if executions != before.executions or signals != before.signals or not before.known:
                    self._seen = Seen(known=True, executions=executions, signals=signals)
        return self._seen

    async def _read_names(self) -> Names:
        bots = {one.id: one for one in await self.ask(lambda api: api.bots())}
        if self.profile.role is Role.PROVIDER:
            return Names(bots=bots)
        accounts = {one.id: one for one in await self.ask(lambda api: api.accounts(most=ACCOUNTS_MAX))}
        return Names(bots=bots, accounts=accounts)

    async def _read_positions(self) -> Sequence[PositionAnswer]:
        return await self.ask(lambda api: api.positions(most=POSITIONS_MAX, prices=True))

    async def _read_standing(self) -> Sequence[ExecutionAnswer]:
        return await self.ask(lambda api: api.executions(most=STANDING_MAX, state="WORKING"))


class People:
    """Everybody who is signed in, by the random id of the browser; and the hub's health, which is for all."""

    def __init__(
        self, api_url: str, *, transport: httpx.AsyncBaseTransport | None = None, poll_s: float = POLL_S
    ) -> None:
        self.poll_s = poll_s
        self._connect: Callable[[], ApiClient] = lambda: ApiClient(api_url, transport=transport or Transport())
        self._api = self._connect()
        self._by_browser: dict[str, Person] = {}
        self._health = Shared(self._read_health, fresh_s=poll_s * 0.3)
        self._told: set[Tell] = set()
        self._is_well = False
        self._heard_at = 0.0

    def find(self, browser: str) -> Person | None:
        return self._by_browser.get(browser)

    async def health(self) -> Health:
        return await self._health.get()

    def tell(self, told: Tell) -> Callable[[], None]:
        """Call it with the hub's problem, or none, twice a poll until what is answered is called: one question for all open tabs."""
        self._told.add(told)
        return lambda: self._told.discard(told)

    async def look_after_hub(self) -> None:
        """To be done twice a poll. A hub that was well and has just answered somebody need not be asked."""
        if not self._told:
            return
        has_answered = self._is_well and monotonic() - self._heard_at < self.poll_s * HEARD_POLLS
        problem = None if has_answered else (await self.health()).problem
        self._is_well = problem is None
        for told in tuple(self._told):
            told(problem)

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
        self._by_browser[browser] = Person(api, profile, poll_s=self.poll_s, heard=self._hear)
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

    def _hear(self) -> None:
        self._heard_at = monotonic()

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
