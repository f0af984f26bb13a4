"""An exchange that is quick and understands nothing: every order is filled at once. What it costs itself, it tells.

Made for the benchmark alone: a real one, or our simulator, would be what is measured. HTTP and the WebSocket API on one
port; both are answered in the callback that reads them. When the last order came it tells by the monotonic clock, which all
programs of a machine share.
"""

import asyncio
import base64
import hashlib
import re
import secrets
import time
from collections.abc import Callable

import msgspec

PRICE = "95200.00"

_BODY = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_KEY = re.compile(rb"\r\nsec-websocket-key: *(\S+)", re.IGNORECASE)
_CLIENT_ID = re.compile(rb"newClientOrderId[=\":]+([\w-]+)")
_QUANTITY = re.compile(rb"quantity[=\":]+([\d.]+)")
_NUMBER = re.compile(rb"\"id\":(\d+)")
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

_ORDERS = b"GET /ws-fapi/"
_SOCKETS = (_ORDERS, b"GET /private/stream", b"GET /market/stream")
"""The streams open and stay silent."""

_TEXT, _CLOSE, _PING = 0x1, 0x8, 0x9
_LONG = 126
_LONG_MAX = 65_535

_FILTERS = [
    {"filterType": "PRICE_FILTER", "minPrice": "0.10", "maxPrice": "4529764", "tickSize": "0.10"},
    {"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "1000", "stepSize": "0.001"},
    {"filterType": "MARKET_LOT_SIZE", "minQty": "0.001", "maxQty": "1000", "stepSize": "0.001"},
    {"filterType": "MIN_NOTIONAL", "notional": "5"},
]
_SYMBOL = {
    "symbol": "BTCUSDT",
    "pair": "BTCUSDT",
    "contractType": "PERPETUAL",
    "deliveryDate": 4_133_404_800_000,
    "onboardDate": 1_569_398_400_000,
    "status": "TRADING",
    "baseAsset": "BTC",
    "quoteAsset": "USDT",
    "marginAsset": "USDT",
    "pricePrecision": 2,
    "quantityPrecision": 3,
    "baseAssetPrecision": 8,
    "quotePrecision": 8,
    "filters": _FILTERS,
    "orderTypes": ["LIMIT", "MARKET"],
    "timeInForce": ["GTC", "IOC"],
}


class Exchange:
    """What all connections share: the number of the last order."""

    def __init__(self) -> None:
        self._orders = 0
        self._last_order_s = 0.0
        self._began_s = time.process_time()

    def answer(self, line: bytes, body: bytes) -> bytes | None:
        """The JSON of a route; None for one that is not there."""
        if line.startswith(b"POST /fapi/v1/order"):
            return self.fill(body or line)
        if line.startswith(b"POST /fapi/v1/listenKey"):
            return b'{"listenKey":"%b"}' % secrets.token_hex(32).encode()
        match line.split(b" ")[1].partition(b"?")[0]:
            case b"/fapi/v1/exchangeInfo":
                return msgspec.json.encode({"timezone": "UTC", "symbols": [_SYMBOL], "assets": [], "rateLimits": []})
            case b"/fapi/v1/ticker/price":
                return b'{"symbol":"BTCUSDT","price":"%b"}' % PRICE.encode()
            case b"/fapi/v1/time":
                return b'{"serverTime":%d}' % (time.time_ns() // 1_000_000)
            case b"/_bench/cpu":
                cpu_s = time.process_time() - self._began_s
                return b'{"orders":%d,"cpu_s":%f,"last_order_s":%f}' % (self._orders, cpu_s, self._last_order_s)
            case _:
                return None

    def fill(self, asked: bytes) -> bytes:
        """As the venue's RESULT shows a market order that was filled."""
        self._orders += 1
        self._last_order_s = time.monotonic()
        client_id, quantity = _CLIENT_ID.search(asked), _QUANTITY.search(asked)
        return (
            b'{"orderId":%d,"symbol":"BTCUSDT","status":"FILLED","clientOrderId":"%b","price":"0","avgPrice":"%b",'
            b'"origQty":"%b","executedQty":"%b","cumQuote":"0","type":"MARKET","origType":"MARKET","side":"BUY",'
            b'"positionSide":"BOTH","reduceOnly":false,"timeInForce":"GTC","updateTime":%d}'
        ) % (
            self._orders,
            client_id[1] if client_id else b"none",
            PRICE.encode(),
            quantity[1] if quantity else b"0",
            quantity[1] if quantity else b"0",
            time.time_ns() // 1_000_000,
        )


class Connection(asyncio.Protocol):
    """Begins with HTTP, and stays with frames once it was upgraded."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._rest = b""
        self._take: Callable[[], bool] = self._take_request
        self._takes_orders = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # asyncio's own imprecision

    def data_received(self, data: bytes) -> None:
        self._rest += data
        while self._rest and self._take():
            pass

    def _take_request(self) -> bool:
        head, found, rest = self._rest.partition(b"\r\n\r\n")
        length = _BODY.search(head)
        size = int(length[1]) if length else 0
        if not found or len(rest) < size:
            return False
        body, self._rest = rest[:size], rest[size:]
        if head.startswith(_SOCKETS) and (key := _KEY.search(head)) is not None:
            accept = base64.b64encode(hashlib.sha1(key[1] + _GUID, usedforsecurity=False).digest())
            upgrade = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            self._transport.write(upgrade + b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
            self._takes_orders = head.startswith(_ORDERS)
            self._take = self._take_frame
            return True
        answer = self._exchange.answer(head[: head.find(b"\r\n")], body)
        status, text = (b"404 Not Found", b"{}") if answer is None else (b"200 OK", answer)
        kind = b"Content-Type: application/json\r\n"
        self._transport.write(b"HTTP/1.1 %b\r\n%bContent-Length: %d\r\n\r\n%b" % (status, kind, len(text), text))
        return True

    def _take_frame(self) -> bool:
        short = self._rest[1] & 0x7F if len(self._rest) > 1 else 0
        start = 4 if short == _LONG else 2
        if len(self._rest) < start + 4:
            return False
        size = int.from_bytes(self._rest[2:4], "big") if short == _LONG else short
        if len(self._rest) < start + 4 + size:
            return False
        mask, masked = self._rest[start : start + 4], self._rest[start + 4 : start + 4 + size]
        kind, self._rest = self._rest[0] & 0x0F, self._rest[start + 4 + size :]
        stretched = (mask * (size // 4 + 1))[:size]
        text = (int.from_bytes(masked, "big") ^ int.from_bytes(stretched, "big")).to_bytes(size, "big")
        if kind == _TEXT and self._takes_orders:
            number = _NUMBER.search(text)
            self._send(
                b'{"id":%b,"status":200,"result":%b}' % (number[1] if number else b"null", self._exchange.fill(text))
            )
        elif kind == _PING:
            self._transport.write(bytes([0x8A, size]) + text)
        elif kind == _CLOSE:
            self._transport.close()
        return True

    def _send(self, text: bytes) -> None:
        size = len(text)
        head = bytes([0x81, size]) if size < _LONG else bytes([0x81, _LONG]) + min(size, _LONG_MAX).to_bytes(2, "big")
        self._transport.write(head + text)


async def serve(port: int) -> None:
    """Until cancelled."""
    exchange = Exchange()
    server = await asyncio.get_running_loop().create_server(lambda: Connection(exchange), "127.0.0.1", port)
    async with server:
        await server.serve_forever()
