"""What a window asks the hub itself, as its signed-in user: the plan, who follows, and the settings that the hub holds."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

import httpx

from copydesk.client.api import ApiClient
from copydesk.client.errors import Missing, SignInNeeded
from copydesk.client.models import BotAnswer, BotChange
from copydesk.client.people import Profile, UserConfig, UserConfigChange
from copydesk.dashboard.desk import AWAY
from copydesk.domain.terminal import TerminalRole
from copydesk.ports.beside import Access

T = TypeVar("T")

ANSWER_S = 8.0


class HubSide:
    """Tokens are in this memory. `is_away` where the hub did not answer last; what it said before is still there."""

    def __init__(self, role: TerminalRole, connect: Callable[[str], ApiClient] = ApiClient) -> None:
        self._role = role
        self._connect = connect
        self._api: ApiClient | None = None
        self._access: Access | None = None
        self._is_refused = False
        self.profile: Profile | None = None
        self.config: UserConfig | None = None
        self.bots: list[BotAnswer] = []
        self.active_clients: int | None = None
        self.is_away = False

    @property
    def access(self) -> Access | None:
        """Who signed in here, or will as soon as the hub answers."""
        return self._access

    async def sign_in(self, access: Access) -> None:
        """Raise one of AWAY; nobody is signed in then who was not before."""
        api = self._connect(access.url)
        try:
            async with asyncio.timeout(ANSWER_S):
                await api.sign_in(access.username, access.password)
                profile = await api.profile()
        except AWAY:
            await api.close()
            raise
        await self.close()
        self._api, self._access, self.profile = api, access, profile

    def expect(self, access: Access) -> None:
        """The access is known: `look` signs in with it, and does not try again what was refused: the hub counts that."""
        self._access, self._is_refused = access, False

    async def look(self) -> None:
        """What the hub says now; it may be away, or may have ended the session."""
        if self._access is None or self._is_refused:
            return
        is_new = self._api is None
        try:
            if is_new:
                await self.sign_in(self._access)
            await self.ask(self._read)
        except SignInNeeded:
            # A session that has run out is followed by another one.
            self._is_refused = is_new
            await self._leave()
        except (*AWAY, httpx.InvalidURL):
            self.is_away = True
        else:
            self.is_away = False

    async def ask(self, question: Callable[[ApiClient], Awaitable[T]]) -> T | None:
        """None where nobody is signed in. Raise one of AWAY."""
        if self._api is None:
            return None
        async with asyncio.timeout(ANSWER_S):
            return await question(self._api)

    async def change_config(self, wanted: UserConfigChange) -> None:
        """Raise one of AWAY."""
        if (answer := await self.ask(lambda api: api.change_config(wanted))) is not None:
            self.config = answer

    async def change_bot(self, bot_id: str, wanted: BotChange) -> None:
        """Raise one of AWAY."""
        if (answer := await self.ask(lambda api: api.change_bot(bot_id, wanted))) is not None:
            self.bots = [answer if one.id == answer.id else one for one in self.bots]

    async def sign_out(self) -> None:
        with suppress(*AWAY):
            await self.ask(lambda api: api.sign_out())
        await self.close()

    async def close(self) -> None:
        await self._leave()
        self._access = self.profile = self.config = self.active_clients = None
        self.bots = []

    async def _leave(self) -> None:
        if self._api is not None:
            await self._api.close()
        self._api = None

    async def _read(self, api: ApiClient) -> None:
        self.profile = await api.profile()
        if self._role is TerminalRole.COPIER:
            self.config = await api.config()
            return
        found = await api.bots(source="master")
        self.bots = [one for one in found if one.master_webhook_path is not None and one.status != "archived"]
        with suppress(Missing):  # no terminal of this user has reported yet
            answer = await api.terminals(self.profile.id)
            self.active_clients = next((one.active_clients for one in answer.terminals if one.role is self._role), None)
