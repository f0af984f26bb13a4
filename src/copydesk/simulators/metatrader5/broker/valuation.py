"""What an account is worth now, and how much of it is bound as margin; in its own currency."""

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from copydesk.simulators.metatrader5.broker.account import Account
from copydesk.simulators.metatrader5.broker.quotes import Quotes
from copydesk.simulators.metatrader5.broker.records import Position

_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """``level_pct`` is 0 when nothing is bound, as the terminal shows it."""

    balance: Decimal
    profit: Decimal
    margin: Decimal

    @property
    def equity(self) -> Decimal:
        return self.balance + self.profit

    @property
    def free(self) -> Decimal:
        return self.equity - self.margin

    @property
    def level_pct(self) -> Decimal:
        return self.equity / self.margin * 100 if self.margin else _NOTHING


def value_of(account: Account, quotes: Quotes) -> Value:
    """Floating profit holds swaps."""
    positions = account.positions.values()
    profit = sum((floating(account, each, quotes) + each.swap for each in positions), _NOTHING)
    return Value(balance=account.balance, profit=profit, margin=margin_of(account, quotes))


def floating(account: Account, position: Position, quotes: Quotes) -> Decimal:
    return quotes.profit(
        quotes.instruments[position.symbol],
        buy=position.is_buy,
        volume=position.volume,
        opened=position.price_open,
        closed=quotes.price(position.symbol, buy=not position.is_buy),
        currency=account.currency,
    )


def margin_of(
    account: Account, quotes: Quotes, *, extra: Position | None = None, without: Position | None = None
) -> Decimal:
    """A hedged pair binds only its larger leg; ``extra`` and ``without``: as if this were held too, or no longer."""
    legs: dict[str, dict[bool, Decimal]] = defaultdict(lambda: {True: _NOTHING, False: _NOTHING})
    held = [each for each in account.positions.values() if each is not without]
    for each in held if extra is None else [*held, extra]:
        instrument = quotes.instruments[each.symbol]
        margin = quotes.margin(instrument, each.volume, each.price_open, account.leverage, account.currency)
        legs[each.symbol][each.is_buy] += margin
    return sum((max(sides.values()) for sides in legs.values()), _NOTHING)
