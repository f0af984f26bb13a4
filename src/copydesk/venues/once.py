"""The way to a venue that sends what it is given once: no repeat, no redirect. For every venue; it knows none of them."""

import ssl

import aiohttp

_REDIRECTS = range(300, 400)


def open_http(connections_max: int) -> aiohttp.ClientSession:
    """A pool of connections of our own; needs the running loop."""
    connector = aiohttp.TCPConnector(limit=connections_max, ssl=ssl.create_default_context())
    http = aiohttp.ClientSession(connector=connector, middlewares=(_as_sent,))
    # aiohttp would send a PUT or DELETE a second time when a kept-alive connection drops (measured, 3.14.5).
    http._retry_connection = False  # noqa: SLF001  it has no public switch
    return http


def never_connected(error: BaseException) -> bool:
    """Only a connection that was never made proves that nothing was sent."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, aiohttp.ClientConnectorError):
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
