"""python-binance trades a day: only its addresses are changed."""

import asyncio

from binance import AsyncClient, BinanceSocketManager, FuturesDepthCacheManager
from telling import KEY, ORIGIN, PATIENCE_S, SECRET, SOCKETS, play, refusal, turn, until

BTC = "BTCUSDT"
LIMIT = {"symbol": BTC, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": "94000"}
MARKET = {"symbol": BTC, "side": "BUY", "type": "MARKET", "quantity": "0.01", "newOrderRespType": "RESULT"}
STOP = {"symbol": BTC, "side": "SELL", "type": "STOP_MARKET", "quantity": "0.01", "stopPrice": "90000"}
TARGET = {**STOP, "type": "TAKE_PROFIT_MARKET", "stopPrice": "99000"}


class Streams(BinanceSocketManager):
    FSTREAM_URL = f"{SOCKETS}/"


def make_client(key=KEY, secret=SECRET):
    client = AsyncClient(key, secret)
    client.FUTURES_URL = f"{ORIGIN}/fapi"
    client.ws_future._url = f"{SOCKETS}/ws-fapi/v1"
    return client


def code(error):
    return error.code


async def look_around(client):
    info = await client.futures_exchange_info()
    await client.futures_change_leverage(symbol=BTC, leverage=5)
    await client.futures_change_margin_type(symbol=BTC, marginType="ISOLATED")
    return {
        "symbols": len(info["symbols"]),
        "time": (await client.futures_time())["serverTime"] > 0,
        "last": (await client.futures_symbol_ticker(symbol=BTC))["price"],
        "candles": len(await client.futures_klines(symbol=BTC, interval="5m", limit=50)),
        "depth": len((await client.futures_order_book(symbol=BTC, limit=5))["bids"]),
        "leverage": (await client.futures_symbol_config(symbol=BTC))[0]["leverage"],
        "balance": (await client.futures_account_balance())[0]["balance"],
        "mark": (await client.futures_mark_price(symbol=BTC))["markPrice"],
    }


async def trade(client):
    entry = await client.futures_create_order(**MARKET)
    stop = await client.futures_create_order(**STOP, reduceOnly="true")
    target = await client.futures_create_order(**TARGET, reduceOnly="true")
    limit = await client.futures_create_order(**LIMIT, newClientOrderId="py-1")
    changed = await client.futures_modify_order(
        symbol=BTC, side="BUY", orderId=limit["orderId"], quantity="0.02", price="93000"
    )
    batch = await client.futures_place_batch_order(
        batchOrders=[{**LIMIT, "newClientOrderId": "py-2"}, {**LIMIT, "quantity": "0.00001"}]
    )
    found = await client.futures_get_order(symbol=BTC, origClientOrderId="py-1")
    cancelled = await client.futures_cancel_order(symbol=BTC, origClientOrderId="py-1")
    await client.futures_cancel_all_open_orders(symbol=BTC)
    await client.futures_cancel_algo_order(algoId=target["algoId"])
    await turn("price", symbol=BTC, price="89999", hold=True)
    fired = await client.futures_get_algo_order(algoId=stop["algoId"])
    await turn("price", symbol=BTC, price="95200", hold=True)
    trades = await client.futures_account_trades(symbol=BTC)
    return {
        "entry": [entry["status"], entry["avgPrice"]],
        "stop": [stop["algoStatus"], fired["algoStatus"]],
        "changed": [changed["origQty"], changed["price"], found["price"]],
        "batch": [batch[0].get("clientOrderId"), batch[1].get("code")],
        "cancelled": cancelled["status"],
        "open": len(await client.futures_get_open_orders(symbol=BTC)),
        "positions": await client.futures_position_information(),
        "trades": [each["side"] for each in trades],
    }


async def be_refused(client):
    stranger, forger = make_client(key="stranger"), make_client(secret="wrong")
    await client.futures_create_order(**LIMIT, newClientOrderId="twice")
    errors = {
        "signature": await refusal(forger.futures_account_balance(), code),
        "key": await refusal(stranger.futures_account_balance(), code),
        "margin": await refusal(client.futures_create_order(**{**MARKET, "quantity": "50"}), code),
        "precision": await refusal(client.futures_create_order(**{**MARKET, "quantity": "0.0123456"}), code),
        "tick": await refusal(client.futures_create_order(**{**LIMIT, "price": "94000.05"}), code),
        "notional": await refusal(
            client.futures_create_order(**{**LIMIT, "quantity": "0.001", "price": "48000"}), code
        ),
        "unknown order": await refusal(client.futures_cancel_order(symbol=BTC, orderId=1), code),
        "missing order": await refusal(client.futures_get_order(symbol=BTC, orderId=1), code),
        "duplicate": await refusal(client.futures_create_order(**LIMIT, newClientOrderId="twice"), code),
        "trigger": await refusal(client.futures_create_order(**{**STOP, "stopPrice": "99000"}), code),
        "nothing to reduce": await refusal(client.futures_create_order(**MARKET, reduceOnly="true"), code),
        "symbol": await refusal(client.futures_create_order(**{**MARKET, "symbol": "NOPE"}), code),
    }
    client.timestamp_offset = -60_000
    errors["late"] = await refusal(client.futures_create_order(**LIMIT), code)
    client.timestamp_offset = 0
    await turn("faults", kind="rate_limit", next_n=1, delay_s=1)
    errors["rate"] = await refusal(client.futures_create_order(**MARKET), code)
    await turn("faults", kind="unknown_not_executed", next_n=1)
    errors["unknown"] = await refusal(client.futures_create_order(**MARKET), code)
    await client.futures_cancel_all_open_orders(symbol=BTC)
    for each in (stranger, forger):
        await each.close_connection()
    return errors


async def listen(client):
    streams, seen = Streams(client), {}
    sockets = {
        "candles": streams.kline_futures_socket("BTCUSDT"),
        "marks": streams.symbol_mark_price_socket("ethusdt"),
        "several": streams.futures_multiplex_socket(["btcusdt@miniTicker", "ethusdt@aggTrade"]),
        "depth": streams.futures_depth_socket("BTCUSDT"),
        "trades": streams.aggtrade_futures_socket("ETHUSDT"),
        "books": streams.all_ticker_futures_socket("!bookTicker"),
        "ticker": streams.individual_symbol_ticker_futures_socket("ethusdt"),
    }
    for name, socket in sockets.items():
        async with socket:
            event = await until(lambda found: found.get("e") != "error", socket.recv)
            seen[name] = event.get("data", event)["e"]
    async with FuturesDepthCacheManager(client, BTC, bm=streams) as cache:
        book = await asyncio.wait_for(cache.recv(), PATIENCE_S)
        seen["book"] = [len(book._bids), len(book._asks)]
    return seen


async def follow(client):
    """Own events, and again after the connection is lost."""
    async with Streams(client).futures_user_socket() as socket:
        await client.futures_create_order(**LIMIT, newClientOrderId="heard")
        first = await until(lambda event: event.get("e") == "ORDER_TRADE_UPDATE", socket.recv)
        await turn("faults", kind="stream_disconnect", next_n=1, account=KEY)
        lost = await until(lambda event: event.get("e") == "error", socket.recv)

        async def cancel_and_place():
            await client.futures_cancel_all_open_orders(symbol=BTC)
            await client.futures_create_order(**LIMIT, newClientOrderId="again")
            try:
                return await asyncio.wait_for(socket.recv(), 1)
            except TimeoutError:
                return {}

        again = await until(lambda event: event.get("e") == "ORDER_TRADE_UPDATE", cancel_and_place)
    await client.futures_cancel_all_open_orders(symbol=BTC)
    return {"first": first["o"]["c"], "lost": lost["type"], "again": again["o"]["s"]}


async def speak_over_one_socket(client):
    placed = await client.ws_futures_create_order(**LIMIT, newClientOrderId="ws-1")
    number = await client.ws_futures_create_order(**{**LIMIT, "quantity": 0.01, "price": 94000.5})
    changed = await client.ws_futures_edit_order(
        symbol=BTC, side="BUY", orderId=placed["orderId"], quantity="0.02", price="93000"
    )
    found = await client.ws_futures_get_order(symbol=BTC, origClientOrderId="ws-1")
    cancelled = await client.ws_futures_cancel_order(symbol=BTC, orderId=placed["orderId"])
    await client.ws_futures_create_order(**MARKET)
    stop = await client.ws_futures_create_order(**STOP, reduceOnly="true")
    gone = await client.ws_futures_cancel_algo_order(algoId=stop["algoId"])
    seen = {
        "placed": placed["status"],
        "number": number["price"],
        "changed": [changed["price"], found["origQty"]],
        "cancelled": cancelled["status"],
        "stop": [stop["algoStatus"], gone["msg"]],
        "book": len((await client.ws_futures_get_order_book(symbol=BTC, limit=5))["asks"]),
        "ticker": (await client.ws_futures_get_order_book_ticker(symbol=BTC))["symbol"],
        "balance": (await client.ws_futures_v2_account_balance())[0]["asset"],
        "status": "availableBalance" in await client.ws_futures_account_status(),
        "position": (await client.ws_futures_v2_account_position(symbol=BTC))[0]["positionAmt"],
        "refused": await refusal(client.ws_futures_create_order(**{**MARKET, "quantity": "50"}), code),
    }
    await client.futures_cancel_all_open_orders(symbol=BTC)
    await client.ws_futures_create_order(**{**MARKET, "side": "SELL"}, reduceOnly="true")
    await client.ws_future.__aexit__(None, None, None)
    return seen


async def story():
    client = make_client()
    await client.futures_ping()
    seen = {"around": await look_around(client), "trade": await trade(client), "errors": await be_refused(client)}
    seen["streams"] = await listen(client)
    seen["own"] = await follow(client)
    seen["api"] = await speak_over_one_socket(client)
    await client.close_connection()
    return seen


play(story)
