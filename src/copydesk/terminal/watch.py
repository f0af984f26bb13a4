"""The master's eye: looks every 50 ms, writes what happened into the journal, and wakes whoever sends it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

import structlog
from msgspec import Struct
from msgspec.structs import replace

from copydesk.ports.clock import Clock
from copydesk.terminal.attachment import Attachment, Trouble
from copydesk.terminal.codec import HEDGING, Deal, Look, Order
from copydesk.terminal.console import Tell
from copydesk.terminal.events import Contract, Event, Kind
from copydesk.terminal.frames import Failed
from copydesk.terminal.gateway import Gateway, seconds
from copydesk.terminal.journal import Journal
from copydesk.terminal.memory import Memory
from copydesk.terminal.observer import WINDOW_MSC, Observation, Sight, agree, differs, observe
from copydesk.terminal.outbox import describe
from copydesk.terminal.server_time import ServerTime

log = structlog.get_logger()

T = TypeVar("T")

LEDGER_EVERY_S = 1.0
LEDGER_SOON_S = 0.2
"""While something is unexplained, and nothing new is seen, the ledger is read this often."""

AHEAD = timedelta(days=2)
"""The server's clock may be ahead of UTC, and stand still: history is read far into its future."""

HISTORY = timedelta(days=2)
LOOKED_EVERY_S = 5.0


WATCHED = "the account is watched now"


class _FirstLook(Struct, frozen=True, kw_only=True):
    """Of a new connection. It is not believed alone, but what it did not show came later."""

    at: datetime
    identifiers: frozenset[int]


