"""The Master Sender: watches one account and tells the hub, with everything written down in between."""

import asyncio
import random
import secrets
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from pathlib import Path

import structlog

from copydesk.domain.errors import CopydeskError
from copydesk.domain.terminal import TerminalRole
from copydesk.ports.clock import Clock
from copydesk.terminal.attachment import Attachment, Wanted
from copydesk.terminal.backoff import back_off
from copydesk.terminal.config import MasterConfig
from copydesk.terminal.console import Show, Tell, show_nobody
from copydesk.terminal.events import Event
from copydesk.terminal.gateway import Gateway
from copydesk.terminal.hub import Hub, Later, NoStanding, SignInRefused, Standing
from copydesk.terminal.insight import master_insight
from copydesk.terminal.journal import Journal, Stage
from copydesk.terminal.lock import only_one
from copydesk.terminal.messages import Sender
from copydesk.terminal.outbox import Outbox
from copydesk.terminal.status import Status
from copydesk.terminal.watch import Watch

log = structlog.get_logger()

ROLE = "master"
ASK_AGAIN_S = 60.0
GOODBYE_S = 3.0


class AccountWithdrawn(CopydeskError):
    """The hub allows another MT5 login now than the one that is watched."""


class Master:
    """One run. `folder` holds the lock and the journal; `on_login` hears which account it is, once the hub has said so."""

    def __init__(
        self,
        config: MasterConfig,
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
        self._standing = await self._ask_standing()
        standing = self._standing
        self._on_login(standing.login)
        where = f"the terminal at {standing.path}" if standing.path else "any terminal that runs"
        self._tell(f"signed in as {standing.username}: watching MT5 login {standing.login}, in {where}")
        self._tell(f"signals go to {standing.bot_name}, openings up to {standing.open_freshness_s} s old")
        if standing.path:
            log.info("the hub gives a path: straight to initialize(path)", path=standing.path)
        async with AsyncExitStack() as stack:
            stack.enter_context(only_one(self._folder, ROLE, standing.login))
            journal = Journal(self._folder / f"{ROLE}-{standing.login}.db")
            stack.callback(journal.close)
            await self._watch(journal, standing)

    async def _watch(self, journal: Journal, standing: Standing) -> None:
        attachment = Attachment(
            self._gateway,
            Wanted(login=standing.login, path=standing.path, server=journal.fact("server", str)),
            clock=self._clock,
            chance=self._chance,
            tell=self._tell,
        )
        outbox = self._outbox(journal, attachment, standing)
        watch = Watch(
            self._gateway,
            attachment,
            journal,
            clock=self._clock,
            tell=self._tell,
            on_recorded=outbox.wake,
            every_s=self._config.every_s,
            copies_flashes=self._config.copies_flashes,
        )
        status = Status(
            TerminalRole.MASTER,
            standing.login,
            read=lambda: watch.seen,
            when=watch.server_time.utc,
            sent=lambda: asyncio.to_thread(journal.count, Stage.SENT),
            report=self._hub.report,
            clock=self._clock,
        )
        try:
            async with asyncio.TaskGroup() as tasks:
                shown = self._show(lambda: master_insight(self._standing, attachment, journal, self._clock))
                for work in (watch.run(), outbox.run(), status.run(), self._ask_on(attachment), shown):
                    tasks.create_task(work)
        finally:
            with suppress(TimeoutError):
                async with asyncio.timeout(GOODBYE_S):
                    await status.say_goodbye()

    def _outbox(self, journal: Journal, attachment: Attachment, standing: Standing) -> Outbox:
        nonce = journal.fact("nonce", str)
        if nonce is None:
            nonce = secrets.token_hex(8)
            journal.keep_fact("nonce", nonce)
        sender = Sender(
            account=str(standing.login),
            login=standing.login,
            nonce=nonce,
            bot_id=self._config.bot_id,
            signs_v0=self._config.signs_v0,
        )

        def may_send() -> str | None:
            trouble = attachment.trouble
            return trouble.reason if trouble is not None and trouble.foreign else None

        return Outbox(
            journal,
            self._hub.post,
            sender,
            clock=self._clock,
            chance=self._chance,
            tell=self._tell,
            freshness=self._freshness,
            may_send=may_send,
        )

    def _freshness(self, event: Event) -> timedelta | None:
        """The bot's own, except where the owner decided otherwise about what opened while nobody watched."""
        if event.catching_up and self._config.opened_while_away != "fresh":
            return None if self._config.opened_while_away == "all" else timedelta(0)
        return timedelta(seconds=self._standing.open_freshness_s)

    async def _ask_standing(self) -> Standing:
        """The hub may come up after this program."""
        failures = 0
        while isinstance(found := await self._hub.standing(), Later):
            failures += 1
            wait_s = back_off(failures, self._chance)
            log.warning("waiting for the hub", problem=found.reason, again_s=round(wait_s))
            self._tell(f"waiting for the hub at {self._config.url}: {found.reason}", level="warning")
            await self._clock.sleep(wait_s)
        return found

    async def _ask_on(self, attachment: Attachment) -> None:
        """What the hub says counts now, not only when this program started. Raise AccountWithdrawn, NoStanding."""
        while True:
            await self._clock.sleep(ASK_AGAIN_S)
            try:
                found = await self._hub.standing()
            except SignInRefused as error:
                raise NoStanding(str(error)) from error
            if isinstance(found, Later):
                continue
            if found.login != self._standing.login:
                raise AccountWithdrawn(
                    f"the hub allows MT5 login {found.login} now, and no longer {self._standing.login}: start again"
                )
            self._standing = found
            attachment.wanted = Wanted(login=found.login, path=found.path, server=attachment.wanted.server)
