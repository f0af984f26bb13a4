"""The ways to the venue: orders over its WebSocket API, everything else (and orders where that is away) over REST.

ccxt carries REST: one instance, one TLS context and one connection pool an environment, for all accounts. Its limiter and
retries are off; its error classes are replaced by our own reading of the body. Requests are signed by ccxt with the key of
whoever they are for: signing does not await, so two accounts cannot mix.
"""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit

import aiohttp
import ccxt
import ccxt.async_support

from copydesk.domain.errors import CredentialsRefused, OutcomeUnknown, VenueError, VenueUnavailable
from copydesk.domain.subscription import Environment
from copydesk.ports.clock import Clock
from copydesk.venues.binance.budget import Budget, is_background, weight_of
from copydesk.venues.binance.frames import METHODS, Answer
from copydesk.venues.binance.order_sockets import ACCOUNTS_EACH, OrderSockets, result_of
from copydesk.venues.binance.refusals import TOO_MANY_REQUESTS, read_refusal
from copydesk.venues.once import never_connected, open_http

T = TypeVar("T")

CONNECTIONS_MAX = 256
"""Sockets to the venue from one process; more orders at once wait for a free one."""

PING_EVERY_S = 60.0
"""A stream whose end does not answer pings is dead, however silent a live one may be."""

_STREAMS = {Environment.LIVE: "wss://fstream.binance.com", Environment.DEMO: "wss://fstream.binancefuture.com"}
"""The demo's is ccxt's (4.5.90); elsewhere demo-fstream.binance.com is written. Without it the desk asks instead."""

_ORDERS = {
    Environment.LIVE: "wss://ws-fapi.binance.com/ws-fapi/v1",
    Environment.DEMO: "wss://testnet.binancefuture.com/ws-fapi/v1",
}
"""The demo's is ccxt's (4.5.90); where it is not there, orders go over REST."""

SUCCESS = range(200, 300)


class UsdmExchange(ccxt.async_support.binanceusdm):  # type: ignore[misc]  # ccxt ships no types we can trust here
    """ccxt's binanceusdm, except that an answer which is no success says what we know afterwards."""

    told: Callable[[Mapping[str, str]], None] = staticmethod(lambda _headers: None)

    def handle_errors(self, *answer: Any) -> None:
        """Called by ccxt with every answer, before any classification of its own."""
        status, _reason, _url, _method, headers, body, response = answer[:7]
        self.told(headers)
        refused = isinstance(response, dict) and str(response.get("code", "200")) != "200"
        if status not in SUCCESS or response is None or refused:
            raise read_refusal(status, body or "", headers)


