"""Trade requests as this symbol takes them: filling by its mask, stops at its distance, our mark on each. Pure."""

from collections.abc import Sequence
from decimal import Decimal

from copydesk.domain.instrument import round_to_tick
from copydesk.terminal.codec import TEXT_MAX, OrderRequest, Position, Symbol, Tick
from copydesk.terminal.copier.commands import Command, Wishes

DEAL, PENDING, SLTP, MODIFY, REMOVE = 1, 5, 6, 7, 8
BUY, SELL = 0, 1
FOK, IOC, RETURN = 0, 1, 2
FOK_FLAG, IOC_FLAG = 1, 2
REQUEST_EXECUTION, INSTANT_EXECUTION, MARKET_EXECUTION, EXCHANGE_EXECUTION = range(4)
DEFAULT_DEVIATION = 20
NONE = Decimal(0)

MARK = 0xC0D
"""The first 12 bits of each `magic` of ours: positions without it are the follower's own and are never touched."""

_NONCE_BITS, _NUMBER_BITS = 16, 32


def magic_of(nonce: int, number: int) -> int:
    """An order's own number, below 2**63: `nonce` is the journal's, `number` the intent's. Brokers do not change it."""
    if not 0 <= nonce < 1 << _NONCE_BITS or not 0 < number < 1 << _NUMBER_BITS:
        raise ValueError(f"no magic for nonce {nonce}, number {number}")
    return (MARK << _NONCE_BITS | nonce) << _NUMBER_BITS | number


def number_of(magic: int) -> int:
    """The intent's, of a magic of ours."""
    return magic & ((1 << _NUMBER_BITS) - 1)


def is_ours(magic: int) -> bool:
    return magic >> (_NONCE_BITS + _NUMBER_BITS) == MARK


def comment_of(master_ticket: int) -> str:
    """For people, and for finding a copy after the journal was lost: 29 characters at most, whatever the number."""
    return f"copydesk {master_ticket}"


def fillings(symbol: Symbol) -> Sequence[int]:
    """The filling to use and, where it is refused with 10030, the one alternative. The mask is not the enum (§2.3)."""
    if symbol.trade_exemode in {REQUEST_EXECUTION, INSTANT_EXECUTION}:
        return (FOK, IOC)
    allowed = [mode for flag, mode in ((FOK_FLAG, FOK), (IOC_FLAG, IOC)) if symbol.filling_mode & flag]
    if symbol.trade_exemode == EXCHANGE_EXECUTION:
        allowed.append(RETURN)
    return tuple(allowed[:2]) or (IOC, FOK)


def opening(
    command: Command, wishes: Wishes, symbol: Symbol, tick: Tick, lots: Decimal, *, is_buy: bool, magic: int
) -> OrderRequest:
    """At the market. Levels go with it, where `placeable` puts them."""
    price = tick.ask if is_buy else tick.bid
    sl, tp = placeable(levels(command, wishes, price, is_buy=is_buy), symbol, tick, is_buy=is_buy)
    return OrderRequest(
        action=DEAL,
        symbol=symbol.name,
        type=BUY if is_buy else SELL,
        volume=lots,
        price=price,
        sl=sl,
        tp=tp,
        deviation=DEFAULT_DEVIATION if wishes.max_slippage_points is None else wishes.max_slippage_points,
        type_filling=fillings(symbol)[0],
        magic=magic,
        comment=comment_of(command.master_ticket),
    )


def closing(position: Position, symbol: Symbol, tick: Tick, lots: Decimal, *, magic: int) -> OrderRequest:
    """By the position's ticket: without it, a hedging account would open the opposite."""
    return OrderRequest(
        action=DEAL,
        symbol=position.symbol,
        type=SELL if position.is_buy else BUY,
        volume=lots,
        price=tick.bid if position.is_buy else tick.ask,
        deviation=DEFAULT_DEVIATION,
        type_filling=fillings(symbol)[0],
        magic=magic,
        position=position.ticket,
        comment=position.comment[:TEXT_MAX],
    )


def new_levels(
    command: Command, wishes: Wishes, position: Position, symbol: Symbol, tick: Tick, *, magic: int
) -> OrderRequest:
    """A level that is left out of the request is removed, so both are always told."""
    wanted = levels(command, wishes, position.price, is_buy=position.is_buy)
    sl, tp = placeable(wanted, symbol, tick, is_buy=position.is_buy)
    return OrderRequest(action=SLTP, symbol=position.symbol, position=position.ticket, sl=sl, tp=tp, magic=magic)


def levels(command: Command, wishes: Wishes, price: Decimal, *, is_buy: bool) -> tuple[Decimal, Decimal]:
    """Stop and target; of a reversed copy (the other way round than the ticket) the master's target is the stop. Without a master, so many percent from the price."""
    if command.sl is None and command.tp is None:
        side = 1 if is_buy else -1
        sl, tp = (price * side * one / 100 for one in (-wishes.stop_loss_pct, wishes.take_profit_pct))
        return (price + sl if sl else NONE), (price + tp if tp else NONE)
    told = (command.sl or NONE, command.tp or NONE)
    return told if is_buy == (command.side == "BUY") else (told[1], told[0])


def placeable(wanted: tuple[Decimal, Decimal], symbol: Symbol, tick: Tick, *, is_buy: bool) -> tuple[Decimal, Decimal]:
    """In ticks of the symbol, at least its stops level away from the price that would trigger them; nearer ones are moved there."""
    sl, tp = wanted
    distance = symbol.trade_stops_level * symbol.point
    step = symbol.trade_tick_size or symbol.point
    price, side = (tick.bid, 1) if is_buy else (tick.ask, -1)
    near_sl, near_tp = price - side * distance, price + side * distance
    if sl:
        sl = min(sl, near_sl) if is_buy else max(sl, near_sl)
    if tp:
        tp = max(tp, near_tp) if is_buy else min(tp, near_tp)
    return round_to_tick(sl, step), round_to_tick(tp, step)
