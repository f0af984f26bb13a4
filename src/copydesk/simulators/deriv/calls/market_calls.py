"""Time, symbols, ticks and candles: what anybody may ask."""

from collections.abc import Iterator
from functools import partial

from copydesk.simulators.deriv.calls.call import Call, id_of, named
from copydesk.simulators.deriv.calls.session import Answer, Json, Subscription
from copydesk.simulators.deriv.exchange.exchange import Event, Ticked
from copydesk.simulators.deriv.exchange.feed import Feed, Tick
from copydesk.simulators.deriv.exchange.refusals import RefusedError
from copydesk.simulators.deriv.exchange.symbols import Symbol

_COUNT_DEFAULT, _COUNT_MAX = 1_000, 5_000
_MINUTE_S = 60


def ping(_call: Call) -> list[Answer]:
    return [Answer(name="ping", content="pong")]


def time(call: Call) -> list[Answer]:
    return [Answer(name="time", content=call.now_ms // 1_000)]


def active_symbols(call: Call) -> list[Answer]:
    is_full = call.get("active_symbols") == "full"
    rows = [_symbol_row(call, feed, is_full=is_full) for feed in call.exchange.feeds.values()]
    return [Answer(name="active_symbols", content=rows)]


def contracts_for(call: Call) -> list[Answer]:
    feed = call.feed(call.get("contracts_for"))
    rows = [
        _offered(feed.symbol, contract_type, expiry, barriers)
        for contract_type in ("CALL", "PUT", "CALLE", "PUTE")
        for expiry in _DURATIONS
        for barriers in ((0,) if contract_type.endswith("E") else (0, 1))
    ]
    content = {
        "available": rows,
        "close": None,
        "feed_license": "realtime",
        "hit_count": len(rows),
        "open": None,
        "spot": feed.last.quote,
    }
    return [Answer(name="contracts_for", content=content)]


def ticks(call: Call) -> list[Answer]:
    """One message, and one stream, for each symbol asked for."""
    wanted = call.get("ticks")
    feeds = [call.feed(code) for code in dict.fromkeys(wanted if isinstance(wanted, list) else [wanted])]
    if not feeds:
        raise RefusedError(
            "InputValidationFailed", "Input validation failed: ticks", {"ticks": "Not enough items: 0/1."}
        )
    answers = []
    if call.wants_stream:
        call.session.expect_new(*(("ticks", feed.symbol.code) for feed in feeds))
    for feed in feeds:
        subscription = call.subscribe("ticks", ("ticks", feed.symbol.code), partial(_hear_ticks, feed))
        answers.append(_tick(feed, feed.last, subscription))
    return answers


def ticks_history(call: Call) -> list[Answer]:
    feed = call.feed(call.get("ticks_history"))
    end = None if call.get("end") == "latest" else int(call.get("end"))
    start, count = call.get("start"), min(call.get("count") or _COUNT_DEFAULT, _COUNT_MAX)
    if start is not None and end is not None and start > end:
        raise RefusedError("InputValidationFailed", "Input validation failed: start", {"start": "Later than end."})
    code, beside = feed.symbol.code, {"pip_size": feed.symbol.pip_size}
    if call.get("style") == "candles":
        granularity = call.get("granularity", _MINUTE_S)
        hear = partial(_hear_candles, feed, granularity)
        subscription = call.subscribe("candles", ("candles", granularity, code), hear)
        candles = _candles(feed, granularity, start, end, count)
        return [Answer(name="candles", content=candles, beside=beside, subscription=id_of(subscription))]
    subscription = call.subscribe("ticks", ("history", code), partial(_hear_ticks, feed))
    chosen = feed.between(start, end, count)
    content = {"prices": [each.quote for each in chosen], "times": [each.epoch for each in chosen]}
    return [Answer(name="history", content=content, beside=beside, subscription=id_of(subscription))]


def _hear_ticks(feed: Feed, event: Event, subscription: Subscription) -> Iterator[Answer]:
    if isinstance(event, Ticked) and event.symbol == feed.symbol.code:
        yield _tick(feed, event.tick, subscription)


def _hear_candles(feed: Feed, granularity: int, event: Event, subscription: Subscription) -> Iterator[Answer]:
    """The open candle after each tick, its prices as texts (facts §5.2)."""
    if not isinstance(event, Ticked) or event.symbol != feed.symbol.code:
        return
    candle = feed.chart.current(granularity * 1_000)
    if candle is None:
        return
    content = {
        "close": str(candle.close),
        "epoch": event.tick.epoch,
        "granularity": granularity,
        "high": str(candle.high),
        "id": subscription.id,
        "low": str(candle.low),
        "open": str(candle.open),
        "open_time": candle.start_ms // 1_000,
        "pip_size": feed.symbol.pip_size,
        "symbol": feed.symbol.code,
    }
    yield Answer(name="ohlc", content=content, subscription=subscription.id)


def _tick(feed: Feed, tick: Tick, subscription: Subscription | None) -> Answer:
    symbol = feed.symbol
    content = {
        "ask": tick.quote + symbol.pip,
        "bid": tick.quote - symbol.pip,
        "epoch": tick.epoch,
        **named(subscription),
        "pip_size": symbol.pip_size,
        "quote": tick.quote,
        "symbol": symbol.code,
    }
    return Answer(name="tick", content=content, subscription=id_of(subscription))


def _candles(feed: Feed, granularity: int, start: int | None, end: int | None, count: int) -> list[Json]:
    """The newest ones; the last is still open unless ``end`` lies before it."""
    end_ms = None if end is None else end * 1_000
    chosen = feed.chart.series(granularity * 1_000, limit=count, start_ms=None, end_ms=end_ms)
    return [
        {
            "close": each.close,
            "epoch": each.start_ms // 1_000,
            "high": each.high,
            "low": each.low,
            "open": each.open,
        }
        for each in chosen
        if start is None or each.start_ms >= start * 1_000
    ]


def _symbol_row(call: Call, feed: Feed, *, is_full: bool) -> Json:
    symbol = feed.symbol
    row: Json = {
        "allow_forward_starting": 0,
        "display_name": symbol.display_name,
        "display_order": symbol.display_order,
        "exchange_is_open": 1,
        "is_trading_suspended": 0,
        "market": "synthetic_index",
        "market_display_name": "Derived",
        "pip": symbol.pip,
        "subgroup": "synthetics",
        "subgroup_display_name": "Synthetics",
        "submarket": "random_index",
        "submarket_display_name": "Continuous Indices",
        call.session.dialect.symbol: symbol.code,
        "symbol_type": "stockindex",
    }
    if not is_full:
        return row
    age = call.now_ms // 1_000 - feed.last.epoch
    return row | {
        "delay_amount": 0,
        "exchange_name": "RANDOM",
        "intraday_interval_minutes": 1,
        "quoted_currency_symbol": "",
        "spot": feed.last.quote,
        "spot_age": str(age),
        "spot_percentage_change": "0.00",
        "spot_time": str(feed.last.epoch),
    }


_DURATIONS = {"tick": ("1t", "10t"), "intraday": ("15s", "1d"), "daily": ("1d", "365d")}


def _offered(symbol: Symbol, contract_type: str, expiry: str, barriers: int) -> Json:
    shortest, longest = _DURATIONS[expiry]
    is_rising = contract_type.startswith("CALL")
    high, low = ("Higher", "Lower") if barriers else ("Rise", "Fall")
    return {
        "barrier_category": "euro_non_atm" if barriers else "euro_atm",
        "barriers": barriers,
        **({"barrier": f"+{symbol.pip * 10}"} if barriers else {}),
        "contract_category": "callputequal" if contract_type.endswith("E") else "callput",
        "contract_category_display": "Up/Down",
        "contract_display": high if is_rising else low,
        "contract_type": contract_type,
        "exchange_name": "RANDOM",
        "expiry_type": expiry,
        "market": "synthetic_index",
        "max_contract_duration": longest,
        "min_contract_duration": shortest,
        "sentiment": "up" if is_rising else "down",
        "start_type": "spot",
        "submarket": "random_index",
        "underlying_symbol": symbol.code,
    }
