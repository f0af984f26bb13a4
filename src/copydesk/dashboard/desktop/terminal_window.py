"""What the window of a Master Sender or Client Copier knows, whoever looks at it: one person at this machine."""

import asyncio
from collections.abc import Callable

from copydesk.client.api import ApiClient
from copydesk.dashboard.desktop.hub_side import HubSide
from copydesk.dashboard.desktop.light import Light, carry_on, light_of
from copydesk.ports.beside import Access, Known, Worker
from copydesk.ports.clock import Clock

TICK_S = 0.25
ASK_HUB_POLLS = 20
"""So many ticks between two questions to the hub: five seconds."""


class TerminalWindow:
    """The worker, the hub as its user sees it, and the light on the card; `run` keeps them current."""

    def __init__(
        self,
        worker: Worker,
        known: Known,
        *,
        clock: Clock,
        connect: Callable[[str], ApiClient] = ApiClient,
        poll_s: float = TICK_S,
    ) -> None:
        self.worker = worker
        self.known = known
        self.hub = HubSide(worker.role, connect)
        self.poll_s = poll_s
        self._clock = clock
        self.light: Light = light_of(worker, clock.now())

    async def run(self) -> None:
        """Until cancelled. Where the password is known, the worker starts at once, even if the hub is away."""
        if self.known.username and self.known.password is not None:
            self._begin(self._access(self.known.username, self.known.password))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch())
            tasks.create_task(self._ask_hub())

    async def sign_in(self, access: Access) -> None:
        """Raise one of desk's AWAY: then nothing was started."""
        await self.hub.sign_in(access)
        self._begin(access)

    async def sign_out(self) -> None:
        """The worker ends too: it works for who was signed in."""
        self.worker.stop()
        await self.hub.sign_out()

    def start(self) -> None:
        """Again, for who is signed in."""
        if self.hub.access is not None:
            self.worker.start(self.hub.access)

    def _access(self, username: str, password: str) -> Access:
        return Access(
            url=self.known.url, username=username, password=password, signing_secret=self.known.signing_secret
        )

    def _begin(self, access: Access) -> None:
        self.hub.expect(access)
        self.worker.start(access)

    async def _watch(self) -> None:
        while True:
            self.light = carry_on(self.light, light_of(self.worker, self._clock.now()))
            await self._clock.sleep(self.poll_s)

    async def _ask_hub(self) -> None:
        while True:
            await self.hub.look()
            await self._clock.sleep(self.poll_s * (1 if self.hub.access is None else ASK_HUB_POLLS))
