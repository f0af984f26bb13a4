"""The 11 struct classes: tuples with names, as C's struct sequences are (and not as named tuples are)."""

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any

_FIELDS = {
    "Tick": """
        time bid ask last volume time_msc flags volume_real
    """,
    "OrderSendResult": """
        retcode deal order volume price bid ask comment request_id retcode_external request
    """,
    "TradePosition": """
        ticket time time_msc time_update time_update_msc type magic identifier reason volume price_open sl tp
        price_current swap profit symbol comment external_id
    """,
    "BookInfo": """
        type price volume volume_dbl
    """,
    "AccountInfo": """
        login trade_mode leverage limit_orders margin_so_mode trade_allowed trade_expert margin_mode currency_digits
        fifo_close balance credit profit equity margin margin_free margin_level margin_so_call margin_so_so
        margin_initial margin_maintenance assets liabilities commission_blocked name server currency company
    """,
    "TradeOrder": """
        ticket time_setup time_setup_msc time_done time_done_msc time_expiration type type_time type_filling state
        magic position_id position_by_id reason volume_initial volume_current price_open sl tp price_current
        price_stoplimit symbol comment external_id
    """,
    "OrderCheckResult": """
        retcode balance equity profit margin margin_free margin_level comment request
    """,
    "SymbolInfo": """
        custom chart_mode select visible session_deals session_buy_orders session_sell_orders volume volumehigh
        volumelow time digits spread spread_float ticks_bookdepth trade_calc_mode trade_mode start_time
        expiration_time trade_stops_level trade_freeze_level trade_exemode swap_mode swap_rollover3days
        margin_hedged_use_leg expiration_mode filling_mode order_mode order_gtc_mode option_mode option_right bid
        bidhigh bidlow ask askhigh asklow last lasthigh lastlow volume_real volumehigh_real volumelow_real
        option_strike point trade_tick_value trade_tick_value_profit trade_tick_value_loss trade_tick_size
        trade_contract_size trade_accrued_interest trade_face_value trade_liquidity_rate volume_min volume_max
        volume_step volume_limit swap_long swap_short margin_initial margin_maintenance session_volume
        session_turnover session_interest session_buy_orders_volume session_sell_orders_volume session_open
        session_close session_aw session_price_settlement session_price_limit_min session_price_limit_max
        margin_hedged price_change price_volatility price_theoretical price_greeks_delta price_greeks_theta
        price_greeks_gamma price_greeks_vega price_greeks_rho price_greeks_omega price_sensitivity basis category
        currency_base currency_profit currency_margin bank description exchange formula isin name page path
    """,
    "TerminalInfo": """
        community_account community_connection connected dlls_allowed trade_allowed tradeapi_disabled email_enabled
        ftp_enabled notifications_enabled mqid build maxbars codepage ping_last community_balance retransmission
        company name language path data_path commondata_path
    """,
    "TradeDeal": """
        ticket order time time_msc type entry magic position_id reason volume price commission swap profit fee
        symbol comment external_id
    """,
    "TradeRequest": """
        action magic order symbol volume price stoplimit sl tp deviation type type_filling type_time expiration
        comment position position_by
    """,
}


def _make(self_type: Any, values: Any) -> Any:
    """The constructor takes one sequence of exactly the right length."""
    values = tuple(values)
    wanted = self_type.n_fields
    if len(values) != wanted:
        raise TypeError(f"{self_type.__name__}() takes a {wanted}-sequence ({len(values)}-sequence given)")
    return tuple.__new__(self_type, values)


def _show(self: Any) -> str:
    inside = ", ".join(f"{name}={value!r}" for name, value in zip(type(self).__match_args__, self, strict=True))
    return f"{type(self).__name__}({inside})"


def _as_dict(self: Any) -> dict[str, Any]:
    """Convert named tuple object to dictionary"""
    return dict(zip(type(self).__match_args__, self, strict=True))


def _reduce(self: Any) -> tuple[Callable[..., Any], tuple[tuple[Any, ...]]]:
    return type(self), (tuple(self),)


def _struct(name: str) -> type[Any]:
    fields = tuple(_FIELDS[name].split())
    parts: dict[str, Any] = {field: property(itemgetter(number)) for number, field in enumerate(fields)}
    parts |= {"__slots__": (), "__module__": "MetaTrader5", "__match_args__": fields}
    parts |= {"n_fields": len(fields), "n_sequence_fields": len(fields), "n_unnamed_fields": 0}
    parts |= {"__new__": _make, "__repr__": _show, "_asdict": _as_dict, "__reduce__": _reduce}
    return type(name, (tuple,), parts)


Tick = _struct("Tick")
OrderSendResult = _struct("OrderSendResult")
TradePosition = _struct("TradePosition")
BookInfo = _struct("BookInfo")
AccountInfo = _struct("AccountInfo")
TradeOrder = _struct("TradeOrder")
OrderCheckResult = _struct("OrderCheckResult")
SymbolInfo = _struct("SymbolInfo")
TerminalInfo = _struct("TerminalInfo")
TradeDeal = _struct("TradeDeal")
TradeRequest = _struct("TradeRequest")


def build(kind: type[Any], answer: Mapping[str, Any]) -> Any:
    """A struct of what the broker told by name."""
    return kind([answer[field] for field in kind.__match_args__])


def build_all(kind: type[Any], answers: list[Mapping[str, Any]]) -> tuple[Any, ...]:
    return tuple(build(kind, answer) for answer in answers)
