"""What exchangeInfo says of the venue and of each pair."""

from decimal import Decimal
from typing import Any

from copydesk.simulators.binance.spot.account_routes import ORDERS_PER_10S, ORDERS_PER_DAY
from copydesk.simulators.binance.spot.answers import SELF_TRADE
from copydesk.simulators.binance.spot.symbols import (
    BAND_DOWN,
    BAND_UP,
    OPEN_LISTS_MAX,
    OPEN_ORDERS_MAX,
    OPEN_STOPS_MAX,
    ORDER_TYPES,
    PRECISION,
    TRAILING_MAX,
    TRAILING_MIN,
    Pair,
)

Row = dict[str, Any]
WEIGHT_PER_MINUTE = 6_000


def rate_limits() -> list[Row]:
    return [
        {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}
        for kind, interval, number, limit in (
            ("REQUEST_WEIGHT", "MINUTE", 1, WEIGHT_PER_MINUTE),
            ("ORDERS", "SECOND", 10, ORDERS_PER_10S),
            ("ORDERS", "DAY", 1, ORDERS_PER_DAY),
        )
    ]


def pair_row(pair: Pair) -> Row:
    return {
        "symbol": pair.symbol,
        "status": "TRADING",
        "baseAsset": pair.base,
        "baseAssetPrecision": PRECISION,
        "quoteAsset": pair.quote,
        "quotePrecision": PRECISION,
        "quoteAssetPrecision": PRECISION,
        "baseCommissionPrecision": PRECISION,
        "quoteCommissionPrecision": PRECISION,
        "orderTypes": list(ORDER_TYPES),
        "icebergAllowed": False,
        "ocoAllowed": True,
        "otoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": True,
        "cancelReplaceAllowed": True,
        "amendAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": _filters(pair),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": SELF_TRADE,
        "allowedSelfTradePreventionModes": [SELF_TRADE],
    }


def _filters(pair: Pair) -> list[Row]:
    tick, step = _text(pair.tick), _text(pair.step)
    return [
        {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": _text(pair.price_max), "tickSize": tick},
        {"filterType": "LOT_SIZE", "minQty": step, "maxQty": _text(pair.quantity_max), "stepSize": step},
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": _text(Decimal(0)),
            "maxQty": _text(pair.market_quantity_max),
            "stepSize": _text(Decimal(0)),
        },
        {
            "filterType": "TRAILING_DELTA",
            "minTrailingAboveDelta": TRAILING_MIN,
            "maxTrailingAboveDelta": TRAILING_MAX,
            "minTrailingBelowDelta": TRAILING_MIN,
            "maxTrailingBelowDelta": TRAILING_MAX,
        },
        {
            "filterType": "PERCENT_PRICE_BY_SIDE",
            "bidMultiplierUp": str(BAND_UP),
            "bidMultiplierDown": str(BAND_DOWN),
            "askMultiplierUp": str(BAND_UP),
            "askMultiplierDown": str(BAND_DOWN),
            "avgPriceMins": 0,
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": _text(pair.notional_min),
            "applyMinToMarket": True,
            "maxNotional": _text(pair.notional_max),
            "applyMaxToMarket": False,
            "avgPriceMins": 0,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": OPEN_ORDERS_MAX},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": OPEN_STOPS_MAX},
        {"filterType": "MAX_NUM_ORDER_LISTS", "maxNumOrderLists": OPEN_LISTS_MAX},
    ]


def _text(value: Decimal) -> str:
    return f"{value:.8f}"
