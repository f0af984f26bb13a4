"""symbol_info's 96 fields; what this broker has no notion of (options, exchange sessions) is zero or empty."""

from typing import Any

from copydesk.simulators.metatrader5.broker.instruments import Instrument
from copydesk.simulators.metatrader5.broker.quotes import Quotes
from copydesk.simulators.metatrader5.broker.triggers import TRIPLE_DAY

_DAY_MS = 86_400_000
_WHOLE_ZERO = (
    "chart_mode session_deals session_buy_orders session_sell_orders volume volumehigh volumelow "
    "start_time expiration_time order_gtc_mode option_mode option_right"
)
_REAL_ZERO = (
    "last lasthigh lastlow volume_real volumehigh_real volumelow_real option_strike trade_accrued_interest trade_face_value "
    "trade_liquidity_rate margin_initial margin_maintenance session_volume session_turnover session_interest "
    "session_buy_orders_volume session_sell_orders_volume session_aw session_price_settlement session_price_limit_min "
    "session_price_limit_max margin_hedged price_volatility price_theoretical price_greeks_delta price_greeks_theta "
    "price_greeks_gamma price_greeks_vega price_greeks_rho price_greeks_omega price_sensitivity"
)
_EMPTY = "basis category bank exchange formula isin page"
_NOTHING: dict[str, Any] = {
    **dict.fromkeys(_WHOLE_ZERO.split(), 0),
    **dict.fromkeys(_REAL_ZERO.split(), 0.0),
    **dict.fromkeys(_EMPTY.split(), ""),
}


def symbol_info(each: Instrument, quotes: Quotes, *, seen: bool, currency: str) -> dict[str, Any]:
    """Prices are zero while the symbol is not in Market Watch; tick values are in the account's currency."""
    worth = float(quotes.convert(each.point * each.contract_size, each.profit, currency))
    return {
        **_NOTHING,
        **_rules(each),
        **(_prices(each, quotes) if seen else _unseen()),
        "custom": False,
        "select": seen,
        "visible": seen,
        "spread": quotes.spread(each.name) if seen else 0,
        "spread_float": True,
        "ticks_bookdepth": 10,
        "trade_tick_value": worth,
        "trade_tick_value_profit": worth,
        "trade_tick_value_loss": worth,
        "description": each.description,
        "name": each.name,
        "path": each.path,
    }


def _rules(each: Instrument) -> dict[str, Any]:
    return {
        "digits": each.digits,
        "trade_calc_mode": int(each.calculation),
        "trade_mode": int(each.trade_mode),
        "trade_stops_level": each.stops_level,
        "trade_freeze_level": each.freeze_level,
        "trade_exemode": int(each.execution),
        "swap_mode": 1,
        "swap_rollover3days": TRIPLE_DAY,
        "margin_hedged_use_leg": True,
        "expiration_mode": 15,
        "filling_mode": each.filling_flags,
        "order_mode": 127,
        "point": float(each.point),
        "trade_tick_size": float(each.point),
        "trade_contract_size": float(each.contract_size),
        "volume_min": float(each.volume_min),
        "volume_max": float(each.volume_max),
        "volume_step": float(each.volume_step),
        "volume_limit": float(each.volume_limit),
        "swap_long": float(each.swap_long),
        "swap_short": float(each.swap_short),
        "currency_base": each.base,
        "currency_profit": each.profit,
        "currency_margin": each.margin_currency,
    }


def _prices(each: Instrument, quotes: Quotes) -> dict[str, Any]:
    now = quotes.now(each.name)
    wide = quotes.spread(each.name) * each.point
    today = quotes.chart(each.name).current(_DAY_MS)
    low, high, opened = (now.bid, now.bid, now.bid) if today is None else (today.low, today.high, today.open)
    return {
        "time": now.time_msc // 1_000,
        "bid": float(now.bid),
        "bidhigh": float(high),
        "bidlow": float(low),
        "ask": float(now.ask),
        "askhigh": float(high + wide),
        "asklow": float(low + wide),
        "session_open": float(opened),
        "session_close": float(opened),
        "price_change": round(float((now.bid - opened) / opened * 100), 4),
    }


def _unseen() -> dict[str, Any]:
    names = "bid bidhigh bidlow ask askhigh asklow session_open session_close price_change"
    return {"time": 0, **dict.fromkeys(names.split(), 0.0)}
