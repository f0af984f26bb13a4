"""How an account trades, over HTTP: leverage, margin, modes, fees."""

from typing import Any

from copydesk.simulators.binance.exchange.book import sum_of
from copydesk.simulators.binance.exchange.errors import refused
from copydesk.simulators.binance.exchange.instruments import INSTRUMENTS, Instrument
from copydesk.simulators.binance.exchange.isolated import ADD, REDUCE, change_margin
from copydesk.simulators.binance.exchange.text import plain
from copydesk.simulators.binance.rest.call import Call, Route, Routes

_DONE = {"code": 200, "msg": "success"}
_SIDES = frozenset({"BOTH", "LONG", "SHORT"})


def set_leverage(call: Call) -> Any:
    instrument = call.exchange.instrument(call.params.required("symbol"))
    leverage = call.params.required_integer("leverage")
    if not 1 <= leverage <= instrument.leverage_max:
        raise refused(-4028, leverage)
    _check_leverage(call, instrument, leverage)
    call.account.setting(instrument.symbol).leverage = leverage
    call.exchange.touch(call.account)
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
    if call.account.multi_assets:
        raise refused(-4168)
    if call.account.book.has_open(symbol):
        raise refused(-4047)
    if any(call.account.held(symbol)):
        raise refused(-4048)
    setting.isolated = wanted == "ISOLATED"
    call.exchange.touch(call.account)
    return _DONE


def change_position_margin(call: Call) -> Any:
    """``type`` 1 adds, 2 takes back; the amount comes back as a number, as the venue answers it."""
    params = call.params
    symbol = call.exchange.instrument(params.required("symbol")).symbol
    side = params.choice("positionSide", _SIDES, "BOTH")
    amount, kind = params.required_decimal("amount"), params.required_integer("type")
    if kind not in {ADD, REDUCE}:
        raise refused(-1102, "type")
    if call.account.hedge == (side == "BOTH"):
        raise refused(-4061)
    change_margin(call.exchange, call.account, call.account.position(symbol, side), kind, amount, call.now_ms)
    return {"amount": float(amount), "code": 200, "msg": "Successfully modify position margin.", "type": kind}


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
    call.exchange.touch(call.account)
    return _DONE


def multi_assets(call: Call) -> Any:
    return {"multiAssetsMargin": call.account.multi_assets}


def set_multi_assets(call: Call) -> Any:
    """Only USDT counts as margin here; the mode changes what is refused, not what is available."""
    wanted = call.params.flag("multiAssetsMargin")
    if wanted is None:
        raise refused(-1102, "multiAssetsMargin")
    if wanted == call.account.multi_assets:
        raise refused(-4171)
    if wanted and any(setting.isolated for setting in call.account.settings.values()):
        raise refused(-4167)
    if call.account.book.has_open():
        raise refused(-4170)
    call.account.multi_assets = wanted
    call.exchange.touch(call.account)
    call.exchange.notices.multi_assets(call.account, call.now_ms)
    return _DONE


def fee_burn(call: Call) -> Any:
    return {"feeBurn": call.account.fee_burn}


def set_fee_burn(call: Call) -> Any:
    wanted = call.params.flag("feeBurn")
    if wanted is None:
        raise refused(-1102, "feeBurn")
    call.account.fee_burn = wanted
    call.exchange.touch(call.account)
    return _DONE


def commission_rate(call: Call) -> Any:
    return {
        "symbol": call.exchange.instrument(call.params.required("symbol")).symbol,
        "makerCommissionRate": str(call.account.maker_rate),
        "takerCommissionRate": str(call.account.taker_rate),
        "rpiCommissionRate": str(call.account.maker_rate),
    }


def leverage_brackets(call: Call) -> Any:
    symbol = call.params.text("symbol")
    if symbol is not None:
        return [_brackets(call.exchange.instrument(symbol))]
    return [_brackets(instrument) for instrument in INSTRUMENTS.values()]


def symbol_config(call: Call) -> Any:
    symbol = call.params.text("symbol")
    symbols = list(INSTRUMENTS) if symbol is None else [call.exchange.instrument(symbol).symbol]
    return [_symbol_config(call, INSTRUMENTS[each]) for each in symbols]


def account_config(call: Call) -> Any:
    return {
        "feeTier": 0,
        "canTrade": call.account.permissions["enableFutures"],
        "canDeposit": True,
        "canWithdraw": True,
        "dualSidePosition": call.account.hedge,
        "updateTime": 0,
        "multiAssetsMargin": call.account.multi_assets,
        "tradeGroupId": -1,
    }


def _check_leverage(call: Call, instrument: Instrument, leverage: int) -> None:
    """Cross margin is counted anew at the new leverage; isolated margin stays, so it may only be raised."""
    account, mark = call.account, call.exchange.mark(instrument.symbol)
    setting = account.setting(instrument.symbol)
    held = sum_of(abs(position.quantity) * mark for position in account.held(instrument.symbol))
    waiting = account.book.waiting_notional(instrument.symbol)
    if held + waiting > instrument.notional_cap(leverage):
        raise refused(-2027)
    if setting.isolated and held and leverage < setting.leverage:
        raise refused(-4161)
    worth = waiting if setting.isolated else held + waiting
    if worth / leverage - worth / setting.leverage > account.available(call.exchange.mark):
        raise refused(-2028)


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


def _symbol_config(call: Call, instrument: Instrument) -> Any:
    setting = call.account.setting(instrument.symbol)
    return {
        "symbol": instrument.symbol,
        "marginType": "ISOLATED" if setting.isolated else "CROSSED",
        "isAutoAddMargin": False,
        "leverage": setting.leverage,
        "maxNotionalValue": plain(instrument.notional_cap(setting.leverage)),
    }


ROUTES: Routes = {
    ("POST", "/fapi/v1/leverage"): Route(handle=set_leverage),
    ("POST", "/fapi/v1/marginType"): Route(handle=set_margin_type),
    ("POST", "/fapi/v1/positionMargin"): Route(handle=change_position_margin),
    ("GET", "/fapi/v1/positionSide/dual"): Route(handle=position_mode, weight=30),
    ("POST", "/fapi/v1/positionSide/dual"): Route(handle=set_position_mode),
    ("GET", "/fapi/v1/multiAssetsMargin"): Route(handle=multi_assets, weight=30),
    ("POST", "/fapi/v1/multiAssetsMargin"): Route(handle=set_multi_assets),
    ("GET", "/fapi/v1/feeBurn"): Route(handle=fee_burn, weight=30),
    ("POST", "/fapi/v1/feeBurn"): Route(handle=set_fee_burn),
    ("GET", "/fapi/v1/commissionRate"): Route(handle=commission_rate, weight=20),
    ("GET", "/fapi/v1/leverageBracket"): Route(handle=leverage_brackets),
    ("GET", "/fapi/v1/symbolConfig"): Route(handle=symbol_config, weight=5),
    ("GET", "/fapi/v1/accountConfig"): Route(handle=account_config, weight=5),
}
