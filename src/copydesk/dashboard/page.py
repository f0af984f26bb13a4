"""What a page is, and an open one: who looks at it, in which language, and what it does while it is open."""

import asyncio
from collections.abc import Awaitable, Callable
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from time import monotonic
from typing import Self, TypeVar

import httpx
from fastapi import Request
from nicegui import app, ui

from copydesk.client.api import ApiClient
from copydesk.client.errors import ApiError
from copydesk.dashboard.desk import AWAY, People, Person, SessionEnded, now
from copydesk.dashboard.look import PALETTES, Palette, Theme
from copydesk.dashboard.script import together
from copydesk.dashboard.speech import Language, Speech
from copydesk.domain.user import Role

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """`show` gets the open tab and, by their names, what stands in the path's braces. Without an icon it is not in the navigation."""

    path: str
    title: str
    show: Callable[..., None]
    icon: str | None = None
    roles: frozenset[Role] = frozenset(Role)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """What a browser tells of whoever looks, signed in or not."""

    browser: str
    path: str
    say: Speech
    theme: Theme
    zone: timezone

    @classmethod
    def of(cls, request: Request) -> Self:
        cookies = request.cookies
        language = Language.chosen(cookies.get("copydesk_language"), request.headers.get("accept-language", ""))
        return cls(
            browser=app.storage.browser["id"],
            path=request.url.path,
            say=Speech(language),
            theme=Theme.chosen(cookies.get("copydesk_theme")),
            zone=_zone(cookies.get("copydesk_minutes", "")),
        )

    @property
    def palette(self) -> Palette:
        return PALETTES[self.theme]

    def dress(self, title: str) -> None:
        """The document's own language, theme and title."""
        client = ui.context.client
        client.page = copy(client.page)  # NiceGUI's settings of a page are for all its readers
        client.page.language = self.say.language.value
        client.page.dark = self.theme is Theme.DARK
        ui.page_title(f"{title} · copydesk")
        palette = self.palette
        ui.colors(
            primary=palette.accent,
            dark_page=palette.page,
            positive=palette.up,
            negative=palette.down,
            warning=palette.warn,
        )

    def midnight(self) -> datetime:
        """When the reader's day began."""
        return now().astimezone(self.zone).replace(hour=0, minute=0, second=0, microsecond=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab(Reader):
    """One open page of a signed-in user. `say` is their language, `person` asks the hub."""

    people: People
    person: Person
    pages: tuple[Page, ...] = field(repr=False)

    @property
    def role(self) -> Role:
        return self.person.profile.role

    def keep(self, work: Callable[[], Awaitable[None]], *, polls: float = 1) -> None:
        """Do it now and every so many polls, for as long as the tab is open and its user signed in.

        All tabs do so at the same moment: what the first one asks for is there for the others, and work that follows
        upon its like costs a third of what it costs alone.
        """
        every_s, is_first = self.people.poll_s * polls, True
        client = ui.context.client

        async def tick() -> None:
            nonlocal is_first
            if not is_first:
                await asyncio.sleep(until_next_s(monotonic(), every_s))  # noqa: TID251  a program of its own
            is_first = False
            try:
                if self.people.find(self.browser) is self.person:
                    with together(client):
                        await work()
                    return
            except SessionEnded:
                await self.people.drop(self.person)
            except AWAY:
                return  # the badge says so; the next second tries again
            self._leave()

        ui.timer(0, tick)

    def on(self, work: Callable[[], Awaitable[object]]) -> Callable[[], Awaitable[None]]:
        """A handler that belongs to the page: the place whose button called it may be drawn anew before it is through."""
        content = ui.context.client.content

        async def handle() -> None:
            with content:
                await work()

        return handle

    async def act(self, question: Callable[[ApiClient], Awaitable[T]], done: str = "") -> T | None:
        """A person's wish: the hub's answer is shown, be it `done` or its refusal; None where it refused."""
        try:
            answer = await self.person.ask(question)
        except SessionEnded:
            await self.people.drop(self.person)
            self._leave()
        except AWAY as error:
            ui.notify(refusal(self.say, error), type="negative", multi_line=True, timeout=8_000)
        else:
            if done:
                ui.notify(done, type="positive")
            return answer
        return None

    async def sign_out(self) -> None:
        await self.people.sign_out(self.browser)
        ui.navigate.to("/sign-in")

    def _leave(self) -> None:
        ui.navigate.to(f"/sign-in?why=expired&to={self.path}" if self.person.ended else "/sign-in")


def until_next_s(now_s: float, every_s: float) -> float:
    """To the next whole multiple; a sleep that ended a little early is not followed by another one at once."""
    left_s = every_s - now_s % every_s
    return left_s if left_s > every_s / 20 else left_s + every_s


def refusal(say: Speech, error: Exception) -> str:
    """Why the hub did not do it, for people. The hub's own sentence is shown as it is."""
    if isinstance(error, ApiError):
        fields = "; ".join(f"{name}: {problem}" for name, problem in error.fields.items())
        if error.status == httpx.codes.FORBIDDEN:
            return say("frame.not_allowed")
        return say("frame.refused", why=fields or str(error))
    return say("frame.busy") if isinstance(error, TimeoutError) else say("frame.away")


def _zone(minutes_east: str) -> timezone:
    """The browser told how far its clock is from UTC."""
    try:
        return timezone(timedelta(minutes=int(minutes_east)))
    except (ValueError, OverflowError):
        return UTC
