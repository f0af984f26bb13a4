"""What a venue trades and in which steps; how the many spellings of a symbol become one."""

import re
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from functools import lru_cache

from msgspec import Struct

_EXCHANGE_PREFIX = re.compile(r"^[A-Z0-9_]+:")
_SETTLE_SUFFIX = re.compile(r":[A-Z0-9]+$")
_SETTLED = re.compile(r"^[A-Z0-9]+(USDT|USDC|USD|BTC):\1$")
_PERPETUAL_SUFFIX = re.compile(r"(\.P|[-_.]?PERP|[-_]SWAP)$")
_BARE_PERPETUAL = re.compile(r"[-_.]PERP$")
_QUOTED = re.compile(r"(USDT|USDC|USD|BUSD|FDUSD|TUSD)$")
_VOLATILITY = re.compile(r"^R_[0-9]{2,3}$")
"""Deriv's own names for its indices: the line belongs to them."""

_TEXT_MAX = 60
_SYMBOL = re.compile(r"^[A-Z0-9]{2,30}$")


class Instrument(Struct, frozen=True, kw_only=True):
    """One tradable symbol of a venue: steps and limits, in units of base (quantity) and quote (price, notional)."""

    symbol: str
    base: str
    quote: str
    price_tick: Decimal
    quantity_step: Decimal
    quantity_min: Decimal
    quantity_max: Decimal
    notional_min: Decimal


def round_down(value: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of `step` that is not above `value` (both ≥ 0)."""
    return (value / step).to_integral_value(rounding=ROUND_DOWN) * step


def round_to_tick(price: Decimal, tick: Decimal) -> Decimal:
    """The multiple of `tick` nearest to `price`."""
    # Told which way: ccxt changes the habit of the whole program.
    return (price / tick).to_integral_value(rounding=ROUND_HALF_EVEN) * tick


def canonical_symbol(text: str) -> str | None:
    """BINANCE:BTCUSDT.P, BTCUSDTPERP, BTC/USDT:USDT, btc-usdt → BTCUSDT; None where it cannot be a symbol.

    A coin's perpetual that names no quote (ETH-PERP) is the one in USDT. BTCUSD.P names one: it stays BTCUSD.
    """
    symbol = text.strip().upper()
    return _canonical(symbol) if len(symbol) <= _TEXT_MAX else None


@lru_cache(maxsize=4096)
def _canonical(symbol: str) -> str | None:
    if "/" in symbol or _SETTLED.match(symbol):
        symbol = _SETTLE_SUFFIX.sub("", symbol)
    spelt = _EXCHANGE_PREFIX.sub("", symbol)
    if _VOLATILITY.match(spelt):
        return spelt
    symbol = re.sub(r"[/\-_]", "", _PERPETUAL_SUFFIX.sub("", spelt))
    if symbol and _BARE_PERPETUAL.search(spelt) and _QUOTED.search(symbol) is None:
        symbol += "USDT"
    return symbol if _SYMBOL.match(symbol) else None


def plain(value: Decimal) -> str:
    """A decimal as people write it: no exponent, no trailing zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
