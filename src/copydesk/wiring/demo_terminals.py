"""The demo's MetaTrader 5 part: a master at a terminal, copiers beside two followers' terminals, and what they play."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx

from copydesk.client.api import ApiClient, signed_in
from copydesk.client.models import ExecutionAnswer, NewBot, NewSubscription
from copydesk.client.people import UserChange
from copydesk.domain.bot import MarketType
from copydesk.domain.errors import CopydeskError
from copydesk.domain.signal import SourceKind
from copydesk.ports.clock import SystemClock
from copydesk.simulators.metatrader5 import Hand
from copydesk.wiring.children import Child
from copydesk.wiring.terminals import Broker, Seat, open_terminal_account

AT_TERMINALS = 2
"""Followers who have a terminal besides."""

MASTER_LOGIN, FIRST_LOGIN = 7001, 7101
BALANCE = "20000"
GOLD, EURO = "XAUUSD", "EURUSD"
LOTS, BELOW = 0.1, 0.003
FOLLOWED_WITHIN_S = 30.0
LOOK_EVERY_S = 0.1
MARK = "copydesk "
"""A copy's comment at the broker: this, and the master's ticket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminals:
    """What runs. `accounts` are the desk's, by id, each with its login."""

    url: str
    children: Sequence[Child]
    accounts: Mapping[str, int]

    async def price(self, symbol: str, price: str, *, hold: bool) -> None:
        async with httpx.AsyncClient(base_url=self.url, timeout=20) as doors:
            told = {"symbol": symbol, "price": price, "hold": hold}
            (await doors.post("/_sim/price", json=told)).raise_for_status()

    async def act(self, what: str) -> None:
        """The master's hand, and then until every copier has followed."""
        hand = Hand(self.url, MASTER_LOGIN)
        await asyncio.to_thread(_ACTS[what], hand)
        await self.until_followed()

    async def until_followed(self) -> None:
        """Until each follower holds, and has waiting, what the master does. Raise CopydeskError where that does not come."""
        clock = SystemClock()
        until_s = clock.elapsed() + FOLLOWED_WITHIN_S
        while True:
            looks = await asyncio.gather(*(self._tickets(one) for one in (MASTER_LOGIN, *self.accounts.values())))
            if all(one == looks[0] for one in looks):
                return
            if clock.elapsed() > until_s:
                raise CopydeskError(f"copiers hold {looks[1:]}, and the master {looks[0]}")
            await clock.sleep(LOOK_EVERY_S)

    async def _tickets(self, login: int) -> tuple[frozenset[int], frozenset[int]]:
        """The master's tickets that are positions there, and those that wait."""
        look = await asyncio.to_thread(Hand(self.url, login).look)
        held, waiting = (
            frozenset(_ticket(one) if login != MASTER_LOGIN else one["ticket"] for one in look[name])
            for name in ("positions", "orders")
        )
        return held, waiting

    async def differences(self, executions: Sequence[ExecutionAnswer]) -> list[str]:
        """Between our book and the broker's ledger, in words."""
        async with httpx.AsyncClient(base_url=self.url, timeout=20) as doors:
            ledger = (await doors.get("/_sim/ledger")).json()
        return compare_terminals(executions, ledger, self.accounts)


def compare_terminals(
    executions: Sequence[ExecutionAnswer], ledger: Mapping[str, Any], accounts: Mapping[str, int]
) -> list[str]:
    """What was opened and closed of each ticket on each account, here and there; lots below 0 are closed."""
    ours: dict[tuple[str, int, bool], Decimal] = defaultdict(Decimal)
    for one in executions:
        if one.account_id in accounts and one.executed_quantity:
            ours[str(accounts[one.account_id]), one.master_ticket or 0, one.leg == "open"] += one.executed_quantity
    tickets = {one["order_id"]: one["client_order_id"] for one in ledger["orders"]}
    theirs: dict[tuple[str, int, bool], Decimal] = defaultdict(Decimal)
    for fill in ledger["fills"]:
        told = tickets.get(fill["position_id"], "")
        if told.startswith(MARK):
            key = (fill["account"], int(told.removeprefix(MARK)), fill["entry"] == "IN")
            theirs[key] += Decimal(fill["quantity"])
    return [
        f"ticket {ticket} of login {login}: {ours[login, ticket, opened]} lots {'opened' if opened else 'closed'} here, "
        f"{theirs[login, ticket, opened]} at the broker"
        for login, ticket, opened in sorted(set(ours) | set(theirs))
        if ours[login, ticket, opened] != theirs[login, ticket, opened]
    ]


