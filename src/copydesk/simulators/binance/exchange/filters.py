"""Filters of an instrument (fact sheet §2.1): precision, quantity, price, band around mark, smallest notional."""

from decimal import Decimal

from copydesk.simulators.binance.exchange.errors import refused
from copydesk.simulators.binance.exchange.instruments import BAND_DOWN, BAND_UP, Instrument


def check_quantity(instrument: Instrument, quantity: Decimal, *, market: bool) -> None:
    if quantity <= 0:
        raise refused(-4003)
    if _decimals(quantity) > instrument.quantity_precision:
        raise refused(-1111)
    if quantity < instrument.quantity_min:
        raise refused(-4004)
    if quantity > (instrument.market_quantity_max if market else instrument.quantity_max):
        raise refused(-4005)
    if quantity % instrument.step:
        raise refused(-4023)


def check_price(instrument: Instrument, price: Decimal) -> None:
    if price <= 0:
        raise refused(-4001)
    if _decimals(price) > instrument.price_precision:
        raise refused(-1111)
    if price < instrument.tick:
        raise refused(-4013)
    if price > instrument.price_max:
        raise refused(-4002)
    if price % instrument.tick:
        raise refused(-4014)


def check_band(side: str, price: Decimal, mark: Decimal) -> None:
    """A limit may not pay more, or ask less, than five percent from mark."""
    if side == "BUY" and price > mark * BAND_UP:
        raise refused(-4016, _short(mark * BAND_UP))
    if side == "SELL" and price < mark * BAND_DOWN:
        raise refused(-4024, _short(mark * BAND_DOWN))


def check_best(side: str, best: Decimal, mark: Decimal) -> None:
    """A market order is not taken while the other side of the book stands beyond the band."""
    if best > mark * BAND_UP if side == "BUY" else best < mark * BAND_DOWN:
        raise refused(-4131)


def check_notional(instrument: Instrument, notional: Decimal) -> None:
    if notional < instrument.notional_min:
        raise refused(-4164, instrument.notional_min)


def _decimals(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return -exponent if isinstance(exponent, int) and exponent < 0 else 0


def _short(value: Decimal) -> str:
    return f"{value:.8f}".rstrip("0").rstrip(".")
