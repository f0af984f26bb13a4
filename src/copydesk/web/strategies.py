"""The strategy desk: how bots that copydesk runs stand, what they trade, see and decide; and their switches."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Query

from copydesk.client.strategies import (
    AnalysisAnswer,
    BotPositionAnswer,
    BotTradeAnswer,
    CandleAnswer,
    LadderLevelAnswer,
    MarketDataAnswer,
    PositionUpdateAnswer,
    RanAnswer,
    RuinCardAnswer,
    RunBot,
    StatusAnswer,
    StatusesAnswer,
    StrategiesAnswer,
    StrategyAnswer,
)
from copydesk.domain.bot import Bot, BotStatus
from copydesk.domain.candle import Candle
from copydesk.domain.errors import FieldError, InvalidInput, NotFound
from copydesk.domain.ids import BotId
from copydesk.domain.signal import Right
from copydesk.domain.strategy_bot import Contract, Run, Standing
from copydesk.domain.subscription import Account
from copydesk.domain.user import Role, User
from copydesk.engine.runner import figures, telling
from copydesk.engine.runner.book import read_book
from copydesk.ports.live import BotCommand
from copydesk.ports.strategy import ContractStrategy
from copydesk.ports.strategy_table import Series
from copydesk.stores.store import Tables
from copydesk.strategies.indicators import Macd, Rsi
from copydesk.strategies.ruin import PAYOUT, ruin_card
from copydesk.strategies.streak import StreakStrategy
from copydesk.web.hub import Hub, Me, TheHub
from copydesk.web.listing import IdFilter, TextFilter
from copydesk.web.refusals import refuses

router = APIRouter(tags=["strategies"])

_SETTLING = 300
"""Candles before those that are shown, so that the indicators have settled."""

_NO_BOT = refuses(404, "no such strategy bot")

_Row = tuple[Bot, Run, Standing]

Most = Annotated[int, Query(ge=1, le=500, description="how many at most")]
OfBot = Annotated[str | None, Query(max_length=40, description="absent: your own oldest strategy bot, else the oldest")]


@router.get("/api/v1/strategies", response_description="What a bot may run")
async def list_strategies(hub: TheHub) -> StrategiesAnswer:
    """Those that come with copydesk, with their settings' defaults; and the files in this desk's folder of them, by their names."""
    return StrategiesAnswer(items=[_strategy(hub, name) for name in hub.strategy_names()])


@router.get("/api/status", responses=_NO_BOT, response_description="How strategy bots stand")
async def get_status(me: Me, hub: TheHub, bot_id: OfBot = None) -> StatusesAnswer:
    """State, balance, drawdown, results and open positions."""

    def work(tables: Tables) -> StatusesAnswer:
        seen = _seen(tables, me)
        chosen = _choose(seen, me, bot_id) if seen or bot_id else None
        shown = [_status(tables, row) for row in seen]
        return StatusesAnswer(
            bot=next((one for one in shown if chosen is not None and one.bot_id == chosen[0].id), None), bots=shown
        )

    return await hub.store.read(work)


@router.get("/api/trades", responses=_NO_BOT, response_description="Closed trades, newest first")
async def get_trades(
    me: Me, hub: TheHub, bot_id: OfBot = None, symbol: TextFilter = None, limit: Most = 50
) -> Sequence[BotTradeAnswer]:
    """Of the bot's own book. A trade of contracts is its whole ladder."""

    def work(tables: Tables) -> Sequence[BotTradeAnswer]:
        seen = _seen(tables, me)
        if not seen and bot_id is None:
            return []
        bot = _choose(seen, me, bot_id)[0]
        found = [one for one in figures.trades_of(tables, bot) if symbol in {None, one.symbol}]
        return [BotTradeAnswer.model_validate(one) for one in found[:limit]]

    return await hub.store.read(work)


@router.get("/api/positions", responses=_NO_BOT, response_description="What is open")
async def get_positions(me: Me, hub: TheHub, bot_id: IdFilter = None) -> Sequence[BotPositionAnswer]:
    """Of one bot, or of all that you may see."""

    def work(tables: Tables) -> Sequence[BotPositionAnswer]:
        rows = _seen(tables, me) if bot_id is None else [_choose(_seen(tables, me), me, bot_id)]
        return [_valued(hub, tables, row, one) for row in rows for one in _positions(tables, row)]

    return await hub.store.read(work)


