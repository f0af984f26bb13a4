"""The 32 functions, each with the real one's way of taking arguments and of telling failure, and the 11 struct classes."""

from typing import Any

from ._arguments import named, positional, read_request, refuse, unnamed
from ._arrays import RATES, TICKS, array
from ._structs import (
    AccountInfo,
    BookInfo,
    OrderCheckResult,
    OrderSendResult,
    SymbolInfo,
    TerminalInfo,
    Tick,
    TradeDeal,
    TradeOrder,
    TradePosition,
    TradeRequest,
    build,
    build_all,
)
from ._wire import PIPE, connected, standalone

__all__ = [  # noqa: RUF022  # structs, then functions by what they are about
    "AccountInfo", "BookInfo", "OrderCheckResult", "OrderSendResult", "SymbolInfo", "TerminalInfo", "Tick", "TradeDeal",
    "TradeOrder", "TradePosition", "TradeRequest",
    "initialize", "login", "shutdown", "version", "last_error", "terminal_info", "account_info",
    "symbols_total", "symbols_get", "symbol_info", "symbol_info_tick", "symbol_select",
    "market_book_add", "market_book_get", "market_book_release",
    "copy_rates_from", "copy_rates_from_pos", "copy_rates_range", "copy_ticks_from", "copy_ticks_range",
    "orders_total", "orders_get", "positions_total", "positions_get",
    "history_orders_total", "history_orders_get", "history_deals_total", "history_deals_get",
    "order_calc_margin", "order_calc_profit", "order_check", "order_send",
]  # fmt: skip

_TIMEOUT_MS = 60_000
_SIGN_IN = ("login", "password", "server")


@standalone(failure=False)
def initialize(*args: Any, **kwargs: Any) -> bool:
    PIPE.close()
    wish = unnamed(args, ("path",)) | named(kwargs, ("path", *_SIGN_IN, "timeout", "portable"))
    PIPE.open(wish.pop("timeout", _TIMEOUT_MS), **{name: wish[name] for name in ("path", *_SIGN_IN) if name in wish})
    return True


@connected(failure=False)
def login(*args: Any, **kwargs: Any) -> bool:
    wish = unnamed(args, _SIGN_IN) | named(kwargs, (*_SIGN_IN, "timeout"))
    if "login" not in wish:
        raise refuse("Invalid arguments")
    PIPE.ask("login", **{name: wish[name] for name in _SIGN_IN if name in wish})
    return True


@standalone(failure=True)
def shutdown() -> bool:
    PIPE.close()
    return True


def last_error() -> tuple[int, str]:
    return PIPE.error


@connected(failure=None)
def version() -> tuple[int, int, str] | None:
    terminal, build_number, date = PIPE.ask("version")
    return terminal, build_number, date


@connected(failure=None)
def terminal_info() -> Any:
    return build(TerminalInfo, PIPE.ask("terminal_info"))


@connected(failure=None)
def account_info() -> Any:
    return build(AccountInfo, PIPE.ask("account_info"))


@connected(failure=None)
def symbols_total() -> Any:
    return PIPE.ask("symbols_total")


@connected(failure=None)
def symbols_get(*args: Any, **kwargs: Any) -> Any:
    wish = unnamed(args, ("group",)) | named(kwargs, ("group",))
    return build_all(SymbolInfo, PIPE.ask("symbols_get", **wish))


@connected(failure=None)
def symbol_info(*args: Any) -> Any:
    return build(SymbolInfo, PIPE.ask("symbol_info", **positional(args, ("symbol",))))


@connected(failure=None)
def symbol_info_tick(*args: Any) -> Any:
    return build(Tick, PIPE.ask("symbol_info_tick", **positional(args, ("symbol",))))


@connected(failure=False)
def symbol_select(*args: Any) -> bool:
    wish = {"enable": True} | positional(args, ("symbol", "enable"), optional=1)
    PIPE.ask("symbol_select", symbol=wish["symbol"], enable=bool(wish["enable"]))
    return True


@connected(failure=False)
def market_book_add(*args: Any) -> bool:
    PIPE.ask("market_book_add", **positional(args, ("symbol",)))
    return True


@connected(failure=False)
def market_book_release(*args: Any) -> bool:
    PIPE.ask("market_book_release", **positional(args, ("symbol",)))
    return True


