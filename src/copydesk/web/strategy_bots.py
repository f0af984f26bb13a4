"""What a bot of source `strategy` is made of beside what every bot has: its run, its own book, how it stands."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from copydesk.client.models import NewBot
from copydesk.domain.bot import Bot, MarketType
from copydesk.domain.errors import FieldError, InvalidInput
from copydesk.domain.ids import AccountId, new_id
from copydesk.domain.strategy_bot import Run, Standing
from copydesk.domain.subscription import Account, KeyCheck, by_defaults
from copydesk.domain.user import User
from copydesk.domain.venue import PAPER
from copydesk.ports.live import RunStatus
from copydesk.ports.market import TIMEFRAMES
from copydesk.ports.strategy import ContractStrategy, Strategy
from copydesk.stores.store import Tables
from copydesk.web.hub import Hub

FIELDS = ("strategy", "symbols", "timeframe", "settings", "exchange_account_id")

_SYMBOLS = {
    MarketType.FUTURES: ("BTCUSDT", "ETHUSDT", "SOLUSDT", "POLUSDT"),
    MarketType.SPOT: ("BTCUSDT", "ETHUSDT", "SOLUSDT", "POLUSDT"),
    MarketType.OPTIONS: ("R_100",),
}


class StrategyBot(Struct, frozen=True, kw_only=True):
    """Everything that is stored of a new one; `account` where one on paper is made for it."""

    bot: Bot
    run: Run
    standing: Standing
    strategy: Strategy
    account: Account | None


def refuse_strays(wanted: NewBot) -> None:
    """Raise InvalidInput where a bot that others feed is told what to run."""
    strays = tuple(
        FieldError(one, "only a bot of source strategy has it") for one in FIELDS if one in wanted.model_fields_set
    )
    if strays:
        raise InvalidInput("; ".join(f"{one.field}: {one.problem}" for one in strays), strays)


def new_strategy_bot(hub: Hub, wanted: NewBot, bot: Bot) -> StrategyBot:
    """Raise InvalidInput, naming the field, for what cannot be run."""
    if wanted.strategy is None:
        raise _refused(
            "strategy", "a bot of source strategy needs one: rsi, streak, or a file in this desk's folder of them"
        )
    strategy = hub.make_strategy(wanted.strategy, dict(wanted.settings or {}))
    contracts = isinstance(strategy, ContractStrategy)
    told = wanted.model_fields_set
    if contracts and "market_type" not in told:
        bot = replace(bot, market_type=MarketType.OPTIONS)
    _refuse_market(bot, contracts)
    symbols, strategy = _symbols(hub, wanted, bot, strategy)
    settings = strategy.settings
    timeframe = wanted.timeframe or "1m"
    if "candle_s" in settings and settings["candle_s"] != TIMEFRAMES[timeframe]:
        raise _refused(
            "timeframe", f"the strategy counts candles of {settings['candle_s']} s, {timeframe} is another length"
        )
    named = wanted.exchange_account_id
    account = _paper_account(hub, bot) if named is None else None
    account_id = AccountId(named) if named is not None else account and account.id
    bot = replace(bot, exchange_account_id=account_id, **_stops(settings, told))
    now = bot.created_at
    return StrategyBot(
        bot=bot,
        run=Run(
            bot_id=bot.id,
            strategy=wanted.strategy,
            symbols=symbols,
            timeframe=timeframe,
            settings=dict(settings),
            updated_at=now,
        ),
        standing=Standing(
            bot_id=bot.id,
            status=RunStatus.STOPPED.value,
            message="not started yet",
            since=now,
            updated_at=now,
        ),
        strategy=strategy,
        account=account,
    )


def store_strategy_bot(tables: Tables, made: StrategyBot, me: User) -> None:
    """Beside the bot itself: its account follows it, where the account's venue can hold what it opens."""
    bot, account = made.bot, made.account
    if account is not None:
        tables.accounts.add(account, {})
    elif bot.exchange_account_id is not None:
        account = tables.accounts.get(bot.exchange_account_id, me.id)
    if account is None:
        raise _refused("exchange_account_id", "no such account of yours")
    tables.strategies.put_run(made.run)
    tables.strategies.put_standing(made.standing)
    if not (isinstance(made.strategy, ContractStrategy) and account.venue == PAPER):
        tables.subscriptions.add(by_defaults(account.owner_id, bot.id, account.id, bot.created_at))


def _paper_account(hub: Hub, bot: Bot) -> Account:
    at: datetime = bot.created_at
    return Account(
        id=AccountId(new_id(at)),
        owner_id=bot.owner_id,
        name=f"{bot.name[:100]}: own book",
        venue=PAPER,
        environment=hub.environments[0],
        is_active=True,
        key_hint="",
        key_check=KeyCheck.ACCEPTED,
        key_problem=None,
        created_at=at,
        updated_at=at,
    )


def _symbols(hub: Hub, wanted: NewBot, bot: Bot, strategy: Strategy) -> tuple[tuple[str, ...], Strategy]:
    """As its venue calls them. A strategy that has a symbol among its settings looks at that one."""
    chosen = wanted.symbols
    if "symbol" not in strategy.settings:
        return (tuple(dict.fromkeys(chosen)) if chosen else _SYMBOLS[bot.market_type]), strategy
    if chosen is not None and len(chosen) > 1:
        raise _refused("symbols", "this strategy looks at one symbol: make a bot for each")
    if chosen is not None:
        given = {**(wanted.settings or {}), "symbol": chosen[0]}
        strategy = hub.make_strategy(wanted.strategy or "", given)
    return (str(strategy.settings["symbol"]),), strategy


def _refuse_market(bot: Bot, contracts: bool) -> None:
    fits = (
        bot.market_type is MarketType.OPTIONS if contracts else bot.market_type in {MarketType.FUTURES, MarketType.SPOT}
    )
    if not fits:
        right = "options" if contracts else "futures or spot"
        raise _refused("market_type", f"this strategy trades {right}")


def _stops(settings: Mapping[str, Any], told: set[str]) -> dict[str, Any]:
    """The strategy's stops are the bot's defaults, so that followers see them; each signal brings its own again."""
    pairs = {"default_stop_loss_pct": "stop_loss_pct", "default_take_profit_pct": "take_profit_pct"}
    return {
        ours: Decimal(str(settings[theirs]))
        for ours, theirs in pairs.items()
        if ours not in told and settings.get(theirs) is not None
    }


def _refused(field: str, problem: str) -> InvalidInput:
    return InvalidInput(f"{field}: {problem}", (FieldError(field, problem),))