@router.get("/api/market-data", responses=_NO_BOT, response_description="Closed candles, oldest first")
async def get_market_data(
    me: Me,
    hub: TheHub,
    symbol: TextFilter = None,
    timeframe: Annotated[str | None, Query(max_length=4)] = None,
    limit: Most = 200,
    bot_id: OfBot = None,
) -> MarketDataAnswer:
    """As the bot has seen them, with RSI (14, or the bot's own period) and MACD (12, 26, 9)."""
    bot, run, _ = await hub.store.read(lambda tables: _choose(_seen(tables, me), me, bot_id))
    symbol = symbol or run.symbols[0]
    if symbol not in run.symbols:
        raise _refused("symbol", f"the bot looks at {', '.join(run.symbols)}")
    if timeframe not in {None, run.timeframe}:
        raise _refused("timeframe", f"the bot looks at candles of {run.timeframe}")
    account = await hub.store.read(lambda tables: _account(tables, bot))
    market = "" if account is None else hub.market_name(bot, account)
    series = Series(market=market, symbol=symbol, timeframe=run.timeframe)
    candles = await hub.store.read(lambda tables: tables.strategies.candles(series, limit + _SETTLING))
    period = run.settings.get("rsi_period")
    shown = _with_indicators(candles, period if isinstance(period, int) else 14)
    return MarketDataAnswer(
        bot_id=bot.id, market=market, symbol=symbol, timeframe=run.timeframe, candles=shown[-limit:]
    )


@router.get("/api/analysis", responses=_NO_BOT, response_description="Decisions, newest first")
async def get_analysis(
    me: Me,
    hub: TheHub,
    bot_id: OfBot = None,
    symbol: TextFilter = None,
    limit: Annotated[int | None, Query(ge=1, le=500)] = None,
) -> Sequence[AnalysisAnswer]:
    """The latest of each symbol; with `limit`, so many of the newest."""

    def work(tables: Tables) -> Sequence[AnalysisAnswer]:
        seen = _seen(tables, me)
        if not seen and bot_id is None:
            return []
        bot, run, _ = _choose(seen, me, bot_id)
        if limit is not None:
            found = tables.strategies.analyses(bot.id, symbol, limit)
        else:
            chosen = run.symbols if symbol is None else (symbol,)
            found = [one for name in chosen for one in tables.strategies.analyses(bot.id, name, 1)]
        return [AnalysisAnswer.model_validate(one) for one in found]

    return await hub.store.read(work)


@router.post("/api/v1/bots/{bot_id}/run", response_description="How it stands now")
async def run_bot(bot_id: str, wanted: RunBot, me: Me, hub: TheHub) -> RanAnswer:
    """Start, pause or stop a strategy bot. Paused is on paper: nothing leaves."""
    bot, _, _ = await hub.store.read(lambda tables: own_strategy_bot(tables, bot_id, me))
    status = await hub.strategies.command(bot.id, BotCommand(wanted.command))
    now = hub.clock.now()
    await hub.store.write(
        lambda tables: tables.audit.add(
            actor=me.id, action=f"bot.{wanted.command}", subject=bot.id, details={"status": status.value}, at=now
        )
    )
    return RanAnswer(status=status.value)


@router.get("/api/v1/bots/{bot_id}/ruin-card", response_description="What its ladder costs")
async def get_ruin_card(bot_id: str, me: Me, hub: TheHub) -> RuinCardAnswer:
    """Of a bot that plays a Martingale ladder, against the balance of its own book."""
    bot, run, _ = await hub.store.read(lambda tables: own_strategy_bot(tables, bot_id, me))
    strategy = hub.make_strategy(run.strategy, run.settings)
    if not isinstance(strategy, StreakStrategy):
        raise NotFound("this strategy has no ladder")
    balance = await hub.strategies.balance(bot.id)
    card = ruin_card(strategy.terms, balance=balance, payout=PAYOUT)
    levels = [
        LadderLevelAnswer.model_validate({name: getattr(one, name) for name in LadderLevelAnswer.model_fields})
        for one in card.levels
    ]
    rest = {name: getattr(card, name) for name in RuinCardAnswer.model_fields if name != "levels"}
    return RuinCardAnswer(levels=levels, **rest)


def _strategy(hub: Hub, name: str) -> StrategyAnswer:
    """A file is a program: it is not run for a list."""
    if name.endswith(".py"):
        return StrategyAnswer(name=name, trades=None, settings=None)
    strategy = hub.make_strategy(name, {})
    trades = "contracts" if isinstance(strategy, ContractStrategy) else "positions"
    return StrategyAnswer(name=name, trades=trades, settings=dict(strategy.settings))


def _seen(tables: Tables, me: User) -> Sequence[_Row]:
    """One's own, and everybody's active ones; the oldest first."""
    return [row for row in tables.strategies.runs() if _owns(me, row[0]) or row[0].status is BotStatus.ACTIVE]


