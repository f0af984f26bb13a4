"""What stands between a command and an order: age, spread, slippage, counts, exposure, margin. Pure; the first no counts."""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal

from msgspec import Struct

from copydesk.domain.instrument import plain
from copydesk.terminal.codec import Account, Look, Order, Position, Symbol, Terminal, Tick
from copydesk.terminal.copier.commands import Command, Skipped, Wishes

TRADE_DISABLED, TRADE_LONG_ONLY, TRADE_SHORT_ONLY, TRADE_CLOSE_ONLY = 0, 1, 2, 3


_OF_THE_MARKET = frozenset({"spread", "slippage"})


class Situation(Struct, frozen=True, kw_only=True):
    """Everything that an opening is judged by. `positions` and `orders` are those that this copier made."""

    now: datetime
    account: Account
    terminal: Terminal
    symbol: Symbol
    tick: Tick
    positions: Sequence[Position]
    orders: Sequence[Order]


def check_opening(
    command: Command, wishes: Wishes, situation: Situation, lots: Decimal, *, is_buy: bool, margin: Decimal | None
) -> Skipped | None:
    """`margin` is what the broker would ask for these lots, None where it is not known. An order that waits has a price of its own,
    and whatever spread there is when it comes.
    """
    checks: dict[str, Callable[[], str | None]] = {
        "age": lambda: _age(command, situation),
        "trading": lambda: _trading_allowed(situation, is_buy=is_buy),
        "spread": lambda: _spread(wishes, situation),
        "slippage": lambda: _slippage(command, wishes, situation, is_buy=is_buy),
        "orders_per_symbol": lambda: _orders_on_symbol(wishes, situation),
        "exposure_trades": lambda: _trades(wishes, situation),
        "exposure_lots": lambda: _lots(wishes, situation, lots),
        "margin": lambda: _margin(wishes, situation, margin),
    }
    left_out = _OF_THE_MARKET if command.waits else frozenset[str]()
    for rule, check in checks.items():
        if rule not in left_out and (reason := check()) is not None:
            return Skipped(rule=rule, reason=reason)
    return None


def _age(command: Command, situation: Situation) -> str | None:
    late = (situation.now - command.expires_at).total_seconds()
    return f"the command expired {late:.1f} s ago" if late > 0 else None


def may_trade(look: Look) -> str | None:
    """Why nothing can be sent at all now; for that, everything waits."""
    terminal, account = look.terminal, look.account
    if not terminal.trade_allowed:
        return "AutoTrading is off in the terminal"
    if terminal.tradeapi_disabled:
        return "the terminal does not let Python trade (Tools → Options → Expert Advisors)"
    if not (account.trade_allowed and account.trade_expert):
        return f"the broker does not let programs trade on {account.login}"
    return None


def _trading_allowed(situation: Situation, *, is_buy: bool) -> str | None:
    look = Look(account=situation.account, terminal=situation.terminal, positions=(), orders=())
    if (reason := may_trade(look)) is not None:
        return reason
    mode = situation.symbol.trade_mode
    if mode in {TRADE_DISABLED, TRADE_CLOSE_ONLY, TRADE_SHORT_ONLY if is_buy else TRADE_LONG_ONLY}:
        return f"{situation.symbol.name} cannot be {'bought' if is_buy else 'sold'} now (trade mode {mode})"
    return None


def _spread(wishes: Wishes, situation: Situation) -> str | None:
    tick, point = situation.tick, situation.symbol.point
    if not (tick.bid > 0 and tick.ask > 0 and point > 0):
        return f"there is no price of {situation.symbol.name}"
    spread = (tick.ask - tick.bid) / point
    if wishes.max_spread_points is not None and spread > wishes.max_spread_points:
        return (
            f"the spread is {plain(spread.quantize(Decimal(1)))} points, at most {wishes.max_spread_points} is allowed"
        )
    return None


def _slippage(command: Command, wishes: Wishes, situation: Situation, *, is_buy: bool) -> str | None:
    """Market execution ignores `deviation`, so the price is compared before sending. Only what is worse counts."""
    if wishes.max_slippage_points is None or not command.price:
        return None
    price = situation.tick.ask if is_buy else situation.tick.bid
    worse = (price - command.price if is_buy else command.price - price) / situation.symbol.point
    if worse > wishes.max_slippage_points:
        told = f"{plain(price)} is {plain(worse.quantize(Decimal(1)))} points worse than the master's {plain(command.price)}"
        return f"{told}, at most {wishes.max_slippage_points} are allowed"
    return None


def _orders_on_symbol(wishes: Wishes, situation: Situation) -> str | None:
    """Positions and waiting orders together."""
    name = situation.symbol.name
    count = sum(one.symbol == name for one in situation.positions) + sum(one.symbol == name for one in situation.orders)
    if wishes.max_orders_per_symbol is not None and count >= wishes.max_orders_per_symbol:
        return f"{count} positions and orders on {name} already, at most {wishes.max_orders_per_symbol} are allowed"
    return None


def _trades(wishes: Wishes, situation: Situation) -> str | None:
    count = len(situation.positions) + len(situation.orders)
    if wishes.max_exposure_trades is not None and count >= wishes.max_exposure_trades:
        return f"{count} trades already, at most {wishes.max_exposure_trades} are allowed"
    return None


def _lots(wishes: Wishes, situation: Situation, lots: Decimal) -> str | None:
    held = sum((one.volume for one in situation.positions), Decimal(0))
    held += sum((one.volume_current for one in situation.orders), Decimal(0))
    if wishes.max_exposure_lots is not None and held + lots > wishes.max_exposure_lots:
        return f"{plain(held)} lots and {plain(lots)} more, at most {plain(wishes.max_exposure_lots)} are allowed"
    return None


def _margin(wishes: Wishes, situation: Situation, margin: Decimal | None) -> str | None:
    """Where it is not known what the broker will ask, it is the broker that says no."""
    if margin is None:
        return None
    left = situation.account.margin_free - margin
    if left < wishes.margin_free_min:
        return (
            f"it needs {plain(margin)} of {plain(situation.account.margin_free)} {situation.account.currency} free margin, "
            f"and at least {plain(wishes.margin_free_min)} must stay free"
        )
    return None