class Watch:
    """Raises what its journal raises: what cannot be written down must not be seen as done."""

    def __init__(
        self,
        gateway: Gateway,
        attachment: Attachment,
        journal: Journal,
        *,
        clock: Clock,
        tell: Tell,
        on_recorded: Callable[[], None],
        every_s: float,
        copies_flashes: bool = False,
    ) -> None:
        self._gateway = gateway
        self._attachment = attachment
        self._journal = journal
        self._clock = clock
        self._tell = tell
        self._on_recorded = on_recorded
        self._every_s = every_s
        self._copies_flashes = copies_flashes
        self._memory = journal.memory()
        self._server_time = ServerTime(offset_msc=journal.fact("offset_msc", int))
        self._looked_at = journal.fact("looked_at", datetime)
        self._believed = 0
        self._doubtful: Sight | None = None
        self._first_look: _FirstLook | None = None
        self._shown: Any = None
        self._ledger_at = float("-inf")
        self._looked_kept = float("-inf")
        self._contracts: dict[str, Contract] = {}
        self._history_problem: str | None = None
        self.seen: Look | None = None
        """The newest look, None where there is nothing to see: for reports."""

    @property
    def memory(self) -> Memory:
        return self._memory

    @property
    def server_time(self) -> ServerTime:
        return self._server_time

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            began = self._clock.elapsed()
            await self.cycle()
            await self._clock.sleep(max(0.0, self._every_s - (self._clock.elapsed() - began)))

    async def cycle(self) -> None:
        at = self._clock.now()
        look = await self._attachment.look()
        if isinstance(look, Trouble):
            self.seen, self._doubtful, self._first_look = None, None, None
            return
        self.seen = look
        sight = Sight(positions=look.positions, orders=look.orders)
        is_new = self._attachment.connections != self._believed
        if is_new and not agree(self._doubtful, sight):
            self._doubtful = sight
            self._first_look = self._first_look or _FirstLook(at=at, identifiers=_identifiers(look))
            return
        if not is_new and not self._is_due(look):
            return
        await self._explain(look, catching_up=is_new, at=at)

    def _is_due(self, look: Look) -> bool:
        """At once where something changed, soon where something is unexplained, else once a second."""
        shown = _fingerprint(look)
        since = self._clock.elapsed() - self._ledger_at
        if not differs(self._memory, look.positions, look.orders):
            return since >= LEDGER_EVERY_S
        return shown != self._shown or since >= LEDGER_SOON_S

    async def _explain(self, look: Look, *, catching_up: bool, at: datetime) -> None:
        self._ledger_at, self._shown = self._clock.elapsed(), _fingerprint(look)
        deals = await self._ledger(at)
        ended = await self._ended(look)
        if deals is None or ended is None or not await self._is_same_account(look):
            return
        await self._read_server_time(look, deals, at)
        sight = Sight(positions=look.positions, orders=look.orders, deals=deals, ended=ended, catching_up=catching_up)
        observation = observe(self._memory, sight, at, copies_flashes=self._copies_flashes)
        await self._pin_server(look)
        await self._record(look, observation, at)
        if not self._believed:
            held = f"{len(look.positions)} positions and {len(look.orders)} orders that wait"
            self._tell(f"{WATCHED}: it holds {held}", level="success")
        self._believed, self._doubtful, self._first_look = self._attachment.connections, None, None
        await self._keep_looked_at(at)

    async def _pin_server(self, look: Look) -> None:
        """The login as it was first seen: the same number at another broker is another account."""
        wanted, server = self._attachment.wanted, look.account.server
        if wanted.server is None:
            await asyncio.to_thread(self._journal.keep_fact, "server", server)
            self._attachment.wanted = replace(wanted, server=server)

    async def _record(self, look: Look, observation: Observation, at: datetime) -> None:
        if observation.memory == self._memory and not observation.events:
            return
        account = f"{look.account.login}@{look.account.server}"
        events = [await self._with_contract(self._with_account(one, look)) for one in observation.events]
        dated = [(one, self._happened_at(one, at)) for one in events]
        added = await asyncio.to_thread(self._journal.record, account, observation.memory, dated, at)
        self._memory = observation.memory
        if not added:
            return
        for event in observation.events:
            self._say(event)
        self._on_recorded()

    def _with_account(self, event: Event, look: Look) -> Event:
        """What an order that waits is on this account, and until when it does by our clock."""
        expires_at = self._server_time.utc(event.expiration * 1_000) if event.expiration else None
        return replace(event, nets=look.account.margin_mode != HEDGING, expires_at=expires_at)

    async def _with_contract(self, event: Event) -> Event:
        """Asked once a symbol; an opening does not wait for what cannot be read."""
        if event.kind not in {Kind.OPEN, Kind.PENDING}:
            return event
        if event.symbol not in self._contracts:
            found = await self._gateway.symbol(event.symbol)
            if isinstance(found, Failed) or found.trade_contract_size <= 0:
                return event
            self._contracts[event.symbol] = Contract(
                size=found.trade_contract_size,
                digits=found.digits,
                currency_base=found.currency_base,
                currency_profit=found.currency_profit,
            )
        return replace(event, contract=self._contracts[event.symbol])

    def _happened_at(self, event: Event, at: datetime) -> datetime | None:
        """While somebody watches: now. Else the latest of what is certain: after the last look, and by the server's clock."""
        if not event.catching_up:
            return at
        by_server = self._server_time.utc(event.moment_msc)
        known = [one for one in (by_server, self._looked_at) if one is not None]
        if self._first_look is not None and event.identifier not in self._first_look.identifiers:
            known.append(self._first_look.at)
        return min(max(known), at) if known else None

    async def _ledger(self, at: datetime) -> Sequence[Deal] | None:
        """The window of deals; None where it cannot be read: then nothing is concluded."""
        since = seconds(at - HISTORY)
        if self._memory.watermark_msc:
            since = (self._memory.watermark_msc - WINDOW_MSC) // 1_000
        deals = await self._gateway.deals(since, seconds(at + AHEAD))
        return self._read(deals)

    async def _ended(self, look: Look) -> Mapping[int, Order] | None:
        shown = {one.ticket for one in look.orders}
        found: dict[int, Order] = {}
        for ticket in self._memory.waiting:
            if ticket not in shown:
                past = await self._gateway.past_order(ticket)
                if (orders := self._read(past)) is None:
                    return None
                found |= {one.ticket: one for one in orders}
        return found

    def _read(self, answer: tuple[T, ...] | Failed) -> tuple[T, ...] | None:
        """None where there is none; said once for as long as it lasts."""
        problem = str(answer) if isinstance(answer, Failed) else None
        if problem is not None and self._history_problem is None:
            log.warning("history not read", problem=problem)
        self._history_problem = problem
        return None if isinstance(answer, Failed) else answer

    async def _is_same_account(self, look: Look) -> bool:
        """The ledger was read after the look: it must not be another account's."""
        account = await self._gateway.account()
        if isinstance(account, Failed):
            return False
        return (account.login, account.server) == (look.account.login, look.account.server)

    async def _read_server_time(self, look: Look, deals: Sequence[Deal], at: datetime) -> None:
        """A symbol that is traded here is one whose ticks say what the server's clock says."""
        names = [one.symbol for one in look.positions] + [one.symbol for one in look.orders]
        names += [one.symbol for one in deals if one.is_trade]
        if not names:
            return
        tick = await self._gateway.tick(names[0])
        if not isinstance(tick, Failed) and self._server_time.take(names[0], tick.time_msc, at):
            await asyncio.to_thread(self._journal.keep_fact, "offset_msc", self._server_time.offset_msc)

    async def _keep_looked_at(self, at: datetime) -> None:
        """Whatever a later run finds changed, happened after this."""
        self._looked_at = at
        if self._clock.elapsed() - self._looked_kept >= LOOKED_EVERY_S:
            self._looked_kept = self._clock.elapsed()
            await asyncio.to_thread(self._journal.keep_fact, "looked_at", at)

    def _say(self, event: Event) -> None:
        log.info("seen", kind=event.kind, ticket=event.number, symbol=event.symbol, catching_up=event.catching_up)
        if event.kind is not Kind.ALARM:
            self._tell(f"seen   {describe(event)}{' (while nobody watched)' if event.catching_up else ''}")


def _identifiers(look: Look) -> frozenset[int]:
    return frozenset(one.identifier for one in look.positions) | frozenset(one.ticket for one in look.orders)


def _fingerprint(look: Look) -> Any:
    """What a change of means that something happened; prices move all the time."""
    positions = tuple((one.identifier, one.ticket, one.signed, one.sl, one.tp) for one in look.positions)
    orders = tuple(
        (one.ticket, one.type, one.price, one.stoplimit, one.sl, one.tp, one.expiration) for one in look.orders
    )
    return positions, orders
