"""A broker on a free port of a thread of its own, since the stand-in blocks as the real package does, and its doors."""

import asyncio
import contextlib
import http.client
import json
import threading

from copydesk.simulators.metatrader5 import serve

MASTER = r"C:\Program Files\MetaTrader 5\terminal64.exe"
FOLLOWER = r"C:\Program Files\MetaTrader 5 Follower\terminal64.exe"
NETTING = r"C:\Program Files\MetaTrader 5 Netting\terminal64.exe"
SERVER = "Copydesk-Demo"


class Broker:
    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"
        self._port = port

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        with contextlib.closing(connection):
            connection.request(method, path, None if body is None else json.dumps(body))
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    def tell(self, door, **body):
        status, answer = self.ask("POST", f"/_sim/{door}", body)
        assert status == 200, answer
        return answer

    def hold(self, symbol, price, spread=1):
        self.tell("price", symbol=symbol, price=price, hold=True, spread=spread)

    def pass_time(self, **parts):
        units = {"ms": 1, "seconds": 1_000, "hours": 3_600_000, "days": 86_400_000}
        self.tell("time", advance_ms=sum(units[unit] * count for unit, count in parts.items()))

    def ledger(self, account):
        return self.ask("GET", f"/_sim/ledger?account={account}")[1]


@contextlib.contextmanager
def running_broker(**options):
    """Virtual time from Monday 2026-01-05 00:00 of the server's clock, unless told."""
    ready, found = threading.Event(), {}

    async def main():
        found["loop"], found["task"] = asyncio.get_running_loop(), asyncio.current_task()

        def announce(port):
            found["port"] = port
            ready.set()

        with contextlib.suppress(asyncio.CancelledError):
            await serve(port=0, on_ready=announce, **{"virtual_time": True, **options})

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield Broker(found["port"])
    finally:
        found["loop"].call_soon_threadsafe(found["task"].cancel)
        thread.join(10)


def market(mt5, order_type, volume=0.1, symbol="EURUSD", **rest):
    """A market order as most scripts send it."""
    filling = rest.get("type_filling", mt5.ORDER_FILLING_IOC)
    tick = mt5.symbol_info_tick(symbol)
    request = {
        "action": mt5.TRADE_ACTION_DEAL,
        "symbol": symbol,
        "volume": volume,
        "type": order_type,
        "price": tick.ask if order_type == mt5.ORDER_TYPE_BUY else tick.bid,
        "type_filling": filling,
    }
    return mt5.order_send(request | rest)


def opened(mt5, order_type, volume=0.1, symbol="EURUSD", **rest):
    """The ticket of a position that must have been opened."""
    result = market(mt5, order_type, volume, symbol, **rest)
    assert result.retcode == mt5.TRADE_RETCODE_DONE, result
    return result.order
