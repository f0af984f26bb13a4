"""An account as it stands, and what it has earned."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Query

from copydesk.client.results import AccountBook, AccountResults, BalanceAnswer, HeldAnswer, TradeAnswer, WaitingOrder
from copydesk.client.terminals import TerminalAnswer
from copydesk.domain.errors import VenueError
from copydesk.domain.execution import Execution
from copydesk.domain.following import split_place
from copydesk.domain.signal import Direction
from copydesk.domain.subscription import Account
from copydesk.domain.terminal import Terminal, TerminalRole
from copydesk.ports.store import Holding
from copydesk.stores.results import PastTrade
from copydesk.stores.store import Tables
from copydesk.web.accounts import own_account
from copydesk.web.hub import Hub, Me, TheHub
from copydesk.web.terminals import terminal_answer

router = APIRouter(prefix="/api/v1/exchange-accounts/{account_id}", tags=["accounts"])

VENUE_TIMEOUT_S = 3.0
TRADES_MAX = 1_000

AtVenue = Annotated[bool, Query(description="ask the venue for the balance and the last prices too")]


@router.get("/book", response_description="Positions, waiting orders, and the terminal of an mt5 account")
async def get_account_book(account_id: str, me: Me, hub: TheHub, at_venue: AtVenue = False) -> AccountBook:
    """What our own fills opened there and have not closed, and every order that is not final."""

    def work(tables: Tables) -> tuple[Account, Sequence[Holding], Sequence[Execution], Terminal | None]:
        account = own_account(tables, account_id, me)
        held, waiting = tables.results.held(account), tables.results.waiting(account)
        return account, held, waiting, _terminal(hub, tables, account)

    account, held, waiting, terminal = await hub.store.read(work)
    told = await _ask(hub, account, held) if at_venue and terminal is None else _Told()
    return AccountBook(
        account_id=account.id,
        at=hub.clock.now(),
        positions=[_held(one, told.prices.get(one.symbol)) for one in held],
        orders=[_order(one) for one in waiting],
        balance=told.balance,
        problem=told.problem,
        terminal=_shown(hub, terminal),
    )


@router.get("/results", response_description="Sums, and the trades behind them")
async def get_account_results(
    account_id: str,
    me: Me,
    hub: TheHub,
    limit: Annotated[int, Query(ge=0, le=TRADES_MAX, description="how many trades at most, the newest")] = TRADES_MAX,
) -> AccountResults:
    """What the account's closed trades brought, fees counted, with the sum after each for an equity curve."""
    account, trades = await hub.store.read(
        lambda tables: (account := own_account(tables, account_id, me), tables.results.trades(account))
    )
    return _results(account, trades, limit)


def _terminal(hub: Hub, tables: Tables, account: Account) -> Terminal | None:
    if not hub.venue(account).traits.is_terminal:
        return None
    login = tables.followers.credentials(account.id).get("login")
    found = tables.terminals.of_user(account.owner_id)
    return next((one for one in found if one.role is TerminalRole.COPIER and str(one.login) == login), None)


def _shown(hub: Hub, terminal: Terminal | None) -> TerminalAnswer | None:
    return None if terminal is None else terminal_answer(terminal, hub.clock.now())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What the venue said of itself, or why it did not."""

    balance: BalanceAnswer | None = None
    prices: dict[str, Decimal] = field(default_factory=dict)
    problem: str | None = None


async def _ask(hub: Hub, account: Account, held: Sequence[Holding]) -> _Told:
    venue = hub.venue(account)
    if venue.traits.is_terminal:
        return _Told()
    prices: dict[str, Decimal] = {}
    try:
        async with asyncio.timeout(VENUE_TIMEOUT_S):
            for symbol in {one.symbol for one in held}:
                quote = await venue.quote(account.environment, symbol)
                prices |= {} if quote is None else {symbol: quote.last_price}
            balance = await (await hub.desk.sessions.of(account)).balance()
    except VenueError as error:
        return _Told(prices=prices, problem=error.text)
    except TimeoutError:
        return _Told(prices=prices, problem="the venue did not answer in time")
    told = BalanceAnswer(total_usd=balance.total_usd, available_usd=balance.available_usd)
    return _Told(balance=told, prices=prices)


def _held(one: Holding, price: Decimal | None) -> HeldAnswer:
    symbol, ticket = split_place(one.symbol)
    position = one.position
    sign = 1 if position.direction is Direction.LONG else -1
    return HeldAnswer(
        subscription_id=one.subscription_id,
        bot_id=one.bot_id,
        symbol=symbol,
        master_ticket=ticket,
        direction=position.direction.value,
        quantity=position.quantity,
        entry_price=position.entry_price,
        gross_usd=position.gross_usd,
        fees_usd=position.fees_usd,
        opened_at=position.opened_at,
        last_price=price,
        unrealised_usd=None if price is None else sign * (price - position.entry_price) * position.quantity,
    )


def _order(one: Execution) -> WaitingOrder:
    own = {name: getattr(one, name) for name in WaitingOrder.model_fields if hasattr(one, name)}
    own["symbol"], own["master_ticket"] = split_place(one.symbol)
    return WaitingOrder.model_validate(own)


def _results(account: Account, trades: Sequence[PastTrade], limit: int) -> AccountResults:
    summed, highest, drawdown = Decimal(0), Decimal(0), Decimal(0)
    shown: list[TradeAnswer] = []
    for place, one in enumerate(trades):
        summed += one.net_usd
        highest = max(highest, summed)
        drawdown = max(drawdown, highest - summed)
        if place >= len(trades) - limit:
            shown.append(_trade(one, summed))
    return AccountResults(
        account_id=account.id,
        total_trades=len(trades),
        wins=sum(one.net_usd > 0 for one in trades),
        losses=sum(one.net_usd < 0 for one in trades),
        gross_usd=sum((one.gross_usd for one in trades), Decimal(0)),
        fees_usd=sum((one.fees_usd for one in trades), Decimal(0)),
        net_usd=summed,
        max_drawdown_usd=drawdown,
        trades=shown,
    )


def _trade(one: PastTrade, summed: Decimal) -> TradeAnswer:
    own = {name: getattr(one, name) for name in TradeAnswer.model_fields if hasattr(one, name)}
    own["symbol"], own["master_ticket"] = split_place(one.symbol)
    return TradeAnswer.model_validate({**own, "sum_usd": summed})