def _ticket(copy: Mapping[str, Any]) -> int:
    told = str(copy["comment"])
    return int(told.removeprefix(MARK)) if told.startswith(MARK) else 0


def _close_all(hand: Hand) -> None:
    look = hand.look()
    for one in look["orders"]:
        hand.remove(one["ticket"])
    for one in look["positions"]:
        hand.close(one["ticket"])


def _order_below(hand: Hand) -> None:
    bid = hand.look()["quotes"][EURO][0]
    hand.pend("buy-limit", EURO, LOTS, round(bid - BELOW, 5), sl=round(bid - 5 * BELOW, 5))


_ACTS = {
    "buys gold": lambda hand: hand.buy(GOLD, LOTS, sl=round(hand.look()["quotes"][GOLD][0] * 0.97, 2)),
    "leaves an order": _order_below,
    "closes everything": _close_all,
}


@asynccontextmanager
async def at_terminals(own: Broker, simulator: Child, seed: Mapping[str, Any]) -> AsyncIterator[Terminals]:
    """The master and the copiers of a desk that was seeded."""
    told, users = seed["terminals"], seed["users"]
    master = Seat(login=MASTER_LOGIN, **users["provider"])
    seats = [_seat(number, one) for number, one in enumerate(users["followers"][:AT_TERMINALS])]
    await _open_accounts(own, [master, *seats])
    async with own.programs(master, told["signing_secret"], seats) as programs:
        yield Terminals(url=own.url, children=[simulator, *programs], accounts=told["accounts"])


async def _open_accounts(own: Broker, seats: Sequence[Seat]) -> None:
    """A broker that remembers them keeps their money."""
    async with httpx.AsyncClient(base_url=own.url, timeout=20) as doors:
        known = (await doors.get("/_sim/health")).json()["accounts"]
    logins = {int(one["login"]) if isinstance(one, dict) else int(one) for one in known}
    for seat in seats:
        if seat.login not in logins:
            await own.open_account(seat, balance=BALANCE)


async def seed_terminals(desk: ApiClient, api: str, users: Mapping[str, Any]) -> dict[str, Any]:
    """A bot that watches the provider's terminal, and its first followers' accounts; `desk` is an admin's."""
    ids = {one.username: one.id for one in await desk.users()}
    master = Seat(login=MASTER_LOGIN, **users["provider"])
    seats = [_seat(number, one) for number, one in enumerate(users["followers"][:AT_TERMINALS])]
    for seat in (master, *seats):
        change = UserChange(allowed_mt5_id=seat.login, mt5_path=seat.path)
        await desk.change_user(ids[seat.username], change)
    async with signed_in(api, master.username, master.password) as provider:
        bot = await provider.create_bot(_master_bot())
    accounts = {}
    for seat in seats:
        account_id = await open_terminal_account(api, seat)
        async with signed_in(api, seat.username, seat.password) as mine:
            await mine.subscribe(NewSubscription(bot_id=bot.id, exchange_account_id=account_id))
        accounts[account_id] = seat.login
    return {"signing_secret": bot.signing_secret, "accounts": accounts}


def _master_bot() -> NewBot:
    return NewBot(
        name="Hand on MT5 Demo",
        description="What a person trades by hand at a MetaTrader 5 terminal; made by the demo.",
        source=SourceKind.MASTER,
        market_type=MarketType.MT5,
    )


def _seat(number: int, follower: Mapping[str, str]) -> Seat:
    return Seat(login=FIRST_LOGIN + number, **follower)
