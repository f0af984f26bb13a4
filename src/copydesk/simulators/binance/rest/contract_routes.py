"""What a contract is worth beside its price, over HTTP: mark, funding, open interest, index."""

from decimal import Decimal
from typing import Any

from copydesk.simulators.binance.exchange.book import sum_of
from copydesk.simulators.binance.exchange.exchange import Exchange
from copydesk.simulators.binance.exchange.funding import DEFAULT_RATE, HOUR_MS, RATE_MAX, Paid, next_funding_ms
from copydesk.simulators.binance.exchange.instruments import INSTRUMENTS
from copydesk.simulators.binance.exchange.text import money, plain
from copydesk.simulators.binance.rest.call import Call, Route, Routes
from copydesk.simulators.binance.rest.market_routes import costs, one_or_all

_ORDINARY_HOURS = 8
_OTHERS_INTEREST = 100  # what strangers hold, in largest market orders


def premium_index(call: Call) -> Any:
    return one_or_all(call, lambda symbol: _premium_row(call.exchange, symbol, call.now_ms))


def funding_info(call: Call) -> Any:
    """Only contracts whose interval is not the ordinary eight hours."""
    del call
    return [
        {
            "symbol": instrument.symbol,
            "adjustedFundingRateCap": money(RATE_MAX),
            "adjustedFundingRateFloor": money(-RATE_MAX),
            "fundingIntervalHours": instrument.funding_hours,
            "disclaimer": False,
        }
        for instrument in INSTRUMENTS.values()
        if instrument.funding_hours != _ORDINARY_HOURS
    ]


def funding_rates(call: Call) -> Any:
    """Oldest first. Before this venue was started, every rate was the default one."""
    params = call.params
    symbol = params.text("symbol")
    symbols = list(INSTRUMENTS) if symbol is None else [call.exchange.instrument(symbol).symbol]
    start, end, limit = params.integer("startTime"), params.integer("endTime"), params.limit(100, 1_000)
    rows = sorted((row for each in symbols for row in _history(call, each)), key=lambda paid: paid.at_ms)
    chosen = [paid for paid in rows if (start is None or paid.at_ms >= start) and (end is None or paid.at_ms <= end)]
    return [_paid_row(paid) for paid in (chosen[-limit:] if start is None else chosen[:limit])]


def open_interest(call: Call) -> Any:
    instrument = call.exchange.instrument(call.params.required("symbol"))
    held = sum_of(
        abs(position.quantity)
        for account in call.exchange.accounts.values()
        for position in account.held(instrument.symbol)
    )
    total = instrument.market_quantity_max * _OTHERS_INTEREST + held
    return {"symbol": instrument.symbol, "openInterest": plain(total), "time": call.now_ms}


def constituents(call: Call) -> Any:
    instrument = call.exchange.instrument(call.params.required("symbol"))
    price = plain(call.exchange.quote(instrument.symbol).index)
    return {
        "symbol": instrument.symbol,
        "time": call.now_ms,
        "constituents": [{"exchange": "binance", "symbol": instrument.symbol, "price": price, "weight": "1.00000000"}],
    }


def index_info(call: Call) -> Any:
    """Only composite indices would be told of; none is listed here."""
    del call
    return []


def asset_index(call: Call) -> Any:
    """What assets count in multi-assets mode."""
    rows = [_asset_row(call, "BNBUSDT", "0.05"), _asset_row(call, "BTCUSDT", "0.05")]
    symbol = call.params.text("symbol")
    if symbol is None:
        return rows
    return next((row for row in rows if row["symbol"] == symbol.replace("USDT", "USD")), {})


def _premium_row(exchange: Exchange, symbol: str, now_ms: int) -> dict[str, Any]:
    quote = exchange.quote(symbol)
    return {
        "symbol": symbol,
        "markPrice": money(quote.mark),
        "indexPrice": money(quote.index),
        "estimatedSettlePrice": money(quote.index),
        "lastFundingRate": money(exchange.funding.rates[symbol]),
        "interestRate": money(DEFAULT_RATE),
        "nextFundingTime": next_funding_ms(symbol, now_ms),
        "time": quote.at_ms,
    }


def _history(call: Call, symbol: str) -> list[Paid]:
    paid = [each for each in call.exchange.funding.paid if each.symbol == symbol]
    interval = INSTRUMENTS[symbol].funding_hours * HOUR_MS
    first_ms = paid[0].at_ms if paid else call.now_ms + 1
    last_ms = (first_ms - 1) // interval * interval
    price = INSTRUMENTS[symbol].start_price
    before = (last_ms - number * interval for number in range(200))
    return [*(Paid(symbol=symbol, rate=DEFAULT_RATE, at_ms=at_ms, mark=price) for at_ms in before), *paid]


def _paid_row(paid: Paid) -> dict[str, Any]:
    return {
        "symbol": paid.symbol,
        "fundingTime": paid.at_ms,
        "fundingRate": money(paid.rate),
        "markPrice": money(paid.mark),
    }


def _asset_row(call: Call, symbol: str, buffer: str) -> dict[str, Any]:
    index = call.exchange.quote(symbol).index
    row = {"symbol": symbol.replace("USDT", "USD"), "time": call.now_ms, "index": money(index)}
    for prefix in ("", "autoExchange"):
        bid, ask = ("bid", "ask") if not prefix else (f"{prefix}Bid", f"{prefix}Ask")
        row |= {
            f"{bid}Buffer": money(Decimal(buffer)),
            f"{ask}Buffer": money(Decimal(buffer)),
            f"{bid}Rate": money(index * (1 - Decimal(buffer))),
            f"{ask}Rate": money(index * (1 + Decimal(buffer))),
        }
    return row


ROUTES: Routes = {
    ("GET", "/fapi/v1/premiumIndex"): Route(handle=premium_index, weight=costs(1, 10), guard="public"),
    ("GET", "/fapi/v1/fundingInfo"): Route(handle=funding_info, weight=0, guard="public"),
    ("GET", "/fapi/v1/fundingRate"): Route(handle=funding_rates, weight=0, guard="public"),
    ("GET", "/fapi/v1/openInterest"): Route(handle=open_interest, guard="public"),
    ("GET", "/fapi/v1/constituents"): Route(handle=constituents, weight=2, guard="public"),
    ("GET", "/fapi/v1/indexInfo"): Route(handle=index_info, guard="public"),
    ("GET", "/fapi/v1/assetIndex"): Route(handle=asset_index, weight=costs(1, 10), guard="public"),
}