@connected(failure=None)
def market_book_get(*args: Any) -> Any:
    return build_all(BookInfo, PIPE.ask("market_book_get", **positional(args, ("symbol",))))


@connected(failure=None)
def copy_rates_from(*args: Any) -> Any:
    wish = positional(args, ("symbol", "timeframe", "date_from", "count"))
    return array(PIPE.ask("copy_rates_from", **wish), RATES)


@connected(failure=None)
def copy_rates_from_pos(*args: Any) -> Any:
    wish = positional(args, ("symbol", "timeframe", "start_pos", "count"))
    return array(PIPE.ask("copy_rates_from_pos", **wish), RATES)


@connected(failure=None)
def copy_rates_range(*args: Any) -> Any:
    wish = positional(args, ("symbol", "timeframe", "date_from", "date_to"))
    return array(PIPE.ask("copy_rates_range", **wish), RATES)


@connected(failure=None)
def copy_ticks_from(*args: Any) -> Any:
    wish = positional(args, ("symbol", "date_from", "count", "flags"))
    return array(PIPE.ask("copy_ticks_from", **wish), TICKS)


@connected(failure=None)
def copy_ticks_range(*args: Any) -> Any:
    wish = positional(args, ("symbol", "date_from", "date_to", "flags"))
    return array(PIPE.ask("copy_ticks_range", **wish), TICKS)


@connected(failure=None)
def orders_total() -> Any:
    return PIPE.ask("orders_total")


@connected(failure=None)
def orders_get(*args: Any, **kwargs: Any) -> Any:
    return build_all(TradeOrder, PIPE.ask("orders_get", **_selection(args, kwargs)))


@connected(failure=None)
def positions_total() -> Any:
    return PIPE.ask("positions_total")


@connected(failure=None)
def positions_get(*args: Any, **kwargs: Any) -> Any:
    return build_all(TradePosition, PIPE.ask("positions_get", **_selection(args, kwargs)))


@connected(failure=None)
def history_orders_total(*args: Any) -> Any:
    return PIPE.ask("history_orders_total", **positional(args, ("date_from", "date_to")))


@connected(failure=None)
def history_orders_get(*args: Any, **kwargs: Any) -> Any:
    return build_all(TradeOrder, PIPE.ask("history_orders_get", **_period(args, kwargs)))


@connected(failure=None)
def history_deals_total(*args: Any) -> Any:
    return PIPE.ask("history_deals_total", **positional(args, ("date_from", "date_to")))


@connected(failure=None)
def history_deals_get(*args: Any, **kwargs: Any) -> Any:
    return build_all(TradeDeal, PIPE.ask("history_deals_get", **_period(args, kwargs)))


@connected(failure=None)
def order_calc_margin(*args: Any) -> Any:
    return PIPE.ask("order_calc_margin", **positional(args, ("action", "symbol", "volume", "price")))


@connected(failure=None)
def order_calc_profit(*args: Any) -> Any:
    wish = positional(args, ("action", "symbol", "volume", "price_open", "price_close"))
    return PIPE.ask("order_calc_profit", **wish)


@connected(failure=None)
def order_check(*args: Any, **kwargs: Any) -> Any:
    return _asked(OrderCheckResult, "order_check", args, kwargs)


@connected(failure=None)
def order_send(*args: Any, **kwargs: Any) -> Any:
    return _asked(OrderSendResult, "order_send", args, kwargs)


def _asked(kind: Any, call: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    request = read_request(args, kwargs)
    answer = PIPE.ask(call, request=request)
    return build(kind, answer | {"request": build(TradeRequest, request)})


def _selection(args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Ticket before symbol before group; the others are ignored."""
    if args:
        raise refuse("Unnamed arguments not allowed")
    wish = named(kwargs, ("symbol", "group", "ticket"))
    return next(({name: wish[name]} for name in ("ticket", "symbol", "group") if name in wish), {})


def _period(args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Two dates and perhaps a group, or a ticket, or a position."""
    single = [name for name in ("ticket", "position") if name in kwargs]
    if single and not args:
        return named({single[0]: kwargs[single[0]]}, ("ticket", "position"))
    wish = unnamed(args, ("date_from", "date_to")) | named(kwargs, ("date_from", "date_to", "group"))
    if single or not {"date_from", "date_to"} <= wish.keys():
        raise refuse("Invalid arguments")
    return wish
