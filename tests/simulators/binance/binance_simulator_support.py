"""What tests of the simulator share: a venue's doors and a trader who signs every request by hand."""

import asyncio
import hashlib
import hmac
import re
import time
from urllib.parse import urlencode

import aiohttp

VIRTUAL_START_MS = 1_767_225_600_000  # 2026-01-01 00:00 UTC


class Venue:
    def __init__(self, session, port, *, scheme="http", virtual=False):
        self.session = session
        self.port = port
        self.base = f"{scheme}://127.0.0.1:{port}"
        self._virtual_ms = VIRTUAL_START_MS if virtual else None

    def now_ms(self):
        return now_ms() if self._virtual_ms is None else self._virtual_ms

    async def advance(self, milliseconds):
        """Let virtual time pass; everything in it has happened afterwards."""
        status, body = await self.sim("POST", "time", {"advance_ms": milliseconds})
        assert status == 200, body
        self._virtual_ms = body["now_ms"]

    async def sim(self, method, door, body=None):
        async with self.session.request(method, f"{self.base}/_sim/{door}", json=body) as answer:
            return answer.status, await answer.json()

    async def hold(self, symbol, price):
        status, _ = await self.sim("POST", "price", {"symbol": symbol, "price": price, "hold": True})
        assert status == 200

    async def fault(self, kind, **options):
        status, body = await self.sim("POST", "faults", {"kind": kind, **(options or {"next_n": 1})})
        assert status == 200, body

    async def ledger(self):
        _, body = await self.sim("GET", "ledger")
        return body

    async def open_account(self, key, balance="10000", **options):
        wish = {"api_key": key, "api_secret": f"{key}-secret", "balance": balance, **options}
        status, body = await self.sim("POST", "accounts", wish)
        assert status == 200, body
        return Trader(self, key, f"{key}-secret")

    async def public(self, path, **params):
        async with self.session.get(f"{self.base}{path}", params=params) as answer:
            return answer.status, await answer.json()

    def rewritten(self, urls):
        """ccxt's URL table, pointed here."""
        if isinstance(urls, dict):
            return {name: self.rewritten(value) for name, value in urls.items()}
        return re.sub(r"^(http|ws)s?://[^/]+", rf"\1://127.0.0.1:{self.port}", urls)


class Trader:
    def __init__(self, venue, key, secret):
        self.venue = venue
        self.key = key
        self.secret = secret

    def sign(self, payload):
        return hmac.new(self.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()

    async def send(self, method, path, **params):
        """(status, JSON) of a request signed in the query."""
        query = urlencode({name: value for name, value in params.items() if value is not None})
        query = f"{query}&" * bool(query) + f"timestamp={self.venue.now_ms()}"
        return await self.raw(method, f"{path}?{query}&signature={self.sign(query)}")

    async def raw(self, method, target, body=None, *, with_headers=False):
        from yarl import URL

        url = URL(self.venue.base + target, encoded=True)
        headers = {"X-MBX-APIKEY": self.key}
        async with self.venue.session.request(method, url, data=body, headers=headers) as answer:
            content = await answer.json()
            return (answer.status, content, answer.headers) if with_headers else (answer.status, content)

    async def code(self, method, path, **params):
        """The error code, 0 when the venue agrees."""
        _, body = await self.send(method, path, **params)
        return body.get("code", 0) if isinstance(body, dict) else 0

    async def order(self, **params):
        wish = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01", "newOrderRespType": "RESULT"}
        return await self.send("POST", "/fapi/v1/order", **{**wish, **params})

    async def order_code(self, **params):
        _, body = await self.order(**params)
        return body.get("code", 0)

    async def algo(self, **params):
        wish = {
            "algoType": "CONDITIONAL",
            "symbol": "BTCUSDT",
            "side": "SELL",
            "type": "STOP_MARKET",
            "quantity": "0.01",
            "triggerPrice": "90000",
            "reduceOnly": "true",
        }
        return await self.send("POST", "/fapi/v1/algoOrder", **{**wish, **params})

    async def algo_code(self, **params):
        _, body = await self.algo(**params)
        return body.get("code", 0)

    async def positions(self):
        _, body = await self.send("GET", "/fapi/v3/positionRisk")
        return {(row["symbol"], row["positionSide"]): row["positionAmt"] for row in body}


def now_ms():
    return time.time_ns() // 1_000_000


async def eventually(check):
    """Ask until it is true; the test's own timeout is the limit."""
    while not await check():
        await asyncio.wait({asyncio.get_running_loop().create_future()}, timeout=0.02)


async def outcome(trader, **params):
    """What the client sees: (status, code or text) or the name of the error."""
    try:
        status, body = await trader.order(**params)
    except aiohttp.ContentTypeError as error:
        return error.status
    except (aiohttp.ClientError, ValueError) as error:
        return type(error).__name__
    return status, body.get("code", body.get("status")) if isinstance(body, dict) else body


SPOILED = (
    ("drop_before", "ServerDisconnectedError", 0),
    ("drop_after", "ServerDisconnectedError", 1),
    ("truncated", "ClientPayloadError", 1),
    ("html_502", 502, 0),
    ("unknown_executed", (408, -1007), 1),
    ("unknown_not_executed", (408, -1007), 0),
    ("rate_limit", (429, -1003), 0),
    ("ban", (418, -1003), 0),
    ("empty_200", (200, None), 1),
)
"""A fault of one order, what its client sees, and how many orders were executed."""
