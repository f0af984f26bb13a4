"""The Client Copier: does on one account what the hub says, with everything written down in between."""

import asyncio
import random
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import structlog

from copydesk.ports.clock import Clock
from copydesk.terminal.attachment import Attachment, Wanted
from copydesk.terminal.backoff import back_off
from copydesk.terminal.console import Show, Tell, show_nobody
from copydesk.terminal.copier import wire
from copydesk.terminal.copier.arrivals import Arrivals
from copydesk.terminal.copier.booking import Booking
from copydesk.terminal.copier.config import CopierConfig
from copydesk.terminal.copier.connection import Link
from copydesk.terminal.copier.ends import Ends
from copydesk.terminal.copier.hands import Hands
from copydesk.terminal.copier.hub_time import HubTime
from copydesk.terminal.copier.inbox import Inbox
from copydesk.terminal.copier.insight import copier_insight
from copydesk.terminal.copier.journal import CopierJournal
from copydesk.terminal.copier.reception import Choices, Reception
from copydesk.terminal.copier.reconcile import Reconciler
from copydesk.terminal.copier.work import Owner, Work
from copydesk.terminal.gateway import Gateway
from copydesk.terminal.hub import Following, Hub, Later, NoStanding, SignInRefused
from copydesk.terminal.lock import only_one
from copydesk.terminal.master import AccountWithdrawn

log = structlog.get_logger()

ROLE = "copier"
ASK_AGAIN_S = 60.0

RECONCILE_S = 20.0
"""So long a terminal may stay away before the hub hears that it is: nothing is done before it was read."""

KEPT_FOR = timedelta(days=30)
"""Answered commands; the hub tells none again after minutes."""


class Copier:
    """One run. `folder` holds the lock and the journal; `on_login` hears which account it is, once the hub has said so."""

    def __init__(
        self,
        config: CopierConfig,
        hub: Hub,
        gateway: Gateway,
        *,
        folder: Path,
        clock: Clock,
        chance: random.Random,
        tell: Tell,
        on_login: Callable[[int], None] = lambda _login: None,
        show: Show = show_nobody,
    ) -> None:
        self._config = config
        self._hub = hub
        self._gateway = gateway
        self._folder = folder
        self._clock = clock
        self._chance = chance
        self._tell = tell
        self._on_login = on_login
        self._show = show

    async def run(self) -> None:
        """Until cancelled. Raise one of CopydeskError's kinds where going on is no use."""
        found = await self._ask_following()
        self._on_login(found.login)
        where = f"the terminal at {found.path}" if found.path else "any terminal that runs"
        self._tell(f"signed in as {found.username}: trading on MT5 login {found.login}, in {where}")
        async with AsyncExitStack() as stack:
            stack.enter_context(only_one(self._folder, ROLE, found.login))
            path = self._folder / f"{ROLE}-{found.login}.db"
            journal, inbox = CopierJournal(path), Inbox(path)
            stack.callback(journal.close)
            stack.callback(inbox.close)
            await self._copy(found, journal, inbox)

    async def _copy(self, found: Following, journal: CopierJournal, inbox: Inbox) -> None:
        attachment = Attachment(
            self._gateway,
            Wanted(login=found.login, path=found.path, server=inbox.fact("server", str)),
            clock=self._clock,
            chance=self._chance,
            tell=self._tell,
        )
        time = HubTime(self._clock, inbox.fact("offset_s", float))
        inbox.forget_before(time.now() - KEPT_FOR)
        work = self._work(attachment, journal, inbox, time)
        link = self._link(work, attachment, journal, inbox, time)
        work.say = link.say
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(work.run())
            tasks.create_task(self._connect(link, work))
            tasks.create_task(self._ask_on(found, attachment))
            tasks.create_task(self._show(lambda: copier_insight(found, attachment, journal, inbox, self._clock)))

    def _work(self, attachment: Attachment, journal: CopierJournal, inbox: Inbox, time: HubTime) -> Work:
        return Work(
            attachment,
            inbox,
            journal,
            hands=Hands(self._gateway, journal, clock=time),
            reconciler=Reconciler(self._gateway, journal, clock=time),
            ends=Ends(self._gateway, journal, clock=self._clock, tell=self._tell),
            arrivals=Arrivals(self._gateway, journal, clock=self._clock, tell=self._tell),
            booking=Booking(self._gateway, journal, clock=self._clock),
            owner=Owner(reverse=self._config.reverse, symbols=self._config.symbols),
            time=time,
            tell=self._tell,
        )

    def _link(self, work: Work, attachment: Attachment, journal: CopierJournal, inbox: Inbox, time: HubTime) -> Link:
        login = attachment.wanted.login
        choices = Choices(closes_orphans=self._config.closes_orphans, opens_missing=self._config.opens_missing)
        reception = Reception(inbox, journal, time=time, choices=choices, wake=work.wake, tell=self._tell)
        return Link(
            self._config.url,
            str(login),
            reception,
            token=lambda fresh: self._hub.token(fresh=fresh),
            hello=lambda: wire.hello(login, attachment.wanted.server, inbox.last_seq),
            heartbeat=lambda: wire.heartbeat(work.seen, login=login, server=attachment.wanted.server or ""),
            forbid=work.forbid,
            clock=self._clock,
            chance=self._chance,
            tell=self._tell,
        )

    async def _connect(self, link: Link, work: Work) -> None:
        """What an earlier run left open is looked for first."""
        try:
            async with asyncio.timeout(RECONCILE_S):
                await work.is_reconciled.wait()
        except TimeoutError:
            self._tell("the terminal cannot be read yet; nothing is done before it was", level="warning")
        await link.run()

    async def _ask_following(self) -> Following:
        """The hub may come up after this program."""
        failures = 0
        while isinstance(found := await self._hub.following(), Later):
            failures += 1
            wait_s = back_off(failures, self._chance)
            log.warning("waiting for the hub", problem=found.reason, again_s=round(wait_s))
            self._tell(f"waiting for the hub at {self._config.url}: {found.reason}", level="warning")
            await self._clock.sleep(wait_s)
        return found

    async def _ask_on(self, began: Following, attachment: Attachment) -> None:
        """What the hub says counts now, not only when this program started. Raise AccountWithdrawn, NoStanding."""
        while True:
            await self._clock.sleep(ASK_AGAIN_S)
            try:
                found = await self._hub.following()
            except SignInRefused as error:
                raise NoStanding(str(error)) from error
            if isinstance(found, Later):
                continue
            if found.login != began.login:
                raise AccountWithdrawn(
                    f"the hub allows MT5 login {found.login} now, and no longer {began.login}: start again"
                )
            attachment.wanted = Wanted(login=found.login, path=found.path, server=attachment.wanted.server)
