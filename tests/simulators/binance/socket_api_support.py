"""One connection to the WebSocket API, over which any trader signs for themselves."""

import itertools
import json

from binance_simulator_support import now_ms

ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01", "newOrderRespType": "RESULT"}
LIMIT = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "quantity": "0.01",
    "price": "94000",
    "timeInForce": "GTC",
}
STOP = {
    "algoType": "CONDITIONAL",
    "symbol": "BTCUSDT",
    "side": "SELL",
    "type": "STOP_MARKET",
    "quantity": "0.01",
    "triggerPrice": "90000",
}


class ApiSocket:
    def __init__(self, socket):
        self.socket = socket
        self._numbers = itertools.count(1)

    async def ask(self, method, params=None, *, by=None):
        """The answer's whole frame; ``by`` signs."""
        number = await self.send(method, params, by=by)
        frame = await self.socket.receive_json()
        assert frame["id"] == number, frame
        return frame

    async def send(self, method, params=None, *, by=None):
        number = next(self._numbers)
        params = dict(params or {}) if by is None else signed(by, params or {})
        await self.socket.send_json({"id": number, "method": method, "params": params})
        return number


def signed(trader, params):
    """JSON numbers are signed as they are written."""
    full = {**params, "apiKey": trader.key, "timestamp": now_ms()}
    payload = "&".join(f"{name}={spelled(full[name])}" for name in sorted(full))
    return {**full, "signature": trader.sign(payload)}


def spelled(value):
    return value if isinstance(value, str) else json.dumps(value)
