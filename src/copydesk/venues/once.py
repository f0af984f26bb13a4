"""The way to a venue that sends what it is given once: no repeat, no redirect. For every venue; it knows none of them."""

import asyncio
import ssl
from typing import Any

import aiohttp

_REDIRECTS = range(300, 400)

LEAVES_WITHIN_S = 5.0
"""From being asked for until it is on a connection. Whoever was stopped meanwhile must not send what was wanted then."""


class TooLate(aiohttp.ClientConnectionError):
    """A connection came so late that nothing was sent over it."""


class _Prompt(aiohttp.TCPConnector):
    """What is asked leaves soon, or not at all: some exchanges take orders by GET (Deribit), so no method is exempt."""

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Any],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109  its own name
    ) -> aiohttp.connector.Connection:
        loop = asyncio.get_running_loop()
        asked_s = loop.time()
        connection = await super().connect(req, traces, timeout)
        if loop.time() - asked_s > LEAVES_WITHIN_S:
            connection.release()
            raise TooLate("no connection in time")
        return connection


def open_http(connections_max: int) -> aiohttp.ClientSession:
    """A pool of connections of our own; needs the running loop."""
    connector = _Prompt(limit=connections_max, ssl=ssl.create_default_context())
    http = aiohttp.ClientSession(connector=connector, middlewares=(_as_sent,))
    # aiohttp would send a PUT or DELETE a second time when a kept-alive connection drops (measured, 3.14.5).
    http._retry_connection = False  # noqa: SLF001  it has no public switch
    return http


def never_connected(error: BaseException) -> bool:
    """Only a connection that was never made proves that nothing was sent."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, aiohttp.ClientConnectorError | TooLate):
            return True
        cause = cause.__cause__
    return False


async def _as_sent(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """No redirect is followed: aiohttp would send an order once more (307), and its key to whoever is named there."""
    answer = await send(request)
    if answer.status in _REDIRECTS:
        answer.close()
        raise aiohttp.ClientResponseError(answer.request_info, (), status=answer.status, message="redirected")
    return answer