def _choose(seen: Sequence[_Row], me: User, bot_id: str | None) -> _Row:
    if bot_id is not None:
        found = next((row for row in seen if row[0].id == bot_id), None)
    else:
        own = (row for row in seen if row[0].owner_id == me.id)
        found = next(own, seen[0] if seen else None)
    if found is None:
        raise NotFound("no such strategy bot")
    return found


def own_strategy_bot(tables: Tables, bot_id: str, me: User) -> _Row:
    """Raise NotFound for one that is somebody else's."""
    found = tables.strategies.run(BotId(bot_id))
    if found is None or not _owns(me, found[0]):
        raise NotFound("no such strategy bot")
    return found


def _owns(me: User, bot: Bot) -> bool:
    return me.role is Role.ADMIN or bot.owner_id == me.id


def _account(tables: Tables, bot: Bot) -> Account | None:
    return None if bot.exchange_account_id is None else tables.followers.account(bot.exchange_account_id)


def _status(tables: Tables, row: _Row) -> StatusAnswer:
    bot, run, standing = row
    account = _account(tables, bot)
    found = figures.figures_of(figures.trades_of(tables, bot), standing.starting_balance)
    return StatusAnswer(
        bot_id=bot.id,
        name=bot.name,
        strategy=run.strategy,
        symbols=list(run.symbols),
        timeframe=run.timeframe,
        settings=dict(run.settings),
        status=standing.status,
        message=standing.message,
        since=standing.since,
        book=None if account is None else account.venue,
        balance=standing.balance,
        peak=standing.peak,
        drawdown_pct=telling.drawdown_pct(standing),
        total_trades=found.total_trades,
        wins=found.wins,
        losses=found.losses,
        win_rate=found.win_rate,
        roi=found.roi,
        profit=found.profit,
        positions=[
            PositionUpdateAnswer.model_validate(one.model_dump(include=set(PositionUpdateAnswer.model_fields)))
            for one in _positions(tables, row)
        ],
    )


def _positions(tables: Tables, row: _Row) -> list[BotPositionAnswer]:
    bot, run, _ = row
    found = []
    for symbol in run.symbols:
        contract = tables.strategies.open_contract(bot.id, symbol)
        if contract is not None:
            shown = telling.running(contract, _numbers(tables, contract))
            found.append(_position(bot, symbol, shown, contract.entry_price, contract.stake))
            continue
        held = read_book(tables, bot, symbol)
        if held is not None and held.position is not None:
            position = held.position
            found.append(_position(bot, symbol, telling.holding(position), position.entry_price, position.quantity))
    return found


def _valued(hub: Hub, tables: Tables, row: _Row, one: BotPositionAnswer) -> BotPositionAnswer:
    """With its result so far."""
    bot, run, _ = row
    account = _account(tables, bot)
    market = "" if account is None else hub.market_name(bot, account)
    newest = tables.strategies.candles(Series(market=market, symbol=one.symbol, timeframe=run.timeframe), 1)
    last = newest[0].close if newest else None
    result = None
    if one.direction in {Right.CALL, Right.PUT}:
        result = -Decimal(str(one.total_loss))
    elif last is not None and one.entry_price is not None and one.quantity is not None:
        gained = last - one.entry_price if one.direction == "BUY" else one.entry_price - last
        result = gained * one.quantity
    return one.model_copy(update={"last_price": last, "open_result": result})


def _position(
    bot: Bot, symbol: str, shown: Mapping[str, Any], entry_price: Decimal | None, quantity: Decimal
) -> BotPositionAnswer:
    return BotPositionAnswer(
        bot_id=bot.id,
        symbol=symbol,
        entry_price=entry_price,
        quantity=quantity,
        last_price=None,
        open_result=None,
        **shown,
    )


def _numbers(tables: Tables, contract: Contract) -> Mapping[str, Any]:
    """Of the newest decision on its symbol: what the ladder has cost so far, and the next stake."""
    newest = tables.strategies.analyses(contract.bot_id, contract.symbol, 1)
    return newest[0].numbers if newest else {}


def _with_indicators(candles: Sequence[Candle], period: int) -> list[CandleAnswer]:
    rsi, macd = Rsi(period=period), Macd()
    shown = []
    for candle in candles:
        close = float(candle.close)
        rsi, macd = rsi.after(close), macd.after(close)
        prices = {name: getattr(candle, name) for name in ("open", "high", "low", "close", "volume")}
        shown.append(
            CandleAnswer.model_validate(
                {
                    "timestamp": candle.opened_at,
                    "color": candle.colour.value,
                    "rsi": rsi.value,
                    "macd": macd.line,
                    "macd_signal": macd.signal,
                    "macd_histogram": macd.histogram,
                    **prices,
                }
            )
        )
    return shown


def _refused(field: str, problem: str) -> InvalidInput:
    return InvalidInput(f"{field}: {problem}", (FieldError(field, problem),))
