"""The venue's own SDK trades a day: only its addresses are changed. It checks types, so it also tells which fields are missing."""

import asyncio
import warnings

from binance_common.configuration import (
    ConfigurationRestAPI,
    ConfigurationWebSocketAPI,
    ConfigurationWebSocketStreams,
)
from binance_common.errors import Error
from binance_sdk_derivatives_trading_usds_futures import DerivativesTradingUsdsFutures
from telling import KEY, ORIGIN, PATIENCE_S, SECRET, SOCKETS, play, refusal, turn

warnings.simplefilter("ignore")
BTC = "BTCUSDT"
MARKET = {"symbol": BTC, "side": "BUY", "type": "MARKET", "quantity": 0.01, "new_order_resp_type": "RESULT"}
LIMIT = {"symbol": BTC, "side": "BUY", "type": "LIMIT", "time_in_force": "GTC", "quantity": 0.01, "price": 94000.0}
STOP = {
    "algo_type": "CONDITIONAL",
    "symbol": BTC,
    "side": "SELL",
    "type": "STOP_MARKET",
    "quantity": 0.01,
    "trigger_price": 90000.0,
}


def make_client(key=KEY, secret=SECRET):
    return DerivativesTradingUsdsFutures(
        config_rest_api=ConfigurationRestAPI(
            api_key=key, api_secret=secret, base_path=ORIGIN, timeout=10_000, retries=1
        ),
        config_ws_api=ConfigurationWebSocketAPI(
            api_key=key, api_secret=secret, stream_url=f"{SOCKETS}/ws-fapi/v1", return_rate_limits=True
        ),
        config_ws_streams=ConfigurationWebSocketStreams(stream_url=SOCKETS, reconnect_delay=100),
    )


def missing(model):
    """The names of documented fields that did not come."""
    values = {info.alias or name: getattr(model, name) for name, info in type(model).model_fields.items()}
    return sorted(name for name, value in values.items() if value is None and name != "additional_properties")


def look_around(rest):
    info = rest.exchange_information().data()
    rest.change_initial_leverage(BTC, 5)
    rest.change_margin_type(BTC, "ISOLATED")
    account = rest.account_information_v3().data()
    return {
        "symbols": [len(info.symbols), missing(info.symbols[0])],
        "time": rest.check_server_time().data().server_time > 0,
        "last": rest.symbol_price_ticker_v2(BTC).data().actual_instance.price,
        "candles": len(rest.kline_candlestick_data(BTC, "5m", limit=50).data()),
        "depth": missing(rest.order_book(BTC, limit=5).data()),
        "balance": [rest.futures_account_balance_v3().data()[0].balance, missing(account), missing(account.assets[0])],
        "leverage": rest.symbol_configuration(BTC).data()[0].leverage,
        "limits": sorted({limit.rateLimitType for limit in rest.test_connectivity().rate_limits}),
    }


