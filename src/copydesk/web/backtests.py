"""Backtests of strategy bots: asked for here, played elsewhere (web/backtesting.py), seen by whose bot it is."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse

from copydesk.client.backtests import BacktestAnswer, NewBacktest
from copydesk.client.desk import Page
from copydesk.domain.bot import Bot
from copydesk.domain.errors import Conflict, FieldError, InvalidInput, NotFound
from copydesk.domain.ids import new_id
from copydesk.domain.strategy_bot import Run
from copydesk.domain.subscription import Account
from copydesk.domain.user import Role, User
from copydesk.engine.backtest.terms import Terms
from copydesk.ports.strategy import ContractStrategy, Strategy
from copydesk.ports.strategy_table import Series
from copydesk.stores.store import Tables
from copydesk.strategies.ruin import demand_funded, ruin_card
from copydesk.strategies.streak import StreakStrategy
from copydesk.web.backtesting import Backtest, BacktestState, CandlesFrom
from copydesk.web.hub import Hub, Me, TheHub
from copydesk.web.listing import IdFilter, Limit
from copydesk.web.refusals import refuses
from copydesk.web.strategies import own_strategy_bot

router = APIRouter(prefix="/api/v1/backtests", tags=["strategies"])

REPORT_POLICY = (
    "sandbox allow-scripts; default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
)
"""A page of its own: it reaches nothing, and nothing of whoever shows it."""

_NO_BOT = refuses(404, "no such strategy bot")
_UNDER_WAY = refuses(409, "a backtest of yours is under way: wait for it, or end it")
_NOT_YET = refuses(409, "it is not done: there is no report")
_PAGE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/html": {"schema": {"type": "string"}, "example": "<!doctype html>…"}}}
}


@router.post("", status_code=202, responses=_NO_BOT | _UNDER_WAY, response_description="It waits for its turn")
async def start_backtest(wanted: NewBacktest, me: Me, hub: TheHub) -> BacktestAnswer:
    """What the bot would have done on past candles with the settings it has now, as `copydesk backtest` plays it: in a process of
    its own, one at a time; nothing is sent, nothing of the bot changes.
    """
    bot, run, account = await hub.store.read(lambda tables: _whole_bot(tables, wanted.bot_id, me))
    symbol = wanted.symbol or run.symbols[0]
    if symbol not in run.symbols:
        raise _refused("symbol", f"the bot looks at {', '.join(run.symbols)}")
    strategy = hub.make_strategy(run.strategy, run.settings)
    terms = _terms(wanted, bot, strategy)
    now = hub.clock.now()
    backtest = Backtest(
        id=new_id(now),
        bot_id=bot.id,
        owner_id=bot.owner_id,
        asked_by=me.id,
        strategy=run.strategy,
        settings=dict(run.settings),
        series=Series(market=hub.market_name(bot, account), symbol=symbol, timeframe=run.timeframe),
        candles_from=CandlesFrom(wanted.candles_from),
        candles=wanted.candles,
        terms=terms,
        created_at=now,
    )
    hub.backtests.add(backtest, bot, account)
    return _answer(hub, backtest)


@router.get("", response_description="Backtests, newest first")
async def list_backtests(me: Me, hub: TheHub, bot_id: IdFilter = None, limit: Limit = 50) -> Page[BacktestAnswer]:
    """Of one's own bots; an admin sees all. Ten of each user are kept, and no more than a hundred in all."""
    seen = [one for one in hub.backtests.newest() if _sees(me, one) and bot_id in {None, one.bot_id}]
    return Page(items=[_answer(hub, one) for one in seen[:limit]], next=None)


@router.get("/{backtest_id}", response_description="How far it is, or what came of it")
async def get_backtest(backtest_id: str, me: Me, hub: TheHub) -> BacktestAnswer:
    """With the account's curve, in 300 points at most."""
    return _answer(hub, _found(hub, backtest_id, me), with_curve=True)


