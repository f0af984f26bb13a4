"""Filters of a pair (the venue's public filters.md). Each failure is -1013 and names the filter, as the venue does."""

from decimal import Decimal

from copydesk.simulators.binance.exchange.errors import RefusedError
from copydesk.simulators.binance.spot.records import OrderRequest
from copydesk.simulators.binance.spot.refusals import invalid, refused
from copydesk.simulators.binance.spot.symbols import (
    BAND_DOWN,
    BAND_UP,
    PRECISION,
    TRAILING_MAX,
    TRAILING_MIN,
    Pair,
)


def check(pair: Pair, request: OrderRequest, last: Decimal) -> None:
    """Raises RefusedError at the first filter the request fails."""
    _check_precision(request)
    if request.is_limit:
        _check_price(pair, request.price, "price")
        _check_band(request.price, last)
    if request.stop_price:
        _check_price(pair, request.stop_price, "stopPrice")
    if request.trailing_delta and not TRAILING_MIN <= request.trailing_delta <= TRAILING_MAX:
        raise _failure("TRAILING_DELTA")
    if not request.quote_quantity:
        check_quantity(pair, request.quantity, market=not request.is_limit)
    _check_notional(pair, request, last)


def check_quantity(pair: Pair, quantity: Decimal, *, market: bool) -> None:
    if quantity <= 0:
        raise invalid("quantity")
    if quantity < pair.step or quantity > pair.quantity_max or quantity % pair.step:
        raise _failure("LOT_SIZE")
    if market and quantity > pair.market_quantity_max:
        raise _failure("MARKET_LOT_SIZE")


def _check_precision(request: OrderRequest) -> None:
    named = {
        "quantity": request.quantity,
        "quoteOrderQty": request.quote_quantity,
        "price": request.price,
        "stopPrice": request.stop_price,
    }
    for name, value in named.items():
        exponent = value.normalize().as_tuple().exponent
        if isinstance(exponent, int) and exponent < -PRECISION:
            raise refused(-1111, name)


def _check_price(pair: Pair, price: Decimal, name: str) -> None:
    if price <= 0:
        raise invalid(name)
    if price < pair.tick or price > pair.price_max or price % pair.tick:
        raise _failure("PRICE_FILTER")


def _check_band(price: Decimal, last: Decimal) -> None:
    """Both sides have the same wide band here, around the last price (``avgPriceMins`` is 0)."""
    if not last * BAND_DOWN <= price <= last * BAND_UP:
        raise _failure("PERCENT_PRICE_BY_SIDE")


def _check_notional(pair: Pair, request: OrderRequest, last: Decimal) -> None:
    """A market order is judged by the last price, and has no largest notional."""
    notional = request.quote_quantity or request.quantity * (request.price or request.stop_price or last)
    if notional < pair.notional_min or (request.is_limit and notional > pair.notional_max):
        raise _failure("NOTIONAL")


def _failure(name: str) -> RefusedError:
    return refused(-1013, name)
