"""The venue's earlier connector, given up upstream: it still posts stops to the order endpoint and must be told so."""

import json
import queue

from binance.error import ClientError
from binance.um_futures import UMFutures
from binance.websocket.um_futures.websocket_client import UMFuturesWebsocketClient
from telling import KEY, ORIGIN, PATIENCE_S, SECRET, SOCKETS, play

BTC = "BTCUSDT"
LIMIT = {"symbol": BTC, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": 0.01, "price": 94000}
STOP = {"symbol": BTC, "side": "SELL", "type": "STOP_MARKET", "quantity": 0.01, "stopPrice": 90000}


def code(asking, *args, **wish):
    try:
        asking(*args, **wish)
    except ClientError as error:
        return [error.status_code, error.error_code]
    return "nothing"


def trade(client):
    entry = client.new_order(symbol=BTC, side="BUY", type="MARKET", quantity=0.01, newOrderRespType="RESULT")
    limit = client.new_order(**LIMIT)
    batch = client.new_batch_order([{**LIMIT, "quantity": "0.01", "price": "94000"}])
    return {
        "entry": entry["status"],
        "ack": [limit["status"], limit["executedQty"]],
        "batch": batch[0]["status"],
        "cancelled": client.cancel_order(symbol=BTC, orderId=limit["orderId"])["status"],
        "all": client.cancel_open_orders(symbol=BTC)["code"],
        "position": client.get_position_risk(symbol=BTC)[0]["positionAmt"],
        "trades": [each["side"] for each in client.get_account_trades(symbol=BTC)],
        "leverage": client.change_leverage(symbol=BTC, leverage=6)["leverage"],
        "time": client.time()["serverTime"] > 0,
        "stop": code(client.new_order, **STOP),
        "forged": code(UMFutures(KEY, "wrong", base_url=ORIGIN).account),
        "missing": code(client.query_order, symbol=BTC, orderId=1),
    }


def listen(client):
    heard = queue.Queue()
    socket = UMFuturesWebsocketClient(stream_url=SOCKETS, on_message=lambda _, text: heard.put(json.loads(text)))
    key = client.new_listen_key()["listenKey"]
    socket.mark_price(symbol="ethusdt", speed=1)
    socket.user_data(listen_key=key)
    answers = [next_of(heard, "result") for _ in range(2)]
    client.new_order(**LIMIT)
    events = {next_of(heard, "e")}
    while len(events) < len(answers):
        events.add(next_of(heard, "e"))
    socket.stop()
    client.cancel_open_orders(symbol=BTC)
    return {"kinds": sorted(events), "answers": answers}


def next_of(heard, name):
    """The next message that has this field."""
    while name not in (message := heard.get(timeout=PATIENCE_S)):
        pass
    return message[name]


async def story():
    client = UMFutures(KEY, SECRET, base_url=ORIGIN)
    return {"trade": trade(client), "streams": listen(client)}


play(story)