@router.get(
    "/{backtest_id}/report", response_class=FileResponse, responses=_PAGE | _NOT_YET, response_description="The page"
)
async def get_backtest_report(backtest_id: str, me: Me, hub: TheHub) -> Response:
    """The page of `copydesk backtest --report`: trades on candles, the account, what was assumed. It loads nothing from anywhere."""
    found = _found(hub, backtest_id, me)
    if found.state is not BacktestState.DONE:
        raise Conflict(f"it is {found.state}: there is no report")
    page = hub.backtests.report(backtest_id)
    if page is None:
        raise NotFound("its report is gone")
    headers = {
        "Content-Security-Policy": REPORT_POLICY,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
    }
    return FileResponse(page, media_type="text/html; charset=utf-8", headers=headers)


@router.delete("/{backtest_id}", status_code=204, response_description="It is gone")
async def remove_backtest(backtest_id: str, me: Me, hub: TheHub) -> Response:
    """With its report; one that waits or is played is ended."""
    hub.backtests.remove(_found(hub, backtest_id, me).id)
    return Response(status_code=204)


def _whole_bot(tables: Tables, bot_id: str, me: User) -> tuple[Bot, Run, Account]:
    bot, run, _ = own_strategy_bot(tables, bot_id, me)
    account = None if bot.exchange_account_id is None else tables.followers.account(bot.exchange_account_id)
    if account is None:
        raise _refused("bot_id", "the bot's own book is gone: nobody knows whose candles are meant")
    return bot, run, account


def _terms(wanted: NewBacktest, bot: Bot, strategy: Strategy) -> Terms:
    """Raise InvalidInput, naming the field, for what cannot be played."""
    size_usd = wanted.size_usd
    if isinstance(strategy, ContractStrategy):
        size_usd = None
    elif size_usd is None:
        size_usd = min(bot.default_margin_usd * bot.default_leverage, wanted.balance) or wanted.balance
    if size_usd is not None and size_usd > wanted.balance:
        raise _refused("size_usd", f"{size_usd} is more than the balance, {wanted.balance}")
    terms = Terms(
        balance=wanted.balance,
        size_usd=size_usd,
        fee_pct=wanted.fee_pct,
        slippage_pct=wanted.slippage_pct,
        funding_pct=Decimal(0),
        payout=wanted.payout,
    )
    if isinstance(strategy, StreakStrategy):
        demand_funded(ruin_card(strategy.terms, balance=terms.balance, payout=terms.payout), strategy.terms)
    return terms


def _found(hub: Hub, backtest_id: str, me: User) -> Backtest:
    found = hub.backtests.find(backtest_id)
    if found is None or not _sees(me, found):
        raise NotFound("no such backtest")
    return found


def _sees(me: User, one: Backtest) -> bool:
    return me.role is Role.ADMIN or one.owner_id == me.id


def _answer(hub: Hub, one: Backtest, *, with_curve: bool = False) -> BacktestAnswer:
    outcome = one.outcome
    told: Mapping[str, Any] = {
        **{name: getattr(one, name) for name in _AS_THEY_ARE},
        **{name: getattr(one.terms, name) for name in ("balance", "size_usd", "fee_pct", "slippage_pct", "payout")},
        "symbol": one.series.symbol,
        "timeframe": one.series.timeframe,
        "market": one.series.market,
        "ahead": hub.backtests.ahead_of(one.id),
        "has_report": hub.backtests.report(one.id) is not None,
        "candles_played": outcome and outcome.candles,
        "candles_missing": outcome and outcome.missing,
        "first_at": outcome and outcome.first_at,
        "last_at": outcome and outcome.last_at,
        "figures": outcome and outcome.figures,
        "ladders": outcome and outcome.ladders,
        "curve": outcome.curve if outcome is not None and with_curve else None,
    }
    return BacktestAnswer.model_validate(told)


_AS_THEY_ARE = (
    *("id", "bot_id", "strategy", "settings", "candles_from", "candles"),
    *("state", "progress", "problem", "created_at", "finished_at"),
)


def _refused(field: str, problem: str) -> InvalidInput:
    return InvalidInput(f"{field}: {problem}", (FieldError(field, problem),))
