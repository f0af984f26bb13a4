"""Spot wallets, fees, listen keys over HTTP, and what the wallet service (``/sapi``) tells of an account."""

from typing import Any

from copydesk.simulators.binance.exchange.text import money, plain
from copydesk.simulators.binance.rest.call import Route
from copydesk.simulators.binance.spot import answers
from copydesk.simulators.binance.spot.call import SpotCall, SpotRoutes
from copydesk.simulators.binance.spot.reading import read_symbol
from copydesk.simulators.binance.spot.symbols import PAIRS
from copydesk.simulators.binance.spot.wallet import FEE_RATE, Balance

ORDERS_PER_10S = 100
ORDERS_PER_DAY = 200_000


def account(call: SpotCall) -> Any:
    held_only = call.params.flag("omitZeroBalances") or False
    return answers.account(call.wallet, call.account, held_only=held_only)


def commission(call: SpotCall) -> Any:
    rate, nothing = money(FEE_RATE), "0.00000000"
    free = {"maker": nothing, "taker": nothing, "buyer": nothing, "seller": nothing}
    return {
        "symbol": call.spot.pair(read_symbol(call.params)).symbol,
        "standardCommission": {**free, "maker": rate, "taker": rate},
        "specialCommission": free,
        "taxCommission": free,
        "discount": {
            "enabledForAccount": False,
            "enabledForSymbol": False,
            "discountAsset": "BNB",
            "discount": nothing,
        },
    }


def order_usage(call: SpotCall) -> Any:
    ten_seconds, day = call.used_orders(call.account.api_key)
    return [
        {
            "rateLimitType": "ORDERS",
            "interval": interval,
            "intervalNum": number,
            "limit": limit,
            "count": count,
        }
        for interval, number, limit, count in (
            ("SECOND", 10, ORDERS_PER_10S, ten_seconds),
            ("DAY", 1, ORDERS_PER_DAY, day),
        )
    ]


def open_listen_key(call: SpotCall) -> Any:
    return {"listenKey": call.listen_keys.open(call.account.api_key, call.now_ms)}


def extend_listen_key(call: SpotCall) -> Any:
    call.listen_keys.extend(call.account.api_key, call.params.required("listenKey"), call.now_ms)
    return {}


def close_listen_key(call: SpotCall) -> Any:
    call.listen_keys.extend(call.account.api_key, call.params.required("listenKey"), call.now_ms)
    call.listen_keys.close(call.account.api_key, call.now_ms)
    return {}


def coins(call: SpotCall) -> Any:
    return [_coin(asset, balance) for asset, balance in call.wallet.shown()]


def user_assets(call: SpotCall) -> Any:
    """What is held, or one asset if it is; without values in BTC."""
    wanted = call.params.text("asset")
    return [
        {
            "asset": asset,
            "free": plain(balance.free),
            "locked": plain(balance.locked),
            "freeze": "0",
            "withdrawing": "0",
            "ipoable": "0",
            "btcValuation": "0",
        }
        for asset, balance in call.wallet.shown()
        if balance.total and wanted in {None, asset}
    ]


def trade_fees(call: SpotCall) -> Any:
    wanted = call.params.text("symbol")
    symbols = PAIRS if wanted is None else [call.spot.pair(wanted).symbol]
    return [
        {"symbol": symbol, "makerCommission": plain(FEE_RATE), "takerCommission": plain(FEE_RATE)} for symbol in symbols
    ]


def nothing(call: SpotCall) -> Any:
    """There is no margin trading here, so no pair for it."""
    del call
    return []


def _coin(name: str, balance: Balance) -> dict[str, Any]:
    network = {
        "network": name,
        "coin": name,
        "name": name,
        "isDefault": True,
        "depositEnable": True,
        "withdrawEnable": True,
        "withdrawFee": "1",
        "withdrawMin": "2",
        "withdrawMax": "1000000",
        "withdrawIntegerMultiple": "0.00000001",
        "minConfirm": 1,
        "unLockConfirm": 1,
    }
    amounts = dict.fromkeys(("freeze", "withdrawing", "ipoing", "ipoable", "storage"), "0")
    return {
        "coin": name,
        "name": name,
        "free": plain(balance.free),
        "locked": plain(balance.locked),
        **amounts,
        "depositAllEnable": True,
        "withdrawAllEnable": True,
        "isLegalMoney": False,
        "trading": True,
        "networkList": [network],
    }


ROUTES: SpotRoutes = {
    ("GET", "/api/v3/account"): Route(handle=account, weight=20),
    ("GET", "/api/v3/account/commission"): Route(handle=commission, weight=20),
    ("GET", "/api/v3/rateLimit/order"): Route(handle=order_usage, weight=40),
    ("POST", "/api/v3/userDataStream"): Route(handle=open_listen_key, weight=2, guard="key"),
    ("PUT", "/api/v3/userDataStream"): Route(handle=extend_listen_key, weight=2, guard="key"),
    ("DELETE", "/api/v3/userDataStream"): Route(handle=close_listen_key, weight=2, guard="key"),
    ("GET", "/sapi/v1/capital/config/getall"): Route(handle=coins, weight=10),
    ("POST", "/sapi/v3/asset/getUserAsset"): Route(handle=user_assets, weight=5),
    ("GET", "/sapi/v1/asset/tradeFee"): Route(handle=trade_fees),
    ("GET", "/sapi/v1/margin/allPairs"): Route(handle=nothing, guard="key"),
    ("GET", "/sapi/v1/margin/isolated/allPairs"): Route(handle=nothing, guard="key"),
}
