"""Account, positions, listen keys and key permissions over HTTP."""

from collections.abc import Iterator
from typing import Any

from copydesk.simulators.binance.exchange.account import Account
from copydesk.simulators.binance.exchange.position import Position
from copydesk.simulators.binance.rest import answers
from copydesk.simulators.binance.rest.call import Call, Route, Routes


def balance(call: Call) -> Any:
    return answers.balance_answer(call.exchange, call.account)


def account_v2(call: Call) -> Any:
    return answers.account_answer(call.exchange, call.account, 2)


def account_v3(call: Call) -> Any:
    return answers.account_answer(call.exchange, call.account, 3)


def positions_v2(call: Call) -> Any:
    """Every symbol, flat ones too, as the second version lists them."""
    shown = answers.every_position(call.account, _symbol_if_any(call))
    return [answers.position_answer(call.exchange, call.account, position, 2) for position in shown]


def positions_v3(call: Call) -> Any:
    shown = _shown_positions(call.account, _symbol_if_any(call))
    return [answers.position_answer(call.exchange, call.account, position, 3) for position in shown]


def open_listen_key(call: Call) -> Any:
    return {"listenKey": call.listen_keys.open(call.account.api_key, call.now_ms)}


def extend_listen_key(call: Call) -> Any:
    return {"listenKey": call.listen_keys.extend(call.account.api_key, call.params.text("listenKey"), call.now_ms)}


def close_listen_key(call: Call) -> Any:
    call.listen_keys.close(call.account.api_key, call.now_ms)
    return {}


def key_permissions(call: Call) -> Any:
    return {"createTime": call.account.created_ms, **call.account.permissions, "tradingAuthorityExpirationTime": 0}


def system_status(call: Call) -> Any:
    del call
    return {"status": 0, "msg": "normal"}


def _symbol_if_any(call: Call) -> str | None:
    symbol = call.params.text("symbol")
    return None if symbol is None else call.exchange.instrument(symbol).symbol


def _shown_positions(account: Account, symbol: str | None) -> Iterator[Position]:
    """Only what is held or has an open order: an absent symbol means flat."""
    keys = {(position.symbol, position.side) for position in account.held(symbol)}
    keys |= {(order.symbol, order.position_side) for order in account.book.open_of(symbol)}
    for each, side in sorted(keys):
        yield account.position(each, side)


ROUTES: Routes = {
    ("GET", "/fapi/v2/balance"): Route(handle=balance, weight=5),
    ("GET", "/fapi/v3/balance"): Route(handle=balance, weight=5),
    ("GET", "/fapi/v2/account"): Route(handle=account_v2, weight=5),
    ("GET", "/fapi/v3/account"): Route(handle=account_v3, weight=5),
    ("GET", "/fapi/v2/positionRisk"): Route(handle=positions_v2, weight=5),
    ("GET", "/fapi/v3/positionRisk"): Route(handle=positions_v3, weight=5),
    ("POST", "/fapi/v1/listenKey"): Route(handle=open_listen_key, guard="key"),
    ("PUT", "/fapi/v1/listenKey"): Route(handle=extend_listen_key, guard="key"),
    ("DELETE", "/fapi/v1/listenKey"): Route(handle=close_listen_key, guard="key"),
    ("GET", "/sapi/v1/account/apiRestrictions"): Route(handle=key_permissions),
    ("GET", "/sapi/v1/system/status"): Route(handle=system_status, guard="public"),
}