def trade(rest):
    entry = rest.new_order(**MARKET).data()
    position = rest.position_information_v3().data()[0]
    stop = rest.new_algo_order(**STOP, reduce_only="true").data()
    target = rest.new_algo_order(**{**STOP, "type": "TAKE_PROFIT_MARKET", "trigger_price": 99000.0}).data()
    limit = rest.new_order(**LIMIT, new_client_order_id="sdk-1").data()
    changed = rest.modify_order(BTC, "BUY", 0.02, 93000.0, order_id=limit.order_id).data()
    batch = rest.place_multiple_orders(
        [
            {"symbol": BTC, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": "94000"},
            {"symbol": BTC, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0", "price": "94000"},
        ]
    ).data()
    found = rest.query_order(BTC, orig_client_order_id="sdk-1").data()
    cancelled = rest.cancel_order(BTC, orig_client_order_id="sdk-1").data()
    gone = rest.cancel_algo_order(algo_id=target.algo_id).data()
    rest.cancel_all_open_orders(BTC)
    closed = rest.new_order(**{**MARKET, "side": "SELL", "reduce_only": "true"}).data()
    rest.cancel_all_algo_open_orders(BTC)
    return {
        "entry": [entry.status, entry.additional_properties.get("avgPrice"), missing(entry)],
        "position": [position.position_amt, missing(position)],
        "stop": [stop.algo_status, missing(stop), gone.msg],
        "changed": [changed.orig_qty, changed.price, found.price, missing(found)],
        "batch": [batch[0].order_id is not None, batch[1].code],
        "cancelled": cancelled.status,
        "closed": closed.executed_qty,
        "trades": [[each.side, each.commission_asset, missing(each)] for each in rest.account_trade_list(BTC).data()],
        "left": [len(rest.current_all_open_orders().data()), len(rest.current_all_algo_open_orders().data())],
    }


def name_and_text(error):
    return [type(error).__name__, str(error.error_message if isinstance(error, Error) else error)]


async def be_refused(rest):
    stranger, forger = make_client(key="stranger").rest_api, make_client(secret="wrong").rest_api

    async def placed(by=rest, **change):
        await asyncio.to_thread(lambda: by.new_order(**{**LIMIT, **change}))

    errors = {}
    wishes = {
        "signature": {"by": forger},
        "key": {"by": stranger},
        "margin": {"quantity": 9.0, "price": 95000.0, "side": "SELL"},
        "precision": {"quantity": 0.0123456},
        "filter": {"price": 94000.05},
        "notional": {"quantity": 0.001, "price": 48000.0},
        "nothing to reduce": {"reduce_only": "true", "side": "SELL", "price": 96000.0},
        "symbol": {"symbol": "NOPE"},
    }
    for name, wish in wishes.items():
        errors[name] = await refusal(placed(**wish), name_and_text)
    await placed(new_client_order_id="twice")
    errors["duplicate"] = await refusal(placed(new_client_order_id="twice"), name_and_text)
    for kind in ("rate_limit", "ban", "unknown_not_executed", "html_502"):
        await turn("faults", kind=kind, next_n=1, delay_s=1)
        errors[kind] = await refusal(placed(), name_and_text)
    await turn("faults", kind="clock_skew", next_n=1, delay_s=60, path="POST /fapi/v1/order")
    errors["time"] = await refusal(placed(), name_and_text)
    rest.cancel_all_open_orders(BTC)
    return errors


async def listen(client):
    streams = await client.websocket_streams.create_connection()
    asked = {
        "kline": streams.kline_candlestick_streams("btcusdt", "1m"),
        "continuous": streams.continuous_contract_kline_candlestick_streams("btcusdt", "perpetual", "1m"),
        "mini": streams.individual_symbol_mini_ticker_stream("ethusdt"),
        "ticker": streams.individual_symbol_ticker_streams("ethusdt"),
        "minis": streams.all_market_mini_tickers_stream(),
        "tickers": streams.all_market_tickers_streams(),
        "mark": streams.mark_price_stream("ethusdt", update_speed="1s"),
        "marks": streams.mark_price_stream_for_all_market(update_speed="1s"),
        "trade": streams.aggregate_trade_streams("ethusdt"),
        "book": streams.individual_symbol_book_ticker_streams("ethusdt"),
        "books": streams.all_book_tickers_stream(),
        "diff": streams.diff_book_depth_streams("ethusdt", update_speed="100ms"),
        "partial": streams.partial_book_depth_streams("ethusdt", 5, update_speed="100ms"),
    }
    handles, first = {name: await asking for name, asking in asked.items()}, {}
    done = asyncio.Event()

    def hear(name, event):
        first.setdefault(name, event)
        if len(first) == len(handles):
            done.set()

    for name, handle in handles.items():
        handle.on("message", lambda event, name=name: hear(name, event))
    await asyncio.wait_for(done.wait(), PATIENCE_S)
    seen = {name: read_event(event) for name, event in first.items()}
    await streams.close_connection(close_session=True)
    return seen


def read_event(event):
    """A list of models comes inside a model; of these the first one speaks."""
    rows = getattr(event, "actual_instance", None) or getattr(event, "root", None) or event
    row = rows[0] if isinstance(rows, list) else rows
    return missing(row) if hasattr(row, "model_fields") else sorted(row)


async def follow(rest):
    """Own events, and again after the connection is lost, which this SDK reports and leaves to its user."""
    key = rest.start_user_data_stream().data().listen_key
    rest.keepalive_user_data_stream()
    streams, events = await hear_own(key)
    await asyncio.to_thread(lambda: rest.new_order(**MARKET))
    told = [await next_of(events) for _ in range(4)]
    await asyncio.to_thread(lambda: rest.change_initial_leverage(BTC, 7))
    told.append(await next_of(events))
    lost = asyncio.Event()
    streams.on_connection("close", lambda *_: lost.set())
    await turn("faults", kind="stream_disconnect", next_n=1, account=KEY)
    await asyncio.wait_for(lost.wait(), PATIENCE_S)
    await streams.close_connection(close_session=True)
    streams, events = await hear_own(key)
    await asyncio.to_thread(lambda: rest.new_order(**LIMIT))
    again = await next_of(events)
    await asyncio.to_thread(lambda: rest.cancel_all_open_orders(BTC))
    await asyncio.to_thread(lambda: rest.new_order(**{**MARKET, "side": "SELL", "reduce_only": "true"}))
    await streams.close_connection(close_session=True)
    rest.close_user_data_stream()
    return {
        "kinds": [type(each).__name__ for each in told],
        "order": missing(told[3].o),
        "account": [missing(told[2].a), missing(told[2].a.B[0]), missing(told[2].a.P[0])],
        "again": type(again).__name__,
    }


async def hear_own(key):
    """On a client of its own: one that lost its connection still takes the stream for subscribed."""
    streams, events = await make_client().websocket_streams.create_connection(), asyncio.Queue()
    (await streams.user_data(key)).on("message", events.put_nowait)
    return streams, events


async def next_of(events):
    return (await asyncio.wait_for(events.get(), PATIENCE_S)).actual_instance


async def speak_over_one_socket(client):
    api = await client.websocket_api.create_connection()
    answer = await api.new_order(**LIMIT, new_client_order_id="ws-1")
    placed = answer.data().result
    changed = (await api.modify_order(BTC, "BUY", 0.02, 93000.0, order_id=placed.order_id)).data().result
    found = (await api.query_order(BTC, orig_client_order_id="ws-1")).data().result
    cancelled = (await api.cancel_order(BTC, order_id=placed.order_id)).data().result
    stop = (await api.new_algo_order(**STOP)).data().result
    gone = (await api.cancel_algo_order(algo_id=stop.algo_id)).data().result
    status = (await api.account_information_v2()).data().result
    stream = (await api.start_user_data_stream()).data().result
    refused = (await api.new_order(**{**MARKET, "quantity": 50.0})).data()
    seen = {
        "placed": [placed.status, missing(placed)],
        "limits": sorted({f"{row.rateLimitType} {row.interval}" for row in answer.rate_limits}),
        "changed": [changed.price, found.orig_qty, missing(found)],
        "cancelled": cancelled.status,
        "stop": [stop.algo_status, gone.msg],
        "status": missing(status),
        "balance": (await api.futures_account_balance_v2()).data().result[0].asset,
        "position": len((await api.position_information_v2()).data().result),
        "book": missing((await api.order_book(BTC, limit=5)).data().result),
        "price": (await api.symbol_price_ticker(symbol=BTC)).data().actual_instance.result.price,
        "ticker": (await api.symbol_order_book_ticker(symbol=BTC)).data().actual_instance.result.symbol,
        "stream": len(stream.listen_key),
        "refused": refused,
    }
    await api.close_connection(close_session=True)
    return seen


async def story():
    client = make_client()
    rest = client.rest_api
    seen = {"around": await asyncio.to_thread(look_around, rest), "trade": await asyncio.to_thread(trade, rest)}
    seen["errors"] = await be_refused(rest)
    seen["streams"] = await listen(client)
    seen["own"] = await follow(rest)
    seen["api"] = await speak_over_one_socket(client)
    return seen


play(story)