class Transport:
    """Calls Binance in one environment. Raises VenueErrors only, and never sends anything twice by itself."""

    def __init__(
        self,
        environment: Environment,
        clock: Clock,
        *,
        simulator_url: str | None,
        timeout_s: float,
        accounts_each: int = ACCOUNTS_EACH,
    ) -> None:
        self.budget = Budget(clock)
        url = _ORDERS.get(environment) or f"{_as_socket(simulator_url)}/ws-fapi/v1"
        self.sockets = OrderSockets(url, clock, self.budget, accounts_each=accounts_each, timeout_s=timeout_s)
        self._environment = environment
        self._simulator_url = simulator_url
        self._timeout_s = timeout_s
        self._exchange: Any = None
        self._http: aiohttp.ClientSession | None = None
        self._reading: set[asyncio.Task[Any]] = set()

    def exchange(self) -> Any:
        """The ccxt instance, made on first use (it needs the running loop)."""
        if self._environment is Environment.SIMULATOR and self._simulator_url is None:
            raise VenueUnavailable("no Binance simulator is configured (COPYDESK_SIMULATOR__BINANCE_URL)")
        if self._exchange is None:
            self._http = open_http(CONNECTIONS_MAX)
            exchange = UsdmExchange(
                {
                    "session": self._http,
                    "enableRateLimit": False,
                    "timeout": int(self._timeout_s * 1000),
                    "options": {
                        "maxRetriesOnFailure": 0,
                        "fetchCurrencies": False,
                        "fetchMarkets": {"types": ["linear"]},
                    },
                },
            )
            exchange.told = self.budget.note
            self._point(exchange)
            self._exchange = exchange  # only once it points where it should: before, it is the live exchange
        return self._exchange

    async def markets(self) -> list[Mapping[str, Any]]:
        """The entries of exchangeInfo for the tradable perpetuals, as ccxt loaded them."""
        exchange = self.exchange()
        await self.budget.take(1)
        await self._guarded(exchange.load_markets(True))
        return [market["info"] for market in exchange.markets.values() if market["swap"] and market["active"]]

    async def public(self, path: str, api: str = "fapiPublic", **params: str) -> Any:
        await self.budget.take(weight_of("GET", path))
        request = self.exchange().sign(path, [api], "GET", params)
        return await self._send(request)

    async def price(self, symbol: str) -> str:
        """Of the last trade."""
        answer = await self.public("ticker/price", symbol=symbol)
        if not isinstance(answer, dict) or "price" not in answer:
            raise OutcomeUnknown("Binance tells no price")
        return str(answer["price"])

    def stream_url(self, path: str) -> str:
        """Where the venue tells what happens, by itself."""
        return (_STREAMS.get(self._environment) or _as_socket(self._simulator_url)) + path

    async def server_time(self, clock: Clock) -> tuple[Any, float]:
        """The answer to "what time is it", and its seconds on the way: waiting for weight is no part of them."""
        await self.budget.take(weight_of("GET", "time"))
        request = self.exchange().sign("time", ["fapiPublic"], "GET", {})
        asked_s = clock.elapsed()
        return await self._send(request), clock.elapsed() - asked_s

    async def signed(
        self,
        credentials: Mapping[str, str],
        method: str,
        path: str,
        params: Mapping[str, Any],
        api: str = "fapiPrivate",
    ) -> Any:
        """One signed request; `params` may bring their own frozen timestamp."""
        if method == "POST" and path in METHODS:
            self.budget.take_order(credentials["api_key"])
            if "timestamp" in params:
                answer = await self.sockets.ask(
                    METHODS[path], params, credentials["api_key"], credentials["api_secret"]
                )
                if answer is not None:
                    return await self._read(answer, credentials)
        else:
            await self.budget.take(weight_of(method, path), background=is_background(method, path))
        return await self._over_rest(credentials, method, path, params, api)

    def begin(
        self, credentials: Mapping[str, str], path: str, params: Mapping[str, str], read: Callable[[Any], T]
    ) -> asyncio.Future[T] | None:
        """What `read` makes of what `signed` tells of an order, which is on its way when this returns; None where no connection
        is open for it.
        """
        socket = self.sockets.ready(credentials["api_key"])
        if socket is None:
            return None
        self.budget.take_order(credentials["api_key"])
        shown: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        told = partial(self._tell, shown, credentials, read)
        socket.begin(METHODS[path], params, credentials["api_key"], credentials["api_secret"].encode(), told)
        return shown

    def _tell(
        self,
        shown: asyncio.Future[T],
        credentials: Mapping[str, str],
        read: Callable[[Any], T],
        told: Answer | OutcomeUnknown,
    ) -> None:
        if shown.done():
            return  # nobody waits for it any more
        if isinstance(told, OutcomeUnknown):
            shown.set_exception(told)
        elif told.is_success:
            _show(shown, read, told.result)
        else:
            reading = asyncio.get_running_loop().create_task(self._read(told, credentials))
            self._reading.add(reading)
            reading.add_done_callback(partial(self._pass_on, shown, read))

    def _pass_on(self, shown: asyncio.Future[T], read: Callable[[Any], T], reading: asyncio.Task[Any]) -> None:
        self._reading.discard(reading)
        if shown.done() or reading.cancelled():
            shown.cancel()
        elif (error := reading.exception()) is not None:
            shown.set_exception(error)
        else:
            _show(shown, read, reading.result())

    async def _read(self, answer: Answer, credentials: Mapping[str, str]) -> Any:
        """A throttled address falls silent; a key that is refused among others is proved by itself before it is called bad."""
        try:
            return result_of(answer)
        except VenueUnavailable as error:
            self._fall_silent(error)
            raise
        except CredentialsRefused as error:
            if not self.sockets.are_shared:
                raise
            try:
                await self.signed(credentials, "GET", "account", {}, "fapiPrivateV3")
            except CredentialsRefused:
                raise error from None
            except VenueError:
                # Nothing was placed; whether it is the key is not known, and nobody is paused for that.
                raise VenueUnavailable(f"not placed: {error.text}", code=error.code) from error
            self.sockets.leave(credentials["api_key"])
            raise VenueUnavailable(f"not placed: {error.text}", code=error.code) from error

    async def _over_rest(
        self, credentials: Mapping[str, str], method: str, path: str, params: Mapping[str, Any], api: str
    ) -> Any:
        exchange = self.exchange()
        exchange.apiKey, exchange.secret = credentials["api_key"], credentials["api_secret"]
        try:
            request = exchange.sign(path, [api], method, dict(params))
        except ccxt.AuthenticationError as error:
            raise CredentialsRefused("the key or its secret is empty") from error
        finally:
            exchange.apiKey = exchange.secret = ""
        return await self._send(request)

    async def connect(self, path: str) -> aiohttp.ClientWebSocketResponse:
        """A WebSocket of the user-data streams. Raise VenueUnavailable."""
        http: aiohttp.ClientSession = self.exchange().session
        try:
            async with asyncio.timeout(self._timeout_s):
                return await http.ws_connect(self.stream_url(path), heartbeat=PING_EVERY_S)
        except (aiohttp.ClientError, OSError) as error:
            # Neither its text nor the error itself goes on: the address in it holds the listen keys.
            raise VenueUnavailable(f"no stream from Binance: {type(error).__name__}") from None

    async def close(self) -> None:
        self.sockets.close()
        if self._exchange is not None:
            await self._exchange.close()
        if self._http is not None:
            await self._http.close()

    async def _send(self, request: Mapping[str, Any]) -> Any:
        sent = self.exchange().fetch(request["url"], request["method"], request["headers"], request["body"])
        return await self._guarded(sent)

    async def _guarded(self, sent: Any) -> Any:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await sent
        except VenueUnavailable as error:
            self._fall_silent(error)
            raise
        except VenueError:
            raise
        except (ccxt.BaseError, aiohttp.ClientError, OSError, ValueError) as error:
            raise _read_failure(error) from error

    def _fall_silent(self, error: VenueUnavailable) -> None:
        if error.retry_after_s and error.code == TOO_MANY_REQUESTS:
            self.budget.quiet(error.retry_after_s)

    def _point(self, exchange: Any) -> None:
        if self._environment is Environment.DEMO:
            exchange.enable_demo_trading(True)
        elif self._simulator_url is not None and self._environment is Environment.SIMULATOR:
            urls = exchange.urls["api"]
            exchange.urls["api"] = {
                name: self._simulator_url.rstrip("/") + urlsplit(url).path if isinstance(url, str) else url
                for name, url in urls.items()
            }


def _show(shown: asyncio.Future[T], read: Callable[[Any], T], result: Any) -> None:
    """What the answer says of the order, to whoever waits for it."""
    try:
        shown.set_result(read(result))
    except Exception as error:  # noqa: BLE001  whatever breaks here, whoever waits hears of it: the order may be there
        shown.set_exception(error)


def _as_socket(simulator_url: str | None) -> str:
    return (simulator_url or "").rstrip("/").replace("http", "ws", 1)


def _read_failure(error: BaseException) -> VenueError:
    if never_connected(error):
        return VenueUnavailable(f"no connection to Binance: {error.__cause__ or error}")
    text = "no answer in time" if isinstance(error, TimeoutError | ccxt.RequestTimeout) else type(error).__name__
    return OutcomeUnknown(f"Binance: {text}")
