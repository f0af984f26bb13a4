"""Account, positions, settings, listen keys and key permissions over HTTP."""

from collections.abc import Iterator
from typing import Any

from copydesk.simulators.binance.exchange.account import Account
from copydesk.simulators.binance.exchange.book import sum_of
from copydesk.simulators.binance.exchange.errors import refused
from copydesk.simulators.binance.exchange.instruments import INSTRUMENTS, Instrument
from copydesk.simulators.binance.exchange.position import Position
from copydesk.simulators.binance.exchange.records import Fill
from copydesk.simulators.binance.exchange.text import plain
from copydesk.simulators.binance.rest import answers
from copydesk.simulators.binance.rest.call import Call, Route, Routes

_DONE = {"code": 200, "msg": "success"}


def balance(call: Call) -> Any:
    return answers.balance_answer(call.exchange, call.account)


def account_v2(call: Call) -> Any:
    return answers.account_answer(call.exchange, call.account, 2)


def account_v3(call: Call) -> Any:
    return answers.account_answer(call.exchange, call.account, 3)


def positions_v2(call: Call) -> Any:
    return _positions(call, 2)


def positions_v3(call: Call) -> Any:
    return _positions(call, 3)


def set_leverage(call: Call) -> Any:
    instrument = call.exchange.instrument(call.params.required("symbol"))
    leverage = call.params.required_integer("leverage")
    if not 1 <= leverage <= instrument.leverage_max:
        raise refused(-4028, leverage)
    _check_leverage(call, instrument, leverage)
    call.account.change_leverage(instrument.symbol, leverage)
    call.exchange.changes += 1
    call.exchange.notices.leverage(call.account, instrument.symbol, call.now_ms)
    cap = plain(instrument.notional_cap(leverage))
    return {"symbol": instrument.symbol, "leverage": leverage, "maxNotionalValue": cap}


def set_margin_type(call: Call) -> Any:
    symbol = call.exchange.instrument(call.params.required("symbol")).symbol
    wanted = call.params.required("marginType")
    if wanted not in {"ISOLATED", "CROSSED"}:
        raise refused(-1102, "marginType")
    setting = call.account.setting(symbol)
    if setting.isolated == (wanted == "ISOLATED"):
        raise refused(-4046)
    if call.account.book.has_open(symbol):
        raise refused(-4047)
    if any(call.account.held(symbol)):
        raise refused(-4048)
    setting.isolated = wanted == "ISOLATED"
    call.exchange.changes += 1
    return _DONE


def position_mode(call: Call) -> Any:
    return {"dualSidePosition": call.account.hedge}


def set_position_mode(call: Call) -> Any:
    wanted = call.params.flag("dualSidePosition")
    if wanted is None:
        raise refused(-1102, "dualSidePosition")
    if wanted == call.account.hedge:
        raise refused(-4059)
    if call.account.book.has_open():
        raise refused(-4067)
    if any(call.account.held()):
        raise refused(-4068)
    call.account.hedge = wanted
    call.exchange.changes += 1
    return _DONE


def leverage_brackets(call: Call) -> Any:
    symbol = call.params.text("symbol")
    if symbol is not None:
        return [_brackets(call.exchange.instrument(symbol))]
    return [_brackets(instrument) for instrument in INSTRUMENTS.values()]


def symbol_config(call: Call) -> Any:
    symbol = call.params.text("symbol")
    symbols = list(INSTRUMENTS) if symbol is None else [call.exchange.instrument(symbol).symbol]
    return [_symbol_config(call.account, INSTRUMENTS[each]) for each in symbols]


def account_config(call: Call) -> Any:
    return {
        "feeTier": 0,
        "canTrade": call.account.permissions["enableFutures"],
        "canDeposit": True,
        "canWithdraw": True,
        "dualSidePosition": call.account.hedge,
        "updateTime": 0,
        "multiAssetsMargin": False,
        "tradeGroupId": -1,
    }


def multi_assets(call: Call) -> Any:
    del call
    return {"multiAssetsMargin": False}


def commission_rate(call: Call) -> Any:
    return {
        "symbol": call.exchange.instrument(call.params.required("symbol")).symbol,
        "makerCommissionRate": str(call.account.maker_rate),
        "takerCommissionRate": str(call.account.taker_rate),
        "rpiCommissionRate": str(call.account.maker_rate),
    }


def income(call: Call) -> Any:
    """Realised profit and commission, each fill two rows; funding does not exist here."""
    params = call.params
    symbol, kind = params.text("symbol"), params.text("incomeType")
    start, end = params.integer("startTime") or 0, params.integer("endTime")
    fills = [
        fill
        for fill in call.account.book.fills
        if symbol in {None, fill.symbol} and fill.time_ms >= start and (end is None or fill.time_ms <= end)
    ]
    rows = [row for fill in fills for row in _income_rows(fill) if kind in {None, row["incomeType"]}]
    return rows[-params.limit(100, 1_000) :]


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


