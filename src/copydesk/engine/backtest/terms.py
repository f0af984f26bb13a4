"""What a backtest assumes of the account and of the market's costs, and what it tells of each trade."""

from decimal import Decimal
from enum import StrEnum
from typing import NoReturn

from msgspec import Struct

from copydesk.domain.errors import FieldError, InvalidInput

_PLACES = 4
_SIDE_PCT_MAX = 10
_PAYOUT_MAX = 100


class Terms(Struct, frozen=True, kw_only=True):
    """Percentages with at most four decimal places.

    `fee_pct` and `slippage_pct` are for each side of a trade; `funding_pct` is paid by longs to shorts every eight hours
    (00, 08, 16 UTC), on the entry's value. `size_usd` None puts the whole balance into each position. `payout` is what a
    won contract returns for 1 staked, the stake included.
    """

    balance: Decimal = Decimal(10_000)
    size_usd: Decimal | None = None
    fee_pct: Decimal = Decimal("0.05")
    slippage_pct: Decimal = Decimal(0)
    funding_pct: Decimal = Decimal(0)
    payout: Decimal = Decimal("1.95")


class Exit(StrEnum):
    """Why a trade ended; END: the candles did."""

    SIGNAL = "signal"
    STOP_LOSS = "stop loss"
    TAKE_PROFIT = "take profit"
    END = "end of data"
    WON = "won"
    LOST = "lost"


class ClosedTrade(Struct, frozen=True, kw_only=True):
    """One position or one contract, from its opening to its end; money in the account's currency.

    `net` is gross − fees − funding; `balance` is the account's afterwards. A contract's quantity is its stake, `ladder` and
    `level` are the strategy's own numbers of it.
    """

    side: str
    opened_index: int
    closed_index: int
    opened_ms: int
    closed_ms: int
    entry_price: Decimal
    exit_price: Decimal
    quantity: Decimal
    gross: Decimal
    fees: Decimal
    funding: Decimal
    net: Decimal
    balance: Decimal
    reason: str
    exit: Exit
    level: int = 1
    contract: str | None = None


def demand_sensible(terms: Terms) -> None:
    """Raises InvalidInput, naming the field."""
    if not (terms.balance.is_finite() and terms.balance > 0):
        _refuse("balance", f"{terms.balance} is not above 0")
    if terms.size_usd is not None and not 0 < terms.size_usd <= terms.balance:
        _refuse("size", f"{terms.size_usd} is not above 0 and at most the balance, {terms.balance}")
    for name, value, least in (
        ("fee", terms.fee_pct, Decimal(0)),
        ("slippage", terms.slippage_pct, Decimal(0)),
        ("funding", terms.funding_pct, Decimal(-_SIDE_PCT_MAX)),
    ):
        if not (value.is_finite() and least <= value <= _SIDE_PCT_MAX):
            _refuse(name, f"{value} is not from {least} to {_SIDE_PCT_MAX} per cent")
        if value != round(value, _PLACES):
            _refuse(name, f"{value} has more than {_PLACES} decimal places")
    if not (terms.payout.is_finite() and 1 < terms.payout <= _PAYOUT_MAX):
        _refuse("payout", f"{terms.payout} is not above 1 and at most {_PAYOUT_MAX}")


def _refuse(name: str, problem: str) -> NoReturn:
    raise InvalidInput(f"{name}: {problem}", (FieldError(name, problem),))