def _check_leverage(call: Call, instrument: Instrument, leverage: int) -> None:
    account, mark = call.account, call.exchange.mark(instrument.symbol)
    held = sum_of(abs(position.quantity) * mark for position in account.held(instrument.symbol))
    worth = held + account.book.waiting_notional(instrument.symbol)
    if worth > instrument.notional_cap(leverage):
        raise refused(-2027)
    more = worth / leverage - worth / account.setting(instrument.symbol).leverage
    if more > account.available(call.exchange.mark):
        raise refused(-2028)


def _positions(call: Call, version: int) -> Any:
    symbol = call.params.text("symbol")
    wanted = None if symbol is None else call.exchange.instrument(symbol).symbol
    shown = _shown_positions(call.account, wanted)
    return [answers.position_answer(call.exchange, call.account, position, version) for position in shown]


def _shown_positions(account: Account, symbol: str | None) -> Iterator[Position]:
    """Only what is held or has an open order: an absent symbol means flat."""
    keys = {(position.symbol, position.side) for position in account.held(symbol)}
    keys |= {(order.symbol, order.position_side) for order in account.book.open_of(symbol)}
    for each, side in sorted(keys):
        yield account.position(each, side)


def _brackets(instrument: Instrument) -> Any:
    rows = [
        {
            "bracket": bracket.number,
            "initialLeverage": bracket.leverage,
            "notionalCap": int(bracket.cap),
            "notionalFloor": int(bracket.floor),
            "maintMarginRatio": float(bracket.maintenance),  # a JSON number here, unlike anywhere else
            "cum": float(bracket.cum),
        }
        for bracket in instrument.brackets
    ]
    return {"symbol": instrument.symbol, "notionalCoef": 1.0, "brackets": rows}


def _symbol_config(account: Account, instrument: Instrument) -> Any:
    setting = account.setting(instrument.symbol)
    return {
        "symbol": instrument.symbol,
        "marginType": "ISOLATED" if setting.isolated else "CROSSED",
        "isAutoAddMargin": False,
        "leverage": setting.leverage,
        "maxNotionalValue": plain(instrument.notional_cap(setting.leverage)),
    }


def _income_rows(fill: Fill) -> list[dict[str, Any]]:
    common = {"symbol": fill.symbol, "asset": "USDT", "info": "", "time": fill.time_ms, "tradeId": str(fill.trade_id)}
    fee = {**common, "incomeType": "COMMISSION", "income": plain(-fill.fee), "tranId": fill.trade_id * 10}
    if not fill.realized:
        return [fee]
    profit = {**common, "incomeType": "REALIZED_PNL", "income": plain(fill.realized), "tranId": fill.trade_id * 10 + 1}
    return [profit, fee]


ROUTES: Routes = {
    ("GET", "/fapi/v2/balance"): Route(handle=balance, weight=5),
    ("GET", "/fapi/v3/balance"): Route(handle=balance, weight=5),
    ("GET", "/fapi/v2/account"): Route(handle=account_v2, weight=5),
    ("GET", "/fapi/v3/account"): Route(handle=account_v3, weight=5),
    ("GET", "/fapi/v2/positionRisk"): Route(handle=positions_v2, weight=5),
    ("GET", "/fapi/v3/positionRisk"): Route(handle=positions_v3, weight=5),
    ("POST", "/fapi/v1/leverage"): Route(handle=set_leverage),
    ("POST", "/fapi/v1/marginType"): Route(handle=set_margin_type),
    ("GET", "/fapi/v1/positionSide/dual"): Route(handle=position_mode, weight=30),
    ("POST", "/fapi/v1/positionSide/dual"): Route(handle=set_position_mode),
    ("GET", "/fapi/v1/leverageBracket"): Route(handle=leverage_brackets),
    ("GET", "/fapi/v1/symbolConfig"): Route(handle=symbol_config, weight=5),
    ("GET", "/fapi/v1/accountConfig"): Route(handle=account_config, weight=5),
    ("GET", "/fapi/v1/multiAssetsMargin"): Route(handle=multi_assets, weight=30),
    ("GET", "/fapi/v1/commissionRate"): Route(handle=commission_rate, weight=20),
    ("GET", "/fapi/v1/income"): Route(handle=income, weight=30),
    ("POST", "/fapi/v1/listenKey"): Route(handle=open_listen_key, guard="key"),
    ("PUT", "/fapi/v1/listenKey"): Route(handle=extend_listen_key, guard="key"),
    ("DELETE", "/fapi/v1/listenKey"): Route(handle=close_listen_key, guard="key"),
    ("GET", "/sapi/v1/account/apiRestrictions"): Route(handle=key_permissions),
    ("GET", "/sapi/v1/system/status"): Route(handle=system_status, guard="public"),
}
